package instrument

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"standfast/internal/fault"
)

// realData opens a file of the real data that lies beside the repository, and
// skips the test where there is none.
func realData(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("../../../../shared/data", path))
	if err != nil {
		t.Skipf("the real data is not here: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func realTable(t testing.TB) *ModulusTable {
	t.Helper()
	table, err := LoadModulus(realData(t, "uk-modulus/valacdos-v640.txt"), realData(t, "uk-modulus/scsubtab.txt"))
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func TestVocalinksCases(t *testing.T) {
	table := realTable(t)
	rows, err := csv.NewReader(realData(t, "uk-modulus/vocalink-test-cases.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows[1:] {
		_, _, checked, err := UKAccount(table, r[0], r[1])
		if (err == nil) != (r[2] == "true") || !checked {
			t.Errorf("%s %s: %v (checked %v), case %q", r[0], r[1], err, checked, r[3])
		}
	}
	if len(rows) != 35 {
		t.Fatalf("%d cases, want 34", len(rows)-1)
	}
}

// Every row of the real table can be reached, which the search must not break.
func TestEveryRangeOfTheRealTableIsFound(t *testing.T) {
	table := realTable(t)
	for _, r := range table.rows {
		for _, sort := range []string{r.from, r.to} {
			found := false
			for _, f := range table.find(sort) {
				found = found || f == r
			}
			if !found {
				t.Fatalf("row %s-%s is not found for %s", r.from, r.to, sort)
			}
		}
	}
}

func TestFedACHDirectory(t *testing.T) {
	in := bufio.NewScanner(realData(t, "fed/FedACHdir.txt"))
	n := 0
	for in.Scan() {
		if n++; len(in.Text()) < 9 {
			t.Fatalf("line %d is short", n)
		}
		if _, err := RoutingNumber(in.Text()[:9]); err != nil {
			t.Errorf("line %d: %v", n, err)
		}
	}
	if n != 18198 {
		t.Fatalf("%d routing numbers, want 18,198", n)
	}
}

// registry gives the named rows of SWIFT's registry, country by country.
func registry(t *testing.T) map[string][]string {
	t.Helper()
	text, err := io.ReadAll(realData(t, "iban/iban_registry_v99.txt"))
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if _, ok := rows[f[0]]; !ok {
			rows[f[0]] = f[1:]
		}
	}
	return rows
}

func TestEveryCountryOfTheRegistry(t *testing.T) {
	r := registry(t)
	n := 0
	for i, country := range r["IBAN prefix country code (ISO 3166)"] {
		if country = strings.TrimSpace(country); country == "" {
			continue
		}
		n++
		structure := strings.ReplaceAll(strings.TrimSpace(r["BBAN structure"][i]), "!", "")
		if got, want := perCharacter(bbanStructure(country)), perCharacter(structure); got != want {
			t.Errorf("%s: structure %s, registry says %s", country, got, want)
		}
	}
	if n != 89 {
		t.Fatalf("%d countries, want 89", n)
	}
}

// perCharacter writes a structure with one letter a character, so that 4n4n equals 8n.
func perCharacter(structure string) (s string) {
	eachRun(structure, func(n int, class byte) bool { s += strings.Repeat(string(class), n); return true })
	return s
}

// Some of the registry's own examples carry wrong check digits or are cut, so
// only those that MOD 97-10 accepts must be accepted here.
func TestTheRegistrysExamples(t *testing.T) {
	examples := registry(t)["IBAN electronic format example"]
	good := 0
	for _, e := range examples {
		e = strings.TrimSpace(e)
		if len(e) < 5 || mod97(e[4:]+e[:4]) != 1 {
			continue
		}
		if _, err := IBAN(e); err != nil {
			t.Errorf("%s: %v", e, err)
		}
		good++
	}
	if good < 80 {
		t.Fatalf("only %d examples have right check digits", good)
	}
}

// The list of commons-validator also has countries outside the registry, which
// are refused for their country alone, and marks wrong numbers with a minus.
func TestCommonsValidatorsIBANs(t *testing.T) {
	in := bufio.NewScanner(realData(t, "iban/IBANtests.txt"))
	accepted := 0
	for in.Scan() {
		line := strings.TrimSpace(in.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		_, err := IBAN(strings.TrimPrefix(line, "-"))
		code := ""
		if err != nil {
			code = fault.As(err).Fields[0].Code
		}
		switch {
		case line[0] == '-' && err == nil:
			t.Errorf("%s was accepted", line)
		case line[0] != '-' && err != nil && code != "iban.country" && code != "iban.length":
			t.Errorf("%s: %v", line, err)
		case err == nil:
			accepted++
		}
	}
	if accepted != 67 {
		t.Fatalf("%d accepted, want 67", accepted)
	}
}

// A test processor's account numbers are well formed, whatever becomes of the debit.
func TestProcessorsTestAccounts(t *testing.T) {
	var list []struct{ Number string }
	if err := json.NewDecoder(realData(t, "cards/bank_accounts.json")).Decode(&list); err != nil {
		t.Fatal(err)
	}
	for _, x := range list {
		if _, err := usAccount(x.Number); err != nil {
			t.Errorf("%s: %v", x.Number, err)
		}
	}
	if len(list) == 0 {
		t.Fatal("no accounts")
	}
}

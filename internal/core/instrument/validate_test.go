package instrument

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"standfast/internal/fault"
)

// code gives the rule that err names, or "".
func code(err error) string {
	if err == nil {
		return ""
	}
	e := fault.As(err)
	if e.Kind != fault.Invalid || len(e.Fields) != 1 || e.Fields[0].Location == "" {
		return "not a field's error: " + e.Error()
	}
	return e.Fields[0].Code
}

func TestRoutingNumbers(t *testing.T) {
	for in, want := range map[string]string{
		"011000015": "", "0110 0001 5": "", "021000021": "", "0210-0002-1": "",
		"": "routing-number.missing", "02100002": "routing-number.digits", "0210000210": "routing-number.digits",
		"02100002a": "routing-number.digits", "０２１０００021": "routing-number.digits", "021000022": "routing-number.check",
		"000000000": "routing-number.prefix", "990000003": "routing-number.prefix", "130000006": "routing-number.prefix",
		strings.Repeat("0", 1<<20): "routing-number.digits",
	} {
		if _, err := RoutingNumber(in); code(err) != want {
			t.Errorf("%.20q: %q, want %q", in, code(err), want)
		}
	}
}

// One wrong digit is always found; that is what the weights 3, 7, 1 are for.
func TestARoutingNumberWithOneWrongDigitIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := []byte(fmt.Sprintf("%02d%06d0", rapid.IntRange(1, 12).Draw(t, "district"), rapid.IntRange(0, 999_999).Draw(t, "bank")))
		for d[8] = '0'; !routingCheck(string(d)); d[8]++ {
		}
		if _, err := RoutingNumber(string(d)); err != nil {
			t.Fatal(err)
		}
		i := rapid.IntRange(2, 8).Draw(t, "place")
		d[i] = '0' + (d[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "off by")))%10
		if _, err := RoutingNumber(string(d)); code(err) != "routing-number.check" {
			t.Fatal(string(d), err)
		}
	})
}

func TestUSAccounts(t *testing.T) {
	for in, want := range map[string]string{
		"1234": "", "12345678901234567": "", "00-1234": "", "123": "account-number.us-digits", "123456789012345678": "account-number.us-digits",
		"": "account-number.missing", "0000": "account-number.zeros", "12e4": "account-number.us-digits", "'; DROP": "account-number.us-digits",
	} {
		if _, err := usAccount(in); code(err) != want {
			t.Errorf("%q: %q, want %q", in, code(err), want)
		}
	}
}

func TestIBANs(t *testing.T) {
	for in, want := range map[string]string{
		"GB29 NWBK 6016 1331 9268 19": "", "de89370400440532013000": "", "NO9386011117947": "",
		"": "iban.missing", "GB": "iban.form", "G829NWBK": "iban.form", "GB29-NWBK": "iban.form", "ÄB29NWBK": "iban.form",
		"US29NWBK60161331926819": "iban.country", "GB29NWBK6016133192681": "iban.length", "GB29NWBK601613319268199": "iban.length",
		"GB29NWB160161331926819": "iban.structure", "GB28NWBK60161331926819": "iban.check",
		strings.Repeat("GB", 1<<20): "iban.form",
	} {
		if _, err := IBAN(in); code(err) != want {
			t.Errorf("%.40q: %q, want %q", in, code(err), want)
		}
	}
}

// anyIBAN makes a right IBAN of any country of the registry.
func anyIBAN() *rapid.Generator[string] {
	const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	entries := strings.Fields(ibanRegistry)
	return rapid.Custom(func(t *rapid.T) string {
		entry := rapid.SampledFrom(entries).Draw(t, "country")
		var bban strings.Builder
		eachRun(entry[2:], func(n int, class byte) bool {
			set := map[byte]string{'n': alphabet[:10], 'a': alphabet[10:], 'c': alphabet}[class]
			for range n {
				bban.WriteByte(rapid.SampledFrom([]byte(set)).Draw(t, "character"))
			}
			return true
		})
		return fmt.Sprintf("%s%02d%s", entry[:2], 98-mod97(bban.String()+entry[:2]+"00"), bban.String())
	})
}

func TestIBANsOfEveryCountryAreReadAndTyposFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := anyIBAN().Draw(t, "iban")
		printed := ""
		for i, r := range n {
			if i > 0 && i%4 == 0 {
				printed += " "
			}
			printed += string(r)
		}
		if got, err := IBAN(strings.ToLower(printed)); got != n || err != nil {
			t.Fatal(n, got, err)
		}
		i := rapid.IntRange(4, len(n)-2).Draw(t, "place")
		// A letter counts as two digits, so that 1B and B1 are the same number:
		// what is certain to be found is a swap of two digits or of two letters.
		if letter := func(c byte) bool { return c >= 'A' }; n[i] != n[i+1] && letter(n[i]) == letter(n[i+1]) {
			swapped := n[:i] + string(n[i+1]) + string(n[i]) + n[i+2:]
			if _, err := IBAN(swapped); err == nil {
				t.Fatalf("%s was accepted for %s", swapped, n)
			}
		}
	})
}

// A table of our own: one rule of each kind.
const (
	ownTable = "100000 100099 MOD10 0 0 0 0 0 0 7 1 3 7 1 3 7 1\r\n" +
		"200000 200000 MOD11 0 0 0 0 0 0 8 7 6 5 4 3 2 1\r\n" +
		"200000 200000 DBLAL 2 1 2 1 2 1 2 1 2 1 2 1 2 1 3\r\n"
	ownSubstitutes = "938173 938017\r\n"
)

func TestUKAccounts(t *testing.T) {
	table, err := LoadModulus(strings.NewReader(ownTable), strings.NewReader(ownSubstitutes))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sort, account, wantSort, want, code string
		checked                             bool
	}{
		{"10-00-01", "1000 0003", "100001", "10000003", "", true},
		{"100001", "10000004", "", "", "account-number.uk-check", false},
		{"30-00-00", "12345678", "300000", "12345678", "", false},
		{"30 00 00", "123456", "300000", "00123456", "", false},
		{"300000", "1234567", "300000", "01234567", "", false},
		{"090129", "512345678", "090125", "12345678", "", false},
		{"089999", "1234567890", "089999", "12345678", "", false},
		{"601613", "0012345678", "601613", "12345678", "", false},
		{"300000", "123456789", "", "", "account-number.uk-length", false},
		{"300000", "1234567890", "", "", "account-number.uk-length", false},
		{"300000", "12345", "", "", "account-number.uk-digits", false},
		{"300000", "12345678901", "", "", "account-number.uk-digits", false},
		{"300000", "", "", "", "account-number.missing", false},
		{"300000", "00000000", "", "", "account-number.zeros", false},
		{"30000", "12345678", "", "", "sort-code.digits", false},
		{"", "12345678", "", "", "sort-code.missing", false},
		{"000000", "12345678", "", "", "sort-code.zeros", false},
	} {
		sort, n, checked, err := UKAccount(table, c.sort, c.account)
		if code(err) != c.code || err == nil && (sort != c.wantSort || n != c.want || checked != c.checked) {
			t.Errorf("%s %s: %s %s %v %q", c.sort, c.account, sort, n, checked, code(err))
		}
		if _, _, checked, _ := UKAccount(nil, c.sort, c.account); checked {
			t.Errorf("%s was checked without a table", c.sort)
		}
	}
}

func TestBrokenModulusTablesAreRefusedWithTheirLine(t *testing.T) {
	for in, want := range map[string]string{
		"100000 100099 MOD10 0 0":                                    "valacdos: line 1: want 17 or 18 columns, got 5",
		"10000 100099 MOD10 0 0 0 0 0 0 7 1 3 7 1 3 7 1":             "valacdos: line 1: want a range of sort codes",
		"\n100000 100099 MOD12 0 0 0 0 0 0 7 1 3 7 1 3 7 1":          "valacdos: line 2: unknown method \"MOD12\"",
		"100000 100099 MOD10 x 0 0 0 0 0 7 1 3 7 1 3 7 1":            "valacdos: line 1: weight 1: want a small integer",
		"100000 100099 MOD10 0 0 0 0 0 0 7 1 3 7 1 3 7 1 15":         "valacdos: line 1: want an exception from 1 to 14",
		ownTable + "100050 100150 MOD10 0 0 0 0 0 0 7 1 3 7 1 3 7 1": "valacdos: the ranges 100000-100099 and 100050-100150 overlap",
		ownTable + "200000 200000 MOD10 0 0 0 0 0 0 7 1 3 7 1 3 7 1": "valacdos: the range 200000-200000 stands more than twice",
	} {
		if _, err := LoadModulus(strings.NewReader(in), strings.NewReader("")); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := LoadModulus(strings.NewReader(""), strings.NewReader("938173")); err == nil {
		t.Error("half a substitution was accepted")
	}
}

func FuzzIBAN(f *testing.F) {
	f.Add("GB29 NWBK 6016 1331 9268 19")
	f.Add("de89 3704")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := IBAN(s)
		if err != nil {
			return
		}
		if again, err := IBAN(n); again != n || err != nil {
			t.Fatalf("%q gave %q, and that %q, %v", s, n, again, err)
		}
	})
}

func FuzzUSNumbers(f *testing.F) {
	f.Add("021000021", "000123456789")
	f.Fuzz(func(t *testing.T, routing, account string) {
		if r, err := RoutingNumber(routing); err == nil && len(r) != 9 {
			t.Fatal(r)
		}
		if n, err := usAccount(account); err == nil && (len(n) < 4 || len(n) > 17) {
			t.Fatal(n)
		}
	})
}

func FuzzUKAccount(f *testing.F) {
	table, err := LoadModulus(strings.NewReader(ownTable), strings.NewReader(ownSubstitutes))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("10-00-01", "10000003")
	f.Add("200000", "123456")
	f.Fuzz(func(t *testing.T, sort, account string) {
		s, n, _, err := UKAccount(table, sort, account)
		if err == nil && (len(s) != 6 || len(n) != 8) {
			t.Fatal(s, n)
		}
	})
}

func FuzzLoadModulus(f *testing.F) {
	f.Add(ownTable, ownSubstitutes)
	f.Fuzz(func(t *testing.T, valacdos, scsubtab string) {
		table, err := LoadModulus(strings.NewReader(valacdos), strings.NewReader(scsubtab))
		if err != nil {
			return
		}
		for _, r := range table.rows {
			if _, covered := table.valid(r.from, "12345678"); !covered {
				t.Fatalf("row %s-%s covers nothing", r.from, r.to)
			}
		}
	})
}

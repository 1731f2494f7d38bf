package importer

import (
	"context"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/ledger"
	"standfast/internal/core/locator"
	"standfast/internal/core/member"
	ledgersource "standfast/internal/core/source/ledger"
	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// wire makes what an import writes through.
func wire(d *db.DB) Deps {
	l := ledger.New(d, ledger.Options{})
	members := member.New(d)
	accounts := account.New(d, l, members, map[string]account.Source{account.LedgerSource: ledgersource.New(l)}, account.Config{})
	return Deps{DB: d, Members: members, Accounts: accounts, Ledger: l, Locator: locator.New(d)}
}

// realSet converts one of the real data sets, or skips.
func realSet(t testing.TB, name string) string {
	t.Helper()
	script, err := filepath.Abs("../../../../shared/data/convert.py")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(script); err != nil {
		t.Skip("no real data: ../shared/data is not there")
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no real data: python3 is not installed")
	}
	dir := t.TempDir()
	if out, err := exec.Command(python, script, name, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return dir
}

func filesIn(dir string) Files {
	return Files{Members: filepath.Join(dir, "members.csv"), Accounts: filepath.Join(dir, "accounts.csv"), Transactions: filepath.Join(dir, "transactions.csv")}
}

// The balances that come out are those that convert.py reckoned, to the byte.
func TestRealSets(t *testing.T) {
	for _, set := range []struct {
		name         string
		accounts     int64
		transactions int64
	}{{"berka", 1229, 49102}, {"uci", 30000, 277908}} {
		t.Run(set.name, func(t *testing.T) {
			if set.name == "uci" && testing.Short() {
				t.Skip("short")
			}
			dir := realSet(t, set.name)
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				x := wire(d)
				for range 2 { // again changes nothing
					begun := time.Now()
					s, err := Run(context.Background(), x, filesIn(dir), nil)
					if err != nil {
						t.Fatal(err)
					}
					if s.Accounts != set.accounts || s.Transactions != set.transactions || s.Rejected != 0 {
						t.Fatalf("%+v", s)
					}
					t.Logf("%s: %d rows in %v", set.name, s.Transactions, time.Since(begun))
				}
				var got strings.Builder
				if err := Balances(context.Background(), x, &got); err != nil {
					t.Fatal(err)
				}
				want, err := os.ReadFile(filepath.Join(dir, "expected.csv"))
				if err != nil {
					t.Fatal(err)
				}
				if got.String() != string(want) {
					t.Fatalf("balances differ from expected.csv: %s", firstDifference(got.String(), string(want)))
				}
				if r, err := x.Ledger.Verify(context.Background()); err != nil || len(r.Problems) > 0 {
					t.Fatal(r, err)
				}
			})
		})
	}
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return g[i] + " is not " + w[i]
		}
	}
	return "their lengths"
}

func readCSV(t *testing.T, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := csv.NewReader(f)
	c.FieldsPerRecord = -1
	rows, err := c.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

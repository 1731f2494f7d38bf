package importer

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// envChild makes this test binary an importer that can be killed: it holds the
// database's path or URL, and the folder of the files.
const envChild = "STANDFAST_IMPORT_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(envChild); job != "" {
		target, dir, _ := strings.Cut(job, "\n")
		if err := child(context.Background(), target, dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child imports and writes a line for every batch that is committed.
func child(ctx context.Context, target, dir string) error {
	d, err := db.Open(ctx, target, db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = Run(ctx, wire(d), filesIn(dir), func(c Counts) { fmt.Println(c.File, c.Rows) })
	return err
}

// An import that kill -9 ends again and again, always at another place, comes to
// the same end as one that was left alone.
func TestKilled(t *testing.T) {
	for name, target := range map[string]func(*testing.T) string{
		"sqlite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "killed.db") },
		"postgresql": func(t *testing.T) string { return dbtest.PostgreSQLURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			path, dir := target(t), made(t, 1_200, 9_000)
			d, err := db.Open(t.Context(), path, db.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			if err := d.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			for batch := 1; killedAfter(t, path, dir, batch); batch++ {
			}
			x := wire(d)
			if s := mustRun(t, x, filesIn(dir)); s.Accounts != 1_200 || s.Transactions != 9_000 || s.Rejected != 0 {
				t.Errorf("%+v", s)
			}
			if rows := strings.Split(balances(t, x), "\n"); rows[0] != "a0,USD,8,10.00" || len(rows) != 1_201 {
				t.Error(len(rows), rows[0])
			}
			if r, err := x.Ledger.Verify(t.Context()); err != nil || len(r.Problems) > 0 || r.Transfers != 9_000 {
				t.Error(r, err)
			}
		})
	}
}

// killedAfter runs an import and kills it once it has written some batches. It
// tells whether it came to that.
func killedAfter(t *testing.T, target, dir string, batches int) bool {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), envChild+"="+target+"\n"+dir)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); {
		if n++; n == batches {
			_ = c.Process.Kill()
			_ = c.Wait()
			return true
		}
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	return false
}

// made writes files of people, a savings account each, and their deposits.
func made(t *testing.T, people, deposits int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	var members, accounts, transactions strings.Builder
	members.WriteString(membersHead)
	accounts.WriteString(accountsHead)
	transactions.WriteString(transactionsHead)
	for i := range people {
		fmt.Fprintf(&members, "m%d,user%d,Member %d,,,en-US,us\n", i, i, i)
		fmt.Fprintf(&accounts, "a%d,m%d,savings,USD,2020-01-01,\n", i, i)
	}
	for i := range deposits {
		fmt.Fprintf(&transactions, "a%d,t%d,2026-01-%02d,%d.25,deposit,x\n", i%people, i, i%28+1, i%50+1)
	}
	f := filesIn(dir)
	for path, text := range map[string]string{f.Members: members.String(), f.Accounts: accounts.String(), f.Transactions: transactions.String()} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

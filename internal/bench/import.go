package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"standfast/internal/masterkey"
)

// What an import must do.
const (
	leastRows  = 20000 // a second on SQLite
	mostMemory = 250   // MB resident
)

// realData is where the real card accounts are when they are there at all.
const realData = "../shared/data"

func importBench(ctx context.Context, c importCmd, r *Report) error {
	dir, err := os.MkdirTemp("", "standfast-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	f, err := importFiles(ctx, c, r, dir)
	if err != nil {
		return err
	}
	if err := importInto(ctx, r, "SQLite", leastRows, f, "--data", filepath.Join(dir, "sqlite")); err != nil {
		return err
	}
	srv, err := openServer(c.Database)
	if err != nil {
		return err
	}
	defer srv.stop()
	target, drop, err := srv.database(ctx, "import")
	if err != nil {
		return err
	}
	defer drop()
	key := filepath.Join(dir, "master.key")
	if _, err := masterkey.Create(key); err != nil {
		return err
	}
	return importInto(ctx, r, "PostgreSQL", 0, f, "--database", target, "--master-key", key)
}

// files are an import's input and how much is in it.
type files struct {
	members, accounts, transactions string
	rows                            int // of all three
	posted                          int // transactions alone
}

// importInto imports into an empty database in a process of its own, whose
// memory and time are then known to the kernel.
func importInto(ctx context.Context, r *Report, engine string, least float64, f files, where ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	args := append([]string{"import", "--members", f.members, "--accounts", f.accounts, "--transactions", f.transactions}, where...)
	cmd := exec.CommandContext(ctx, self, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("import: %w: %s", err, out.Bytes())
	}
	took := time.Since(start)
	speed := r.add("rows a second, "+engine, float64(f.rows)/took.Seconds(), "/s")
	if least > 0 {
		speed.atLeast(least)
	}
	r.add("  of them transactions a second, "+engine, float64(f.posted)/took.Seconds(), "/s")
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return errors.New("the system does not tell what memory a process used")
	}
	r.add("memory resident at most, "+engine, float64(usage.Maxrss)/1024, "MB").atMost(mostMemory)
	r.note("%s: %s in %.1f s, process start and schema included", engine, bytes.TrimSpace(out.Bytes()), took.Seconds())
	return nil
}

// importFiles gives the real card accounts where they are, or made-up ones of
// the same shape.
func importFiles(ctx context.Context, c importCmd, r *Report, dir string) (files, error) {
	f := files{filepath.Join(dir, "members.csv"), filepath.Join(dir, "accounts.csv"), filepath.Join(dir, "transactions.csv"), 0, 0}
	script := filepath.Join(realData, "convert.py")
	if _, err := os.Stat(script); err == nil {
		if out, err := exec.CommandContext(ctx, "python3", script, "uci", dir).CombinedOutput(); err == nil {
			r.note("real card accounts")
			return f, f.count()
		} else {
			r.note("the real card accounts could not be converted (%v: %s)", err, bytes.TrimSpace(out))
		}
	}
	r.note("made-up card accounts, because the real ones are absent")
	err := f.makeUp(c.Accounts)
	return f, err
}

// count counts the rows of files without their headers.
func (f *files) count() error {
	f.rows = 0
	for _, path := range []string{f.members, f.accounts, f.transactions} {
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f.posted = max(0, bytes.Count(b, []byte("\n"))-1)
		f.rows += f.posted
	}
	return nil
}

// makeUp writes n card accounts with six statements and five payments each, of
// which about one in seven is missing, as in the real set.
func (f *files) makeUp(n int) error {
	members, err := newTable(f.members, "member_ref", "username", "display_name", "email", "phone", "locale", "region")
	if err != nil {
		return err
	}
	accounts, err := newTable(f.accounts, "account_ref", "member_ref", "kind", "currency", "opened_on", "credit_limit")
	if err != nil {
		return err
	}
	transactions, err := newTable(f.transactions, "account_ref", "transaction_ref", "posted_on", "amount", "kind", "description")
	if err != nil {
		return err
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same file every time
	for i := range n {
		ref := "card-" + strconv.Itoa(i)
		members.row(ref, "holder"+strconv.Itoa(i), "Cardholder "+strconv.Itoa(i), ref+"@example.com", "", "en-US", "us")
		accounts.row(ref, ref, "card", currency, "2005-04-01", "50000")
		history(transactions, ref, random)
	}
	if err := errors.Join(members.close(), accounts.close(), transactions.close()); err != nil {
		return err
	}
	return f.count()
}

// history writes one account's six months.
func history(t *table, ref string, random *rand.Rand) {
	n := 0
	post := func(on string, minor int64, kind, description string) {
		if random.IntN(7) == 0 {
			return
		}
		n++
		t.row(ref, ref+"-"+strconv.Itoa(n), on, fmt.Sprintf("%d.%02d", minor/100, abs(minor%100)), kind, description)
	}
	post("2005-04-30", -100-random.Int64N(1_000_000), "opening", "Statement balance brought forward")
	for month := 5; month <= 9; month++ {
		post(fmt.Sprintf("2005-%02d-15", month), 100+random.Int64N(500_000), "payment", "Payment received")
		post(fmt.Sprintf("2005-%02d-28", month), -100-random.Int64N(500_000), "purchase", "Purchases less refunds in the month")
	}
}

func abs(n int64) int64 {
	if n < 0 {
		return -n
	}
	return n
}

// table is a CSV file being written; the first error is kept.
type table struct {
	f   *os.File
	w   *csv.Writer
	err error
}

func newTable(path string, columns ...string) (*table, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	t := &table{f: f, w: csv.NewWriter(f)}
	t.row(columns...)
	return t, nil
}

func (t *table) row(fields ...string) {
	if err := t.w.Write(fields); t.err == nil {
		t.err = err
	}
}

func (t *table) close() error {
	t.w.Flush()
	return errors.Join(t.err, t.w.Error(), t.f.Close())
}

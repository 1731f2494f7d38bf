package e2e

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// refusedWhile checks that nothing is acknowledged while something is broken,
// that nobody is told anything else than "not known now", and that it heals by
// itself. What was refused is then paid once, under the same key.
func refusedWhile(t *testing.T, c *client, broken, repair func()) {
	t.Helper()
	key := map[string]string{"Idempotency-Key": "while-broken"}
	before := len(c.payments(t))
	broken()
	for range 3 {
		status, a := c.do(t, "POST", "/payments", c.payment("12.00"), key)
		if status != http.StatusServiceUnavailable {
			t.Fatalf("a payment while nothing can be stored: %d %v", status, a)
		}
	}
	repair()
	eventually(t, 2*time.Minute, "payment after the repair", func() bool {
		status, _, err := c.send("POST", "/payments", c.payment("12.00"), key)
		return err == nil && status == http.StatusCreated
	})
	if after := len(c.payments(t)); after != before+1 {
		t.Errorf("%d payments before, %d after one was paid", before, after)
	}
}

func TestAFullDiskRefusesAndLosesNothing(t *testing.T) {
	dir := smallDisk(t)
	d := startDemo(t, "--data", dir)
	c := signIn(t, d, 0)
	kept := c.pay(t, "11.00", "before")
	ballast := filepath.Join(dir, "ballast")
	refusedWhile(t, c, func() { fillDisk(t, ballast) }, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
	if _, there := c.payments(t)[kept.ID]; !there {
		t.Error("the payment made before is gone")
	}
	d.stop(t)
	must(t, "verify", "--data", dir)
}

// smallDisk mounts a file system of 48 MiB, or skips the test where it may not.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=48m,mode=0700"); err != nil {
		t.Skipf("no small disk: mounting needs root (%v)", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fillDisk writes until nothing fits any more.
func fillDisk(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4096, 1} {
		chunk := make([]byte, size)
		for err = nil; err == nil; {
			_, err = f.Write(chunk)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
}

func TestAReadOnlyDatabaseRefusesAndLosesNothing(t *testing.T) {
	target := dbtest.PostgreSQLURL(t)
	d := startDemo(t, "--database", target)
	c := signIn(t, d, 0)
	admin, err := db.Open(t.Context(), target, db.Options{MaxConns: 4})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	readOnly := func(on string) {
		for _, q := range []string{
			`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = ` + on + `', current_database()); END $$`,
			`SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
		} {
			if _, err := admin.Pool().Exec(t.Context(), `SET default_transaction_read_only = off; `+q); err != nil {
				t.Fatal(err)
			}
		}
	}
	refusedWhile(t, c, func() { readOnly("on") }, func() { readOnly("off") })
	if status, _ := c.do(t, "GET", "/session", nil, nil); status != http.StatusOK {
		t.Errorf("the member was signed out: %d", status)
	}
	d.stop(t)
	must(t, "verify", "--database", target)
}

// A stop while requests are on their way answers each of them: none is cut off.
func TestAGracefulStopLosesNoRequest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d := startDemo(t, "--data", dir)
	c := signIn(t, d, 0)
	l := startLoad(t, c)
	eventually(t, 3*time.Minute, "load", func() bool { return l.acknowledged.Load() > 20 })
	pid := d.corePID(t)
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, 3*time.Minute, "new core", func() bool { return d.childPID() != 0 && d.childPID() != pid })
	after := l.acknowledged.Load() + 20
	eventually(t, 3*time.Minute, "load after the restart", func() bool { return l.acknowledged.Load() >= after })
	l.stop()
	if n := l.cut.Load(); n > 0 {
		t.Errorf("%d requests got no answer", n)
	}
	c.everyReceiptStands(t, l.receipts())
}

// A backup of a running service under load, restored into an empty place, is whole.
func TestABackupUnderLoadRestoresWhole(t *testing.T) {
	for engine, places := range map[string]func(t *testing.T) (from, to []string){
		"sqlite": func(t *testing.T) (from, to []string) {
			return []string{"--data", filepath.Join(t.TempDir(), "data")}, []string{"--data", filepath.Join(t.TempDir(), "restored")}
		},
		"postgresql": func(t *testing.T) (from, to []string) {
			return []string{"--database", dbtest.PostgreSQLURL(t)}, []string{"--database", dbtest.PostgreSQLURL(t)}
		},
	} {
		t.Run(engine, func(t *testing.T) {
			from, to := places(t)
			d := startDemo(t, from...)
			c := signIn(t, d, 0)
			kept := c.pay(t, "13.00", "kept")
			l := startLoad(t, c)
			eventually(t, 3*time.Minute, "load", func() bool { return l.acknowledged.Load() > 20 })
			file := filepath.Join(t.TempDir(), "backup.zip")
			must(t, append([]string{"backup", "--to", file}, from...)...)
			l.stop()
			d.stop(t)
			t.Log(must(t, append([]string{"restore", "--from", file}, to...)...))
			if engine == "sqlite" {
				copyKey(t, from[1], to[1])
			}
			again := startDemo(t, to...)
			c.base = again.API
			if _, there := c.payments(t)[kept.ID]; !there {
				t.Error("the payment made before the backup is not there")
			}
			again.stop(t)
			must(t, append([]string{"verify"}, to...)...)
		})
	}
}

// copyKey brings the master key back, which no backup holds.
func copyKey(t *testing.T, from, to string) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(from, "master.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(to, "master.key"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

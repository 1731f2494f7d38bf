package signin

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const envHashes = "STANDFAST_TEST_HASHES"

// The test's own program is the helper, too.
func TestMain(m *testing.M) {
	if os.Getenv(envHashes) != "" {
		if err := ServeHashes(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// apart is a pool of helpers that are real processes; started counts them.
func apart(t *testing.T, workers int) (p *pool, started *atomic.Int64) {
	started = new(atomic.Int64)
	p = newPool(cheap(), workers, 100, func() *exec.Cmd {
		started.Add(1)
		cmd := exec.Command(os.Args[0])
		cmd.Env, cmd.Stderr = append(os.Environ(), envHashes+"=1"), os.Stderr
		return cmd
	})
	t.Cleanup(func() {
		for range workers {
			(<-p.idle).stop()
		}
	})
	return p, started
}

// A helper knows every scheme that this process knows.
func TestHashesApartAreTheSame(t *testing.T) {
	p, _ := apart(t, 1)
	made, err := p.hash(ctx, right)
	must(t, err)
	imported, err := parsePHC("$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e")
	must(t, err)
	for _, h := range []verifier{made, hashPassword(right, cheap()), imported, nil} {
		for _, password := range []string{right, wrong, ""} {
			want := h != nil && h.matches(password)
			if got, err := p.matches(ctx, h, password); got != want || err != nil {
				t.Errorf("%v, %q: %v, %v; here %v", h, password, got, err, want)
			}
		}
	}
}

// However many hash at once, there are no more helpers than workers.
func TestThereAreNoMoreHelpersThanWorkers(t *testing.T) {
	p, started := apart(t, 2)
	var all sync.WaitGroup
	for range 40 {
		all.Go(func() {
			if _, err := p.hash(ctx, right); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := started.Load(); n < 1 || n > 2 {
		t.Error(n, "were started")
	}
}

// One that dies, or is stopped, or cannot be started costs nobody a sign-in.
func TestAHelperThatFailsCostsNobodyASignIn(t *testing.T) {
	p, started := apart(t, 1)
	stored := hashPassword(right, p.params)
	check := func(what string, helpers int64) {
		t.Helper()
		if ok, err := p.matches(ctx, stored, right); !ok || err != nil {
			t.Error(what, ok, err)
		}
		if ok, err := p.matches(ctx, stored, wrong); ok || err != nil {
			t.Error(what, ok, err)
		}
		if n := started.Load(); n != helpers {
			t.Error(what, "helpers were started:", n)
		}
	}
	signal := func(s syscall.Signal) {
		h := <-p.idle
		h.patience = time.Second
		must(t, h.cmd.Process.Signal(s))
		p.idle <- h
	}
	check("at first", 1)
	signal(syscall.SIGKILL)
	check("killed", 2)
	signal(syscall.SIGSTOP)
	check("stopped", 3)
	h := <-p.idle
	h.stop()
	h.command = func() *exec.Cmd { started.Add(1); return exec.Command("/nonexistent") }
	p.idle <- h
	check("cannot be started", 5)
}

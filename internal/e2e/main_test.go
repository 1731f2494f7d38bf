// Package e2e runs the built program as its users do: through its command line,
// its API, a browser, and `kill -9`. It holds tests only.
package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "standfast-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	build.dir = dir
	status := m.Run()
	shared.close()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

// build is the program under test, built once for all tests.
var build struct {
	dir  string
	once sync.Once
	err  error
}

// program gives the path of the built program, or of the one that
// STANDFAST_TEST_PROGRAM names.
func program(t testing.TB) string {
	t.Helper()
	if given := os.Getenv("STANDFAST_TEST_PROGRAM"); given != "" {
		return given
	}
	path := filepath.Join(build.dir, "standfast")
	build.once.Do(func() {
		out, err := exec.Command("go", "build", "-o", path, "standfast/cmd/standfast").CombinedOutput()
		if err != nil {
			build.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if build.err != nil {
		t.Fatal("the program does not build: ", build.err)
	}
	return path
}

// run runs a command of the program to its end and gives what it printed and its exit status.
func run(t testing.TB, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := exec.Command(program(t), args...)
	out, errs := &limited{}, &limited{}
	cmd.Stdout, cmd.Stderr = out, errs
	err := cmd.Run()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// must is run for commands that have to end well.
func must(t testing.TB, args ...string) string {
	t.Helper()
	out, errs, status := run(t, args...)
	if status != 0 {
		t.Fatalf("standfast %v: status %d\n%s%s", args, status, out, errs)
	}
	return out
}

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What deploy/ starts are commands and flags of this binary.
func TestUnitsStartWhatExists(t *testing.T) {
	units, err := filepath.Glob("../../deploy/systemd/*.service")
	if err != nil || len(units) < 2 {
		t.Fatalf("%v, %v", units, err)
	}
	start := regexp.MustCompile(`(?m)^ExecStart=/(?:usr/local/bin|opt/standfast/%i)/standfast (.+)$`)
	for _, path := range units {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		line := start.FindSubmatch(text)
		if line == nil {
			t.Errorf("%s starts nothing", path)
			continue
		}
		// The configuration is not there: that is found out only once command and flags are understood.
		var out, errs strings.Builder
		args := strings.Fields(string(line[1]))
		if status := run(args, &out, &errs); status != exitFailed || !strings.Contains(errs.String(), args[len(args)-1]) {
			t.Errorf("%s: %q ends with %d: %s", path, args, status, &errs)
		}
	}
}

// What a container's health check asks is a command, and says so when nobody is there.
func TestAHealthCheckFindsNobody(t *testing.T) {
	for _, args := range [][]string{{"healthy", "--admin", "localhost:1"}, {"healthy", "--admin", "localhost:1", "--ready"}} {
		var out, errs strings.Builder
		if status := run(args, &out, &errs); status != exitFailed || !strings.Contains(errs.String(), "Nothing answers") {
			t.Errorf("%v ends with %d: %s", args, status, &errs)
		}
	}
}

// Every socket that systemd holds has a name by which a process takes it over.
func TestSocketUnitsNameADoor(t *testing.T) {
	units, err := filepath.Glob("../../deploy/systemd/*.socket")
	if err != nil || len(units) != 2 {
		t.Fatalf("%v, %v", units, err)
	}
	named := regexp.MustCompile(`(?m)^FileDescriptorName=(public|http|internal)$`)
	for _, path := range units {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !named.Match(text) || !strings.Contains(string(text), "Service=standfast-edge.service") {
			t.Errorf("%s is nobody's door", path)
		}
	}
}

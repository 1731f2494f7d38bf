package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Scripts rely on these statuses (docs/formats/import.md).
func TestExitStatuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const header = "member_ref,username,display_name,email,phone,locale,region\n"
	data := filepath.Join(dir, "data")
	good, half := file("good.csv", header+"m1,ada,Ada,ada@example.com,,en-US,us\n"), file("half.csv", header+"m2,bob,Bob,bob@example.com,,en-US,us\nm3,,,,,,\n")
	for _, c := range []struct {
		name string
		args string
		want int
	}{
		{"help", "--help", exitDone},
		{"no such command", "frob", exitUsage},
		{"no such flag", "verify --frob", exitUsage},
		{"nowhere", "balances", exitUsage},
		{"two places", "verify --data " + dir + " --config " + good, exitUsage},
		{"no database there", "verify --data " + dir, exitFailed},
		{"a demo for the network", "demo --listen 0.0.0.0:0", exitUsage},
		{"an import", "import --data " + data + " --members " + good, exitDone},
		{"the same again", "import --data " + data + " --members " + good, exitDone},
		{"rows rejected", "import --data " + data + " --members " + half, exitRejected},
		{"a missing column", "import --data " + data + " --members " + file("short.csv", "member_ref,username\nx,y\n"), exitUsage},
		{"a missing file", "import --data " + data + " --members " + filepath.Join(dir, "none.csv"), exitUsage},
		{"a list of passwords", "passwords build " + file("list.txt", "password one\n") + " " + filepath.Join(dir, "list.pwd"), exitDone},
		{"a list that is none", "passwords build --form sha1 " + file("list2.txt", "password one\n") + " " + filepath.Join(dir, "list.pwd"), exitFailed},
		{"what was imported is whole", "verify --data " + data, exitDone},
	} {
		var out, errs strings.Builder
		if got := run(strings.Fields(c.args), &out, &errs); got != c.want {
			t.Errorf("%s: status %d, want %d: %s%s", c.name, got, c.want, &out, &errs)
		}
	}
}

// Package house holds the rules of the house that the compiler does not: which
// room may import which, how long a function may be, what may not stand in a
// file. It reads the sources when it runs, so it must not be replayed from the
// test cache: `make test` runs it with -count=1.
package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository's folder, seen from this package.
const root = "../.."

// pkg is what these tests need to know of a package (see `go help list`).
type pkg struct {
	ImportPath, Name, Dir              string
	Imports, TestImports, XTestImports []string
}

// packages lists the module's packages as they are on disk now.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Dir,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
	if len(list) < 5 {
		t.Fatalf("go list found only %d packages", len(list))
	}
	return list
}

// source is one parsed Go file of the module.
type source struct {
	path string // from the repository's folder
	fset *token.FileSet
	file *ast.File
	test bool
}

// sources parses every Go file that people write: generated ones are left out.
func sources(t *testing.T) []source {
	t.Helper()
	var list []source
	for _, path := range tracked(t) {
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_templ.go") {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(root, path), nil, parser.ParseComments)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, not yet committed
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if !ast.IsGenerated(f) {
			list = append(list, source{path, fset, f, strings.HasSuffix(path, "_test.go")})
		}
	}
	return list
}

// tracked lists the files that git knows, or all files where this is no git work tree.
func tracked(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "-z")
	cmd.Dir = root
	if out, err := cmd.Output(); err == nil && len(out) > 0 {
		return strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
	}
	var list []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "bin") {
			return fs.SkipDir
		}
		if rel, err := filepath.Rel(root, path); err == nil && d.Type().IsRegular() {
			list = append(list, filepath.ToSlash(rel))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// read gives a tracked file's bytes, nil where it is removed and not yet committed.
func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return b
}

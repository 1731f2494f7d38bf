package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

const stream = `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"    a_test.go:7: no PostgreSQL: not installed\n"}
{"Action":"output","Package":"p","Test":"TestA","Output":"--- SKIP: TestA (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p"}
{"Action":"skip","Package":"empty"}
{"Action":"fail","Package":"q","Test":"TestC/sub"}
{"Action":"fail","Package":"q"}
{"Action":"build-output","ImportPath":"r","Output":"does not compile\n"}
{"Action":"fail","Package":"r","FailedBuild":"r"}
`

func TestSummaryCountsTestsAndPackagesThatNeverRan(t *testing.T) {
	s := newSummary()
	s.read(strings.NewReader(stream))
	var out bytes.Buffer
	s.print(&out)
	want := "skip  1 × no PostgreSQL: not installed (p TestA)\n1 passed, 2 failed, 1 skipped\n"
	if out.String() != want {
		t.Fatalf("got %q, want %q", out.String(), want)
	}
}

func TestRunsAreSplitAtDashes(t *testing.T) {
	got := runs([]string{"--", "-count=1", "./...", "--", "-race", "./x"})
	want := [][]string{{"-count=1", "./..."}, {"-race", "./x"}}
	if !reflect.DeepEqual(got, want) {
		t.Fatal(got)
	}
}

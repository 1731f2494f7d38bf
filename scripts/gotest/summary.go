package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
)

// event is a line of `go test -json` (see `go doc test2json`).
type event struct {
	Action, Package, ImportPath, Test, Output, FailedBuild string
	Elapsed                                                float64
}

type test struct{ pkg, name string }

// summary counts tests, subtests among them. A package that fails without a
// failed test (it does not compile, it panics, it is late) counts as one failure.
type summary struct {
	passed, failed, skipped int
	output                  map[test][]string
	builds                  map[string][]string // compiler's words by import path
	counts                  map[string]int      // tests finished by package
	broken                  map[string]bool     // packages with a failed test
	skips                   map[string][]test   // by reason
}

func newSummary() *summary {
	return &summary{output: map[test][]string{}, builds: map[string][]string{}, counts: map[string]int{}, broken: map[string]bool{}, skips: map[string][]test{}}
}

func (s *summary) add(e event) {
	t := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		s.builds[e.ImportPath] = append(s.builds[e.ImportPath], e.Output)
	case "output":
		s.output[t] = append(s.output[t], e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.endPackage(e)
		} else {
			s.endTest(e, t)
		}
		delete(s.output, t)
	}
}

func (s *summary) endTest(e event, t test) {
	s.counts[t.pkg]++
	switch e.Action {
	case "pass":
		s.passed++
	case "skip":
		s.skipped++
		why := reason(s.output[t])
		s.skips[why] = append(s.skips[why], t)
	case "fail":
		s.broken[t.pkg] = true
		s.fail(t.pkg+" "+t.name, strings.Join(s.output[t], ""))
	}
}

func (s *summary) endPackage(e event) {
	if e.Action != "fail" {
		if n := s.counts[e.Package]; n > 0 {
			fmt.Printf("ok    %-55s %6.1f s %5d tests\n", e.Package, e.Elapsed, n)
		}
		s.counts[e.Package] = 0 // the next run starts anew
		return
	}
	if s.broken[e.Package] {
		fmt.Printf("FAIL  %-55s %6.1f s\n", e.Package, e.Elapsed)
		return
	}
	said := strings.Join(s.builds[e.FailedBuild], "") + strings.Join(s.output[test{e.Package, ""}], "") + s.unfinished(e.Package)
	s.fail(e.Package, said)
}

// unfinished gives what tests said that neither passed nor failed: those a panic or a timeout cut off.
func (s *summary) unfinished(pkg string) string {
	var b strings.Builder
	for t, out := range s.output {
		if t.pkg == pkg && t.name != "" {
			b.WriteString(strings.Join(out, ""))
		}
	}
	return b.String()
}

// maxShown bounds what one failure prints, so that none buries the others; both ends are kept.
const maxShown = 12000

func (s *summary) fail(what, said string) {
	s.failed++
	if len(said) > maxShown {
		said = said[:maxShown/2] + "\n…\n" + said[len(said)-maxShown/2:]
	}
	fmt.Fprintf(os.Stdout, "FAIL  %s\n%s\n", what, strings.TrimRight(said, "\n"))
}

var logLine = regexp.MustCompile(`^\s+\S+\.go:\d+: (.*)`)

// reason finds what a test said when it skipped: its last logged line.
func reason(output []string) string {
	for _, line := range slices.Backward(output) {
		if m := logLine.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			return m[1]
		}
	}
	return "no reason given"
}

// print lists the skips by reason and ends with the line that others read.
func (s *summary) print(w io.Writer) {
	reasons := slices.SortedFunc(maps.Keys(s.skips), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(s.skips[b]), len(s.skips[a])), cmp.Compare(a, b))
	})
	for _, why := range reasons {
		list := s.skips[why]
		fmt.Fprintf(w, "skip  %d × %s (%s %s", len(list), why, list[0].pkg, list[0].name)
		if len(list) > 1 {
			fmt.Fprintf(w, " and %d more", len(list)-1)
		}
		fmt.Fprintln(w, ")")
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", s.passed, s.failed, s.skipped)
}

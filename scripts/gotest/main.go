// Command gotest runs `go test` one or more times and sums up: failures with
// their output, every skip with its reason, and as its last line
// "N passed, N failed, N skipped".
//
//	gotest [-also-passed N] [-also-failed N] -- args of go test… [-- args of a further run…]
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"syscall"
)

func main() {
	alsoPassed := flag.Int("also-passed", 0, "checks that passed before")
	alsoFailed := flag.Int("also-failed", 0, "checks that failed before")
	flag.Parse()
	sum := newSummary()
	for _, args := range runs(flag.Args()) {
		sum.run(args)
	}
	sum.passed += *alsoPassed
	sum.failed += *alsoFailed
	sum.print(os.Stdout)
	if sum.failed > 0 || sum.passed == 0 {
		os.Exit(1)
	}
}

// runs splits the arguments at each "--".
func runs(args []string) (list [][]string) {
	for len(args) > 0 {
		i := slices.Index(args, "--")
		if i < 0 {
			return append(list, args)
		}
		if i > 0 {
			list = append(list, args[:i])
		}
		args = args[i+1:]
	}
	return list
}

// run runs go test once. Interrupts go to go test too, by the process group; here
// they only end the reading, so that the sum is still printed.
func (s *summary) run(args []string) {
	signal.Ignore(syscall.SIGINT)
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.fail("go test", err.Error())
		return
	}
	before := s.failed
	s.read(out)
	if err := cmd.Wait(); err != nil && s.failed == before {
		s.fail("go test "+fmt.Sprint(args), err.Error())
	}
}

func (s *summary) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Println(lines.Text()) // not an event: go's own words
			continue
		}
		s.add(e)
	}
}

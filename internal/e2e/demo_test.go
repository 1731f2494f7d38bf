package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// ready is the line of `standfast demo --json`, as API.md states it.
type ready struct {
	Ready   bool          `json:"ready"`
	Portal  string        `json:"portal"`
	Mailbox string        `json:"mailbox"`
	API     string        `json:"api"`
	Admin   string        `json:"admin"`
	Console string        `json:"console"`
	StandIn string        `json:"standin"`
	Members []credentials `json:"members"`
	// Operators are those to be, while there is none.
	Operators []struct {
		SetUp string `json:"set_up"`
	} `json:"operators"`
	PIDs  map[string]int `json:"pids"`
	Edge  string         `json:"edge"`
	Name  string         `json:"name"`  // of one cell
	Cells []ready        `json:"cells"` // of all, each as far as it is the cell's
}

type credentials struct{ Username, Password, Region string }

// demo is a running `standfast demo`.
type demo struct {
	ready
	took time.Duration // from the start to the line
	cmd  *exec.Cmd
	log  *limited
}

// startLimit is how long a demo may take on a busy machine. Its aim is 3 s (see the bench).
const startLimit = 3 * time.Minute

// startDemo starts a demo on a free port. It is interrupted at the end of the test.
func startDemo(t testing.TB, args ...string) *demo {
	t.Helper()
	path := program(t) // building it is not part of what it takes
	began := time.Now()
	cmd := exec.Command(path, append([]string{"demo", "--json", "--listen", "localhost:0"}, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	d := &demo{cmd: cmd, log: &limited{}}
	cmd.Stderr = d.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.stop(t) })
	line := make(chan []byte, 1)
	go func() {
		first, _ := bufio.NewReader(out).ReadBytes('\n')
		line <- first
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case first := <-line:
		if err := json.Unmarshal(first, &d.ready); err != nil || !d.Ready {
			t.Fatalf("the first line is %q: %v\n%s", first, err, d.log)
		}
	case <-time.After(startLimit):
		t.Fatalf("the demo is not ready after %s\n%s", startLimit, d.log)
	}
	d.took = time.Since(began)
	return d
}

// stop interrupts the demo as Ctrl-C does and waits for it. It may be called twice.
func (d *demo) stop(t testing.TB) {
	t.Helper()
	if d.cmd.ProcessState != nil {
		return
	}
	_ = d.cmd.Process.Signal(syscall.SIGINT)
	ended := make(chan error, 1)
	go func() { ended <- d.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the demo ended with %v\n%s", err, d.log)
		}
	case <-time.After(2 * time.Minute):
		_ = d.cmd.Process.Kill()
		<-ended
		t.Errorf("the demo did not stop\n%s", d.log)
	}
}

// mail is one message of the demo's mailbox.
type mail struct {
	ID, To, Channel, Subject, Text, Code string
	SentAt                               time.Time `json:"sent_at"`
}

// mails gives what was sent, newest first.
func (d *demo) mails(t testing.TB) []mail {
	t.Helper()
	a, err := http.Get(d.Mailbox + "?" + url.Values{}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var list struct{ Items []mail }
	if err := json.NewDecoder(a.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// newCode waits for a message with a code that was not there before.
func (d *demo) newCode(t testing.TB, before []mail) string {
	t.Helper()
	known := map[string]bool{}
	for _, m := range before {
		known[m.ID] = true
	}
	var code string
	eventually(t, 2*time.Minute, "a code in the mailbox", func() bool {
		for _, m := range d.mails(t) {
			if m.Code != "" && !known[m.ID] {
				code = m.Code
				return true
			}
		}
		return false
	})
	return code
}

// eventually asks again and again until done or the time is over.
func eventually(t testing.TB, limit time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-deadline.C:
			t.Fatalf("after %s still no %s", limit, what)
		case <-tick.C:
		}
	}
}

// freePort gives a port for a process that cannot be told to choose one itself.
// It lies below those that Linux hands out (32768 and up), so that no connection
// and no other test takes it before that process does.
func freePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 12000 + rand.N(20000)
		if l, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

// limited keeps the last part of what a process says.
type limited struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const limitedKeeps = 64 << 10

func (l *limited) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() > limitedKeeps {
		l.buf.Next(l.buf.Len() / 2)
	}
	return l.buf.Write(p)
}

func (l *limited) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

func TestTheReadyLineIsWhatOthersRelyOn(t *testing.T) {
	d := startDemo(t)
	if len(d.Members) < 2 || d.PIDs["core"] == 0 || d.Mailbox == "" || d.API == "" || d.Console == "" || len(d.Operators) != 1 {
		t.Fatalf("%+v", d.ready)
	}
	u, err := url.Parse(d.Portal)
	if err != nil || u.Hostname() != "localhost" {
		t.Errorf("the portal is at %s: passkeys refuse any other name than localhost", d.Portal)
	}
	t.Logf("ready after %s", d.took.Round(time.Millisecond))
}

func TestADemoKeepsItsDataWhereItIsTold(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d := startDemo(t, "--data", dir)
	c := signIn(t, d, 0)
	paid := c.pay(t, "10.00", "kept-1")
	d.stop(t)
	again := startDemo(t, "--data", dir)
	c.base = again.API
	if status, p := c.do(t, "GET", "/payments/"+paid.ID, nil, nil); status != 200 || p["confirmation_number"] != paid.ConfirmationNumber {
		t.Fatal(status, p)
	}
}

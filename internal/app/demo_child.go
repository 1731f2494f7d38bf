package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"standfast/internal/fault"
)

// child is one process of the demo. Its supervisor holds its sockets, so that
// callers wait for the next process in place of being refused.
type child struct {
	name    string         // as pids and log lines call it
	args    []string       // command and flags of this program
	env     []string       // beside the supervisor's own
	sockets []net.Listener // passed in this order
	ready   string         // URL that answers 200 once the process serves
	stays   bool           // one that has died is left dead
}

// A process that dies at once is started again ever later.
const (
	firstPause = 50 * time.Millisecond
	mostPause  = 2 * time.Second
	steady     = 10 * time.Second // one that has run for so long begins at the first pause again
)

// keep runs the process until ctx ends, and starts it again when it dies. up is
// told each process id once the process serves. Only a first start that fails is
// an error: what has served before is tried for ever.
func (c *child) keep(ctx context.Context, log *slog.Logger, to io.Writer, up func(pid int)) error {
	served := false
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		begun := time.Now()
		ready, err := c.once(ctx, to, up)
		if ctx.Err() != nil {
			return nil
		}
		if served = served || ready; !served {
			return fault.Wrap(fault.Unavailable, "demo."+c.name, "The process "+c.name+" ended while starting; what it said is above.", err)
		}
		log.Error("process died", "process", c.name, "error", err)
		if c.stays {
			c.close() // callers are refused in place of left waiting
			<-ctx.Done()
			return nil
		}
		if time.Since(begun) > steady {
			pause = firstPause
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}

// once runs the process to its end, and tells whether it has served.
func (c *child) once(ctx context.Context, to io.Writer, up func(pid int)) (served bool, err error) {
	cmd, err := c.start(ctx, to)
	if err != nil {
		return false, err
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	serves := make(chan struct{})
	polling, stop := context.WithCancel(ctx)
	defer stop()
	go c.poll(polling, serves)
	select {
	case err := <-exited:
		return false, err
	case <-serves:
		up(cmd.Process.Pid)
		return true, <-exited
	}
}

func (c *child) start(ctx context.Context, to io.Writer) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self, c.args...)
	cmd.Env = append(os.Environ(), append(c.env, fmt.Sprintf("LISTEN_FDS=%d", len(c.sockets)), DemoMark)...)
	release, err := HandOver(cmd, c.sockets...)
	if err != nil {
		return nil, err
	}
	defer release()
	said, end, err := lines(c.name, to)
	if err != nil {
		return nil, err
	}
	defer end()
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a killed demo leaves nothing behind
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = drainTime + 5*time.Second
	return cmd, cmd.Start()
}

// poll closes serves once the process is ready.
func (c *child) poll(ctx context.Context, serves chan<- struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	client := &http.Client{Timeout: 2 * time.Second}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		answer, err := client.Get(c.ready)
		if err != nil {
			continue
		}
		answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			close(serves)
			return
		}
	}
}

func (c *child) close() {
	for _, s := range c.sockets {
		s.Close()
	}
}

// maxLine bounds one line of a process's log, in bytes.
const maxLine = 1 << 20

// lines gives a pipe whose lines are passed on with the process's name before
// each. It is a file and no goroutine's copy, so that a process that has died is
// noticed at once, whoever has inherited its end; end closes ours.
func lines(name string, to io.Writer) (pipe *os.File, end func() error, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	go func() {
		defer r.Close()
		said := bufio.NewScanner(r)
		said.Buffer(nil, maxLine)
		for said.Scan() {
			_, _ = fmt.Fprintf(to, "%s | %s\n", name, said.Bytes())
		}
		_, _ = io.Copy(io.Discard, r) // after a line that is too long, the process must not block
	}()
	return w, w.Close, nil
}

// together lets several processes write to one log, a line at a time.
type together struct {
	mu sync.Mutex
	to io.Writer
}

func (t *together) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.to.Write(b)
}

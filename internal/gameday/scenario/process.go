package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"standfast/internal/app"
)

// process is one process of a fleet. The fleet holds its sockets and hands them
// over, so that another process can take its place.
type process struct {
	name    string
	args    []string
	names   []string // of the sockets, as systemd calls them
	sockets []net.Listener
	ready   string // URL that answers 200 once it serves
	cmd     *exec.Cmd
	exited  chan error
}

// start starts the process and waits until it serves.
func (p *process) start(ctx context.Context, program string, log io.Writer) error {
	p.cmd = exec.Command(program, p.args...)
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("LISTEN_FDS=%d", len(p.sockets)), "LISTEN_FDNAMES="+strings.Join(p.names, ":"), "GOMEMLIMIT=200MiB")
	release, err := app.HandOver(p.cmd, p.sockets...)
	if err != nil {
		return err
	}
	defer release()
	p.cmd.Stderr = log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.exited = make(chan error, 1)
	go func() { p.exited <- p.cmd.Wait() }()
	return p.serves(ctx)
}

func (p *process) serves(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if p.answers(ctx) {
			return nil
		}
		select {
		case err := <-p.exited:
			p.exited <- err
			return fmt.Errorf("%s ended while starting: %w", p.name, err)
		case <-ctx.Done():
			return fmt.Errorf("%s was not ready in time: %w", p.name, ctx.Err())
		case <-tick.C:
		}
	}
}

func (p *process) answers(ctx context.Context) bool {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, p.ready, nil)
	if err != nil {
		return false
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return false
	}
	a.Body.Close()
	return a.StatusCode == http.StatusOK
}

// stop ends the process as a supervisor does, and waits for it.
func (p *process) stop() error {
	if p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-p.exited:
		p.exited <- err
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		return nil
	case <-time.After(stopLimit):
		_ = p.cmd.Process.Kill()
		return errors.New(p.name + " did not stop")
	}
}

// leave stops the process for good: its sockets close too.
func (p *process) leave() error {
	err := p.stop()
	for _, l := range p.sockets {
		l.Close()
	}
	return err
}

// hold opens so many sockets on free ports of loopback.
func hold(n int) ([]net.Listener, error) {
	var list []net.Listener
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			for _, l := range list {
				l.Close()
			}
			return nil, err
		}
		list = append(list, l)
	}
	return list, nil
}

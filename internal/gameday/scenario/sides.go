package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"standfast/internal/app"
	"standfast/internal/edge/route"
	"standfast/internal/gameday/fault"
	"standfast/internal/pki"
)

// Names of the processes that a stage may have, as the demo calls them.
const (
	coreProcess    = "core"
	standinProcess = "standin"
	theCell        = "us"
)

// sides gives the flags of a stage: core alone, or an edge before core and a
// stand-in, none of which comes back by itself.
func (s *Stage) sides() ([]string, error) {
	if !s.Sides {
		return []string{"--direct"}, nil
	}
	args := []string{"--no-restart"}
	if !s.Between {
		return args, nil
	}
	if err := pki.Create(s.pki(), theCell); err != nil { // the demo takes the one that is there
		return nil, err
	}
	taking, err := pki.Server(s.authority(), pki.CertificateFile(s.pki(), pki.Core), pki.KeyFile(s.pki(), pki.Core), pki.Edge)
	if err != nil {
		return nil, err
	}
	making, err := s.as(pki.Edge, theCell, pki.Core)
	if err != nil {
		return nil, err
	}
	if s.way, err = fault.NewWeb("https://localhost", fault.Encryption{Taking: taking, Making: making.TLSClientConfig}); err != nil {
		return nil, err
	}
	return append(args, "--core-through", s.way.URL()), nil
}

func (s *Stage) pki() string       { return filepath.Join(s.dir, "pki") }
func (s *Stage) authority() string { return filepath.Join(s.pki(), pki.AuthorityFile) }

// as is how a process of one role calls one of another.
func (s *Stage) as(role pki.Role, cell string, to pki.Role) (*http.Transport, error) {
	conf, err := pki.Client(s.authority(), pki.CertificateFile(s.pki(), role), pki.KeyFile(s.pki(), role), cell, to)
	if err != nil {
		return nil, err
	}
	return &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true}, nil
}

// join leads the proxy to core and waits until edge and stand-in know of core.
func (s *Stage) join(ctx context.Context) error {
	if !s.Sides {
		return nil
	}
	s.again = map[string]*exec.Cmd{}
	if s.way != nil {
		c, err := app.LoadConfig(s.config(coreProcess))
		if err != nil {
			return err
		}
		if err := s.way.To("https://" + c.Internal.Listen); err != nil {
			return err
		}
	}
	return s.eventually(ctx, "an edge that finds core and stand-in ready", func(ctx context.Context) (bool, error) {
		st, err := s.routing(ctx)
		if err != nil || len(st.Cells) == 0 {
			return false, err
		}
		for _, p := range st.Cells[0].Processes {
			if !p.Alive || !p.Ready {
				return false, nil
			}
		}
		return true, nil
	})
}

// config is the file that a process of the stage reads.
func (s *Stage) config(process string) string {
	return filepath.Join(s.dir, map[string]string{coreProcess: "demo.toml", standinProcess: "standin.toml", "edge": "edge.toml"}[process])
}

// eventually asks again and again until something is so.
func (s *Stage) eventually(ctx context.Context, what string, is func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, backLimit)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var why error // of the last time that was not cut off
	for {
		ok, err := is(ctx)
		if ok {
			return nil
		}
		if ctx.Err() == nil {
			why = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, errors.Join(why, ctx.Err()))
		case <-tick.C:
		}
	}
}

// backLimit is how long processes may take until all is as it was before: the
// edge gives core its members back by shares, and waits before it does.
const backLimit = 6 * time.Minute

// edgeState is what the edge says of its routing.
type edgeState struct {
	route.State
	Decisions []route.Decision `json:"decisions"` // the newest first
}

// routing asks the edge, as an operator does.
func (s *Stage) routing(ctx context.Context) (st edgeState, err error) {
	c, err := app.LoadEdgeConfig(s.config("edge"))
	if err != nil {
		return st, err
	}
	t, err := s.as(pki.Operator, "*", pki.Edge)
	if err != nil {
		return st, err
	}
	defer t.CloseIdleConnections()
	return st, get(ctx, &http.Client{Transport: t, Timeout: askLimit}, "https://"+c.Internal.Listen+"/edge/v1/routing", &st)
}

// askLimit is how long a process may take to say how it stands.
const askLimit = 5 * time.Second

// standing is what the stand-in says of itself.
type standing struct {
	Ready   bool      `json:"ready"`
	AsOf    time.Time `json:"as_of"`
	Waiting int       `json:"advices_waiting"`
	Reasons []string  `json:"reasons"`
}

func (s *Stage) standin(ctx context.Context) (st standing, err error) {
	return st, get(ctx, &http.Client{Timeout: askLimit}, s.ready.StandIn+"/readyz", &st)
}

// standinKnows waits until the stand-in has all that was committed until now.
func (s *Stage) standinKnows(ctx context.Context) error {
	now := time.Now()
	return s.eventually(ctx, "a stand-in that knows what core knows", func(ctx context.Context) (bool, error) {
		st, err := s.standin(ctx)
		return err == nil && st.Ready && st.AsOf.After(now), err
	})
}

func get(ctx context.Context, client *http.Client, url string, into any) error {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	r, err := client.Do(q)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return json.NewDecoder(io.LimitReader(r.Body, maxAnswer)).Decode(into)
}

// pid gives a process's id, also of one that was started again.
func (s *Stage) pid(process string) int {
	if c := s.again[process]; c != nil {
		return c.Process.Pid
	}
	return s.ready.PIDs[process]
}

// kill ends a process as a machine does that loses its power.
func (s *Stage) kill(process string) error {
	if err := fault.Kill(s.pid(process)); err != nil {
		return err
	}
	if c := s.again[process]; c != nil {
		_ = c.Wait() // it was killed
		delete(s.again, process)
		return nil
	}
	at := s.ready.Admin
	if process == standinProcess {
		at = s.ready.StandIn
	}
	return s.closed(at)
}

// closed waits until nobody listens at an address any more: the supervisor gives
// up the sockets of a process that stays dead.
func (s *Stage) closed(at string) error {
	for until := time.Now().Add(askLimit); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", at[len("http://"):], time.Second)
		if err != nil {
			return nil
		}
		c.Close()
	}
	return fmt.Errorf("somebody still listens at %s", at)
}

// restart starts a process that was killed once more, on the same addresses.
func (s *Stage) restart(process string) error {
	c := exec.Command(s.Program, process, "--config", s.config(process))
	c.Env = append(os.Environ(), app.DemoMark)
	c.Stdout, c.Stderr = s.log, s.log
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return err
	}
	s.again[process] = c
	return nil
}

// leave ends the processes that were started again, and the proxy before core.
func (s *Stage) leave() error {
	var err error
	for _, c := range s.again {
		_ = c.Process.Signal(syscall.SIGTERM)
		time.AfterFunc(stopLimit, func() { _ = c.Process.Kill() })
		_ = c.Wait() // how it ends says nothing: some are killed by the play
	}
	if s.way != nil {
		err = s.way.Close()
	}
	return err
}

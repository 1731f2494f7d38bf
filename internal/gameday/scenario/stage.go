// Package scenario replays rows of the outage's scenarios against a running
// process: it casts members, breaks something outside the process, lets the
// members go on through the public API and pages, and counts what they met.
package scenario

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"standfast/internal/app"
	"standfast/internal/gameday/fault"
	"standfast/internal/masterkey"
)

// Options says how large a game day is.
type Options struct {
	Program  string        // the built program; this one when empty
	Database string        // PostgreSQL URL of an empty database; "" is SQLite
	Members  int           // who go on while something is broken
	Length   time.Duration // of each fault
	Direct   bool          // no proxy before the database: nothing is broken there
	Systems  bool          // members have a card and savings in the issuer's own systems too
	Short    bool          // of row 19, the healthy upgrades alone
	Sides    bool          // members come through an edge, behind which there is a stand-in beside core
	Between  bool          // with Sides: a proxy between edge and core
	Day      *businessDay  // that the stage is in; nil is the cell's own
	Faults   []string      // of a row that has several: only those whose names have one of these in them
	Log      io.Writer     // of the process under test; may be nil
}

// Stage is a running process with members, and what breaks its surroundings.
type Stage struct {
	Options
	Members []*Member
	Proxy   *fault.Proxy // before PostgreSQL; nil on SQLite, and where there is none
	texts   *texts
	systems *systems    // where Options say so
	disk    *fault.Disk // under SQLite; nil where it could not be mounted
	dir     string
	ready   app.Ready
	cmd     *exec.Cmd
	exited  chan error
	log     *tail
	way     *fault.Web           // between edge and core; nil where there is none
	again   map[string]*exec.Cmd // processes that were started again, by name
	heals   []func() error       // of faults that are not the proxy's
	noDisk  error                // why there is no disk
}

// diskSize is room for a game day's database and logs, in bytes.
const diskSize = 512 << 20

// startLimit is how long the process may take to be ready on a busy machine.
const startLimit = time.Minute

// Open makes a database with synthetic members and starts a process on it.
func Open(ctx context.Context, o Options) (*Stage, error) {
	dir, err := os.MkdirTemp("", "standfast-gameday-")
	if err != nil {
		return nil, err
	}
	s := &Stage{Options: o, dir: dir, log: &tail{to: o.Log}}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stage) open(ctx context.Context) error {
	database := s.Database
	if database == "" {
		var err error
		if database, err = s.file(); err != nil {
			return err
		}
	}
	if s.Systems {
		var err error
		if s.systems, err = openSystems(s.Options.Members); err != nil {
			return err
		}
	}
	people, err := s.cast(ctx, database)
	if err != nil {
		return fmt.Errorf("the members could not be made: %w", err)
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	for _, p := range people {
		s.Members = append(s.Members, newMember(s.origin(), s.ready.Mailbox, s.texts, p))
	}
	s.texts.ReportTo(s.origin() + "/receipts/text")
	return s.join(ctx)
}

// file gives SQLite's file, on a small disk where one can be mounted. Where core is
// not alone, the disk is for its file only: the others have their own machines.
func (s *Stage) file() (path string, err error) {
	path = filepath.Join(s.dir, "core.db")
	if !s.Sides {
		s.disk, s.noDisk = fault.NewDisk(s.dir, diskSize)
		return path, nil
	}
	disk := filepath.Join(s.dir, "disk")
	if err := os.Mkdir(disk, 0o700); err != nil {
		return "", err
	}
	s.disk, s.noDisk = fault.NewDisk(disk, diskSize)
	return path, os.Symlink(filepath.Join(disk, "core.db"), path)
}

// cast makes the members through the rooms of core, past any fault.
func (s *Stage) cast(ctx context.Context, database string) (list []person, err error) {
	c := app.Defaults()
	c.Cell.PublicURL, c.Database = "http://localhost", database
	c.MasterKey = filepath.Join(s.dir, "master.key")
	if _, err = masterkey.Create(c.MasterKey); err != nil {
		return nil, err
	}
	if s.systems != nil {
		if c.Sources, err = s.systems.configured(s.dir); err != nil {
			return nil, err
		}
	}
	rooms, err := app.Open(ctx, c, slog.New(slog.NewTextHandler(s.log, nil)))
	if err != nil {
		return nil, err
	}
	defer rooms.Close()
	return castMembers(ctx, rooms, homes()[0], casting{members: s.Options.Members, far: s.Systems, stands: s.Sides, dueOn: s.Day.date()})
}

// start runs the program as `standfast demo` does, in a process of its own, with
// the proxy between it and its database, and a text message gateway beside it.
func (s *Stage) start(ctx context.Context) error {
	var err error
	if s.texts, err = openTexts(); err != nil {
		return err
	}
	args := []string{"demo", "--json", "--listen", "localhost:0", "--data", s.dir, "--texts", s.texts.url}
	sides, err := s.sides()
	if err != nil {
		return err
	}
	args = append(args, sides...)
	args = append(args, s.Day.flags()...)
	if s.systems != nil {
		args = append(args, s.systems.flags()...)
	}
	switch {
	case s.Database != "" && s.Direct:
		args = append(args, "--database", s.Database)
	case s.Database != "":
		proxy, through, err := fault.NewPostgres(s.Database)
		if err != nil {
			return err
		}
		s.Proxy = proxy
		args = append(args, "--database", through)
	}
	return s.launch(ctx, args)
}

// launch starts the program with a demo's flags, and waits until it is ready.
func (s *Stage) launch(ctx context.Context, args []string) (err error) {
	if s.Program == "" {
		if s.Program, err = os.Executable(); err != nil {
			return err
		}
	}
	s.cmd = exec.Command(s.Program, args...)
	s.cmd.Stderr = s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	line := make(chan []byte, 1)
	s.exited = make(chan error, 1)
	go func() {
		r := bufio.NewReader(out)
		first, _ := r.ReadBytes('\n')
		line <- first
		_, _ = io.Copy(io.Discard, r)
		s.exited <- s.cmd.Wait()
	}()
	return s.untilReady(ctx, line)
}

func (s *Stage) untilReady(ctx context.Context, line <-chan []byte) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	select {
	case first := <-line:
		if err := json.Unmarshal(first, &s.ready); err != nil || !s.ready.Ready {
			return fmt.Errorf("the process did not start: %q\n%s", first, s.log)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the process was not ready in time: %w\n%s", ctx.Err(), s.log)
	}
}

// origin is what browsers call the process.
func (s *Stage) origin() string { return strings.TrimSuffix(s.ready.Portal, "/") }

// core gives the process id of the core process.
func (s *Stage) core() int { return s.ready.PIDs["core"] }

// stopLimit is how long the process may take to end.
const stopLimit = 30 * time.Second

// Close ends the process and removes what it wrote.
func (s *Stage) Close() error {
	err := errors.Join(s.stop(), s.leave())
	if s.Proxy != nil {
		s.Proxy.Close()
	}
	if s.texts != nil {
		s.texts.close()
	}
	if s.systems != nil {
		s.systems.close()
	}
	if s.disk != nil {
		err = errors.Join(err, s.disk.Close())
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

func (s *Stage) stop() error {
	if s.exited == nil {
		return nil
	}
	if s.Proxy != nil {
		_ = s.Proxy.Heal() // a process that cannot reach its database takes longer to end
	}
	_ = s.cmd.Process.Signal(syscall.SIGINT)
	select {
	case err := <-s.exited:
		return err
	case <-time.After(stopLimit):
		_ = s.cmd.Process.Kill()
		<-s.exited
		return errors.New("the process did not stop")
	}
}

// mails counts the codes that each member was sent.
func (s *Stage) mails(ctx context.Context) ([]int, error) {
	n := make([]int, len(s.Members))
	for i, m := range s.Members {
		list, err := m.codes(ctx)
		if err != nil {
			return nil, err
		}
		n[i] = len(list)
	}
	return n, nil
}

// Log gives the end of what the process said.
func (s *Stage) Log() string { return s.log.String() }

// tail keeps the end of a log, and passes it on where somebody listens.
type tail struct {
	mu  sync.Mutex
	to  io.Writer
	end []byte
}

const maxTail = 64 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b...)
	if len(t.end) > maxTail {
		t.end = bytes.Clone(t.end[len(t.end)-maxTail/2:])
	}
	if t.to != nil {
		return t.to.Write(b)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pelletier/go-toml/v2"

	"standfast/internal/app"
)

// mailbox takes the codes that a core sends, as the demo's does.
type mailbox struct {
	*httptest.Server
	codes chan string
}

func openMailbox() *mailbox {
	m := &mailbox{codes: make(chan string, 64)}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var mail struct {
			Code string `json:"code"`
		}
		if json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&mail) == nil && mail.Code != "" {
			m.codes <- mail.Code
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	return m
}

// child is a process of its own, as it runs in production.
type child struct {
	cmd   *exec.Cmd
	addr  string // of its public listener
	base  string // URL of the API
	admin string // URL of its admin listener
	exit  chan error
	log   *tail
}

// startCore starts `standfast core` on a configuration and waits until it is ready.
func startCore(ctx context.Context, dir string, c app.Config) (*child, error) {
	b, err := toml.Marshal(c)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, "core.toml")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return nil, err
	}
	k, err := newChild("core", "--config", path)
	if err != nil {
		return nil, err
	}
	if err := k.start(); err != nil {
		return nil, err
	}
	if err := k.untilReady(ctx); err != nil {
		return nil, errors.Join(err, k.stop())
	}
	return k, nil
}

// newChild prepares a process of this program.
func newChild(command ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &child{cmd: exec.Command(self, command...), exit: make(chan error, 1), log: &tail{}}, nil
}

// start hands the process its two sockets (see app's listeners) and starts it.
func (k *child) start() error {
	var addrs [2]string
	var sockets [2]net.Listener
	for i := range addrs {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer l.Close()
		addrs[i], sockets[i] = l.Addr().String(), l
	}
	release, err := app.HandOver(k.cmd, sockets[:]...)
	if err != nil {
		return err
	}
	defer release()
	k.addr, k.base, k.admin = addrs[0], "http://"+addrs[0]+"/api/v1", "http://"+addrs[1]
	k.cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "STANDFAST_DEMO=1")
	k.cmd.Stdout, k.cmd.Stderr = k.log, k.log
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := k.cmd.Start(); err != nil {
		return err
	}
	go func() { k.exit <- k.cmd.Wait() }()
	return nil
}

func (k *child) untilReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if status, _, err := request(ctx, http.MethodGet, k.base+"/status", nil, nil); err == nil && status == http.StatusOK {
			return nil
		}
		select {
		case err := <-k.exit:
			k.exit <- err
			return fmt.Errorf("the core process ended (%v): %s", err, k.log)
		case <-ctx.Done():
			return fmt.Errorf("the core process does not answer: %s", k.log)
		case <-tick.C:
		}
	}
}

// stop ends the process as an operator would.
func (k *child) stop() error {
	_ = k.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-k.exit:
		return err
	case <-time.After(30 * time.Second):
		_ = k.cmd.Process.Kill()
		return <-k.exit
	}
}

// profile writes the process's CPU profile of the next d to path.
func (k *child) profile(ctx context.Context, d time.Duration, path string) error {
	url := fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", k.admin, max(1, int(d.Seconds())))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer a.Body.Close()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, a.Body)
	return errors.Join(err, f.Close())
}

// signIn signs a member in over the API, with the code that arrives in the
// mailbox, and gives the session's token and the device's.
func (k *child) signIn(ctx context.Context, box *mailbox, username, deviceToken string) (session, device string, err error) {
	header := map[string]string{"Standfast-Flow": "bench-" + username, "Standfast-Device": deviceToken}
	var a struct {
		Session   struct{ Token string }
		Challenge struct{ ID string }
		Device    struct{ Token string }
	}
	if err := call(ctx, k.base+"/sign-in", header, map[string]any{"username": username, "password": password}, &a); err != nil {
		return "", "", err
	}
	if a.Challenge.ID != "" {
		select {
		case code := <-box.codes:
			err = call(ctx, k.base+"/sign-in/code", header, map[string]any{"challenge_id": a.Challenge.ID, "code": code, "trust_device": true}, &a)
		case <-time.After(30 * time.Second):
			err = errors.New("no code arrived")
		}
	}
	return a.Session.Token, a.Device.Token, err
}

// call posts JSON and reads the answer of a call that must succeed.
func call(ctx context.Context, url string, header map[string]string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	status, got, err := request(ctx, http.MethodPost, url, header, b)
	if err != nil {
		return err
	}
	if status >= 300 {
		return fmt.Errorf("%s answered %d: %s", url, status, got)
	}
	return json.Unmarshal(got, answer)
}

func request(ctx context.Context, method, url string, header map[string]string, body []byte) (status int, answer []byte, err error) {
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range header {
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer a.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(a.Body, 1<<20))
	return a.StatusCode, answer, err
}

// tail keeps the end of what a process says, for when it fails.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 8 << 10

// Write keeps the end of what it gets.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if n := len(t.text) - tailBytes; n > 0 {
		t.text = append(t.text[:0], t.text[n:]...)
	}
	return len(p), nil
}

// String gives what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}

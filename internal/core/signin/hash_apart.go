package signin

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"time"
)

// Passwords are hashed in processes of their own (docs/decisions/0012). A hash
// wants megabytes and a core for tens of milliseconds: in the process that serves
// members it keeps the garbage collector at work and everybody else waiting.
// A process apart leaves it small and quick, and the system shares the cores
// between the two.

const hashPatience = 10 * time.Second // a helper that has not answered by then is stuck

// hashOrder is a line that a helper reads. Without PHC a new hash is made.
type hashOrder struct {
	PHC      string     `json:"phc,omitempty"`
	Password string     `json:"password"`
	Params   HashParams `json:"params"`
}

// hashAnswer is the line that it answers with.
type hashAnswer struct {
	Matches bool   `json:"matches,omitempty"`
	PHC     string `json:"phc,omitempty"`
}

// do is the work itself, wherever it is done.
func (o hashOrder) do() (hashAnswer, error) {
	if o.PHC == "" {
		return hashAnswer{PHC: hashPassword(o.Password, o.Params).String()}, nil
	}
	h, err := parsePHC(o.PHC)
	if err != nil {
		return hashAnswer{}, err
	}
	return hashAnswer{Matches: h.matches(o.Password)}, nil
}

// ServeHashes is the helper: it answers orders until in ends, which it does when
// the process that serves members dies.
func ServeHashes(in io.Reader, out io.Writer) error {
	runtime.GOMAXPROCS(1)
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o hashOrder
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a, err := o.do()
		if err != nil {
			return err
		}
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
}

// helper is the other end of a ServeHashes. It is used by one at a time, started
// when it is first needed, and anew after it has died.
type helper struct {
	command  func() *exec.Cmd // nil: there is none, and everything is done here
	patience time.Duration

	cmd     *exec.Cmd // nil: none runs
	in      io.WriteCloser
	orders  *json.Encoder
	answers *json.Decoder
}

// hash has an order done by the helper, or here when it cannot: a sign-in never
// fails for want of a helper.
func (h *helper) hash(o hashOrder) (hashAnswer, error) {
	if h.command == nil {
		return o.do()
	}
	a, err := h.ask(o)
	if err == nil {
		return a, nil
	}
	h.stop()
	return o.do()
}

func (h *helper) ask(o hashOrder) (a hashAnswer, err error) {
	if err := h.start(); err != nil {
		return a, err
	}
	stuck := time.AfterFunc(h.patience, func() { _ = h.cmd.Process.Kill() }) // which ends the reading below
	defer stuck.Stop()
	if err := h.orders.Encode(o); err != nil {
		return a, err
	}
	return a, h.answers.Decode(&a)
}

func (h *helper) start() error {
	if h.cmd != nil {
		return nil
	}
	cmd := h.command()
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	h.cmd, h.in, h.orders, h.answers = cmd, in, json.NewEncoder(in), json.NewDecoder(out)
	return nil
}

// stop ends the helper, so that the next order starts another.
func (h *helper) stop() {
	if h.cmd == nil {
		return
	}
	h.in.Close()
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait()
	h.cmd = nil
}

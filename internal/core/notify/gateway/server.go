package gateway

import (
	"bytes"
	"context"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"time"

	"standfast/internal/core/notify"
)

// OpenAPI is the document of our own form.
//
//go:embed openapi.yaml
var OpenAPI []byte

// Mode is a way in which the reference gateway misbehaves.
type Mode string

// The modes.
const (
	Healthy  Mode = ""
	Slow     Mode = "slow"     // delivers, and says so, after Fault.Delay
	Deaf     Mode = "deaf"     // accepts, delivers nothing and says nothing more
	Lying    Mode = "lying"    // says that it delivered, and did not
	Mute     Mode = "mute"     // delivers and says nothing
	Refusing Mode = "refusing" // accepts, then says that it failed
	Shuffled Mode = "shuffled" // delivers, and says everything twice in the wrong order
	Down     Mode = "down"     // answers 503
	Dead     Mode = "dead"     // closes the connection
)

// Modes lists all modes but Healthy.
func Modes() []Mode { return []Mode{Slow, Deaf, Lying, Mute, Refusing, Shuffled, Down, Dead} }

// Fault is what to do wrong.
type Fault struct {
	Mode    Mode  `json:"mode"`
	DelayMS int64 `json:"delay_ms"`
}

// Arrived is a message as the member's telephone got it.
type Arrived struct {
	ID        string    `json:"id"`
	Channel   string    `json:"channel"`
	To        string    `json:"to"`
	From      string    `json:"from"`
	Text      string    `json:"text"`
	Code      string    `json:"code,omitempty"` // of the last line, where a browser finds it
	ArrivedAt time.Time `json:"arrived_at"`
}

// ServerConfig is what the reference gateway needs to know.
type ServerConfig struct {
	Token      string // bearer token of its callers
	ReceiptsTo string // URL, "" for nobody
	Secret     string // key of its receipts' signatures
	Fault      Fault
	Now        func() time.Time
}

// Server is the reference gateway: it takes messages in our own form
// (openapi.yaml), keeps what arrived in an inbox, and sends receipts.
type Server struct {
	conf   ServerConfig
	mux    *http.ServeMux
	client *http.Client
	ctx    context.Context // of what is under way
	stop   context.CancelFunc
	busy   sync.WaitGroup

	mu     sync.Mutex
	fault  Fault
	taken  map[string]order
	order  []string // ids, oldest first
	states map[string]notify.State
	inbox  []Arrived // oldest first
}

// order is a message as it is handed over.
type order struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
	To      string `json:"to"`
	From    string `json:"from"`
	Text    string `json:"text"`
	Locale  string `json:"locale"`
	Seconds string `json:"seconds"`
}

// serverKeeps bounds what the reference gateway remembers, in messages.
const serverKeeps = 5000

// NewServer makes the reference gateway. Close ends what it has under way.
func NewServer(c ServerConfig) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &Server{conf: c, fault: c.Fault, mux: http.NewServeMux(), client: &http.Client{Timeout: callTimeout}, taken: map[string]order{}, states: map[string]notify.State{}}
	s.ctx, s.stop = context.WithCancel(context.Background())
	s.mux.HandleFunc("POST /v1/messages", s.accept)
	s.mux.HandleFunc("GET /v1/messages/{id}", s.state)
	s.mux.HandleFunc("GET /v1/messages", s.alive)
	s.mux.HandleFunc("GET /v1/inbox", s.list)
	s.mux.HandleFunc("PUT /faults", s.setFault)
	s.mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(OpenAPI)
	})
	return s
}

// Close gives up what is under way and waits for its end.
func (s *Server) Close() {
	s.stop()
	s.busy.Wait()
}

// Wait waits until everything that was taken is delivered and reported, or never
// will be.
func (s *Server) Wait() { s.busy.Wait() }

// Set changes what goes wrong.
func (s *Server) Set(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// ReportTo changes where receipts are posted; "" is nowhere.
func (s *Server) ReportTo(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conf.ReceiptsTo = url
}

func (s *Server) receiptsTo() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conf.ReceiptsTo
}

func (s *Server) current() Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fault
}

// ServeHTTP answers callers that know the token.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+s.conf.Token)) != 1 {
		refuse(w, http.StatusUnauthorized, "The token is not right.")
		return
	}
	s.mux.ServeHTTP(w, r)
}

func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": http.StatusText(status), "status": status, "detail": why})
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// accept is POST /v1/messages. The same id with the same message is taken once;
// with another one it is a conflict.
func (s *Server) accept(w http.ResponseWriter, r *http.Request) {
	f := s.current()
	switch f.Mode {
	case Down:
		refuse(w, http.StatusServiceUnavailable, "The gateway is down.")
		return
	case Dead:
		panic(http.ErrAbortHandler) // closes the connection without a word
	}
	var o order
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&o); err != nil {
		refuse(w, http.StatusBadRequest, "The message cannot be read.")
		return
	}
	if !plainID(o.ID) || o.Text == "" || !e164.MatchString(o.To) || o.Channel != string(notify.Text) && o.Channel != string(notify.Voice) {
		refuse(w, http.StatusUnprocessableEntity, "A message has id, channel (text or voice), to (as +12025550142) and text.")
		return
	}
	known, same := s.take(o)
	if known && !same {
		refuse(w, http.StatusConflict, "This id stands for another message.")
		return
	}
	if !known {
		s.busy.Go(func() { s.carry(o, f) })
	}
	answer(w, http.StatusAccepted, map[string]any{"id": o.ID, "state": notify.StateAccepted})
}

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// take stores a message. The time that is left to it may differ in a repeat.
func (s *Server) take(o order) (known, same bool) {
	o.Seconds = ""
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.taken[o.ID]; ok {
		return true, old == o
	}
	s.taken[o.ID], s.states[o.ID] = o, notify.StateAccepted
	if s.order = append(s.order, o.ID); len(s.order) > serverKeeps {
		delete(s.taken, s.order[0])
		delete(s.states, s.order[0])
		s.order = s.order[1:]
	}
	return false, false
}

// carry brings a message to its telephone, and reports, as far as the mode lets it.
func (s *Server) carry(o order, f Fault) {
	switch f.Mode {
	case Deaf:
		return
	case Slow:
		select {
		case <-time.After(time.Duration(f.DelayMS) * time.Millisecond):
		case <-s.ctx.Done():
			return
		}
	case Refusing:
		s.report(o.ID, notify.StateFailed)
		return
	}
	if f.Mode != Lying {
		s.arrive(o)
	}
	switch f.Mode {
	case Mute:
	case Shuffled:
		s.report(o.ID, notify.StateDelivered, notify.StateSent, notify.StateDelivered, notify.StateAccepted, notify.StateSent)
	default:
		s.report(o.ID, notify.StateSent, notify.StateDelivered)
	}
}

var boundCode = regexp.MustCompile(`\n@\S+ #(\S+)$`)

func (s *Server) arrive(o order) {
	a := Arrived{ID: o.ID, Channel: o.Channel, To: o.To, From: o.From, Text: o.Text, ArrivedAt: s.conf.Now().UTC()}
	if m := boundCode.FindStringSubmatch(o.Text); m != nil {
		a.Code = m[1]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inbox = append(s.inbox, a); len(s.inbox) > serverKeeps {
		s.inbox = s.inbox[1:]
	}
}

// report posts one receipt a state.
func (s *Server) report(id string, states ...notify.State) {
	for _, st := range states {
		s.mu.Lock()
		s.states[id] = st
		s.mu.Unlock()
		to := s.receiptsTo()
		if to == "" {
			continue
		}
		for try := range receiptTries {
			if s.post(to, id, st) == nil || !s.pause(time.Duration(try+1)*time.Second) {
				break
			}
		}
	}
}

const receiptTries = 4

func (s *Server) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-s.ctx.Done():
		return false
	}
}

func (s *Server) post(to, id string, st notify.State) error {
	body, err := json.Marshal(map[string]any{"receipts": []map[string]any{{"id": id, "state": st, "at": s.conf.Now().UTC()}}})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(s.ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(SignatureHeader, Sign(s.conf.Secret, s.conf.Now(), body))
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	if res.StatusCode >= 300 {
		return errors.New(res.Status)
	}
	return nil
}

// state is GET /v1/messages/{id}, for callers that poll.
func (s *Server) state(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	st, ok := s.states[r.PathValue("id")]
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "There is no such message.")
		return
	}
	answer(w, http.StatusOK, map[string]any{"id": r.PathValue("id"), "state": st})
}

// alive is GET /v1/messages: callers check address and token with it.
func (s *Server) alive(w http.ResponseWriter, _ *http.Request) {
	if s.current().Mode == Down {
		refuse(w, http.StatusServiceUnavailable, "The gateway is down.")
		return
	}
	answer(w, http.StatusOK, map[string]any{"status": "ready"})
}

// Inbox gives what arrived at a number, newest first; "" is all numbers.
func (s *Server) Inbox(to string) []Arrived {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []Arrived{}
	for _, a := range slices.Backward(s.inbox) {
		if to == "" || a.To == to {
			found = append(found, a)
		}
	}
	return found
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	answer(w, http.StatusOK, map[string]any{"items": s.Inbox(r.URL.Query().Get("to"))})
}

// setFault is PUT /faults, for game days: {"mode":"slow","delay_ms":20000}.
func (s *Server) setFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&f)
	if err != nil || f.Mode != Healthy && !slices.Contains(Modes(), f.Mode) || f.DelayMS < 0 || f.DelayMS > 600_000 {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("mode is one of %v or empty, delay_ms 0 to 600000.", Modes()))
		return
	}
	s.Set(f)
	w.WriteHeader(http.StatusNoContent)
}

package contract

import (
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"standfast/internal/dbtest"
	"standfast/internal/gameday/fault"
)

// bounded is a time that no call takes that has a deadline (the API's is 5 s),
// however busy the machine is; what waits for a database that never answers
// takes longer than any test.
const bounded = 40 * time.Second

// A database that takes what it is told and never answers is worse than one that
// is away: nothing fails, everything waits. Whoever asks gets an answer in time
// all the same, nobody is signed out, nothing is acknowledged that is not stored,
// and when the database goes on so does everything, by itself.
func TestADatabaseThatStalls(t *testing.T) {
	t.Run("postgresql", func(t *testing.T) {
		way := newWay(t, dbtest.PostgreSQLURL(t))
		h := open(t, way.url)
		h.livesThrough(t, way.stall, way.flow, true)
	})
	t.Run("sqlite", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "core.db")
		h := open(t, path)
		file := fault.NewFile(path)
		step := func(f func() error) func() {
			return func() {
				if err := f(); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Cleanup(step(file.Heal))
		h.livesThrough(t, step(file.Lock), step(file.Heal), false)
	})
}

// livesThrough checks the calls while the database stalls, and afterwards. Where
// only writing stalls, what is read goes on.
func (h *house) livesThrough(t *testing.T, stall, flow func(), readsToo bool) {
	c := h.alex()
	payment := object{"account_id": c.account("card"), "payment_method_id": c.find("/payment-methods", "status", "verified"), "amount": dollars("21.00")}
	c.do("GET", "/dashboard", nil).want(200, "")
	before, goroutines := c.payments(), runtime.NumGoroutine()

	stall()
	for range 2 { // the first finds open connections, the second has to make some
		if refused := c.inTime(t, "POST", "/payments", payment, "Idempotency-Key", "stalled"); refused.status != http.StatusServiceUnavailable || refused.header.Get("Retry-After") == "" {
			t.Fatalf("a payment that cannot be stored: %d, Retry-After %q: %s", refused.status, refused.header.Get("Retry-After"), refused.text)
		}
		d := c.inTime(t, "GET", "/dashboard", nil).want(http.StatusOK, "")
		for _, v := range d.at("tiles").([]any) {
			if state := v.(object)["state"]; readsToo && state == "current" {
				t.Errorf("a tile is %s", state)
			}
		}
		s := c.inTime(t, "GET", "/session", nil)
		if known := s.status == http.StatusOK; !known && (s.status != http.StatusServiceUnavailable || s.header.Get("Retry-After") == "") || !known && !readsToo {
			t.Errorf("the session: %d, Retry-After %q: %s", s.status, s.header.Get("Retry-After"), s.text)
		}
		stranger := &client{h: h, flow: "stranger"}
		if a := stranger.inTime(t, "POST", "/sign-in", object{"username": "jamie", "password": "meadow-copper-17"}); a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
			t.Errorf("a sign-in: %d: %s", a.status, a.text)
		}
	}
	flow()

	eventually(t, "payment after the stall", func() bool {
		return c.do("POST", "/payments", payment, "Idempotency-Key", "stalled").status == http.StatusCreated
	})
	if after := c.payments(); after != before+1 {
		t.Errorf("%d payments before, %d after one was paid", before, after)
	}
	eventually(t, "dashboard as of now", func() bool {
		for _, v := range c.do("GET", "/dashboard", nil).want(http.StatusOK, "").at("tiles").([]any) {
			if v.(object)["state"] != "current" {
				return false
			}
		}
		return true
	})
	eventually(t, "end of all that waited", func() bool {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		const pool = 3*32 + 20 // a full pool, each of its connections on a way of three goroutines
		return h.db.Writer().Stats().InUse == 0 && runtime.NumGoroutine() <= goroutines+pool
	})
}

// inTime is do for a call that has to come back soon.
func (c *client) inTime(t *testing.T, method, path string, body any, header ...string) answer {
	t.Helper()
	began := time.Now()
	a := c.do(method, path, body, header...)
	if took := time.Since(began); took > bounded {
		t.Errorf("%s %s took %s", method, path, took)
	}
	t.Logf("%s %s: %d after %s", method, path, a.status, time.Since(began).Round(time.Millisecond))
	return a
}

func (c *client) payments() int {
	c.h.t.Helper()
	return len(c.do("GET", "/payments", nil).want(200, "").items())
}

// eventually asks until done.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); !done(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("still no %s", what)
		}
	}
}

// way is the way to a server that hangs and then goes on: what it was sent in the
// meantime arrives after all, which a game day's proxy would have dropped.
type way struct {
	url, server string

	mu    sync.Mutex
	open  *sync.Cond
	stuck bool
}

func newWay(t *testing.T, target string) *way {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &way{server: u.Host}
	w.open = sync.NewCond(&w.mu)
	u.Host = l.Addr().String()
	w.url = u.String()
	t.Cleanup(func() { l.Close(); w.flow() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go w.join(c)
		}
	}()
	return w
}

func (w *way) stall() { w.set(true) }
func (w *way) flow()  { w.set(false) }

func (w *way) set(stuck bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stuck = stuck
	w.open.Broadcast()
}

// pass waits while the way is stopped.
func (w *way) pass() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.stuck {
		w.open.Wait()
	}
}

func (w *way) join(c net.Conn) {
	defer c.Close()
	w.pass()
	s, err := net.Dial("tcp", w.server)
	if err != nil {
		return
	}
	defer s.Close()
	var both sync.WaitGroup
	both.Go(func() { w.carry(s, c) })
	both.Go(func() { w.carry(c, s) })
	both.Wait()
}

// carry brings bytes one way; the end of either side is the end of both.
func (w *way) carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		w.pass()
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

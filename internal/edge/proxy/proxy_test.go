package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/journey"
)

// table is a routing that always says the same, and remembers what it is told.
type table struct {
	mu      sync.Mutex
	targets []route.Target // the first is picked, the next is the other one
	given   int
	reports []report
	answers []Answer
	overdue []report
	left    func(route.Target) bool
}

type report struct {
	target route.Target
	route.Answer
}

func (t *table) give(i int) (route.Target, bool) {
	if i >= len(t.targets) {
		return route.Target{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.given++
	return t.targets[i], true
}

func (t *table) Pick(string, route.Errand, string) (route.Target, bool) { return t.give(0) }

func (t *table) Again(failed route.Target, _ route.Errand) (route.Target, bool) {
	return t.give(slices.Index(t.targets, failed) + 1)
}

func (t *table) Left(target route.Target, _ route.Errand, _ string) bool {
	return t.left != nil && t.left(target)
}

func (t *table) Exercise(string, route.Errand, string) (route.Target, bool) {
	for i, target := range t.targets {
		if target.Side == route.Standin {
			return t.give(i)
		}
	}
	return route.Target{}, false
}

func (t *table) Report(target route.Target, _ route.Errand, a route.Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reports = append(t.reports, report{target, a})
}

func (t *table) Overdue(target route.Target, _ route.Errand, a route.Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.overdue = append(t.overdue, report{target, a})
}

func (t *table) observe(a Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answers = append(t.answers, a)
}

// words answers in place of package page.
type words struct{}

func (words) Choose(w http.ResponseWriter, _ *http.Request, f Front) {
	fmt.Fprintf(w, "front of %d", len(f.Cells))
}

func (words) Apologize(w http.ResponseWriter, _ *http.Request, a Apology) {
	w.WriteHeader(http.StatusServiceUnavailable)
	fmt.Fprint(w, a.Reason)
}

func (words) Serve(http.ResponseWriter, *http.Request) bool { return false }

// stand is an edge before some targets.
type stand struct {
	t     *testing.T
	table *table
	proxy *Proxy
	addr  string
	front *httptest.Server

	readTimeout time.Duration
}

func newStand(t *testing.T, limits Limits, targets ...http.Handler) *stand {
	t.Helper()
	var urls []string
	for _, h := range targets {
		s := httptest.NewServer(built(h))
		t.Cleanup(s.Close)
		urls = append(urls, s.URL)
	}
	return standBefore(t, limits, urls...)
}

func standBefore(t *testing.T, limits Limits, urls ...string) *stand {
	t.Helper()
	return (&stand{t: t, readTimeout: time.Minute}).before(limits, urls...)
}

func (s *stand) before(limits Limits, urls ...string) *stand {
	t := s.t
	t.Helper()
	s.table = &table{}
	for i, u := range urls {
		s.table.targets = append(s.table.targets, route.Target{Cell: "us", Side: route.Core, Build: fmt.Sprint("b", i+1), URL: u})
	}
	var err error
	s.proxy, err = New(Config{Cells: []Cell{{Name: "us", Hosts: []string{"my.example.com"}}}, Front: []string{"Example.com"}, Targets: s.table.targets, Routes: s.table,
		Errand: func(r *http.Request) route.Errand {
			return route.Errand{Journey: journey.Pay, Pattern: r.URL.Path, Either: strings.HasPrefix(r.URL.Path, "/static/"), Look: r.Method == "GET", Keyed: r.URL.Path == "/pay" || r.URL.Path == "/api/v1/payments", Repeats: r.URL.Path == "/sign-in"}
		},
		Sticky: func(string, *http.Request) string { return "m" },
		Pages:  words{}, Observe: s.table.observe, Limits: limits})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.proxy.Close)
	front := httptest.NewUnstartedServer(s.proxy)
	front.Config.ReadTimeout = s.readTimeout
	front.Start()
	s.front = front
	t.Cleanup(func() {
		s.end()
		s.table.mu.Lock()
		defer s.table.mu.Unlock()
		if s.table.given != len(s.table.reports) {
			t.Errorf("%d targets were given and %d reported", s.table.given, len(s.table.reports))
		}
	})
	s.addr = front.Listener.Addr().String()
	return s
}

// end waits until everything is answered, copies too.
func (s *stand) end() {
	s.front.Close()
	s.proxy.showings.Wait()
}

// do sends a request to the edge and gives the answer and its body.
func (s *stand) do(method, path, body string, header ...string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host = "my.example.com"
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	a, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return a, string(b)
}

// raw sends bytes as they are and gives all that comes back until the connection
// is closed, which the bytes must lead to.
func (s *stand) raw(request string) string {
	s.t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		return ""
	}
	b, _ := io.ReadAll(c)
	return string(b)
}

// built marks answers as those of a build of ours.
func built(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(BuildHeader, "b")
		h.ServeHTTP(w, r)
	})
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

// dead gives the address of a target that refuses connections.
func dead(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func TestAClientCannotSayWhoItIsNorWhoAnswered(t *testing.T) {
	var seen *http.Request
	s := newStand(t, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r
		journey.Set(w.Header(), journey.Dashboard, journey.Partial)
		w.Header().Set(BuildHeader, "b1")
		w.Header().Set(SideHeader, "core")
		w.Header().Set("Connection", "X-Secret")
		w.Header().Set("X-Secret", "1")
		w.Header().Set("Etag", `"kept"`)
	}))
	a, _ := s.do("GET", "/a%2Fb?x=1;y=2", "", "X-Forwarded-For", "6.6.6.6", "X-Forwarded-For", "7.7.7.7", "X-Forwarded-Host", "evil", "Forwarded", "for=6.6.6.6",
		"X-Real-Ip", "6.6.6.6", "Journey", "pay; outcome=done", "Standfast-Deadline", "99999999", "Standfast-Side", "standin", "Standfast-Build", "x",
		"X_forwarded_for", "6.6.6.6", "Connection", "X-Mine, Cookie, Standfast-Deadline", "X-Mine", "1", "Cookie", "a=b", "Te", "trailers", "Standfast-Flow", "f", "Upgrade", "h2c")
	h := seen.Header
	if got := h.Values("X-Forwarded-For"); len(got) != 1 || got[0] != "127.0.0.1" {
		t.Errorf("X-Forwarded-For: %q", got)
	}
	if h.Get("X-Forwarded-Proto") != "http" || h.Get("Standfast-Flow") != "f" || h.Get("Cookie") != "a=b" || seen.Host != "my.example.com" {
		t.Errorf("what was to arrive: %v", h)
	}
	if d := h.Get("Standfast-Deadline"); d != "30000" && d != "29999" && len(d) != 5 {
		t.Errorf("deadline %q", d)
	}
	if seen.URL.RequestURI() != "/a%2Fb?x=1;y=2" {
		t.Errorf("the address became %s", seen.URL.RequestURI())
	}
	for _, k := range []string{"X-Forwarded-Host", "Forwarded", "X-Real-Ip", "Journey", "Standfast-Side", "Standfast-Build", "X_forwarded_for", "X-Mine", "Te", "Upgrade", "Connection"} {
		if h[k] != nil {
			t.Errorf("%s arrived: %q", k, h[k])
		}
	}
	for _, k := range []string{"Journey", "Standfast-Side", "Standfast-Build", "X-Secret"} {
		if a.Header[k] != nil {
			t.Errorf("%s went out: %q", k, a.Header[k])
		}
	}
	if a.Header.Get("Etag") == "" || len(s.table.answers) != 1 || s.table.answers[0].Journey != journey.Dashboard || s.table.reports[0].Outcome != journey.Partial {
		t.Errorf("answer %v, counted %+v, reported %+v", a.Header, s.table.answers, s.table.reports)
	}
}

func TestTheFrontBelongsToNoCell(t *testing.T) {
	s := newStand(t, Limits{}, says("here"))
	for _, host := range []string{"example.com", "EXAMPLE.com:8443"} {
		if got := s.raw("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 200") || !strings.HasSuffix(got, "front of 1") {
			t.Errorf("%s: %q", host, got)
		}
	}
	if len(s.table.reports) != 0 {
		t.Error("a cell was asked")
	}
	if _, err := New(Config{Cells: []Cell{{Name: "us", Hosts: []string{"a.example"}}}, Front: []string{"A.example"}}); err == nil {
		t.Error("one host is a cell's and the front")
	}
}

func TestOnlyHostsOfCellsAreServed(t *testing.T) {
	s := newStand(t, Limits{}, says("here"))
	for host, want := range map[string]string{
		"my.example.com": "200", "MY.Example.COM": "200", "my.example.com:8443": "200",
		"my.example.com.": "421", "evil.example": "421", "my.example.com:x": "421", "my.example.com:99999": "421", "": "421", "my.example.com@evil": "400", "my.example.com, evil": "400"} {
		if got := s.raw("GET / HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 "+want) {
			t.Errorf("Host %q: want %s, got %.40q", host, want, got)
		}
	}
	if got := s.raw("GET http://evil.example/ HTTP/1.1\r\nHost: my.example.com\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 421") {
		t.Errorf("the host of a whole address: %.40q", got)
	}
}

// A POST goes elsewhere only when not one byte of it was sent.
func TestRepeatsOnlyWhatCannotHappenTwice(t *testing.T) {
	hangsUp := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	}
	for _, c := range []struct {
		name, method, path string
		first              http.HandlerFunc // nil: refuses connections
		want               string
		status             int
	}{
		{"a page, connection refused", "GET", "/", nil, "second", 200},
		{"a page, hung up", "GET", "/", hangsUp, "second", 200},
		{"a form, connection refused", "POST", "/pay", nil, "second got 9", 200},
		{"a form, hung up", "POST", "/pay", hangsUp, "unknown", 503},
		{"a file of another build", "GET", "/static/app.css", http.NotFound, "second", 200},
		{"a page that is not there", "GET", "/nowhere", http.NotFound, "404 page not found\n", 404},
		{"an honest refusal", "GET", "/", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusServiceUnavailable) }, "no\n", 503},
	} {
		t.Run(c.name, func(t *testing.T) {
			second := httptest.NewServer(built(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				io.WriteString(w, "second")
				if len(b) > 0 {
					fmt.Fprintf(w, " got %d", len(b))
				}
			})))
			defer second.Close()
			first := dead(t)
			if c.first != nil {
				s := httptest.NewServer(built(c.first))
				defer s.Close()
				first = s.URL
			}
			s := standBefore(t, Limits{}, first, second.URL)
			body := ""
			if c.method == "POST" {
				body = "amount=25"
			}
			if a, got := s.do(c.method, c.path, body); got != c.want || a.StatusCode != c.status {
				t.Errorf("%d %q, want %d %q", a.StatusCode, got, c.status, c.want)
			}
		})
	}
}

func TestAFileThatNoBuildHasIsAskedForTwiceOnly(t *testing.T) {
	asked := 0
	missing := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; http.Error(w, "gone", 404) })
	s := newStand(t, Limits{}, missing, missing, missing)
	if a, got := s.do("GET", "/static/x.css", ""); a.StatusCode != 404 || got != "gone\n" || asked != 2 {
		t.Errorf("%d %q, asked %d times", a.StatusCode, got, asked)
	}
}

func TestAPageDoesNotWaitForATargetThatHangs(t *testing.T) {
	hangs := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s := newStand(t, Limits{Patience: 50 * time.Millisecond}, hangs, says("second"))
	if _, got := s.do("GET", "/", ""); got != "second" {
		t.Errorf("got %q", got)
	}
	if r := s.table.reports[0]; r.target.Build != "b1" || !r.Lost || r.Outcome != journey.Failed {
		t.Errorf("reported %+v", r)
	}
	s = newStand(t, Limits{Deadline: 50 * time.Millisecond}, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		<-r.Context().Done()
	}), says("second"))
	if _, got := s.do("POST", "/pay", "x"); got != "unknown" {
		t.Errorf("a form whose answer does not come: %q", got)
	}
}

func TestAnAnswerThatBreaksOffIsSeenToBreakOff(t *testing.T) {
	s := newStand(t, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "half")
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	got := s.raw("GET / HTTP/1.1\r\nHost: my.example.com\r\n\r\n")
	if a, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil); err == nil {
		if b, err := io.ReadAll(a.Body); err == nil {
			t.Errorf("it looks whole: %q", b)
		}
	}
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	if r := s.table.reports[0]; r.Outcome != journey.Failed || !r.Lost {
		t.Errorf("reported %+v", r)
	}
}

// What is beyond the places and the queue is told so at once.
func TestATargetHasOnlySoManyPlaces(t *testing.T) {
	arrived, release := make(chan bool), make(chan bool)
	s := newStand(t, Limits{InFlight: 1, Queue: 1, Wait: time.Minute}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- true
		<-release
		io.WriteString(w, "served")
	}))
	got := make(chan string, 2)
	ask := func() { _, b := s.do("GET", "/", ""); got <- b }
	go ask()
	<-arrived
	go ask()
	up := s.proxy.upstreams[s.table.targets[0].URL]
	for up.waiting.Load() == 0 {
		select {
		case <-t.Context().Done():
			t.Fatal("the second never waits")
		default:
		}
	}
	if _, third := s.do("GET", "/", ""); third != "busy" {
		t.Errorf("the third got %q", third)
	}
	release <- true
	<-arrived
	release <- true
	if a, b := <-got, <-got; a != "served" || b != "served" {
		t.Errorf("the first two got %q and %q", a, b)
	}
	if len(up.places) != 0 {
		t.Error("a place was not given back")
	}
}

func TestNothingBehindIsSaidSo(t *testing.T) {
	s := standBefore(t, Limits{})
	if a, got := s.do("GET", "/", ""); a.StatusCode != 503 || got != "down" {
		t.Errorf("%d %q", a.StatusCode, got)
	}
	if a := s.table.answers[0]; a.Outcome != journey.Failed || a.Target != (route.Target{}) || a.Journey != journey.Pay {
		t.Errorf("counted %+v", a)
	}
	if _, got := standBefore(t, Limits{}, dead(t)).do("POST", "/pay", "x"); got != "down" {
		t.Errorf("a form that reached nobody: %q", got)
	}
}

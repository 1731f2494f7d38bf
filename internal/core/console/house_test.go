package console

import (
	"context"
	"encoding/json"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/advice/desk"
	"standfast/internal/core/jobs"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/passkey/softkey"
	"standfast/internal/core/proofing"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/core/traffic"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/masterkey"
	"standfast/internal/text"
)

var ctx = context.Background()

const origin = "https://staff.bank.example"

// house is the console with everything behind it real.
type house struct {
	*testing.T
	db      *db.DB
	clock   *dbtest.Clock
	staff   *staff.Service
	signIn  *signin.Service
	handler http.Handler
	edge    *edge
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, clock: dbtest.NewClock()}
	h.db = dbtest.SQLite(t, db.Options{Now: h.clock.Now})
	var err error
	h.staff, err = staff.New(h.db, masterkey.Demo(), staff.Config{Origin: origin, Issuer: "Bank"})
	h.must(err)
	texts, err := text.Load()
	h.must(err)
	h.must(jobs.Migrate(ctx, h.db))
	work := jobs.New(h.db, slog.New(slog.DiscardHandler))
	h.signIn, err = signin.New(h.db, member.New(h.db), notify.New(h.db, work, texts, masterkey.Demo(), nil), masterkey.Demo(),
		signin.Config{Cell: "us", Now: h.clock.Now, Jobs: work, Hash: signin.HashParams{MemoryKiB: 64, Passes: 1, Parallelism: 1}})
	h.must(err)
	zone, err := time.LoadLocation("America/New_York")
	h.must(err)
	h.edge = newEdge()
	members := member.New(h.db)
	accounts := account.New(h.db, ledger.New(h.db, ledger.Options{}), members, nil, account.Config{Zone: zone})
	h.handler = New(Services{Staff: h.staff, Advices: desk.New(h.staff, members, accounts), Traffic: traffic.New(h.staff, h.edge, "us"), Cases: proofing.New(h.db, h.staff, h.signIn, proofing.Config{}), Texts: texts, Cookies: Cookies{Cell: "us", Secure: true}, Clients: signin.Cookies{}, Brand: "Bank",
		Zone: zone, Origin: origin, Log: slog.New(slog.DiscardHandler), Now: h.clock.Now})
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// browser keeps cookies, has an authenticator, and follows nothing by itself.
type browser struct {
	*house
	cookies map[string]*http.Cookie
	key     *softkey.Authenticator
	lang    string
}

func (h *house) browser() *browser {
	return &browser{house: h, cookies: map[string]*http.Cookie{}, key: &softkey.Authenticator{Counts: true}, lang: "en-US"}
}

type answer struct {
	status int
	body   string
	header http.Header
}

func (b *browser) do(r *http.Request) answer {
	b.Helper()
	r.Host = "staff.bank.example"
	r.Header.Set("Accept-Language", b.lang)
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	body, err := io.ReadAll(w.Result().Body)
	b.must(err)
	return answer{w.Code, string(body), w.Header()}
}

func (b *browser) get(path string) answer { return b.do(httptest.NewRequest("GET", path, nil)) }

func (b *browser) post(path string, form ...string) answer {
	b.Helper()
	return b.do(posting(path, form...))
}

func posting(path string, form ...string) *http.Request {
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}

func (b *browser) want(a answer, status int, words string) answer {
	b.Helper()
	if a.status != status || !strings.Contains(html.UnescapeString(a.body)+a.header.Get("Location"), words) {
		b.Fatalf("%d %s, want %d with %q:\n%s", a.status, a.header.Get("Location"), status, words, a.body)
	}
	return a
}

var attribute = regexp.MustCompile(`(data-options|name="state" value)="([^"]*)"`)

// asked reads what a page asks an authenticator.
func (b *browser) asked(a answer) (options, state string) {
	b.Helper()
	for _, m := range attribute.FindAllStringSubmatch(a.body, -1) {
		if m[1] == "data-options" {
			options = html.UnescapeString(m[2])
		} else {
			state = html.UnescapeString(m[2])
		}
	}
	if options == "" || state == "" {
		b.Fatalf("nothing is asked on\n%s", a.body)
	}
	return options, state
}

// setUp opens a link and makes a passkey.
func (b *browser) setUp(link, name string) answer {
	b.Helper()
	path := strings.TrimPrefix(link, origin)
	options, state := b.asked(b.want(b.get(path), 200, "works once"))
	made, err := b.key.Create([]byte(options), origin)
	b.must(err)
	return b.post(path, "name", name, "passkey_name", "Laptop", "state", state, "passkey", string(made))
}

func (b *browser) signIn(next string) answer {
	b.Helper()
	var asked struct {
		PublicKey json.RawMessage `json:"publicKey"`
		State     string          `json:"state"`
	}
	a := b.get("/sign-in/prompt")
	b.must(json.Unmarshal([]byte(a.body), &asked))
	signed, err := b.key.Get([]byte(a.body), origin)
	b.must(err)
	return b.post("/sign-in", "state", asked.State, "passkey", string(signed), "next", next)
}

// proof answers a page that asks who is signed in for a passkey.
func (b *browser) proof(path string) (state, answer string) {
	b.Helper()
	options, state := b.asked(b.want(b.get(path), 200, ""))
	signed, err := b.key.Get([]byte(options), origin)
	b.must(err)
	return state, string(signed)
}

// operator is the first one, signed in.
func (h *house) operator() *browser {
	h.Helper()
	link, err := h.staff.FirstLink(ctx)
	h.must(err)
	b := h.browser()
	b.want(b.setUp(link, "Olga Operator"), 303, "/")
	return b
}

var shownLink = regexp.MustCompile(`<p class="secret">([^<]+)</p>`)

// hire invites somebody, who uses the link.
func (b *browser) hire(name, role, organisation, until string) *browser {
	b.Helper()
	a := b.want(b.post("/people/invite", "name", name, "role", role, "organisation", organisation, "until", until), 200, "works once")
	other := b.browser()
	other.want(other.setUp(shownLink.FindStringSubmatch(a.body)[1], ""), 303, "/")
	return other
}

func (b *browser) session() staff.Session {
	b.Helper()
	s, err := b.staff.Check(ctx, b.cookies["__Host-sf_us_staff_session_v1"].Value)
	b.must(err)
	return s
}

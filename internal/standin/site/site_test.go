package site

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"standfast/internal/fault"
	"standfast/internal/money"
	"standfast/internal/overload"
	"standfast/internal/standin/advice"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
	"standfast/internal/standin/teller"
	"standfast/internal/text"
	"standfast/internal/token"
)

// core is a small peer that signs as core does and takes advices as core does.
type core struct {
	t      *testing.T
	key    ed25519.PrivateKey
	lines  []string // of the snapshot
	pages  map[string]string
	lose   bool // the next answer to advices does not arrive
	spoil  func(snapshot string) string
	served map[int64]string
	result map[int64]store.Outcome
	count  int // effects
}

func (c *core) item(topic, id string, version int, body any) {
	b, err := json.Marshal(map[string]any{"topic": topic, "id": id, "version": version, "at": noon, "body": body})
	if err != nil {
		c.t.Fatal(err)
	}
	c.lines = append(c.lines, string(b))
}

func (c *core) sign(text string) string {
	return "feed-1:" + base64.RawURLEncoding.EncodeToString(ed25519.Sign(c.key, []byte(text)))
}

func (c *core) snapshot(cell string) string {
	all := fmt.Sprintf(`{"version":1,"cell":%q,"cursor":"c1","at":%q}`, cell, noon.Format(time.RFC3339Nano)) + "\n"
	for _, l := range c.lines {
		all += l + "\n"
	}
	sum := sha256.Sum256([]byte(all))
	digest := hex.EncodeToString(sum[:])
	return all + fmt.Sprintf(`{"end":true,"items":%d,"digest":%q,"signature":%q}`, len(c.lines), digest, c.sign("standfast-snapshot-1\n"+cell+"\n"+digest)) + "\n"
}

func (c *core) page(cell, after, next string, version int, items string) string {
	return fmt.Sprintf(`{"version":%d,"cell":%q,"after":%q,"next":%q,"complete_to":%q,"at":%q,"items":[%s]}`, version, cell, after, next,
		noon.Add(time.Minute).Format(time.RFC3339Nano), noon.Add(time.Minute).Format(time.RFC3339Nano), items)
}

func (c *core) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/internal/v1/feed/snapshot":
		all := c.snapshot("us")
		if c.spoil != nil {
			all = c.spoil(all)
		}
		_, _ = io.WriteString(w, all)
	case "/internal/v1/feed":
		after := r.URL.Query().Get("after")
		body, ok := c.pages[after]
		if !ok {
			w.WriteHeader(http.StatusGone)
			return
		}
		sum := sha256.Sum256([]byte(body))
		w.Header().Set("Standfast-Signature", c.sign("standfast-feed-1\nus\n"+after+"\n"+hex.EncodeToString(sum[:])))
		_, _ = io.WriteString(w, body)
	case "/internal/v1/advices":
		c.advices(w, r)
	}
}

func (c *core) advices(w http.ResponseWriter, r *http.Request) {
	var in struct{ Items []store.Advice }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		c.t.Error(err)
	}
	var out []store.Outcome
	for _, a := range in.Items {
		if _, done := c.result[a.Seq]; !done {
			if a.Seq != int64(len(c.result)+1) {
				c.t.Errorf("advice %d before %d", a.Seq, len(c.result)+1)
			}
			c.count++
			c.served[a.Seq] = a.Kind
			c.result[a.Seq] = store.Outcome{Seq: a.Seq, ID: a.ID, State: store.Applied}
		}
		out = append(out, c.result[a.Seq])
	}
	if c.lose {
		c.lose = false
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"applied_to": len(c.result), "outcomes": out})
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	member  = "019cada2-6c00-7000-8000-2d5f3ab0c002"
	device  = "019cada2-6c00-7000-8000-2d5f3ab0c003"
	card    = "019cada2-6c00-7000-8000-2d5f3ab0c006"
	bank    = "019cada2-6c00-7000-8000-2d5f3ab0c008"
	coreKey = "019cada2-6c00-7000-8000-2d5f3ab0c00a"
)

// house is a stand-in beside a core, on an injected clock.
type house struct {
	gate     *overload.Gate
	t        *testing.T
	now      time.Time
	core     *core
	ring     *token.Keyring // core's
	known    *store.Known
	own      *store.Own
	desk     *entry.Desk
	consumer *feed.Consumer
	pusher   *advice.Pusher
	site     http.Handler
}

func usd(minor int64) money.Amount { return money.New(minor, "USD") }

// places are how many requests a house of these tests answers at once.
const places = 16

func newHouse(t *testing.T) *house {
	t.Helper()
	ctx := context.Background()
	h := &house{t: t, now: noon, core: &core{t: t, pages: map[string]string{}, served: map[int64]string{}, result: map[int64]store.Outcome{}}}
	feedPublic, private, _ := ed25519.GenerateKey(nil)
	h.core.key = private
	dir := t.TempDir()
	keys, err := entry.LoadKeys(filepath.Join(dir, "keys"))
	must(t, err)
	h.fill(keys)
	h.known, err = store.OpenKnown(ctx, filepath.Join(dir, "known.db"))
	must(t, err)
	h.own, err = store.OpenOwn(ctx, filepath.Join(dir, "own.db"), noon)
	must(t, err)
	clock := func() time.Time { return h.now }
	party, err := entry.NewParty("http://localhost", "Standfast")
	must(t, err)
	h.desk, err = entry.New(ctx, entry.Config{Cell: "us", Party: party, Rules: "us", Keys: keys, Known: h.known, Own: h.own, Ages: entry.Ages{Look: 72 * time.Hour, Pay: 24 * time.Hour},
		Idle: time.Hour, Max: 24 * time.Hour, Hash: 2, Now: clock})
	must(t, err)
	srv := httptest.NewServer(h.core)
	t.Cleanup(func() { srv.Close(); h.known.Close(); h.own.Close() })
	log := slog.New(slog.DiscardHandler)
	h.gate = overload.New(overload.Limits{Least: places, Most: places, Wait: 50 * time.Millisecond})
	h.consumer = feed.NewConsumer(feed.Config{Cell: "us", Key: feed.Key{ID: "feed-1", Public: feedPublic}, Source: feed.Source{URL: srv.URL, Client: srv.Client()},
		Known: h.known, Log: log, Now: clock, Changed: h.desk.Learn})
	h.pusher = &advice.Pusher{URL: srv.URL, Client: srv.Client(), Own: h.own, Log: log, Now: clock}
	texts, err := text.Load()
	must(t, err)
	desk := teller.New(teller.Config{Known: h.known, Own: h.own, Desk: h.desk, Zone: time.UTC, CutOff: 20 * time.Hour, StepUpAbove: usd(50_000),
		Limits: store.Limits{MemberMinor: 60_000, MemberCount: 3, TotalMinor: 1_000_000, TotalCount: 100}, Now: clock})
	h.site = New(Config{Desk: h.desk, Teller: desk, Texts: texts, Log: log, Now: clock, Zone: time.UTC, Cell: "us", Brand: "Standfast", Telephone: "1 800 555 0100",
		PublicURL: "http://localhost", Halted: h.pusher.Halted, Gate: h.gate})
	return h
}

// fill gives core one member with a card, a bank account and a remembered browser.
func (h *house) fill(keys entry.Keys) {
	public, private, _ := ed25519.GenerateKey(nil)
	h.ring = token.NewKeyring("us", 10)
	must(h.t, h.ring.Replace([]token.PublicKey{{ID: coreKey, Key: public}}, token.Signer{ID: coreKey, Key: private}))
	amount := func(minor int64) *money.Amount { a := usd(minor); return &a }
	c := h.core
	c.item(feed.SigningKey, coreKey, 1, feed.SigningKeyBody{PublicKey: base64.RawURLEncoding.EncodeToString(public)})
	c.item(feed.Member, member, 2, feed.MemberBody{Username: "Ada", DisplayName: "Ada Lovelace", Locale: "en-US", Region: "us"})
	c.item(feed.Verifier, member, 3, feed.VerifierBody{Sealed: h.seal(keys, 3, "correct horse battery")})
	c.item(feed.Device, member+"/"+device, 4, feed.DeviceBody{MemberID: member, DeviceID: device, TrustedFrom: noon.Add(-time.Hour), TrustedUntil: noon.Add(1000 * time.Hour)})
	c.item(feed.Account, card, 5, feed.AccountBody{Kind: "card", Last4: "4242", Currency: "USD", MinimumDue: amount(2500), DueOn: "2026-03-25", Status: "active", Local: true})
	c.item(feed.Holder, member+"/"+card, 6, feed.HolderBody{MemberID: member, AccountID: card, Role: "owner"})
	c.item(feed.Balance, card, 7, feed.BalanceBody{Posted: amount(-12345), Available: amount(87655), AsOf: noon})
	c.item(feed.Transaction, card+"/t1", 8, map[string]any{"id": "t1", "account_id": card, "posted_at": noon, "amount": usd(-1250), "kind": "purchase", "description": "Corner <b>shop", "status": "posted"})
	c.item(feed.PaymentMethod, bank, 9, feed.PaymentMethodBody{MemberID: member, Kind: "bank_account", Display: "•••• 6789", Status: "verified"})
	c.item("of-a-later-release", "x", 10, map[string]any{})
}

func (h *house) seal(keys entry.Keys, version int64, password string) string {
	salt := []byte("0123456789abcdef")
	phc := "$argon2id$v=19$m=64,t=1,p=1$" + base64.RawStdEncoding.EncodeToString(salt) + "$" + base64.RawStdEncoding.EncodeToString(argon2.IDKey([]byte(password), salt, 1, 64, 1, 32))
	raw := regexp.MustCompile(`seal_key = "(.*)"`).FindStringSubmatch(keys.Public())[1]
	b, err := base64.RawURLEncoding.DecodeString(raw)
	must(h.t, err)
	p, err := ecdh.X25519().NewPublicKey(b)
	must(h.t, err)
	public, err := hpke.NewDHKEMPublicKey(p)
	must(h.t, err)
	sealed, err := hpke.Seal(public, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), fmt.Appendf(nil, "standfast-verifier-1|us|%s|%d", member, version), []byte(phc))
	must(h.t, err)
	return base64.StdEncoding.EncodeToString(sealed)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (h *house) follow() { h.t.Helper(); must(h.t, h.consumer.Pass(context.Background(), 0)) }

func (h *house) deviceToken() string {
	tok, err := h.ring.Sign(token.Claims{Kind: token.KindDevice, ID: device, IssuedAt: noon, Expires: noon.Add(1000 * time.Hour)})
	must(h.t, err)
	return tok
}

func (h *house) session() string {
	tok, err := h.ring.Sign(token.Claims{Kind: token.KindSession, ID: "s1", MemberID: member, DeviceID: device, IssuedAt: noon, AuthenticatedAt: noon,
		Idle: noon.Add(100 * time.Hour), Expires: noon.Add(100 * time.Hour), Methods: []string{"pwd"}})
	must(h.t, err)
	return tok
}

func (h *house) do(method, path, body string, set ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
	} else if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(set); i += 2 {
		r.Header.Set(set[i], set[i+1])
	}
	w := httptest.NewRecorder()
	h.site.ServeHTTP(w, r)
	return w
}

func (h *house) want(w *httptest.ResponseRecorder, status int, parts ...string) {
	h.t.Helper()
	if w.Code != status {
		h.t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	for _, p := range parts {
		if !strings.Contains(w.Body.String(), p) {
			h.t.Fatalf("no %q in %s", p, w.Body)
		}
	}
}

func TestAMemberIsServedFromWhatCoreHasTold(t *testing.T) {
	h := newHouse(t)
	h.want(h.do("GET", "/api/v1/dashboard", "", "Authorization", "Bearer "+h.session()), 503, "session.unknown")
	h.follow()
	signIn := `{"username":"ADA","password":"correct horse battery"}`
	h.want(h.do("POST", "/api/v1/sign-in", signIn, "Standfast-Flow", "f"), 503, entry.CodeNotHere)
	h.want(h.do("POST", "/api/v1/sign-in", `{"username":"ada","password":"wrong"}`, "Standfast-Flow", "f", "Standfast-Device", h.deviceToken()), 401, "signin.refused")
	w := h.do("POST", "/api/v1/sign-in", signIn, "Standfast-Flow", "f", "Standfast-Device", h.deviceToken())
	h.want(w, 200, `"signed_in"`)
	var in struct{ Session struct{ Token string } }
	must(t, json.Unmarshal(w.Body.Bytes(), &in))
	for _, tok := range []string{in.Session.Token, h.session()} { // ours, and core's
		h.want(h.do("GET", "/api/v1/dashboard", "", "Authorization", "Bearer "+tok), 200, `"-123.45"`, `"as_of":"2026-03-02T12:00:00Z"`)
		w := h.do("GET", "/dashboard", "", "Cookie", "sf_us_session_v1="+tok)
		h.want(w, 200, "$123.45", "As of", "Pay")
		if w.Header().Get("Journey") != "dashboard; outcome=done" || w.Header().Get("Standfast-Side") != "standin" {
			t.Fatal(w.Header())
		}
	}
	h.want(h.do("GET", "/accounts/"+card, "", "Cookie", "sf_us_session_v1="+h.session()), 200, "Corner &lt;b&gt;shop")
	h.want(h.do("GET", "/accounts/"+bank, "", "Cookie", "sf_us_session_v1="+h.session()), 404)
	h.want(h.do("GET", "/transfer", ""), 503, "Not just now", "1 800 555 0100")
}

func TestUnknownNeverClearsACookie(t *testing.T) {
	h := newHouse(t)
	h.follow()
	cookie := "sf_us_session_v1=" + h.session()
	h.now = noon.Add(25 * time.Hour)
	h.want(h.do("GET", "/dashboard", "", "Cookie", cookie), 200, "Payments and other things come back soon")
	w := h.do("GET", "/pay", "", "Cookie", cookie)
	h.want(w, 503, "You stay signed in")
	h.now = noon.Add(73 * time.Hour)
	w = h.do("GET", "/dashboard", "", "Cookie", cookie)
	h.want(w, 503, "You stay signed in")
	if len(w.Result().Cookies()) != 0 {
		t.Fatal(w.Result().Cookies())
	}
	h.want(h.do("POST", "/api/v1/cards/"+card+"/freeze", "", "Authorization", "Bearer "+h.session()), 200, "requested")
}

func TestOneIntentionIsOnePayment(t *testing.T) {
	h := newHouse(t)
	h.follow()
	form := url.Values{"account": {card}, "method": {bank}, "what": {"amount"}, "exact": {"25.00"}, "when": {"today"}, "key": {"K1"}}.Encode()
	cookie := "sf_us_session_v1=" + h.session()
	w := h.do("POST", "/pay", form, "Cookie", cookie)
	h.want(w, 303)
	done := w.Header().Get("Location")
	h.want(h.do("GET", done, "", "Cookie", cookie), 200, "$25.00", "March 2, 2026", "Received. It is carried out")
	if again := h.do("POST", "/pay", form, "Cookie", cookie); again.Header().Get("Location") != done {
		t.Fatal(again.Header())
	}
	call := fmt.Sprintf(`{"account_id":%q,"payment_method_id":%q,"amount":{"value":"25.00","currency":"USD"}}`, card, bank)
	bearer := []string{"Authorization", "Bearer " + h.session(), "Idempotency-Key"}
	h.want(h.do("POST", "/api/v1/payments", call, append(bearer, "K1")...), 201, strings.ReplaceAll(teller.Grouped(strings.TrimPrefix(done, "/pay/done/")), " ", ""))
	h.want(h.do("POST", "/api/v1/payments", strings.Replace(call, "25.00", "26.00", 1), append(bearer, "K1")...), 409)
	h.want(h.do("POST", "/api/v1/payments", strings.Replace(call, "25.00", "500.01", 1), append(bearer, "K2")...), 403, "standin.step-up")
	h.want(h.do("POST", "/api/v1/payments", strings.Replace(call, "25.00", "500.00", 1), append(bearer, "K3")...), 201)
	h.want(h.do("POST", "/api/v1/payments", strings.Replace(call, "25.00", "75.01", 1), append(bearer, "K4")...), 403, "standin.limit")
	h.want(h.do("POST", "/pay", form, "Cookie", cookie, "Sec-Fetch-Site", "cross-site"), 403)

	h.core.lose = true
	if _, err := h.pusher.Push(context.Background()); err == nil {
		t.Fatal("a lost answer was none")
	}
	_, err := h.pusher.Push(context.Background())
	must(t, err)
	if h.core.count != 2 || h.core.served[1] != store.KindPayment {
		t.Fatalf("%d effects: %v", h.core.count, h.core.served)
	}
	h.want(h.do("GET", "/payments", "", "Cookie", cookie), 200, "Received and carried out")
}

func TestWhatIsNotSignedByOurCoreChangesNothing(t *testing.T) {
	h := newHouse(t)
	h.follow()
	good := h.core.lines[6]
	newer := strings.Replace(strings.Replace(good, `"version":7`, `"version":70`, 1), "-123.45", "-1.00", 1)
	for _, c := range []struct{ name, page, code string }{
		{"another cell's", h.core.page("gb", "c1", "c2", 1, newer), feed.CodeForeign},
		{"a later form", h.core.page("us", "c1", "c2", 2, newer), feed.CodeVersion},
		{"another page", h.core.page("us", "c0", "c2", 1, newer), feed.CodeCursor},
		{"one that leads nowhere", h.core.page("us", "c1", "c1", 1, newer), feed.CodeCursor},
		{"no version", h.core.page("us", "c1", "c2", 1, `{"topic":"balance","id":"x","body":{}}`), feed.CodeShape},
		{"no feed", "<html>", feed.CodeShape},
	} {
		h.core.pages["c1"] = c.page
		if err := h.consumer.Pass(context.Background(), 0); fault.As(err) == nil || fault.As(err).Code != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
	true_ := h.core.key
	_, h.core.key, _ = ed25519.GenerateKey(nil)
	h.core.pages["c1"] = h.core.page("us", "c1", "c2", 1, newer)
	if err := h.consumer.Pass(context.Background(), 0); fault.As(err) == nil || fault.As(err).Code != feed.CodeForged {
		t.Errorf("forged: %v", err)
	}
	h.core.key = true_
	if at := h.known.Position(); at.Cursor != "c1" || !at.Complete.Equal(noon) {
		t.Fatal(at)
	}
	older := strings.Replace(strings.Replace(good, `"version":7`, `"version":6`, 1), "-123.45", "-9.00", 1)
	h.core.pages["c1"], h.core.pages["c2"] = h.core.page("us", "c1", "c2", 1, newer+","+older), h.core.page("us", "c2", "c3", 1, newer)
	h.follow()
	h.follow() // a repeat
	h.want(h.do("GET", "/api/v1/accounts/"+card, "", "Authorization", "Bearer "+h.session()), 200, `"-1.00"`)
	h.follow() // c3 is gone: everything comes anew
	if at := h.known.Position(); at.Cursor != "c1" {
		t.Fatal(at)
	}
}

func TestARevokedSessionIsOver(t *testing.T) {
	h := newHouse(t)
	h.follow()
	cookie := "sf_us_session_v1=" + h.session()
	h.core.pages["c1"] = h.core.page("us", "c1", "c2", 1, fmt.Sprintf(`{"topic":"session-revoked","id":"s1","version":90,"at":"2026-03-02T12:00:30Z","body":{"member_id":%q,"until":"2026-03-09T12:00:00Z"}}`, member))
	h.follow()
	w := h.do("GET", "/dashboard", "", "Cookie", cookie)
	h.want(w, 303)
	if len(w.Result().Cookies()) != 1 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Fatal("the cookie of a session that is known to be over stays")
	}
}

func TestEveryTextIsThere(t *testing.T) {
	texts, err := text.Load()
	must(t, err)
	used := map[string]bool{}
	for _, name := range []string{"view.templ", "pages.go", "site.go"} {
		b, err := os.ReadFile(name)
		must(t, err)
		for _, m := range regexp.MustCompile(`"((?:standin|sign-in|frame|parts|help|home|tile|account|pay|payments|passkeys|review|done|form)\.[a-z-]+)"`).FindAllStringSubmatch(string(b), -1) {
			if !strings.HasSuffix(m[1], "-") && m[1] != "standin.css" && m[1] != "form.js" && m[1] != "standin.not-now" && m[1] != "account.not-found" { // made at run time; files; a code
				used[m[1]] = true
			}
		}
	}
	for id := range used {
		for _, l := range texts.Locales() {
			if !texts.Has(l, id) {
				t.Errorf("%s lacks %s", l, id)
			}
		}
	}
	for _, id := range texts.IDs(text.Default) {
		if strings.HasPrefix(id, "standin.") && !strings.HasPrefix(id, "standin.fault-") && !used[id] {
			t.Errorf("nobody uses %s", id)
		}
	}
}

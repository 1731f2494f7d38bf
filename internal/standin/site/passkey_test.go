package site

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/fault"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
)

const (
	passkeyID = "019cada2-6c00-7000-8000-2d5f3ab0c00c"
	origin    = "http://localhost"
	asBrowser = "Mozilla/5.0"
)

// owns gives the member a passkey, which core tells of with its next snapshot.
func (h *house) owns(a *softkey.Authenticator, version int) {
	h.t.Helper()
	made, err := a.Create([]byte(`{"publicKey":{"challenge":"AAAA","rp":{"id":"localhost"},"user":{"id":"aGFuZGxl"}}}`), origin)
	must(h.t, err)
	parsed, err := protocol.ParseCredentialCreationResponseBytes(made)
	must(h.t, err)
	c := parsed.Response.AttestationObject.AuthData.AttData
	h.core.item(feed.Passkey, passkeyID, version, feed.PasskeyBody{ID: passkeyID, Kind: "member", OwnerID: member, CredentialID: c.CredentialID, PublicKey: c.CredentialPublicKey,
		Handle: []byte("handle"), BackupEligible: a.Synced})
}

type prompt struct {
	State   string
	options []byte
}

func (h *house) prompt(flow string) (p prompt) {
	h.t.Helper()
	w := h.do("POST", "/api/v1/sign-in/passkey/options", "", "Standfast-Flow", flow)
	h.want(w, 200, `"publicKey"`, `"userVerification":"required"`, `"rpId":"localhost"`)
	must(h.t, json.Unmarshal(w.Body.Bytes(), &p))
	p.options = w.Body.Bytes()
	return p
}

// answers signs in by passkey over the API.
func (h *house) answers(a *softkey.Authenticator, p prompt, flow string) *httptest.ResponseRecorder {
	h.t.Helper()
	answer, err := a.Get(p.options, origin)
	must(h.t, err)
	return h.do("POST", "/api/v1/sign-in/passkey", `{"state":"`+p.State+`","assertion":`+string(answer)+`}`, "Standfast-Flow", flow)
}

func withPasskey(t *testing.T, a *softkey.Authenticator) *house {
	h := newHouse(t)
	h.owns(a, 20)
	h.follow()
	return h
}

func TestAPasskeySignsInOnAnyBrowser(t *testing.T) {
	a := &softkey.Authenticator{Counts: true}
	h := withPasskey(t, a)
	w := h.answers(a, h.prompt("f"), "f")
	h.want(w, 200, `"signed_in"`)
	var in struct{ Session struct{ Token string } }
	must(t, json.Unmarshal(w.Body.Bytes(), &in))
	h.want(h.do("GET", "/api/v1/dashboard", "", "Authorization", "Bearer "+in.Session.Token), 200, `"-123.45"`)
	h.want(h.do("GET", "/api/v1/session", "", "Authorization", "Bearer "+in.Session.Token), 200, `"methods":["hwk","user","standin"]`)
	list, err := h.own.From(context.Background(), 1, 10)
	must(t, err)
	if len(list) != 1 || list[0].Kind != store.KindSessionOpened || !strings.Contains(string(list[0].Body), `"passkey_id":"`+passkeyID+`","session_id"`) ||
		!strings.Contains(string(list[0].Body), `"sign_count":1`) {
		t.Fatalf("%+v", list)
	}
}

// The form is core's, field for field: a page that core has shown is taken here.
func TestAPasskeySignsInFromThePage(t *testing.T) {
	a := &softkey.Authenticator{Synced: true}
	h := withPasskey(t, a)
	page := h.do("GET", "/sign-in?next=/payments", "", "User-Agent", asBrowser)
	h.want(page, 200, `data-prompt="/sign-in/passkey/prompt"`, `autocomplete="username webauthn"`, "passkey.s")
	flow := page.Result().Cookies()[0]
	w := h.do("GET", "/sign-in/passkey/prompt", "", "Cookie", flow.Name+"="+flow.Value)
	h.want(w, 200)
	var p prompt
	must(t, json.Unmarshal(w.Body.Bytes(), &p))
	answer, err := a.Get(w.Body.Bytes(), origin)
	must(t, err)
	form := url.Values{"state": {p.State}, "passkey": {string(answer)}, "next": {"/payments"}, "trust": {"yes"}, "device_key": {""}}.Encode()
	w = h.do("POST", "/sign-in/passkey", form, "Cookie", flow.Name+"="+flow.Value)
	h.want(w, 303)
	if w.Header().Get("Location") != "/payments" || len(w.Result().Cookies()) != 1 || w.Result().Cookies()[0].Name != "sf_us_session_v1" {
		t.Fatal(w.Header())
	}
	again := h.do("POST", "/sign-in/passkey", form, "Cookie", flow.Name+"="+flow.Value)
	h.want(again, 401, "used before")
}

func TestWhatDoesNotHoldSignsNobodyIn(t *testing.T) {
	other := &softkey.Authenticator{}
	if _, err := other.Create([]byte(`{"publicKey":{"challenge":"AAAA","rp":{"id":"localhost"},"user":{"id":"aGFuZGxl"}}}`), origin); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		tamper func(*softkey.Answer)
		status int
		code   string
	}{
		{"nobody verified", func(a *softkey.Answer) { a.Flags &^= softkey.UserVerified }, 401, "passkey.refused"},
		{"another site's", func(a *softkey.Answer) { a.Origin = "http://localhost.example" }, 401, "passkey.refused"},
		{"a look-alike origin", func(a *softkey.Answer) { a.Origin = "http://x@localhost/" }, 401, "passkey.refused"},
		{"another party's", func(a *softkey.Answer) { a.RPID = "example.org" }, 401, "passkey.refused"},
		{"another key's", func(a *softkey.Answer) { a.Sign = other.Key().Sign }, 401, "passkey.refused"},
		{"another user's", func(a *softkey.Answer) { a.Handle = []byte("other") }, 401, "passkey.refused"},
		{"no user's", func(a *softkey.Answer) { a.Handle = nil }, 401, "passkey.refused"},
		{"another challenge", func(a *softkey.Answer) { a.Challenge = "AAAA" }, 401, "passkey.refused"},
		{"not what it is for", func(a *softkey.Answer) { a.Type = "webauthn.create" }, 401, "passkey.refused"},
		{"a passkey that is not known", func(a *softkey.Answer) { a.ID = other.Key().ID }, 503, entry.CodePasskey},
	} {
		a := &softkey.Authenticator{}
		h := withPasskey(t, a)
		a.Tamper = c.tamper
		w := h.answers(a, h.prompt("f"), "f")
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.code) || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if last, err := h.own.Last(context.Background()); err != nil || last != 0 {
			t.Errorf("%s: %d advices, %v", c.name, last, err)
		}
	}
}

func TestAPromptIsAnsweredOnceInItsFlowAndSoon(t *testing.T) {
	a := &softkey.Authenticator{}
	h := withPasskey(t, a)
	p := h.prompt("f")
	h.want(h.answers(a, p, "g"), 401, "passkey.over")
	h.want(h.answers(a, p, "f"), 200)
	h.want(h.answers(a, p, "f"), 401, "passkey.over")
	p = h.prompt("f")
	h.now = h.now.Add(6 * time.Minute)
	h.want(h.answers(a, p, "f"), 401, "passkey.over")
	for _, body := range []string{`{"assertion":{}}`, `{"state":"x","challenge_id":"y","assertion":{}}`} {
		h.want(h.do("POST", "/api/v1/sign-in/passkey", body, "Standfast-Flow", "f"), 422, "passkey.state-or-challenge")
	}
	h.want(h.do("POST", "/api/v1/sign-in/passkey", `{"challenge_id":"y","assertion":{}}`, "Standfast-Flow", "f"), 503, "standin.not-now")
	h.want(h.do("POST", "/api/v1/sign-in/passkey", `{"state":"`+h.prompt("f").State+`","assertion":{}}`, "Standfast-Flow", "f"), 422, "passkey.unreadable")
	h.now = noon.Add(73 * time.Hour)
	h.want(h.answers(a, h.prompt("f"), "f"), 503, "session.unknown")
}

// A counter that does not go on is refused, whether this store or core knows of the
// later one; core hears of it, but not of each time.
func TestACounterThatGoesBackIsRefused(t *testing.T) {
	a := &softkey.Authenticator{Counts: true}
	h := withPasskey(t, a)
	copied := *a
	h.want(h.answers(a, h.prompt("f"), "f"), 200)
	h.want(h.answers(a, h.prompt("f"), "f"), 200)
	for range 5 {
		copied.Counter = 0
		h.want(h.answers(&copied, h.prompt("f"), "f"), 401, "passkey.refused")
	}
	list, err := h.own.From(context.Background(), 1, 100)
	must(t, err)
	told := 0
	for _, i := range list {
		if i.Kind == store.KindPasskeyCounter {
			told++
		}
	}
	if told != 3 { // of the 1st, the 2nd and the 4th
		t.Errorf("core hears of it %d times", told)
	}
	h.want(h.answers(a, h.prompt("f"), "f"), 200) // the true one goes on

	var key feed.PasskeyBody
	r, _, err := h.known.Get(context.Background(), feed.Passkey, passkeyID)
	must(t, err)
	must(t, json.Unmarshal(r.Body, &key))
	key.SignCount = 9 // of sign-ins at core
	body, _ := json.Marshal(key)
	h.core.pages["c1"] = h.core.page("us", "c1", "c2", 1, `{"topic":"passkey","id":"`+passkeyID+`","version":99,"at":"2026-03-02T12:00:30Z","body":`+string(body)+`}`)
	h.follow()
	h.want(h.answers(a, h.prompt("f"), "f"), 401, "passkey.refused")
	a.Counter = 9
	h.want(h.answers(a, h.prompt("f"), "f"), 200)
}

// A passkey that was removed, or whose member is not known, opens nothing.
func TestARemovedPasskeyOpensNothing(t *testing.T) {
	a := &softkey.Authenticator{}
	h := withPasskey(t, a)
	h.core.pages["c1"] = h.core.page("us", "c1", "c2", 1, `{"topic":"passkey","id":"`+passkeyID+`","version":99,"at":"2026-03-02T12:00:30Z","gone":true}`)
	h.follow()
	h.want(h.answers(a, h.prompt("f"), "f"), 503, entry.CodePasskey)
	h = withPasskey(t, a)
	h.core.pages["c1"] = h.core.page("us", "c1", "c2", 1, `{"topic":"member","id":"`+member+`","version":99,"at":"2026-03-02T12:00:30Z","gone":true}`)
	h.follow()
	h.want(h.answers(a, h.prompt("f"), "f"), 503, entry.CodePasskey)
}

// Without TLS no browser makes passkeys: then nothing offers one.
func TestWithoutAPartyThereAreNoPasskeys(t *testing.T) {
	for _, address := range []string{"http://bank.example", "https://", "::"} {
		if _, err := entry.NewParty(address, "Bank"); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", address, err)
		}
	}
	h := newHouse(t)
	h.desk.Party = nil
	h.want(h.do("POST", "/api/v1/sign-in/passkey/options", "", "Standfast-Flow", "f"), http.StatusNotFound, "passkey.none")
	if w := h.do("GET", "/sign-in", ""); strings.Contains(w.Body.String(), "passkey") {
		t.Error("the page offers a passkey")
	}
}

package console

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/advice"
	"standfast/internal/core/proofing"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/journey"
	"standfast/internal/steer"
	"standfast/internal/text"
)

func TestAnOperatorRunsThePlace(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.want(b.get("/"), 303, "/people")
	b.want(b.get("/people"), 200, "Olga Operator")
	b.want(b.post("/organisations", "name", "Call Centre Ltd"), 303, "/organisations?done=added")
	firm := regexp.MustCompile(`/organisations/([0-9a-f-]+)/end`).FindStringSubmatch(b.want(b.get("/organisations"), 200, "Call Centre Ltd").body)[1]
	b.want(b.post("/people/invite", "name", "Sam", "role", "agent", "organisation", firm), 422, "until when")
	day := h.clock.Now().AddDate(0, 0, 30).Format("2006-01-02")
	sam := b.hire("Sam", "agent", firm, day)
	sam.want(sam.get("/"), 303, "/cases")
	sam.want(sam.get("/people"), 403, "Your role does not allow this.")

	path := "/people/" + sam.session().Person.ID
	b.want(b.get(path), 200, "Call Centre Ltd")
	b.want(b.post(path+"/role", "role", "operator"), 422, "Operators belong to the issuer.")
	b.want(b.post(path+"/role", "role", "auditor"), 303, path)
	sam.want(sam.get("/people"), 200, "Olga Operator")
	if a := sam.get(path); strings.Contains(a.body, "<button class=\"button") {
		t.Error("an auditor is offered a change")
	}
	b.want(b.post(path+"/until", "until", "2030-01-01"), 422, "90 days")
	b.want(b.post(path+"/until", "until", "soon"), 422, "not a date")
	b.want(b.post(path+"/until", "until", day), 303, path)
	b.want(b.get("/organisations/"+firm+"/end"), 200, "Everybody at Call Centre Ltd")
	b.want(b.post("/organisations/"+firm+"/end"), 303, "ended")
	sam.want(sam.get("/passkeys"), 303, "/sign-in")
	if sam.cookies["__Host-sf_us_staff_session_v1"] != nil {
		t.Error("the cookie of a session that is over stays")
	}
	sam.want(sam.signIn(""), 403, "Your access has ended.")
	own := "/people/" + b.session().Person.ID
	b.want(b.post(own+"/end"), 409, "last operator")
	b.want(b.post(own+"/role", "role", "agent"), 409, "last operator")
}

func TestALinkWorksOnce(t *testing.T) {
	h := newHouse(t)
	link, err := h.staff.FirstLink(ctx)
	h.must(err)
	b, path := h.browser(), strings.TrimPrefix(link, origin)
	b.want(b.get(path), 200, "works once") // looking uses nothing up
	b.want(b.post(path, "name", "Olga", "passkey_name", "Key", "state", "x", "passkey", "{}"), 401, "took too long")
	b.want(b.setUp(link, " "), 422, "required")
	b.want(b.setUp(link, "Olga"), 303, "/")
	other := h.browser()
	other.want(other.get(path), 404, "does not work any more")
	other.want(other.post(path, "name", "Mallory", "passkey_name", "Key", "state", "x", "passkey", "{}"), 404, "does not work any more")
}

func TestOwnPasskeys(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	first := regexp.MustCompile(`/passkeys/([0-9a-f-]+)/remove`).FindStringSubmatch(b.want(b.get("/passkeys"), 200, "Laptop").body)[1]
	b.want(b.post("/passkeys/"+first+"/remove"), 409, "only way to sign in")
	options, state := b.asked(b.get("/passkeys/add"))
	second := h.browser()
	made, err := second.key.Create([]byte(options), origin)
	h.must(err)
	b.want(b.post("/passkeys/add", "passkey_name", "", "state", state, "passkey", string(made)), 422, "required")
	b.want(b.post("/passkeys/add", "passkey_name", "Key", "state", "x", "passkey", string(made)), 401, "took too long")
	b.want(b.get("/passkeys"), 200, "Laptop") // a ceremony that failed signs nobody out
	b.want(b.post("/passkeys/add", "passkey_name", "Key", "state", state, "passkey", string(made)), 303, "added")
	b.want(b.post("/passkeys/"+first+"/remove"), 303, "removed")
	second.want(second.signIn(""), 303, "/")
	b.want(b.signIn(""), 401, "could not accept")
}

func TestCookiesAreStaffsOwn(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	session := b.cookies["__Host-sf_us_staff_session_v1"]
	if session == nil || !session.HttpOnly || !session.Secure || session.SameSite != http.SameSiteStrictMode || session.Path != "/" || session.Domain != "" {
		t.Fatalf("%+v", session)
	}
	// The same value in a member's cookie, and a member's token in ours, are nothing.
	for _, c := range []*http.Cookie{
		{Name: "__Host-sf_us_session_v1", Value: session.Value},
		{Name: "sf_us_staff_session_v1", Value: session.Value},
		{Name: session.Name, Value: "v4.public." + strings.Repeat("A", 80)},
		{Name: session.Name, Value: session.Value + "A"},
	} {
		other := h.browser()
		other.cookies[c.Name] = c
		other.want(other.get("/people"), 303, "/sign-in?next=%2Fpeople")
	}
	before := session.Value
	b.want(b.signIn(""), 303, "/")
	if b.cookies["__Host-sf_us_staff_session_v1"].Value == before {
		t.Error("signing in kept the session's name")
	}
	last := b.cookies[session.Name]
	b.want(b.post("/sign-out"), 303, "/sign-in")
	b.cookies[session.Name] = last // whoever kept it
	b.want(b.get("/people"), 303, "/sign-in")
}

func TestOnlyItsOwnHostIsAnswered(t *testing.T) {
	h := newHouse(t)
	for _, host := range []string{"my.bank.example", "bank.example", "127.0.0.1", "staff.bank.example:81"} {
		r := httptest.NewRequest("GET", "/sign-in", nil)
		r.Host = host
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, r)
		if w.Code != 404 || len(w.Result().Cookies()) > 0 {
			t.Errorf("%s: %d", host, w.Code)
		}
	}
}

func TestOtherSitesFormsAreRefused(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	for name, value := range map[string]string{"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"} {
		r := posting("/organisations", "name", "Evil")
		r.Header.Set(name, value)
		b.want(b.do(r), 403, "cannot be done")
	}
	b.want(b.do(httptest.NewRequest("POST", "/organisations", strings.NewReader("{}"))), 415, "")
	if a := b.get("/organisations"); strings.Contains(a.body, "Evil") {
		t.Error("it was added")
	}
	for _, want := range []string{"default-src 'self'", "frame-ancestors 'none'", "trusted-types 'none'"} {
		if !strings.Contains(b.get("/people").header.Get("Content-Security-Policy"), want) {
			t.Errorf("no %s", want)
		}
	}
}

func TestNextLeadsNowhereElse(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	for next, want := range map[string]string{
		"/organisations": "/organisations", "": "/", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example/": "/", "/people?x=1": "/people?x=1",
	} {
		if got := b.want(b.signIn(next), 303, "").header.Get("Location"); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	b.want(b.post("/language", "locale", "de-DE", "return", "//evil.example"), 303, "/")
	b.want(b.get("/people"), 200, "Personen")
}

// Nothing of members is on any page, for any role; pages of nobody in particular
// are all that a visitor gets.
func TestVisitorsGetOnlyTheDoor(t *testing.T) {
	h := newHouse(t)
	h.operator()
	for _, path := range []string{"/", "/people", "/people/invite", "/people/x", "/organisations", "/passkeys", "/passkeys/add"} {
		b := h.browser()
		b.want(b.get(path), 303, "/sign-in")
	}
	b := h.browser()
	b.want(b.get("/sign-in"), 200, "need JavaScript")
	b.want(b.get("/members"), 404, "")
	b.want(b.get("/sign-out"), 404, "")
}

// A database that does not answer signs nobody out.
func TestWhatIsNotKnownIsNotANo(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	h.must(h.db.Close())
	a := b.get("/people")
	if a.status != 503 && a.status != 500 || b.cookies["__Host-sf_us_staff_session_v1"] == nil {
		t.Fatalf("%d %s", a.status, a.body)
	}
}

// Whoever sits down at a desk that somebody left makes no way in of their own.
func TestPasskeysChangeAfterAFreshProofOnly(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	options, state := b.asked(b.get("/passkeys/add"))
	second := h.browser()
	made, err := second.key.Create([]byte(options), origin)
	h.must(err)
	h.clock.Advance(4 * time.Minute) // the ceremony's own five are not over
	b.want(b.get("/passkeys/add"), 200, "Make the passkey")
	h.clock.Advance(time.Minute)
	b.want(b.get("/passkeys/add"), 303, "/passkeys/prove?next=%2Fpasskeys%2Fadd")
	b.want(b.post("/passkeys/add", "passkey_name", "Key", "state", state, "passkey", string(made)), 303, "/passkeys/prove")
	first := regexp.MustCompile(`/passkeys/([0-9a-f-]+)/remove`).FindStringSubmatch(b.want(b.get("/passkeys"), 200, "Laptop").body)[1]
	b.want(b.post("/passkeys/"+first+"/remove"), 303, "/passkeys/prove")

	state, answer := b.proof("/passkeys/prove?next=/passkeys/add")
	b.want(b.post("/passkeys/prove", "state", state+"A", "passkey", answer), 401, "took too long")
	b.want(b.post("/passkeys/prove", "state", state, "passkey", answer, "next", "//evil.example"), 303, "/passkeys")
	b.want(b.post("/passkeys/prove", "state", state, "passkey", answer), 401, "took too long") // counts once
	options, state = b.asked(b.want(b.get("/passkeys/add"), 200, "Make the passkey"))
	made, err = second.key.Create([]byte(options), origin)
	h.must(err)
	b.want(b.post("/passkeys/add", "passkey_name", "Key", "state", state, "passkey", string(made)), 303, "added")
	second.want(second.signIn(""), 303, "/")
}

var textID = regexp.MustCompile(`"(console\.[a-z.-]+)"`)

func TestEveryTextIsUsedAndEveryUsedTextExists(t *testing.T) {
	c, err := text.Load()
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{"console.kind.issuer": true, "console.kind.supplier": true}
	for _, r := range staff.Roles() {
		used["console.role."+string(r)] = true
	}
	for _, s := range []staff.Standing{staff.Active, staff.Invited, staff.Locked, staff.Expired, staff.Ended} {
		used["console.standing."+string(s)] = true
	}
	for _, s := range []proofing.State{proofing.Submitted, proofing.Approved, proofing.Refused, proofing.Done, proofing.Stopped, proofing.Expired} {
		used["console.case-state."+string(s)] = true
	}
	for _, p := range proofing.Proofs() {
		used["console.proof."+string(p)] = true
	}
	for _, r := range proofing.Reasons() {
		used["console.reason-is."+string(r)] = true
	}
	for _, n := range journey.Names() {
		used["console.journey."+string(n)] = true
	}
	for _, kind := range []string{advice.KindPayment, advice.KindFreeze, advice.KindOpened, advice.KindEnded, advice.KindFailures, advice.KindCounter} {
		used["console.advice-kind."+kind] = true
	}
	for _, side := range []string{steer.Core, steer.Standin} {
		used["console.side."+side] = true
	}
	for _, cause := range strings.Fields("core-dead core-mute core-unready failures standin-bad held step relapse operator override-expired worse") { // of internal/edge/route
		used["console.cause."+cause] = true
	}
	for _, l := range signin.Lost() {
		used["console.lost."+l] = true
	}
	for _, file := range []string{"view/pages.templ", "view/cases.templ", "view/cases.go", "view/frame.go", "view/routing.templ", "view/routing.go", "view/advices.go", "view/advices.templ", "advices.go", "view/shares.go", "shares.go", "serve.go", "people.go", "routing.go"} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range textID.FindAllStringSubmatch(string(source), -1) {
			if !strings.HasSuffix(m[1], ".") {
				used[m[1]] = true
			}
		}
	}
	delete(used, "console.other-host")
	delete(used, "console.no-page")
	for id := range used {
		if !c.Has(text.Default, id) && id != "console.css" {
			t.Errorf("%s is in no catalogue", id)
		}
	}
	for _, id := range c.IDs(text.Default) {
		if strings.HasPrefix(id, "console.") && !used[id] {
			t.Errorf("nobody says %s", id)
		}
	}
}

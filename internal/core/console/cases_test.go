package console

import (
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"standfast/internal/core/member"
	"standfast/internal/core/signin"
	"standfast/internal/db"
)

// caller makes a member who has lost every way in, and gives the reference that
// they read out.
func (h *house) caller(name string) string {
	h.Helper()
	h.must(h.db.WithTx(ctx, func(tx *db.Tx) error {
		m, err := member.New(h.db).Create(ctx, tx, member.Spec{Username: name, DisplayName: "Mira Member", Email: name + "@example.org", Phone: "+12025550142"})
		if err != nil {
			return err
		}
		return h.signIn.SetPassword(ctx, tx, m.ID, "an owl reads by lamplight")
	}))
	c, err := h.signIn.BeginAssisted(ctx, name, signin.Client{IP: "198.51.100.9", FlowID: name, UserAgent: "Mozilla/5.0 Firefox/140.0", Browser: true})
	h.must(err)
	return c.Reference
}

// sends posts a form that has several values under a name.
func (b *browser) sends(path string, form url.Values) answer {
	b.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

var asking = regexp.MustCompile(`(?s)<form class="stack" method="post" action="([^"]+)">.*?data-options="([^"]*)".*?name="state" value="([^"]*)"`)

// decides answers one of the two forms of a case's page.
func (b *browser) decides(path, action string, more ...string) answer {
	b.Helper()
	for _, m := range asking.FindAllStringSubmatch(b.want(b.get(path), 200, "").body, -1) {
		if strings.HasSuffix(m[1], action) {
			signed, err := b.key.Get([]byte(html.UnescapeString(m[2])), origin)
			b.must(err)
			return b.post(m[1], append(more, "state", html.UnescapeString(m[3]), "passkey", string(signed))...)
		}
	}
	b.Fatalf("%s is not offered on %s", action, path)
	return answer{}
}

func TestACaseThroughThePages(t *testing.T) {
	h := newHouse(t)
	chief := h.operator()
	own := chief.session().Person.Organisation.ID
	agent, boss := chief.hire("Ann", "agent", own, ""), chief.hire("Bo", "supervisor", own, "")
	agent.want(agent.get("/"), 303, "/cases")
	reference := h.caller("mira")
	agent.want(agent.post("/cases/find", "reference", "12"), 422, "10 digits")
	agent.want(agent.post("/cases/find", "reference", "0000000000"), 404, "no open request")
	agent.want(agent.post("/cases/find", "reference", signin.InGroups(reference)), 303, "/cases/new?reference="+reference)
	agent.want(agent.get("/cases/new?reference="+reference), 200, "At least 2 different ones")

	form := url.Values{"reference": {reference}, "proofs": {"call-back"}, "lost": {"app"}, "phone": {"+1 202 555 0177"}}
	agent.want(agent.sends("/cases/new", form), 422, "has to be among")
	form["proofs"] = []string{"call-back", "document-seen"}
	review := agent.want(agent.sends("/cases/new", form), 200, "+12025550177")
	options, state := agent.asked(review)
	signed, err := agent.key.Get([]byte(options), origin)
	h.must(err)
	form.Set("phone", "+12025550177")
	form.Set("state", state)
	form.Set("passkey", string(signed))
	form.Set("email", "added@example.org")
	agent.want(agent.sends("/cases/submit", form), 401, "took too long") // another case than the one that was signed
	form.Del("email")
	path := agent.want(agent.sends("/cases/submit", form), 303, "done=submitted").header.Get("Location")
	path, _, _ = strings.Cut(path, "?")

	agent.want(agent.get(path), 200, "Somebody else has to decide")
	boss.want(boss.decides(path, "/refuse", "reason", "because"), 422, "Choose a reason")
	boss.want(boss.decides(path, "/approve"), 303, "done=approved")
	page := boss.want(boss.get(path), 200, "Approved")
	if strings.Contains(page.body, "data-passkey") {
		t.Error("a decided case is offered for decision")
	}
	boss.want(boss.get("/cases"), 200, "Ann")
	for _, b := range []*browser{agent, boss} {
		for _, at := range []string{path, "/cases"} {
			for _, of := range []string{"mira", "Mira", "example.org", "0142", "198.51.100.9", "Firefox"} {
				if strings.Contains(b.get(at).body, of) {
					t.Errorf("%s of the member is on %s", of, at)
				}
			}
		}
	}
	chief.want(chief.get("/cases"), 403, "Your role does not allow this.")
	chief.want(chief.get(path), 403, "Your role does not allow this.")
	h.browser().want(h.browser().get(path), 303, "/sign-in")
}

func TestAReferenceOfNobodyOpensACaseLikeAnyOther(t *testing.T) {
	h := newHouse(t)
	chief := h.operator()
	agent := chief.hire("Ann", "agent", chief.session().Person.Organisation.ID, "")
	c, err := h.signIn.BeginAssisted(ctx, "nobody", signin.Client{IP: "198.51.100.9", FlowID: "f", Browser: true})
	h.must(err)
	reference := h.caller("mira")
	pages := map[string]string{}
	for _, r := range []string{c.Reference, reference} {
		body := agent.want(agent.get("/cases/new?reference="+r), 200, "").body
		body = strings.ReplaceAll(strings.ReplaceAll(body, r, "R"), signin.InGroups(r), "R")
		pages[body] = r
	}
	if len(pages) != 1 {
		t.Error("the pages differ")
	}
}

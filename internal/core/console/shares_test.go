package console

import (
	"html"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"standfast/internal/db"
	"standfast/internal/fault"
)

func TestPercentIsReadAsPeopleTypeIt(t *testing.T) {
	for typed, want := range map[string]int{"0": 0, "1": 100, "2.5": 250, "2,5": 250, "0.01": 1, "99.99": 9999, "100": 10_000, " 5 % ": 500, "100.00": 10_000, "1.": 100,
		"": noShare, "-1": noShare, "100.01": noShare, "101": noShare, "1000": noShare, "1e1": noShare, "1,000": noShare, "1.2.3": noShare, ".5": noShare, "+5": noShare, "five": noShare, "%": noShare, "0x1": noShare, "٣": noShare} {
		if got := readPercent(typed); got != want {
			t.Errorf("%q is %d, want %d", typed, got, want)
		}
	}
}

func TestNoTextIsAShareOutOfRange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typed := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{0,4}[.,]?[0-9]{0,3} ?%?`)).Draw(t, "typed")
		if n := readPercent(typed); n < noShare || n > 10_000 {
			t.Fatalf("%q is %d", typed, n)
		}
	})
}

// share goes through form and review up to the passkey.
func (b *browser) share(build, percent, reason string) (form []string) {
	b.Helper()
	a := b.want(b.get("/routing/share?build="+build), 200, "Reason")
	form = []string{"build", build, "share", percent, "reason", reason, "mark", html.UnescapeString(hidden.FindStringSubmatch(a.body)[1])}
	options, state := b.asked(b.want(b.post("/routing/share", form...), 200, reason))
	signed, err := b.key.Get([]byte(options), origin)
	b.must(err)
	return append(form, "state", state, "passkey", string(signed))
}

func TestAnOperatorSetsSharesWithAProofAndAReason(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	page := b.want(b.get("/routing"), 200, "/routing/share?build=b").body
	if strings.Contains(page, "/routing/share?build=a") {
		t.Error("the older build is offered a share of its own")
	}
	b.want(b.post("/routing/share", "build", "b", "share", "50", "mark", "b1"), 422, "Say why")
	for _, wrong := range []string{"", "-1", "100.01", "half"} {
		b.want(b.post("/routing/share", "build", "b", "share", wrong, "reason", "r", "mark", "b1"), 422, "from 0 to 100")
	}
	form := b.share("b", "50", "release 7")
	b.want(b.post("/routing/share/set", append(form, "share", "100")...), 401, "") // a proof for one share does not do for another
	form = b.share("b", "50", "release 7")
	b.want(b.post("/routing/share/set", form...), 303, "done=share")
	b.want(b.post("/routing/share/set", form...), 401, "") // a proof counts once
	b.want(b.post("/routing/share/set", b.share("", "0,5", "evening")...), 303, "done=share")
	if got := h.edge.shares; len(got) != 2 || got[0].Share != 5000 || got[0].Build != "b" || got[0].Who != "Olga Operator" || got[0].Mark != "b1" || got[1].Share != 50 || got[1].Build != "" || got[1].Mark != "x1" {
		t.Errorf("told %+v", got)
	}
	var noted int
	h.must(h.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM audit WHERE action = 'routing.share'`).Scan(&noted)
	}))
	if noted != 2 {
		t.Errorf("%d lines in the audit log", noted)
	}
}

// What somebody else has said in between is shown before anything is set, at the
// review and at the last step, and what was typed stays.
func TestAShareThatChangedMeanwhileIsShownFirst(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	form := b.share("b", "50", "release 7")
	h.edge.no = fault.New(fault.Conflict, "routing.share-changed", "…")
	a := b.want(b.post("/routing/share/set", form...), 409, "This share has changed since you looked")
	if !strings.Contains(a.body, `value="release 7"`) || !strings.Contains(a.body, `value="50"`) {
		t.Error("what was typed is lost")
	}
	h.edge.state.Cells[0].Processes[1].Mark = "b2"
	b.want(b.post("/routing/share", "build", "b", "share", "50", "reason", "r", "mark", "b1"), 409, "has changed since")
	h.edge.state.Cells[0].Processes[1].Mark = ""
	b.want(b.get("/routing/share?build=b"), 404, "")
	b.want(b.get("/routing/share?build=zz"), 404, "")
}

func TestNoShareIsSetOfASilentEdge(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.get("/routing")
	form := b.share("b", "50", "release 7")
	h.edge.silent = true
	b.want(b.post("/routing/share", form...), 409, "does not answer")
	h.edge.no = fault.New(fault.Unavailable, "routing.edge", "…")
	b.want(b.post("/routing/share/set", form...), 409, "does not answer")
}

func TestOnlyOperatorsSetShares(t *testing.T) {
	h := newHouse(t)
	chief := h.operator()
	auditor := chief.hire("Al", "auditor", chief.session().Person.Organisation.ID, "")
	if strings.Contains(auditor.want(auditor.get("/routing"), 200, "Routing").body, "/routing/share") {
		t.Error("an auditor is offered a share")
	}
	auditor.want(auditor.post("/routing/share", "build", "b", "share", "50", "reason", "r", "mark", "b1"), 403, "role")
}

package console

import (
	"context"
	"errors"
	"html"
	"regexp"
	"testing"
	"time"

	"standfast/internal/fault"
	"standfast/internal/steer"
)

// edge stands in for an edge's control listener.
type edge struct {
	state  steer.State
	silent bool
	told   []steer.Override
	shares []steer.Share
	no     error // to a share
}

func newEdge() *edge {
	hour := make([]steer.Tally, 60)
	hour[59] = steer.Tally{Done: 9, Failed: 1}
	return &edge{state: steer.State{At: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Record: "ok", Cells: []steer.Cell{{Name: "us", Mark: "all", Exercise: 100, Shown: "x1", Processes: []steer.Process{{Side: "core", Build: "a", Alive: true, Ready: true, Share: 9900, Target: 7500}, {Side: "core", Build: "b", Alive: true, Ready: true, Share: 100, Target: 2500, Mark: "b1"}, {Side: "standin", Alive: true, Ready: true}},
		Journeys: []steer.Journey{{Journey: "pay", Switched: true, Side: "core", AtCore: steer.All, Mark: "one", Figures: []steer.Figures{{Side: "core", Build: "a", Hour: hour}}}}}}}}
}

func (e *edge) State(context.Context) (steer.State, error) {
	if e.silent {
		return steer.State{}, fault.Wrap(fault.Unavailable, "routing.edge", "…", errors.New("refused"))
	}
	return e.state, nil
}

func (e *edge) Override(_ context.Context, o steer.Override) (steer.State, error) {
	e.told = append(e.told, o)
	return e.State(context.Background())
}

func (e *edge) SetShare(_ context.Context, s steer.Share) (steer.State, error) {
	if e.no != nil {
		return steer.State{}, e.no
	}
	e.shares = append(e.shares, s)
	return e.State(context.Background())
}

var hidden = regexp.MustCompile(`name="mark" value="([^"]*)"`)

// change goes through form and review up to the passkey.
func (b *browser) change(reason string) (form []string) {
	b.Helper()
	a := b.want(b.get("/routing/change?journey=pay&side=standin"), 200, "Nobody has to sign in again")
	form = []string{"journey", "pay", "side", "standin", "minutes", "60", "reason", reason, "mark", html.UnescapeString(hidden.FindStringSubmatch(a.body)[1])}
	options, state := b.asked(b.want(b.post("/routing/change", form...), 200, reason))
	signed, err := b.key.Get([]byte(options), origin)
	b.must(err)
	return append(form, "state", state, "passkey", string(signed))
}

func TestAnOperatorSwitchesAJourneyWithAProofAndAReason(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.want(b.get("/routing"), 200, "90.00%")
	b.want(b.post("/routing/change", "journey", "pay", "side", "standin", "minutes", "60", "mark", "one"), 422, "Say why")
	form := b.change("INC-1")
	b.want(b.post("/routing/decide", append(form, "reason", "another")...), 401, "")
	if len(h.edge.told) > 0 {
		t.Fatal("a proof for one reason did for another")
	}
	form = b.change("INC-1")
	b.want(b.post("/routing/decide", form...), 303, "changed")
	b.want(b.post("/routing/decide", form...), 401, "") // a proof counts once
	if len(h.edge.told) != 1 || h.edge.told[0].Who != "Olga Operator" || h.edge.told[0].Reason != "INC-1" || h.edge.told[0].Mark != "one" || h.edge.told[0].Side != "standin" {
		t.Errorf("told %+v", h.edge.told)
	}
}

func TestWhatHasChangedMeanwhileIsShownFirst(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.get("/routing/change?journey=pay&side=standin")
	h.edge.state.Cells[0].Journeys[0].Mark = "two"
	b.want(b.post("/routing/change", "journey", "pay", "side", "standin", "minutes", "60", "reason", "r", "mark", "one"), 409, "has changed since")
}

func TestASilentEdgeIsSaidToBeSilent(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.get("/routing")
	form := b.change("INC-2")
	h.edge.silent = true
	b.want(b.get("/routing"), 200, "does not answer just now")
	b.want(b.get("/routing"), 200, "As the edge told at")
	b.want(b.post("/routing/decide", form...), 409, "nothing can be changed here")
}

func TestWhoMaySeeAndSwitch(t *testing.T) {
	h := newHouse(t)
	chief := h.operator()
	own := chief.session().Person.Organisation.ID
	agent, auditor := chief.hire("Ann", "agent", own, ""), chief.hire("Al", "auditor", own, "")
	agent.want(agent.get("/routing"), 403, "role")
	auditor.want(auditor.get("/routing"), 200, "Routing")
	auditor.want(auditor.post("/routing/change", "journey", "pay", "side", "standin", "minutes", "60", "reason", "r", "mark", "one"), 403, "role")
	if len(h.edge.told) > 0 {
		t.Error("told", h.edge.told)
	}
}

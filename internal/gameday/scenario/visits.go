package scenario

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// visit is one thing that a member does, and how its answer is judged: the kind
// that it counts as, and what was wrong with it, or "".
type visit struct {
	kind  string
	ask   func(ctx context.Context, m *Member) (answer, error)
	judge func(m *Member, a answer) string
}

// run makes the visit and counts it, with what no answer may do to a member.
func (v visit) run(ctx context.Context, m *Member, t *tally) answer {
	a, err := v.ask(ctx, m)
	if ctx.Err() != nil {
		return a // the game is over: nobody waits for this answer
	}
	miss := ""
	if err != nil {
		miss = "no answer"
	} else {
		miss = v.judge(m, a)
	}
	t.note(v.kind, miss, a.took)
	if a.cleared {
		t.breach(cookieCleared, v.kind+": "+a.what())
	}
	if a.status == http.StatusUnauthorized || a.status == http.StatusNotFound {
		t.breach(unknownIsNo, v.kind+": "+a.what())
	}
	return a
}

// accounts gives how many accounts a member has.
func (p person) accounts() int {
	if p.farCard != "" {
		return 4
	}
	return 2
}

// tile is what the API's dashboard says of an account.
type tile struct {
	State   string `json:"state"`
	Balance *struct {
		Value string `json:"value"`
	} `json:"balance"`
}

// lookAtDashboard wants both accounts with a balance, however old it is.
func lookAtDashboard() visit {
	return visit{looking, func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodGet, "/dashboard", nil)
	}, func(m *Member, a answer) string {
		var d struct{ Tiles []tile }
		if err := a.read(&d); err != nil {
			return "dashboard: " + a.what()
		}
		if len(d.Tiles) != m.accounts() {
			return fmt.Sprintf("a dashboard with %d accounts of %d", len(d.Tiles), m.accounts())
		}
		for _, t := range d.Tiles {
			if t.Balance == nil {
				return "an account without a balance: " + t.State
			}
		}
		return ""
	}}
}

// lookAtPage wants a page with the account's name on it.
func lookAtPage(path func(m *Member) string) visit {
	return visit{looking, func(ctx context.Context, m *Member) (answer, error) {
		return m.page(ctx, path(m), nil)
	}, func(m *Member, a answer) string {
		if a.status != http.StatusOK {
			return "page: " + a.what()
		}
		if !bytes.Contains(a.body, []byte("Everyday Card")) {
			return "a page without the account"
		}
		return ""
	}}
}

func dashboardPage(*Member) string { return "/dashboard" }
func cardPage(m *Member) string    { return "/accounts/" + m.card }

// lookAtTransactions wants the newest transactions.
func lookAtTransactions() visit {
	return visit{looking, func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodGet, "/accounts/"+m.card+"/transactions", nil)
	}, func(_ *Member, a answer) string {
		var l struct{ Items []struct{ ID string } }
		if err := a.read(&l); err != nil {
			return "transactions: " + a.what()
		}
		if len(l.Items) == 0 {
			return "no transactions"
		}
		return ""
	}}
}

// lookAtSession asks who is signed in.
func lookAtSession() visit {
	return visit{looking, func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodGet, "/session", nil)
	}, func(m *Member, a answer) string {
		var s struct{ Member struct{ Username string } }
		if err := a.read(&s); err != nil {
			return "session: " + a.what()
		}
		if s.Member.Username != m.username {
			return "somebody else's session"
		}
		return ""
	}}
}

// freezeCard freezes the card; "requested" is an answer too.
func freezeCard() visit {
	return visit{freezing, func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodPost, "/cards/"+m.card+"/freeze", nil)
	}, func(_ *Member, a answer) string {
		var s struct{ Status string }
		if err := a.read(&s); err != nil || s.Status != "frozen" && s.Status != "requested" {
			return "freeze: " + a.what()
		}
		return ""
	}}
}

// pay pays the card once under a key of its own.
func pay(key string) visit {
	return visit{paying, func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodPost, "/payments", map[string]any{"account_id": m.card, "payment_method_id": m.method,
			"amount": map[string]string{"value": "1.00", "currency": m.currency}}, "Idempotency-Key", key)
	}, func(_ *Member, a answer) string {
		if a.status == http.StatusCreated || a.later() {
			return ""
		}
		return "payment: " + a.what()
	}}
}

// payTaken pays the card where only a payment that is taken counts.
func payTaken(key string) visit {
	v := pay(key)
	return visit{taking, v.ask, func(_ *Member, a answer) string {
		if a.status == http.StatusCreated {
			return ""
		}
		return "payment: " + a.what()
	}}
}

// changePassword sends the form with a wrong current password, so that nothing
// changes whatever the answer is: a page that says so, or 503.
func changePassword() visit {
	return visit{changing, func(ctx context.Context, m *Member) (answer, error) {
		return m.page(ctx, "/profile/password", url.Values{"current": {"not the password 17"}, "new": {"another lantern 5521"}, "again": {"another lantern 5521"}})
	}, func(_ *Member, a answer) string {
		if a.status >= 200 && a.status < 500 && a.status != http.StatusNotFound || a.later() {
			return ""
		}
		return "password: " + a.what()
	}}
}

// signInByPassword signs in again from the known device. A code must not be asked for.
func signInByPassword(t *tally) visit {
	return visit{passwordIn, func(ctx context.Context, m *Member) (answer, error) {
		return m.password(ctx)
	}, func(m *Member, a answer) string {
		var s struct{ Status string }
		if err := a.read(&s); err == nil && s.Status == "signed_in" || a.later() {
			return ""
		}
		if s.Status == "code_required" {
			t.breach(codeSent, a.what())
		}
		return "sign-in: " + a.what()
	}}
}

// until makes a visit again and again until its answer is good, or ctx ends.
func until(ctx context.Context, m *Member, v visit, good func(answer) bool) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	last := ""
	for {
		a, err := v.ask(ctx, m)
		if err == nil && good(a) {
			return nil
		}
		if err == nil {
			last = a.what()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: still %q", v.kind, last)
		case <-tick.C:
		}
	}
}

// cardState asks how the card stands.
func cardState() visit {
	return visit{kind: "the card's state", ask: func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodGet, "/accounts/"+m.card, nil)
	}}
}

func cardIs(a answer, status string) bool {
	var c struct{ Status, State string }
	return a.read(&c) == nil && c.Status == status && c.State == "current"
}

// thawCard lifts the freeze.
func thawCard() visit {
	return visit{kind: "unfreezing", ask: func(ctx context.Context, m *Member) (answer, error) {
		return m.api(ctx, http.MethodPost, "/cards/"+m.card+"/unfreeze", nil)
	}}
}

// current tells whether a dashboard is as of now, all of it.
func current(a answer) bool {
	var d struct {
		State string
		Tiles []tile
	}
	if a.read(&d) != nil || d.State != "current" {
		return false
	}
	for _, t := range d.Tiles {
		if t.State != "current" {
			return false
		}
	}
	return true
}

package scenario

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"standfast/internal/app"
	"standfast/internal/edge/route"
	"standfast/internal/money"
)

// recovers waits until core has its members back and has everything that was
// promised while it was away, and writes whether that is right to the cent.
func (a *act) recovers(ctx context.Context, f outage) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var going sync.WaitGroup
	going.Go(func() { a.outing.goOn(ctx, backLimit, false) }) // the way back is by members' answers
	err := a.backAtCore(ctx)
	stop()
	going.Wait()
	if err != nil {
		return err
	}
	return a.settled(context.WithoutCancel(ctx))
}

// backAtCore waits until core answers every journey of every member.
func (a *act) backAtCore(ctx context.Context) error {
	var st edgeState
	err := a.eventually(ctx, "core to have its members back", func(ctx context.Context) (bool, error) {
		var err error
		if st, err = a.routing(ctx); err != nil {
			return false, err
		}
		for _, j := range st.Cells[0].Journeys {
			if j.AtCore < route.All {
				return false, fmt.Errorf("%g %% of %q are at core", float64(j.AtCore)/100, j.Journey)
			}
		}
		s, err := a.standin(ctx)
		if err == nil && (s.Waiting > 0 || !s.Ready) {
			err = fmt.Errorf("%d advices wait; the stand-in says %q", s.Waiting, s.Reasons)
		}
		return err == nil, err
	})
	if err != nil {
		return err
	}
	back := a.decisions(st, a.healed, time.Now())
	if !back.last.IsZero() {
		a.row.Value(a.name+": all members back at core, after the end of the fault", seconds(back.last.Sub(a.healed)), "s")
	}
	return nil
}

// settled checks, once everything is quiet, what core has.
func (a *act) settled(ctx context.Context) error {
	if err := a.finish(ctx); err != nil {
		return err
	}
	row, o := a.row, a.outing
	once, all, misses, err := a.onceEach(ctx)
	if err != nil {
		return err
	}
	row.Share(a.name+": payments confirmed that core has once", once, all, misses).AtLeast(1)
	difference, err := a.difference(ctx)
	if err != nil {
		return err
	}
	row.Value(a.name+": difference to the ledger", float64(difference)/100, homes()[0].currency).AtMost(0)
	if err := a.verified(ctx); err != nil {
		return err
	}
	frozen, asked, err := a.frozen(ctx)
	if err != nil {
		return err
	}
	row.Share(a.name+": cards frozen as was asked", frozen, asked, nil).AtLeast(1)
	kept, later := a.stillIn(ctx)
	if later > 0 {
		row.Share(a.name+": sessions begun meanwhile that serve at core", kept, later, nil).AtLeast(1)
	}
	mail, err := a.mails(ctx)
	for i := range mail {
		for range mail[i] - a.mail[i] {
			o.breach(codeSent, a.name+" to "+a.Members[i].username)
		}
	}
	a.never(signInForced, cookieCleared, codeSent, wrongFigure)
	return err
}

func (a *act) never(whats ...string) {
	a.outing.mu.Lock()
	defer a.outing.mu.Unlock()
	for _, what := range whats {
		a.row.Value(a.name+": "+what, float64(a.outing.breaches[what]), "times").AtMost(0)
		if a.outing.breaches[what] > 0 {
			a.row.Note("%s: %s: for example %s", a.name, what, a.outing.examples[what])
		}
	}
}

// finish has every member try again what they do not know to be paid.
func (a *act) finish(ctx context.Context) error {
	for i, m := range a.Members {
		for _, n := range a.outing.purses[i].meant {
			if n.number != "" {
				continue
			}
			v := payByAPI(n)
			if err := until(ctx, m, v, func(got answer) bool { return v.judge(m, got) == "" }); err != nil {
				return fmt.Errorf("%s: %w", m.username, err)
			}
		}
	}
	return nil
}

// onceEach compares what was confirmed to members with what core lists.
func (a *act) onceEach(ctx context.Context) (once, all int, misses map[string]int, err error) {
	misses = map[string]int{}
	for i, m := range a.Members {
		listed, err := m.listed(ctx)
		if err != nil {
			return 0, 0, nil, fmt.Errorf("%s: %w", m.username, err)
		}
		confirmed, _ := a.outing.purses[i].taken()
		for _, n := range confirmed {
			all++
			number, err := m.numberAtCore(ctx, n.number, listed)
			if err != nil {
				return 0, 0, nil, fmt.Errorf("%s: %w", m.username, err)
			}
			switch found := listed[number]; {
			case len(found) == 1 && (n.date == "" || n.date == found[0].CreditedOn):
				once++
			case len(found) == 1:
				misses["credited on another day"]++
			default:
				misses[fmt.Sprintf("there %d times", len(found))]++
			}
			delete(listed, number)
		}
		for range listed {
			all++
			misses["a payment that nobody was told of"]++
		}
	}
	return once, all, misses, nil
}

// numberAtCore gives the number that core lists a payment by. It is another than
// the member was told where core had taken the intention before the stand-in did:
// core must find it by either.
func (m *Member) numberAtCore(ctx context.Context, told string, listed map[string][]listedPayment) (string, error) {
	if len(listed[told]) > 0 {
		return told, nil
	}
	a, err := m.api(ctx, http.MethodGet, "/payments/"+told, nil)
	if err != nil {
		return "", err
	}
	var p listedPayment
	if a.read(&p) != nil {
		return told, nil // core knows nothing of it
	}
	return plain(p.Number), nil
}

// listedPayment is a payment as core lists it.
type listedPayment struct {
	Number     string `json:"confirmation_number"`
	Status     string `json:"status"`
	CreditedOn string `json:"credited_on"`
}

// listed gives the member's payments by their numbers.
func (m *Member) listed(ctx context.Context) (map[string][]listedPayment, error) {
	list, cursor := map[string][]listedPayment{}, ""
	for {
		a, err := m.api(ctx, http.MethodGet, "/payments?account_id="+m.card+"&cursor="+cursor, nil)
		if err != nil {
			return nil, err
		}
		var page struct {
			Items []listedPayment
			Next  string `json:"next_cursor"`
		}
		if err := a.read(&page); err != nil {
			return nil, err
		}
		for _, p := range page.Items {
			list[plain(p.Number)] = append(list[plain(p.Number)], p)
		}
		if cursor = page.Next; cursor == "" {
			return list, nil
		}
	}
}

// target is the stage's data, past any proxy.
func (s *Stage) target() app.Target {
	if s.Database != "" {
		return app.Target{Database: s.Database, MasterKey: s.dir + "/master.key"}
	}
	return app.Target{Data: s.dir}
}

// difference gives, in minor units, how far the ledger is from what members were
// told, all accounts together, once it has everything.
func (a *act) difference(ctx context.Context) (minor int64, err error) {
	want := map[string]int64{}
	for i, m := range a.Members {
		confirmed, _ := a.outing.purses[i].taken()
		want[m.username+"-card"], want[m.username+"-savings"] = -owed+int64(len(confirmed))*oneDollar, saved
	}
	err = a.eventually(ctx, "the ledger to have every payment", func(ctx context.Context) (bool, error) {
		minor, err = a.apart(ctx, want)
		return minor == 0, err
	})
	if ctx.Err() == nil && minor != 0 {
		err = nil // that it is apart is the figure
	}
	return minor, err
}

func (s *Stage) apart(ctx context.Context, want map[string]int64) (minor int64, err error) {
	var b bytes.Buffer
	if err := app.Balances(ctx, s.target(), &b, slog.New(slog.DiscardHandler)); err != nil {
		return 0, err
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		return 0, err
	}
	for _, row := range rows[1:] {
		expected, ok := want[row[0]]
		if !ok {
			continue
		}
		got, err := money.Parse(row[3], homes()[0].currency)
		if err != nil {
			return 0, err
		}
		minor += max(got.Minor-expected, expected-got.Minor)
	}
	return minor, nil
}

// verified runs `standfast verify`.
func (a *act) verified(ctx context.Context) error {
	rep, err := app.Verify(ctx, a.target())
	if err != nil {
		return err
	}
	a.row.Value(a.name+": problems that verify finds", float64(len(rep.Problems)), "problems").AtMost(0)
	for _, p := range rep.Problems {
		a.row.Note("%s: verify: %s", a.name, p)
	}
	return nil
}

// frozen counts the cards that are frozen at core, of those that were to be.
func (a *act) frozen(ctx context.Context) (frozen, asked int, err error) {
	for _, m := range a.Members {
		if !m.froze {
			continue
		}
		asked++
		got, err := cardState().ask(ctx, m)
		if err != nil {
			return 0, 0, err
		}
		if cardIs(got, "frozen") {
			frozen++
		}
	}
	return frozen, asked, nil
}

// stillIn counts the browsers that signed in meanwhile whose session serves now.
func (a *act) stillIn(ctx context.Context) (kept, all int) {
	for _, m := range a.outing.later {
		all++
		if got, err := lookAtDashboard().ask(ctx, m); err == nil && got.status == http.StatusOK {
			kept++
		}
	}
	return kept, all
}

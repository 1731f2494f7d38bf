package scenario

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"standfast/internal/journey"
	"standfast/internal/money"
)

// What members come for in an outage, on pages and by the API.
const (
	balances = "balance"
	freezes  = "freeze"
	payments = "payment"
	signIns  = "sign-in from a known device"
)

// errands are the kinds that a report has a line for, in its order.
func errands() []string { return []string{balances, freezes, payments, signIns} }

// journeysOf gives the journeys that a kind is counted as at the edge.
func journeysOf(kind string) []journey.Name {
	return map[string][]journey.Name{balances: {journey.Dashboard}, freezes: {journey.Freeze}, payments: {journey.Pay}, signIns: {journey.SignIn}}[kind]
}

// intention is one payment that a member means to make, however often it is tried.
type intention struct {
	key    string
	number string    // confirmation number, or ""; the payment is certain then
	id     string    // of the payment, where the API has said it
	date   string    // that it is credited on, where the API has said it
	at     time.Time // when it was first tried
	sure   time.Time // when its number was read
}

// confirmed takes the number that the member was told.
func (i *intention) confirmed(number string) { i.number, i.sure = plain(number), time.Now() }

// purse is what one member means to have paid.
type purse struct {
	mu    sync.Mutex
	meant []*intention
	cents atomic.Int64 // that may have been paid, 100 an intention
}

const oneDollar = 100 // of an intention, in minor units

func (p *purse) next(key string) *intention {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := &intention{key: key, at: time.Now()}
	p.meant = append(p.meant, i)
	p.cents.Add(oneDollar)
	return i
}

// taken gives what was confirmed, and how many intentions are not certain.
func (p *purse) taken() (list []*intention, open int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.meant {
		if i.number == "" {
			open++
			continue
		}
		list = append(list, i)
	}
	return list, open
}

// balanceByAPI wants both accounts with a figure that is or was true.
func (o *outing) balanceByAPI(p *purse) visit {
	v := lookAtDashboard()
	return visit{balances, v.ask, func(m *Member, a answer) string {
		if miss := v.judge(m, a); miss != "" {
			return miss
		}
		o.figures(m, p, a)
		return ""
	}}
}

// figures holds what is shown against what the member has and has paid.
func (o *outing) figures(m *Member, p *purse, a answer) {
	var d struct {
		Tiles []struct {
			ID      string
			Balance money.Amount
		}
	}
	if a.read(&d) != nil {
		return
	}
	for _, t := range d.Tiles {
		least, most := int64(0), int64(0)
		switch t.ID {
		case m.card:
			least, most = -owed, -owed+p.cents.Load()
		case m.savings:
			least, most = saved, saved
		default:
			continue
		}
		if t.Balance.Minor < least || t.Balance.Minor > most {
			o.breach(wrongFigure, fmt.Sprintf("%s in place of %d to %d minor units", t.Balance.Value(), least, most))
		}
	}
}

// balanceByPage wants the dashboard's page with the card on it.
func balanceByPage() visit {
	v := lookAtPage(dashboardPage)
	v.kind = balances
	return v
}

// freezeByAPI and freezeByPage want the card frozen, or the promise.
func freezeByAPI() visit {
	v := freezeCard()
	v.kind = freezes
	return v
}

func freezeByPage() visit {
	return visit{freezes, func(ctx context.Context, m *Member) (answer, error) {
		return m.page(ctx, "/accounts/"+m.card+"/freeze", url.Values{"freeze": {"yes"}})
	}, func(m *Member, a answer) string {
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/accounts/"+m.card) {
			return "freeze page: " + a.what()
		}
		return ""
	}}
}

// payByAPI tries an intention.
func payByAPI(i *intention) visit {
	v := pay(i.key)
	return visit{payments, v.ask, func(_ *Member, a answer) string {
		var p struct {
			ID     string `json:"id"`
			Number string `json:"confirmation_number"`
			Date   string `json:"credited_on"`
		}
		if a.status != http.StatusCreated && a.status != http.StatusOK || json.Unmarshal(a.body, &p) != nil || p.Number == "" {
			return "payment: " + a.what()
		}
		i.confirmed(p.Number)
		i.id, i.date = p.ID, p.Date
		return ""
	}}
}

// payByPage tries one on the pages: the review, then the button.
func payByPage(i *intention) visit {
	return visit{payments, func(ctx context.Context, m *Member) (answer, error) {
		form := url.Values{"account": {m.card}, "method": {m.method}, "what": {"amount"}, "amount": {"1.00"}, "exact": {"1.00"}, "when": {"today"}, "key": {i.key}}
		review, err := m.page(ctx, "/pay/review?"+form.Encode(), nil)
		if err != nil || review.status != http.StatusOK {
			return review, err
		}
		a, err := m.page(ctx, "/pay", form)
		a.took += review.took
		return a, err
	}, func(_ *Member, a answer) string {
		number, ok := strings.CutPrefix(a.header.Get("Location"), "/pay/done/")
		if a.status != http.StatusSeeOther || !ok {
			return "payment page: " + a.what()
		}
		i.confirmed(number)
		return ""
	}}
}

// plain is a confirmation number without the hyphens that people read it by.
func plain(number string) string { return strings.ReplaceAll(number, "-", "") }

// cameBack signs in from the known device, on a browser whose session has ended,
// and looks at the dashboard. It stays signed in: later it looks again.
func (o *outing) cameBack(i int) visit {
	return visit{signIns, func(ctx context.Context, m *Member) (answer, error) {
		browser := m.nextMorning()
		a, err := browser.password(ctx)
		if err != nil || a.status != http.StatusOK {
			return a, err
		}
		o.keep(i, browser)
		seen, err := lookAtDashboard().ask(ctx, browser)
		seen.took += a.took
		if err == nil && seen.status == http.StatusOK {
			seen.body = a.body
		}
		return seen, err
	}, func(m *Member, a answer) string {
		var s struct{ Status string }
		if err := a.read(&s); err != nil || s.Status != "signed_in" {
			if s.Status == "code_required" {
				o.breach(codeSent, a.what())
			}
			return "sign-in: " + a.what()
		}
		return ""
	}}
}

// outing is what all members do in an act.
type outing struct {
	*tally
	name    string // part of its keys
	members []*Member
	purses  []*purse
	pays    int // how often each member pays while something is broken

	mu    sync.Mutex
	later map[int]*Member // browsers that signed in during the act, by member
}

// eachPays is what a stand-in takes of a member in a day, less one.
const eachPays = 4

func newOuting(name string, members []*Member) *outing {
	o := &outing{tally: newTally(), name: name, members: members, later: map[int]*Member{}, pays: eachPays}
	for range members {
		o.purses = append(o.purses, &purse{})
	}
	return o
}

func (o *outing) keep(i int, m *Member) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.later[i] = m
}

// goOn has every member look, freeze, pay and come back for some time.
func (o *outing) goOn(ctx context.Context, length time.Duration, pays bool) {
	begun := time.Now()
	var all sync.WaitGroup
	for i, m := range o.members {
		all.Go(func() { o.live(ctx, i, m, begun, length, pays) })
	}
	all.Wait()
}

// between two steps of a member; together they ask for about as much as a quiet
// machine of two cores serves.
const outingThink = 250 * time.Millisecond

// live is one member. Payments are spread over the time, as what the stand-in
// takes in a day is bounded.
func (o *outing) live(ctx context.Context, i int, m *Member, begun time.Time, length time.Duration, pays bool) {
	p, paid, open := o.purses[i], 0, (*intention)(nil)
	every := length / time.Duration(o.pays)
	next := begun.Add(every * time.Duration(i%len(o.members)) / time.Duration(len(o.members)))
	for n := i; ctx.Err() == nil && time.Since(begun) < length; n++ {
		switch {
		case pays && open == nil && paid < o.pays && time.Now().After(next):
			open, paid, next = p.next(fmt.Sprintf("%s-%d-%d", o.name, i, paid)), paid+1, next.Add(every)
			fallthrough
		case open != nil && n%4 == 0: // a member who has read "we do not know" tries the same again
			if o.try(ctx, m, open, n); open.number != "" {
				open = nil
			}
		case n%12 == 5:
			o.freeze(ctx, m, freezeByAPI())
		case n%12 == 11:
			o.freeze(ctx, m, freezeByPage())
		case n%12 == 9:
			o.run(ctx, m, o.cameBack(i))
		case n%2 == 0:
			o.run(ctx, m, o.balanceByAPI(p))
		default:
			o.run(ctx, m, balanceByPage())
		}
		select {
		case <-ctx.Done():
		case <-time.After(outingThink):
		}
	}
}

// try tries an intention, on the pages or by the API.
func (o *outing) try(ctx context.Context, m *Member, i *intention, n int) {
	if n%2 == 0 {
		o.run(ctx, m, payByAPI(i))
		return
	}
	o.run(ctx, m, payByPage(i))
}

// freeze makes a visit after which, when it is answered well, the card is to be frozen.
func (o *outing) freeze(ctx context.Context, m *Member, v visit) {
	if a := o.run(ctx, m, v); a.status != 0 && v.judge(m, a) == "" {
		m.froze = true
	}
}

// run makes a visit of somebody who is signed in and shall stay so.
func (o *outing) run(ctx context.Context, m *Member, v visit) answer {
	a := v.run(ctx, m, o.tally)
	if a.status == http.StatusUnauthorized || strings.HasPrefix(a.header.Get("Location"), "/sign-in") {
		o.forced(v.kind, a.what())
	}
	return a
}

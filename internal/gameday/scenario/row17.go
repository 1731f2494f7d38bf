package scenario

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"standfast/internal/gameday/report"
)

const (
	quietCells   = 5 * time.Second        // before each loss at most, to compare with
	cellThink    = 300 * time.Millisecond // between two steps of a member
	pauseOfPay   = 20                     // steps between two payments of a member
	mostFreePays = 4                      // of a member: the fifth in a row needs a proof in gb and eu (RTS (EU) 2018/389 Art 16)
)

// loss is one way to lose a cell.
type loss struct {
	cell string
	how  string
	set  func(*cell) error
	heal func(*cell) error // nil: it stays lost
}

func losses() []loss {
	return []loss{
		{"eu", "core and stand-in halted", (*cell).halt, (*cell).wake},
		{"gb", "core and stand-in killed, their databases deleted", (*cell).destroy, nil},
	}
}

// Row17 loses one cell, then another, while members of all cells go on. Those of
// the others see no failed request; those of the lost one read an honest answer.
func Row17(ctx context.Context, o Options, r *report.Report) (err error) {
	row := r.Row(17, "One cell (of us, gb, eu) is lost")
	c, err := openCells(ctx, o)
	if err != nil {
		return err
	}
	defer func() {
		if e := c.Close(); err == nil {
			err = e
		}
	}()
	row.Note("Each cell has SQLite files of its own.")
	t := newTally()
	defer t.timeline(row)
	if err := c.everybodyIn(ctx); err != nil {
		return err
	}
	gone := map[string]bool{}
	for _, l := range losses() {
		if err := c.loses(ctx, row, t, l, gone); err != nil {
			return fmt.Errorf("%s: %w", l.cell, err)
		}
	}
	for _, name := range c.names() {
		if !gone[name] {
			c.counted(ctx, row, name)
		}
	}
	t.never(row, cookieCleared)
	t.never(row, unknownIsNo)
	return nil
}

func (c *cells) names() (list []string) {
	for _, one := range c.list {
		list = append(list, one.home.cell)
	}
	return list
}

// everybodyIn signs the members of all cells in, with a passkey each.
func (c *cells) everybodyIn(ctx context.Context) error {
	for _, one := range c.list {
		for _, m := range one.members {
			if err := m.signIn(ctx); err != nil {
				return fmt.Errorf("%s of %s: %w", m.username, one.home.cell, err)
			}
			if err := m.addPasskey(ctx); err != nil {
				return fmt.Errorf("%s of %s: %w", m.username, one.home.cell, err)
			}
		}
	}
	return nil
}

// loses has all go on while all is well, loses the cell, and looks on.
func (c *cells) loses(ctx context.Context, row *report.Row, t *tally, l loss, gone map[string]bool) error {
	at := slices.IndexFunc(c.list, func(one *cell) bool { return one.home.cell == l.cell })
	lost := c.list[at]
	name := l.cell + " lost, " + l.how
	quiet, others, own := name+": quiet before", name+": members of the other cells", name+": its own members, answered honestly"
	c.goOn(ctx, t, min(quietCells, c.Length), func(one *cell) (kind string, visits []visit) {
		if gone[one.home.cell] {
			return "", nil
		}
		return quiet, comings(quiet)
	})
	row.Mark(name)
	if err := l.set(lost); err != nil {
		return err
	}
	gone[l.cell] = true
	c.goOn(ctx, t, c.Length, func(one *cell) (kind string, visits []visit) {
		switch {
		case one == lost:
			return own, honest(own, one)
		case gone[one.home.cell]:
			return "", nil
		}
		return others, comings(others)
	})
	t.share(row, others, 1)
	t.share(row, own, 1)
	row.Value(others+", p95", seconds4(t.percentile(others, 95)), "s")
	row.Value(quiet+", p95", seconds4(t.percentile(quiet, 95)), "s")
	row.Value(own+", p95", seconds4(t.percentile(own, 95)), "s")
	if l.heal == nil {
		return nil
	}
	row.Mark(l.cell + " goes on")
	delete(gone, l.cell)
	if err := l.heal(lost); err != nil {
		return err
	}
	return c.comesBack(ctx, row, lost)
}

// comesBack waits until every member of a cell sees the accounts again, with the
// session from before. Which side shows them is the edge's to decide: its way back
// to core takes minutes.
func (c *cells) comesBack(ctx context.Context, row *report.Row, one *cell) error {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	back := 0
	for _, m := range one.members {
		v := lookAtDashboard()
		if err := until(ctx, m, v, func(a answer) bool { return v.judge(m, a) == "" }); err == nil {
			back++
		}
	}
	row.Share(one.home.cell+" goes on: members who are served in the session from before", back, len(one.members), nil).AtLeast(1)
	row.Value(one.home.cell+" goes on: until then", seconds(time.Since(begun)), "s")
	return ctx.Err()
}

// counted writes that each payment that was taken in a cell is there, once.
func (c *cells) counted(ctx context.Context, row *report.Row, name string) {
	for _, one := range c.list {
		if one.home.cell != name {
			continue
		}
		there, taken := 0, 0
		for _, m := range one.members {
			taken += m.paid
			there += m.payments(ctx)
		}
		row.Value(name+": payments confirmed and not there once", float64(max(there-taken, taken-there)), "of "+fmt.Sprint(taken)).AtMost(0)
	}
}

// payments counts the member's payments.
func (m *Member) payments(ctx context.Context) int {
	a, err := m.api(ctx, http.MethodGet, "/payments?limit=100", nil)
	var l struct{ Items []struct{ ID string } }
	if err != nil || a.read(&l) != nil {
		return -1
	}
	return len(l.Items)
}

// goOn has all members of all cells make their cell's visits for some time. A cell
// without visits rests.
func (c *cells) goOn(ctx context.Context, t *tally, length time.Duration, of func(*cell) (kind string, visits []visit)) {
	begun := time.Now()
	var all sync.WaitGroup
	for _, one := range c.list {
		kind, visits := of(one)
		for i, m := range one.members {
			if len(visits) > 0 {
				all.Go(func() { live(ctx, t, m, i, kind, visits, begun, length) })
			}
		}
	}
	all.Wait()
}

// live is one member: visit after visit, and now and then a payment.
func live(ctx context.Context, t *tally, m *Member, i int, kind string, visits []visit, begun time.Time, length time.Duration) {
	for n := i; ctx.Err() == nil && (n == i || time.Since(begun) < length); n++ {
		visits[n%len(visits)].run(ctx, m, t)
		if n%pauseOfPay == i%pauseOfPay && m.paid < mostFreePays && !strings.HasSuffix(kind, "honestly") {
			payOnce(kind, fmt.Sprintf("%d-%d-%d", begun.UnixNano(), i, n)).run(ctx, m, t)
		}
		select {
		case <-ctx.Done():
		case <-time.After(cellThink):
		}
	}
}

// comings are what members come for, all counted as one kind.
func comings(kind string) []visit {
	all := []visit{lookAtDashboard(), lookAtPage(dashboardPage), lookAtTransactions(), freezeCard(), lookAtPage(cardPage), signInByPasskey()}
	for i := range all {
		all[i].kind = kind
	}
	return all
}

// payOnce pays where only a payment that is taken counts, and counts it.
func payOnce(kind, key string) visit {
	v := payTaken(key)
	return visit{kind, v.ask, func(m *Member, a answer) string {
		miss := v.judge(m, a)
		if miss == "" {
			m.paid++
		}
		return miss
	}}
}

// honest are visits to a cell that is lost. A page says so in the cell's language
// with the cell's own telephone; a call is told 503 and when to come back; nothing
// is said to have been done.
func honest(kind string, one *cell) []visit {
	return []visit{
		{kind, func(ctx context.Context, m *Member) (answer, error) { return m.page(ctx, "/dashboard", nil) }, one.honestPage},
		{kind, lookAtDashboard().ask, honestCall},
		{kind, freezeCard().ask, honestCall},
		{kind, func(ctx context.Context, m *Member) (answer, error) { return m.page(ctx, "/sign-in", nil) }, one.honestPage},
	}
}

func (c *cell) honestPage(_ *Member, a answer) string {
	switch {
	case a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "":
		return "page: " + a.what()
	case !bytes.Contains(a.body, []byte(`lang="`+c.locale+`"`)):
		return "a page in another language than the cell's"
	case !bytes.Contains(a.body, []byte(c.telephone)):
		return "a page without the cell's telephone"
	}
	return ""
}

func honestCall(_ *Member, a answer) string {
	if a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		return "call: " + a.what()
	}
	return ""
}

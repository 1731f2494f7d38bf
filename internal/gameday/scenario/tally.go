package scenario

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"standfast/internal/gameday/report"
)

// Kinds of requests that are counted apart.
const (
	looking     = "existing sessions: looking"
	freezing    = "existing sessions: freezing a card"
	paying      = "payments: made, or refused with 503 and Retry-After"
	taking      = "payments: taken"
	changing    = "changes of credentials and devices: made, or refused with 503 and Retry-After"
	passwordIn  = "sign-in with a password from a known device: done, or refused with 503 and Retry-After"
	passkeyIn   = "fresh sign-in from a known device with a passkey"
	recovering  = "faults after which everything works again and each card is frozen as was asked"
	codeAnswers = "right codes: answered with the session"
)

// Answers that no member may meet while something is only not known.
const (
	cookieCleared = "a cookie was cleared"
	unknownIsNo   = "a 401 or 404 for what is not known"
	codeSent      = "a code was sent to, or asked of, a known device"
	secondPrompt  = "a second prompt for a code"
	signInForced  = "sign-ins forced"
	wrongFigure   = "balances that were never true"
)

// tally counts what members met. Many goroutines use it.
type tally struct {
	begun    time.Time
	mu       sync.Mutex
	kinds    map[string]*count
	breaches map[string]int
	examples map[string]string
}

type count struct {
	served, all int
	misses      map[string]int
	took        []time.Duration
	asked       []asked
	seconds     map[int]*second // by the second since the tally began
}

// asked is one request: when it began, and what was wrong with its answer, or "".
type asked struct {
	at   time.Time
	miss string
}

// second is what was asked and answered in one second.
type second struct {
	served, all int
	forced      int // sign-ins
	took        []time.Duration
}

func newTally() *tally {
	return &tally{begun: time.Now(), kinds: map[string]*count{}, breaches: map[string]int{}, examples: map[string]string{}}
}

// note counts one request of a kind; miss says what was wrong with its answer, or "".
func (t *tally) note(kind, miss string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.kinds[kind]
	if c == nil {
		c = &count{misses: map[string]int{}, seconds: map[int]*second{}}
		t.kinds[kind] = c
	}
	c.all++
	c.took = append(c.took, took)
	c.asked = append(c.asked, asked{time.Now().Add(-took), miss})
	now := c.at(int(time.Since(t.begun).Seconds()))
	now.all++
	now.took = append(now.took, took)
	if miss == "" {
		c.served++
		now.served++
		return
	}
	c.misses[miss]++
}

func (c *count) at(n int) *second {
	if c.seconds[n] == nil {
		c.seconds[n] = &second{}
	}
	return c.seconds[n]
}

// timeline writes each kind's seconds, for the page of the report.
func (t *tally) timeline(row *report.Row) { row.Timeline = append(row.Timeline, t.lines()...) }

// lines gives each kind's seconds.
func (t *tally) lines() (list []report.Line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(t.kinds)) {
		line := report.Line{Journey: kind}
		for _, n := range slices.Sorted(maps.Keys(t.kinds[kind].seconds)) {
			s := t.kinds[kind].seconds[n]
			line.Seconds = append(line.Seconds, report.Second{At: t.begun.Add(time.Duration(n) * time.Second).UTC(), Served: s.served, All: s.all,
				P95: percentile(s.took, 95).Seconds(), Forced: s.forced})
		}
		list = append(list, line)
	}
	return list
}

// forced counts a sign-in that was demanded of somebody who was signed in.
func (t *tally) forced(kind, example string) {
	t.breach(signInForced, kind+": "+example)
	t.mu.Lock()
	defer t.mu.Unlock()
	if c := t.kinds[kind]; c != nil {
		c.at(int(time.Since(t.begun).Seconds())).forced++
	}
}

// between gives how many requests of a kind that began in a span of time were served,
// and when the last one began that was not.
func (t *tally) between(kind string, from, to time.Time) (served, all int, misses map[string]int, last time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	misses = map[string]int{}
	if t.kinds[kind] == nil {
		return 0, 0, misses, last
	}
	for _, a := range t.kinds[kind].asked {
		if a.at.Before(from) || !a.at.Before(to) {
			continue
		}
		all++
		if a.miss == "" {
			served++
			continue
		}
		misses[a.miss]++
		if a.at.After(last) {
			last = a.at
		}
	}
	return served, all, misses, last
}

// percentile gives how long a part of the requests of a kind took at most, in seconds.
func (t *tally) percentile(kind string, part int) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.kinds[kind]
	if c == nil {
		return 0
	}
	return percentile(c.took, part).Seconds()
}

func percentile(took []time.Duration, part int) time.Duration {
	if len(took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(took))
	return sorted[min(len(sorted)*part/100, len(sorted)-1)]
}

// breach counts an answer that no member may meet.
func (t *tally) breach(what, example string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.breaches[what]++
	t.examples[what] = example
}

// share writes a kind's figure with what it has to reach; 0 for none.
func (t *tally) share(row *report.Row, kind string, least float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.kinds[kind]
	if c == nil {
		c = &count{}
	}
	f := row.Share(kind, c.served, c.all, c.misses)
	if least > 0 {
		f.AtLeast(least)
	}
}

// never writes how often something happened that must not.
func (t *tally) never(row *report.Row, what string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	row.Value(what, float64(t.breaches[what]), "times").AtMost(0)
	if t.breaches[what] > 0 {
		row.Note("%s: for example %s", what, t.examples[what])
	}
}

// longest writes how long requests of a kind took. It informs: how fast the
// machine is decides about it too.
func (t *tally) longest(row *report.Row, kind string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.kinds[kind]
	if c == nil || len(c.took) == 0 {
		return
	}
	took := slices.Sorted(slices.Values(c.took))
	row.Value(fmt.Sprintf("p99 of %s", kind), seconds(took[len(took)*99/100]), "s")
	row.Value(fmt.Sprintf("longest of %s", kind), seconds(took[len(took)-1]), "s")
}

func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }

// counts gives how much was served and asked of all kinds together.
func (t *tally) counts() (n [2]int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.kinds {
		n[0], n[1] = n[0]+c.served, n[1]+c.all
	}
	return n
}

// since says what came after counts was called.
func (t *tally) since(before [2]int) string {
	now := t.counts()
	return fmt.Sprintf("%d of %d requests answered as they should be", now[0]-before[0], now[1]-before[1])
}

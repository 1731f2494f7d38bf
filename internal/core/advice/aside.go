package advice

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/core/payment"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Patience is when an advice is set aside. One that stumbles over a fault of ours, again and again, is set aside: it
// keeps its place and its time of receipt, is tried again by itself until the fault
// is mended, and those behind it go on. Members do not wait for each other's bad luck.
type Patience struct {
	Times int           // attempts that stumbled, at least
	After time.Duration // since the first of them, at least
	Again time.Duration // between attempts from then on
}

func usualPatience() Patience {
	return Patience{Times: 8, After: 2 * time.Minute, Again: 5 * time.Minute}
}

// asideTime bounds one attempt at an advice that was set aside.
const asideTime = 30 * time.Second

// codeAside is the code of an outcome that is not known yet.
const codeAside = "advice.aside"

// stumble is since when, and how often, advices of one kind have stumbled without
// one between them that did not.
type stumble struct {
	times int
	since time.Time
}

// stumbles counts by stand-in's store and kind: while an issuer's system of cards
// is away, its second advice is not waited for as long as its first. A process that
// starts anew counts anew.
type stumbles struct {
	mu sync.Mutex
	at map[string]stumble
}

// maxStumbles bounds how many are remembered.
const maxStumbles = 100

// enough counts an attempt, and tells whether there were enough of them.
func (s *stumbles) enough(name string, now time.Time, p Patience) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, known := s.at[name]
	if !known {
		at.since = now
	}
	if s.at == nil || !known && len(s.at) >= maxStumbles {
		s.at = map[string]stumble{}
	}
	at.times++
	s.at[name] = at
	return at.times >= p.Times && now.Sub(at.since) >= p.After
}

func (s *stumbles) over(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.at, name)
}

// faltering tells whether err says nothing about the advice itself.
func faltering(err error) bool {
	return fault.Is(err, fault.Internal) || fault.Is(err, fault.Unavailable)
}

// setAside gives the outcome of an advice that err has kept from being taken once
// too often; else err stands. A caller who has gone proves nothing, and neither
// does a database that does not answer.
func (s *Service) setAside(ctx context.Context, standIn string, i Item, err error) (Outcome, error) {
	if ctx.Err() != nil || !faltering(err) || !s.stumbles.enough(standIn+" "+i.Kind, s.db.Now(), s.Patience) {
		return Outcome{}, err
	}
	o := Outcome{Seq: i.Seq, ID: i.ID, State: Aside, Code: codeAside, Message: "This waits for a fault of ours to be mended.", Result: map[string]string{}}
	aside := s.db.WithTx(ctx, func(tx *db.Tx) error {
		first, err := claim(ctx, tx, standIn, i, confirmationOf(i))
		if err != nil || !first {
			return err
		}
		if err := settle(ctx, tx, standIn, o); err != nil {
			return err
		}
		if err := s.jobs.Enqueue(ctx, tx, asideJob{standIn, i.Seq}, jobs.Options{At: tx.Now.Add(s.Patience.Again)}); err != nil {
			return err
		}
		return record(ctx, tx, i, o)
	})
	if aside != nil {
		return Outcome{}, err
	}
	s.log.ErrorContext(ctx, "an advice of the stand-in is set aside; it is tried again by itself", "standin", standIn, "seq", i.Seq, "kind", i.Kind, "id", i.ID, "err", err)
	return o, nil
}

// confirmationOf gives the number that the member was given for a payment, as far
// as it can be read.
func confirmationOf(i Item) string {
	var b paymentBody
	if i.Kind != KindPayment || json.Unmarshal(i.Body, &b) != nil {
		return ""
	}
	number, _ := payment.ReadConfirmation(b.Confirmation)
	return number
}

// asideJob tries one advice again.
type asideJob struct {
	StandIn string `json:"standin"`
	Seq     int64  `json:"seq"`
}

// Kind names the job.
func (asideJob) Kind() string { return "advice.aside" }

// tryAside tries an advice that was set aside. What still stumbles is tried later.
func (s *Service) tryAside(ctx context.Context, a asideJob, _ jobs.Attempt) error {
	i, waits, err := s.aside(ctx, a)
	if err != nil || !waits {
		return err
	}
	if err := s.retake(ctx, a.StandIn, i); err != nil {
		s.log.WarnContext(ctx, "an advice that was set aside stumbles again", "standin", a.StandIn, "seq", a.Seq, "err", err)
		return jobs.Snooze(s.Patience.Again)
	}
	s.stumbles.over(a.StandIn + " " + i.Kind)
	return nil
}

// aside reads an advice again as it came.
func (s *Service) aside(ctx context.Context, a asideJob) (i Item, waits bool, err error) {
	var at int64
	var body string
	var state State
	err = s.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT seq, id, kind, member_id, at, body, state FROM advice WHERE standin = $1 AND seq = $2`, a.StandIn, a.Seq).
			Scan(&i.Seq, &i.ID, &i.Kind, &i.MemberID, &at, &body, &state)
	})
	i.At, i.Body = db.FromMicros(at), json.RawMessage(body)
	return i, state == Aside, err
}

func (s *Service) retake(ctx context.Context, standIn string, i Item) error {
	work, err := s.prepare(ctx, i)
	if err != nil {
		return err
	}
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE advice SET state = '' WHERE standin = $1 AND seq = $2 AND state = $3`, standIn, i.Seq, string(Aside))
		if err != nil || n == 0 { // somebody else has just taken it
			return err
		}
		_, err = carryOut(ctx, tx, standIn, i, work)
		return err
	})
}

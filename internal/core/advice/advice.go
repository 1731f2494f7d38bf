// Package advice takes in what the cell's stand-in did while core did not answer:
// payments that it confirmed, cards to be frozen, sessions that it opened and
// ended, wrong passwords that it counted.
//
// A stand-in's store counts its advices from 1, and they are taken in that order.
// What an advice does and the row that says so are one transaction, so each is
// carried out once, however often it is sent and whatever stops meanwhile. One that
// cannot be carried out is not lost: it stands in the list with its reason, and a
// payment's member is told.
package advice

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/audit"
	"standfast/internal/core/jobs"
	"standfast/internal/core/payment"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// The kinds of advices.
const (
	KindPayment  = "payment"
	KindFreeze   = "freeze"
	KindOpened   = "session-opened"
	KindEnded    = "session-ended"
	KindFailures = "failures"
	KindCounter  = "passkey-counter"
)

// State is what came of an advice.
type State string

// The states.
const (
	Applied State = "applied"
	Already State = "already" // the same intention stood since before
	Refused State = "refused" // a rule stands against it now; somebody has to look
	Aside   State = "aside"   // a fault of ours stands against it; it is tried again by itself
)

// Item is one advice.
type Item struct {
	Seq      int64           `json:"seq"`
	ID       string          `json:"id"`
	Kind     string          `json:"kind"`
	At       time.Time       `json:"at"`
	MemberID string          `json:"member_id"`
	Body     json.RawMessage `json:"body"`
}

// Outcome is what came of one.
type Outcome struct {
	Seq     int64             `json:"seq"`
	ID      string            `json:"id"`
	State   State             `json:"state"`
	Code    string            `json:"code,omitempty"`
	Message string            `json:"message,omitempty"`
	Result  map[string]string `json:"result"`
}

// adviceTime bounds one advice. A stand-in waits for a page of them longer.
const adviceTime = 10 * time.Second

// Service takes advices. It is safe for use by many goroutines and processes.
type Service struct {
	Patience Patience // to be set before the first advice comes; New gives the usual one

	db       *db.DB
	payments *payment.Service
	accounts *account.Service
	signIn   *signin.Service
	jobs     *jobs.Jobs
	log      *slog.Logger
	stumbles stumbles
}

// New makes the service and registers its job.
func New(d *db.DB, p *payment.Service, a *account.Service, s *signin.Service, j *jobs.Jobs, log *slog.Logger) *Service {
	service := &Service{Patience: usualPatience(), db: d, payments: p, accounts: a, signIn: s, jobs: j, log: log}
	jobs.Handle(j, asideTime, service.tryAside)
	return service
}

// contents is a digest of all that a repeat must have in common.
func (i Item) contents() []byte {
	h := sha256.New()
	var compact bytes.Buffer
	if json.Compact(&compact, i.Body) != nil {
		compact.Reset()
	}
	for _, part := range []string{i.ID, i.Kind, i.MemberID, i.At.UTC().Format(time.RFC3339Nano), compact.String()} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// Take carries out advices of one stand-in's store in their order, each once, and
// gives what came of them. Where one cannot be taken now, the outcomes of those
// before it stand and err says why; they are sent again from there on.
func (s *Service) Take(ctx context.Context, standIn string, items []Item) (outcomes []Outcome, err error) {
	for _, i := range items {
		if !db.ValidID(i.ID) || !db.ValidID(i.MemberID) {
			return outcomes, fault.New(fault.Malformed, "advice.id", "An advice and its member have ids.")
		}
		o, err := s.take(ctx, standIn, i)
		if err != nil {
			return outcomes, err
		}
		outcomes = append(outcomes, o)
	}
	return outcomes, nil
}

// take carries out one advice, or gives what came of it before.
func (s *Service) take(ctx context.Context, standIn string, i Item) (o Outcome, err error) {
	stored, found, err := s.before(ctx, standIn, i)
	if err != nil || found {
		return stored, err
	}
	own, cancel := context.WithTimeout(ctx, adviceTime) // one that always takes longer stumbles, and is not asked about for ever
	defer cancel()
	work, err := s.prepare(own, i)
	if err != nil {
		return s.setAside(ctx, standIn, i, err)
	}
	err = s.db.WithTx(own, func(tx *db.Tx) error {
		first, err := claim(own, tx, standIn, i, work.confirmation)
		if err != nil {
			return err
		}
		if !first { // somebody else has just taken it
			o, err = outcomeOf(own, tx, standIn, i)
			return err
		}
		if err := noticeStore(ctx, tx, standIn, i); err != nil {
			return err
		}
		o, err = carryOut(own, tx, standIn, i, work)
		return err
	})
	if err != nil {
		return s.setAside(ctx, standIn, i, err)
	}
	s.stumbles.over(standIn + " " + i.Kind)
	return o, nil
}

// carryOut does what an advice says, and writes what came of it.
func carryOut(ctx context.Context, tx *db.Tx, standIn string, i Item, work effect) (o Outcome, err error) {
	if o, err = work.run(ctx, tx); err != nil {
		return o, err
	}
	o.Seq, o.ID = i.Seq, i.ID
	if err := settle(ctx, tx, standIn, o); err != nil {
		return o, err
	}
	return o, record(ctx, tx, i, o)
}

// record leaves who did what, and what came of it.
func record(ctx context.Context, tx *db.Tx, i Item, o Outcome) error {
	outcome := audit.OK
	if o.State == Refused || o.State == Aside {
		outcome = audit.Refused
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: i.MemberID, Action: "advice." + i.Kind, Object: "advice", ObjectID: i.ID, Outcome: outcome,
		Details: map[string]string{"by": "the stand-in", "state": string(o.State), "code": o.Code, "at": i.At.UTC().Format(time.RFC3339)}})
}

// noticeStore records that a stand-in tells under another store's name than before:
// the first was lost, with what it had not told, or a second stand-in is at work.
func noticeStore(ctx context.Context, tx *db.Tx, standIn string, i Item) error {
	if i.Seq != 1 {
		return nil
	}
	before, last, err := storeBefore(ctx, tx, standIn)
	if err != nil || before == "" {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: "system", Action: "advice.new-store", Object: "standin", ObjectID: standIn, Outcome: audit.OK,
		Details: map[string]string{"before": before, "last": strconv.FormatInt(last, 10), "at": i.At.UTC().Format(time.RFC3339)}})
}

// before gives what came of an advice that was taken already; one that is not the
// next of its store is fault.Conflict.
func (s *Service) before(ctx context.Context, standIn string, i Item) (o Outcome, found bool, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		o, err = outcomeOf(ctx, tx, standIn, i)
		if errors.Is(err, db.ErrNoRows) {
			return inOrder(ctx, tx, standIn, i.Seq)
		}
		found = err == nil
		return err
	})
	return o, found, err
}

func errGap(expected int64) error {
	e := fault.New(fault.Conflict, "advice.gap", "This is not the next advice of this stand-in's store.")
	e.Extra = map[string]any{"expected": expected}
	return e
}

func errForged() error {
	return fault.New(fault.Conflict, "advice.forged", "Another advice stands under this number.")
}

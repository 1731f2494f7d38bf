package ledger

import (
	"time"

	"standfast/internal/money"
)

// sums are the four figures of an account, in minor units; count is the number
// of movements of posted.
type sums struct{ posted, in, out, count int64 }

func (s sums) plus(d sums) sums {
	return sums{s.posted + d.posted, s.in + d.in, s.out + d.out, s.count + d.count}
}

func (s sums) minus(d sums) sums {
	return sums{s.posted - d.posted, s.in - d.in, s.out - d.out, s.count - d.count}
}

// worst is the balance when every open hold against the account is settled and
// none in its favour; best is the opposite.
func (s sums) worst() int64 { return s.posted - s.out }
func (s sums) best() int64  { return s.posted + s.in }

// representable tells whether the figures are within what a balance may hold.
func (s sums) representable() bool {
	return s.posted >= -maxBalance && s.posted <= maxBalance && s.in <= maxBalance && s.out <= maxBalance
}

// effects gives what a transfer does to its debit and its credit account.
func effects(p Phase, amount int64) (debit, credit sums) {
	switch p {
	case Pending:
		return sums{out: amount}, sums{in: amount}
	case Settle:
		return sums{posted: -amount, out: -amount, count: 1}, sums{posted: amount, in: -amount, count: 1}
	case Void:
		return sums{out: -amount}, sums{in: -amount}
	default: // Posted, Reverse
		return sums{posted: -amount, count: 1}, sums{posted: amount, count: 1}
	}
}

// account is a locked balance row, or a folded account as of its last fold.
type account struct {
	id, currency   string
	floor, ceiling *int64
	folded         bool
	was, is        sums // before and after the batch
}

// state is all that a batch of requests is decided on.
type state struct {
	batch    string // id of the batch
	now      time.Time
	accounts map[string]*account
	byKey    map[string]*Transfer
	byID     map[string]*Transfer
	ended    map[string]*Transfer // by the id of the transfer that it resolves
	made     []*Transfer          // new ones, in order
}

func newState(now time.Time) *state {
	return &state{batch: newBatchID(), now: now, accounts: map[string]*account{}, byKey: map[string]*Transfer{},
		byID: map[string]*Transfer{}, ended: map[string]*Transfer{}}
}

// know takes up a recorded transfer.
func (s *state) know(t *Transfer) {
	s.byKey[t.Key], s.byID[t.ID] = t, t
	if t.Resolves != "" {
		s.ended[t.Resolves] = t
	}
}

// verdict is the answer to one request.
type verdict struct {
	transfer *Transfer
	replayed bool
	err      error
}

// decide answers requests in their order, each on what those before it left. It
// touches nothing but s; a refused request leaves no trace in it.
func decide(s *state, requests []request) []verdict {
	list := make([]verdict, len(requests))
	for i := range requests {
		list[i] = s.decide(requests[i])
	}
	return list
}

func (s *state) decide(r request) verdict {
	if r.phase == Reverse {
		r.resolves = s.settlementOf(r.resolves)
	}
	if first := s.byKey[r.Key]; first != nil {
		if !r.same(first) {
			return verdict{err: errKeyReused()}
		}
		return verdict{transfer: first, replayed: true}
	}
	t, err := s.plan(r)
	if err == nil {
		err = s.move(t)
	}
	if err != nil {
		return verdict{err: err}
	}
	t.ID = transferID(s.batch, len(s.made)+1)
	s.made = append(s.made, t)
	s.know(t)
	return verdict{transfer: t}
}

// settlementOf lets a hold's id stand for its settlement, because that is the id
// that whoever made the hold keeps.
func (s *state) settlementOf(id string) string {
	if end := s.ended[id]; end != nil && end.Phase == Settle {
		return end.ID
	}
	return id
}

// plan makes the transfer that r asks for, still without an id.
func (s *state) plan(r request) (*Transfer, error) {
	t := &Transfer{Key: r.Key, Debit: r.Debit, Credit: r.Credit, Amount: r.Amount, Phase: r.phase, Kind: r.Kind,
		Description: r.Description, Ref: r.Ref, Fact: r.Fact, EffectiveAt: r.EffectiveAt, RecordedAt: s.now, ExpiresAt: r.ExpiresAt}
	if t.EffectiveAt.IsZero() {
		t.EffectiveAt = s.now
	}
	if r.resolves != "" {
		return t, s.planEnd(t, r.resolves)
	}
	return t, s.checkCurrency(t.Amount, t.Debit, t.Credit)
}

// planEnd fills t, the end of the transfer with the given id, from that transfer.
func (s *state) planEnd(t *Transfer, id string) error {
	of := s.byID[id]
	switch {
	case of == nil:
		return errNoTransfer()
	case s.ended[id] != nil:
		return errResolved()
	case t.Phase == Reverse && of.Phase != Posted && of.Phase != Settle:
		return errPhase()
	case t.Phase != Reverse && of.Phase != Pending:
		return errPhase()
	}
	t.Resolves, t.Debit, t.Credit, t.Amount = id, of.Debit, of.Credit, of.Amount
	t.Kind, t.Description, t.Ref, t.Fact = of.Kind, of.Description, of.Ref, of.Fact
	if t.Phase == Reverse {
		t.Debit, t.Credit = of.Credit, of.Debit
	}
	return nil
}

func (s *state) checkCurrency(amount money.Amount, ids ...string) error {
	for _, id := range ids {
		a := s.accounts[id]
		if a == nil {
			return errNoAccount()
		}
		if a.currency != amount.Currency {
			return errCurrency(a.currency)
		}
	}
	return nil
}

// move books t on both of its accounts, or on neither. Floors and ceilings bind
// new transfers only: ends of holds were checked with the hold, and a reversal,
// like a Fact, states what has already happened.
func (s *state) move(t *Transfer) error {
	from, to := s.accounts[t.Debit], s.accounts[t.Credit]
	if from == nil || to == nil {
		return errNoAccount()
	}
	lost, gained := effects(t.Phase, t.Amount.Minor)
	left, right := from.is.plus(lost), to.is.plus(gained)
	if !left.representable() || !right.representable() {
		return errLimit()
	}
	if !t.Fact && t.Resolves == "" {
		if from.floor != nil && left.worst() < *from.floor {
			return errFunds()
		}
		if to.ceiling != nil && right.best() > *to.ceiling {
			return errLimit()
		}
	}
	from.is, to.is = left, right
	return nil
}

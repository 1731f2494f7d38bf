package payment

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strconv"
	"unicode"

	"standfast/internal/core/account"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// Request is a payment that a member wants made.
type Request struct {
	Key       string // the member's own name for it, 1 to 128 characters: repeating it never pays twice
	AccountID string // the card to pay
	MethodID  string
	Amount    money.Amount
	Date      string // business date; empty for today
	Proof     string // of a step-up; empty for none
	Session   signin.Session
	Client    signin.Client
}

const maxKey = 128

// Submit takes a payment. When it answers, the payment is stored and its amount
// held (or, for a later date, will be on that date), and it will be followed to
// its end whatever stops meanwhile.
//
// The same key with the same contents gives the payment that stands, with other
// contents fault.Conflict idempotency.key-reused. A refusal is not recorded
// under the key; step-up-required carries the challenge that leads to a proof.
// A caller whose context ends is told either that nothing was done (payment.late)
// or that it is not known (payment.unknown): the same request again tells.
func (s *Service) Submit(ctx context.Context, q Request) (Payment, error) {
	if err := q.check(); err != nil {
		return Payment{}, err
	}
	p, err := s.submit(ctx, q)
	if err == nil || unclear(err) {
		return p, err
	}
	// A repeat may fail for what has changed since: the proof is used, the date
	// has passed, the method is gone. What stands under the key comes first.
	if first, found, again := s.replay(ctx, q); found || again != nil {
		return first, again
	}
	if errors.Is(err, errNeedsProof) {
		err = s.askForProof(ctx, q)
	}
	return Payment{}, err
}

func (s *Service) submit(ctx context.Context, q Request) (Payment, error) {
	o, err := s.newOrder(ctx, q)
	if err != nil {
		return Payment{}, err
	}
	if q.Proof != "" {
		return s.alone(ctx, o)
	}
	return s.together(ctx, o)
}

// check holds what can be told from the request alone.
func (q Request) check() error {
	switch {
	case !printable(q.Key) || len(q.Key) > maxKey || q.Key == "":
		return fault.InvalidField("header.Idempotency-Key", "idempotency.key", "The idempotency key has 1 to 128 printable characters.")
	case !q.Amount.Positive():
		return fault.InvalidField("body.amount", "amount.positive", "The amount must be more than zero.")
	case !db.ValidID(q.AccountID):
		return errNoAccount()
	case !db.ValidID(q.MethodID):
		return fault.New(fault.NotFound, "method.not-found", "We could not find this payment method.")
	}
	return nil
}

func printable(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return false
		}
	}
	return true
}

// contents is a digest of all that a repeat must have in common.
func (q Request) contents() []byte {
	h := sha256.New()
	for _, part := range []string{q.AccountID, q.MethodID, strconv.FormatInt(q.Amount.Minor, 10), q.Amount.Currency, q.Date} {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write([]byte(part))
	}
	return h.Sum(nil)
}

// action is what a proof of this payment is bound to: whoever changes amount,
// payee, method or date needs another proof (RTS Art 5). name is the payee's in
// the message and is not part of what is bound.
func (q Request) action(name string) signin.Action {
	return signin.Action{
		Kind:  "payment",
		Parts: []string{q.Amount.Value(), q.Amount.Currency, q.AccountID, q.MethodID, q.Date},
		Data:  map[string]any{"Amount": q.Amount, "Payee": name},
	}
}

// askForProof refuses a payment until it is proved. The message with the code names
// amount and payee.
func (s *Service) askForProof(ctx context.Context, q Request) error {
	card, err := s.payee(ctx, q)
	if err != nil {
		return err
	}
	return s.stepUp(ctx, q.Session, q.action(payeeName(card)), q.Client)
}

// replay gives the payment that stands under the request's key.
func (s *Service) replay(ctx context.Context, q Request) (p Payment, found bool, err error) {
	o := &order{Request: q}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		standing, err := byKeys(ctx, tx, []*order{o})
		if r, ok := standing[o.name()]; ok {
			o.replay(r)
		}
		return err
	})
	if err != nil || !o.stands {
		return Payment{}, false, err
	}
	p, err = o.answer()
	return p, true, err
}

// payee gives the card that is paid, as far as it may be.
func (s *Service) payee(ctx context.Context, q Request) (account.Account, error) {
	a, err := s.Accounts.Held(ctx, q.Session.MemberID, q.AccountID)
	switch {
	case err != nil:
		return account.Account{}, err
	case a.Kind != account.Card:
		return account.Account{}, fault.InvalidField("body.account_id", "payment.not-a-card", "Only a card can be paid. To put money into savings, move it there.")
	case a.Status == account.Closed:
		return account.Account{}, errClosed()
	case a.Source != account.LedgerSource:
		return account.Account{}, fault.New(fault.Conflict, "payment.account-elsewhere", "This card cannot be paid here. Please call us.")
	case a.Currency != q.Amount.Currency:
		return account.Account{}, fault.InvalidField("body.amount", "amount.currency", "This card is paid in "+a.Currency+".")
	case q.Amount.Minor > s.config.Maximum:
		most := money.New(s.config.Maximum, a.Currency)
		e := fault.InvalidField("body.amount", "payment.maximum", "One payment can be at most "+most.String()+".")
		e.Fields[0].Args = map[string]any{"Maximum": most}
		return account.Account{}, e
	}
	return a, nil
}

func errNoAccount() error {
	return fault.New(fault.NotFound, "account.not-found", "We could not find this account.")
}

func errClosed() error {
	return fault.New(fault.Conflict, "payment.account-closed", "This card is closed and cannot be paid here. Please call us.")
}

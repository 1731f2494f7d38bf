package payment

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"strconv"
	"unicode"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/ledger"
	"standfast/internal/core/outbox"
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
func (s *Service) Submit(ctx context.Context, q Request) (Payment, error) {
	if err := q.check(); err != nil {
		return Payment{}, err
	}
	p, err := s.submit(ctx, q)
	if db.IsUnique(err) { // the confirmation number was drawn before, once in 10^15
		p, err = s.submit(ctx, q)
	}
	if err == nil {
		return p, nil
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
	err = s.db.View(ctx, func(tx *db.Tx) error {
		r, err := byKey(ctx, tx, q.Session.MemberID, q.Key)
		if fault.Is(err, fault.NotFound) {
			return nil
		}
		found = err == nil
		if found && subtle.ConstantTimeCompare(r.contents, q.contents()) != 1 {
			return fault.New(fault.Conflict, "idempotency.key-reused", "This request was made before with other contents. Nothing was paid now.")
		}
		p = r.Payment
		return err
	})
	if err != nil {
		p = Payment{}
	}
	return p, found, err
}

var (
	errNeedsProof = errors.New("payment: needs a proof")
	errKeyTaken   = errors.New("payment: the key is taken")
)

// submit takes a new payment: all checks, then one transaction.
func (s *Service) submit(ctx context.Context, q Request) (Payment, error) {
	card, err := s.payee(ctx, q)
	if err != nil {
		return Payment{}, err
	}
	needed, err := s.needsProof(ctx, q.Session.MemberID, q.Amount.Minor)
	if err != nil {
		return Payment{}, err
	}
	ours, err := s.synthetic(ctx, q.Session.MemberID)
	if err != nil {
		return Payment{}, err
	}
	if err := s.openClearing(ctx, q.Amount.Currency); err != nil {
		return Payment{}, err
	}
	member := addressee{payee: payeeName(card)} // for the one payment in many that is confirmed here and not by its job
	if q.Date != "" {
		if member.Contact, err = s.Contact(ctx, q.Session.MemberID); err != nil {
			return Payment{}, err
		}
	}
	number, err := newConfirmation()
	if err != nil {
		return Payment{}, err
	}
	r := record{key: q.Key, contents: q.contents(), proved: needed}
	r.Payment = Payment{ConfirmationNumber: number, MemberID: q.Session.MemberID, AccountID: card.ID, MethodID: q.MethodID, Amount: q.Amount}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		r := &r
		if err := s.prepare(ctx, tx, r, q, ours); err != nil {
			return err
		}
		if needed && q.Proof == "" {
			return errNeedsProof
		}
		if needed {
			if err := s.SignIn.Redeem(ctx, tx, q.Session, q.Proof, q.action("")); err != nil {
				return err
			}
		}
		return s.take(ctx, tx, r, member)
	})
	return r.Payment, err
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

// prepare fills in what depends on the transaction's time and on the method. It
// may run again and starts from nothing.
func (s *Service) prepare(ctx context.Context, tx *db.Tx, r *record, q Request, ours bool) error {
	date, err := s.calendar.resolve(q.Date, tx.Now)
	if err != nil {
		return err
	}
	m, err := s.Instruments.Usable(ctx, tx, r.MemberID, r.MethodID)
	if err != nil {
		return err
	}
	r.now, r.CreatedAt, r.nextAt = tx.Now, tx.Now, tx.Now
	r.ID, r.Status, r.Version, r.Events, r.holdID = db.NewID(), "", 0, nil, ""
	r.MethodDisplay, r.rail = m.Display, s.route(m, ours)
	r.Date, r.CreditedOn = date, date
	if date == s.calendar.date(tx.Now) {
		r.CreditedOn = s.calendar.creditedOn(tx.Now)
	}
	return nil
}

func (s *Service) route(m instrument.Method, ours bool) string {
	if ours {
		return syntheticRail
	}
	return s.config.Route(m)
}

// take stores the payment with all that must be true when it is acknowledged: the
// hold, the row, the change for followers, and the job that goes on with it.
func (s *Service) take(ctx context.Context, tx *db.Tx, r *record, member addressee) error {
	first := Held
	if r.Date > s.calendar.date(tx.Now) {
		first, r.nextAt = Scheduled, s.calendar.start(r.Date)
	}
	if err := r.move(first, "", ""); err != nil {
		return err
	}
	if first == Held {
		if err := s.hold(ctx, tx, r); err != nil {
			return err
		}
	}
	if err := insert(ctx, tx, r); err != nil {
		return err
	}
	if first == Scheduled {
		if err := s.tell(ctx, tx, r, member, "payment-confirmed"); err != nil {
			return err
		}
	}
	if err := s.publish(ctx, tx, r); err != nil {
		return err
	}
	return s.enqueue(ctx, tx, r.ID, r.nextAt)
}

// hold reserves the amount on the card. It has no time limit: an outcome that is
// not known stays so until the rail tells it.
func (s *Service) hold(ctx context.Context, tx *db.Tx, r *record) error {
	list, err := s.Ledger.PostTx(ctx, tx, ledger.Entry{
		Key: "payment/" + r.ID, Debit: clearingAccount(r.rail, r.Amount.Currency), Credit: r.AccountID, Amount: r.Amount,
		Kind: account.KindPayment, Description: r.MethodDisplay, Ref: r.ConfirmationNumber, Pending: true,
	})
	if err != nil {
		return refusal(err)
	}
	r.holdID = list[0].ID
	return nil
}

// refusal says in the member's words why the ledger holds nothing.
func refusal(err error) error {
	e := fault.As(err)
	if e.Code == "ledger.limit" || e.Code == "amount.too-large" {
		f := fault.InvalidField("body.amount", "payment.limit", "This is more than the card can take. Please choose a smaller amount.")
		f.Cause = err
		return f
	}
	return err
}

// publish tells followers of a payment's new version.
func (s *Service) publish(ctx context.Context, tx *db.Tx, r *record) error {
	return outbox.Append(ctx, tx, outbox.Change{Entity: "payment", EntityID: r.ID, Kind: string(r.Status), Version: r.Version, Payload: published{
		ID: r.ID, MemberID: r.MemberID, AccountID: r.AccountID, MethodID: r.MethodID, MethodDisplay: r.MethodDisplay, Amount: r.Amount,
		Status: r.Status, Code: r.Code, Confirmation: r.ConfirmationNumber, Date: r.Date, CreditedOn: r.CreditedOn,
		Key: r.key, CreatedAt: db.Micros(r.CreatedAt), Synthetic: r.rail == syntheticRail,
	}})
}

// published is a payment as followers read it. The key is in it so that whoever
// stands in for us knows a request that we have already taken.
type published struct {
	ID            string       `json:"id"`
	MemberID      string       `json:"member_id"`
	AccountID     string       `json:"account_id"`
	MethodID      string       `json:"method_id"`
	MethodDisplay string       `json:"method_display"`
	Amount        money.Amount `json:"amount"`
	Status        Status       `json:"status"`
	Code          string       `json:"code,omitempty"`
	Confirmation  string       `json:"confirmation_number"`
	Date          string       `json:"date"`
	CreditedOn    string       `json:"credited_on"`
	Key           string       `json:"request_key"`
	CreatedAt     int64        `json:"created_at"` // microseconds
	Synthetic     bool         `json:"synthetic,omitempty"`
}

func errNoAccount() error {
	return fault.New(fault.NotFound, "account.not-found", "We could not find this account.")
}

func errClosed() error {
	return fault.New(fault.Conflict, "payment.account-closed", "This card is closed and cannot be paid here. Please call us.")
}

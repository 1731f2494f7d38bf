package payment

import (
	"context"

	"standfast/internal/core/account"
	"standfast/internal/core/ledger"
	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// take stores the orders that are open, each with all that must be true when it is
// acknowledged: the hold, the row, the change for followers, and the job that goes
// on with it. An order that the ledger refuses leaves the others as they are.
func (s *Service) take(ctx context.Context, tx *db.Tx, orders []*order) error {
	if err := s.holdAll(ctx, tx, orders); err != nil {
		return err
	}
	var list []*record
	for _, o := range orders {
		if !o.open() {
			continue
		}
		list = append(list, &o.record)
		if o.record.Status == Scheduled {
			if err := s.tell(ctx, tx, &o.record, o.member, "payment-confirmed"); err != nil {
				return err
			}
		}
	}
	if err := insert(ctx, tx, list); err != nil {
		return err
	}
	if err := s.publish(ctx, tx, list...); err != nil {
		return err
	}
	return s.enqueue(ctx, tx, list)
}

// holdAll reserves the amounts that are paid today.
func (s *Service) holdAll(ctx context.Context, tx *db.Tx, orders []*order) error {
	var due []*order
	var entries []ledger.Entry
	for _, o := range orders {
		if o.open() && o.record.Status == Held {
			due, entries = append(due, o), append(entries, o.record.hold())
		}
	}
	if len(due) == 0 {
		return nil
	}
	results, err := s.Ledger.PostAllTx(ctx, tx, entries)
	for i, r := range results {
		due[i].record.holdID = r.Transfer.ID
		if r.Err != nil {
			due[i].refused = refusal(r.Err)
		}
	}
	return err
}

// hold is holdAll for one payment.
func (s *Service) hold(ctx context.Context, tx *db.Tx, r *record) error {
	list, err := s.Ledger.PostTx(ctx, tx, r.hold())
	if err != nil {
		return refusal(err)
	}
	r.holdID = list[0].ID
	return nil
}

// hold is the ledger's entry that reserves the amount on the card. It has no time
// limit: an outcome that is not known stays so until the rail tells it.
func (r *record) hold() ledger.Entry {
	return ledger.Entry{
		Key: "payment/" + r.ID, Debit: clearingAccount(r.rail, r.Amount.Currency), Credit: r.AccountID, Amount: r.Amount,
		Kind: account.KindPayment, Description: r.MethodDisplay, Ref: r.ConfirmationNumber, Pending: true,
	}
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

// publish tells followers of payments' new versions.
func (s *Service) publish(ctx context.Context, tx *db.Tx, list ...*record) error {
	changes := make([]outbox.Change, len(list))
	for i, r := range list {
		changes[i] = outbox.Change{Entity: "payment", EntityID: r.ID, Kind: string(r.Status), Version: r.Version, Payload: published{
			ID: r.ID, MemberID: r.MemberID, AccountID: r.AccountID, MethodID: r.MethodID, MethodDisplay: r.MethodDisplay, Amount: r.Amount,
			Status: r.Status, Code: r.Code, Confirmation: r.ConfirmationNumber, Date: r.Date, CreditedOn: r.CreditedOn,
			Key: r.key, CreatedAt: db.Micros(r.CreatedAt), Synthetic: r.rail == syntheticRail,
		}}
	}
	return outbox.Append(ctx, tx, changes...)
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

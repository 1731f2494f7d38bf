package teller

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"standfast/internal/fault"
	"standfast/internal/money"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
)

// Order is a payment as a member asks for it.
type Order struct {
	Key       string // Idempotency-Key of the call or the form
	MemberID  string
	SessionID string
	AccountID string
	MethodID  string
	Amount    money.Amount
	Date      string // business date; "" or today's, nothing else is taken here
}

// Receipt is a payment as it is shown, taken here or by core.
type Receipt struct {
	ID                 string
	ConfirmationNumber string
	AccountID          string
	MethodID           string
	MethodDisplay      string
	Amount             money.Amount
	Status             string // of the API
	CreditedOn         string
	MadeAt             time.Time
	Advice             store.State // "" for one of core's
	Reason             string      // why core refused it, in its words
	Code               string      // and by its code

	keyHash string // of the intention, where core has it
}

// maxKey bounds an Idempotency-Key, in bytes.
const maxKey = 128

// Pay takes a payment. When it returns a receipt, the payment is on the disk.
func (t *Teller) Pay(ctx context.Context, o Order) (Receipt, error) {
	if o.Key == "" || len(o.Key) > maxKey {
		return Receipt{}, fault.New(fault.Malformed, "idempotency-key", "Send an Idempotency-Key of 1 to 128 characters.")
	}
	hash := store.KeyHash(o.MemberID, o.Key)
	if r, ok, err := t.taken(ctx, o, hash); err != nil || ok {
		return r, err
	}
	m, err := t.check(ctx, o)
	if err != nil {
		return Receipt{}, err
	}
	number, err := newConfirmation()
	if err != nil {
		return Receipt{}, err
	}
	free, err := t.unproved(ctx, o.MemberID)
	if err != nil {
		return Receipt{}, err
	}
	now := t.Now().UTC().Truncate(time.Microsecond)
	p, err := t.Own.Pay(ctx, store.Payment{ID: store.NewID(), MemberID: o.MemberID, SessionID: o.SessionID, Key: o.Key, KeyHash: hash, Contents: o.contents(),
		AccountID: o.AccountID, MethodID: m.ID, MethodDisplay: m.Display, Amount: o.Amount, ConfirmationNumber: number,
		CreditedOn: t.creditedOn(now), MadeOn: t.date(now), ReceivedAt: now}, t.Limits, free)
	return receipt(p), err
}

// contents is what a key stands for.
func (o Order) contents() string {
	return strings.Join([]string{o.AccountID, o.MethodID, o.Amount.Value(), o.Amount.Currency}, "\n")
}

// taken gives the payment that core has made of the same intention.
func (t *Teller) taken(ctx context.Context, o Order, hash string) (Receipt, bool, error) {
	p, ok, err := t.Own.PaymentByKey(ctx, o.MemberID, hash)
	if err != nil || ok {
		if ok && p.Contents != o.contents() {
			err = store.KeyReused()
		}
		return receipt(p), ok, err
	}
	list, err := t.Known.ByKey(ctx, feed.Payment, hash)
	if err != nil || len(list) == 0 {
		return Receipt{}, false, err
	}
	r, err := t.ofCore(ctx, o.MemberID, list[0])
	if err == nil && (r.AccountID != o.AccountID || r.MethodID != o.MethodID || r.Amount != o.Amount) {
		err = store.KeyReused()
	}
	return r, true, err
}

// check holds an order to the rules that can be held here.
func (t *Teller) check(ctx context.Context, o Order) (m Method, err error) {
	a, err := t.Account(ctx, o.MemberID, o.AccountID)
	if err != nil {
		return m, err
	}
	if !a.Card() || a.Status == "closed" {
		return m, fault.InvalidField("body.account_id", "payment.account", "Only a card that is open can be paid here.")
	}
	methods, err := t.Methods(ctx, o.MemberID)
	if err != nil {
		return m, err
	}
	i := slices.IndexFunc(methods, func(m Method) bool { return m.ID == o.MethodID && m.Ready(t.Now()) })
	if i < 0 {
		return m, fault.InvalidField("body.payment_method_id", "payment.method", "Choose a payment method that is verified and can be used now.")
	}
	switch {
	case !o.Amount.Positive() || o.Amount.Currency != a.Currency:
		err = fault.InvalidField("body.amount", "amount.positive", "The amount must be more than zero, in the card's currency.")
	case o.Date != "" && o.Date != t.date(t.Now()):
		err = fault.New(fault.Unavailable, "standin.later", "Just now we can only take payments for today. Nothing was paid.").After(time.Minute)
	case t.StepUpAbove.Currency == a.Currency && o.Amount.Minor > t.StepUpAbove.Minor:
		err = fault.New(fault.Forbidden, "standin.step-up", "A payment of this size needs a further proof, which we cannot ask for just now. Nothing was paid. A smaller amount works.")
	}
	return methods[i], err
}

// unproved counts and sums what core has told of a member's payments without a
// proof since the last with one, as core does before it exempts another. What was
// cancelled or declined moved nothing.
func (t *Teller) unproved(ctx context.Context, memberID string) (u store.Unproved, err error) {
	u = store.Unproved{TotalMinor: t.FreeTotal, Count: t.FreeCount, Told: map[string]bool{}}
	if u.TotalMinor == 0 && u.Count == 0 {
		return u, nil
	}
	records, err := t.Known.PaidBy(ctx, memberID)
	if err != nil {
		return u, err
	}
	list := make([]feed.PaymentBody, len(records))
	for i, r := range records {
		if err := json.Unmarshal(r.Body, &list[i]); err != nil {
			return u, err
		}
		if b := list[i]; b.Proved && b.MadeAt.After(u.Since) {
			u.Since = b.MadeAt
		}
	}
	for _, b := range list {
		u.Told[b.KeyHash] = true
		if !b.Proved && b.MadeAt.After(u.Since) && b.Status != "cancelled" && b.Status != "declined" {
			u.SpentCount, u.SpentMinor = u.SpentCount+1, u.SpentMinor+b.Amount.Minor
		}
	}
	return u, nil
}

func receipt(p store.Payment) Receipt {
	r := Receipt{ID: p.ID, ConfirmationNumber: p.ConfirmationNumber, AccountID: p.AccountID, MethodID: p.MethodID, MethodDisplay: p.MethodDisplay,
		Amount: p.Amount, Status: "held", CreditedOn: p.CreditedOn, MadeAt: p.ReceivedAt, Advice: p.State}
	if p.State == store.Refused {
		r.Status, r.Reason, r.Code = "declined", p.Message, p.Code
	}
	return r
}

func (t *Teller) ofCore(ctx context.Context, memberID string, rec store.Record) (r Receipt, err error) {
	var b feed.PaymentBody
	if err := json.Unmarshal(rec.Body, &b); err != nil {
		return r, err
	}
	r = Receipt{ID: rec.ID, ConfirmationNumber: b.ConfirmationNumber, AccountID: b.AccountID, MethodID: b.PaymentMethodID, Amount: b.Amount,
		Status: b.Status, CreditedOn: b.CreditedOn, MadeAt: b.MadeAt}
	methods, err := t.Methods(ctx, memberID)
	for _, m := range methods {
		if m.ID == b.PaymentMethodID {
			r.MethodDisplay = m.Display
		}
	}
	return r, err
}

// Payments gives a member's payments, the newest first: those taken here, and
// core's. One that both know is shown once.
func (t *Teller) Payments(ctx context.Context, memberID string) (list []Receipt, err error) {
	here, err := t.Own.Payments(ctx, memberID)
	if err != nil {
		return nil, err
	}
	records, err := t.Known.PaidBy(ctx, memberID)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, rec := range records {
		r, err := t.ofCore(ctx, memberID, rec)
		if err != nil {
			return nil, err
		}
		r.keyHash, known[rec.Key] = rec.Key, true
		list = append(list, r)
	}
	for _, p := range here {
		if !known[p.KeyHash] {
			list = append(list, receipt(p))
		}
	}
	slices.SortFunc(list, func(a, b Receipt) int { return strings.Compare(b.ID, a.ID) }) // ids begin with their time
	return list, nil
}

// Find gives one payment by its id or its confirmation number. One that was taken
// here is found by the number that the member was given, as core has it now: core
// may have taken the same intention first, under a number of its own.
func (t *Teller) Find(ctx context.Context, memberID, id string) (Receipt, error) {
	list, err := t.Payments(ctx, memberID)
	if err != nil {
		return Receipt{}, err
	}
	plain := strings.ToUpper(strings.ReplaceAll(id, "-", ""))
	if i := slices.IndexFunc(list, func(r Receipt) bool { return r.ID == id || r.ConfirmationNumber == plain }); i >= 0 {
		return list[i], nil
	}
	here, err := t.Own.Payments(ctx, memberID)
	if err != nil {
		return Receipt{}, err
	}
	for _, p := range here {
		if p.ID != id && p.ConfirmationNumber != plain {
			continue
		}
		if i := slices.IndexFunc(list, func(r Receipt) bool { return r.keyHash == p.KeyHash }); i >= 0 {
			return list[i], nil
		}
		return receipt(p), nil
	}
	return Receipt{}, fault.New(fault.NotFound, "payment.not-found", "We could not find this payment.")
}

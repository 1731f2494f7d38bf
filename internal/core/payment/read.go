package payment

import (
	"context"

	"standfast/internal/core/account"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// Get gives one payment of a member. Another member's and one that does not exist
// are the same fault.NotFound.
func (s *Service) Get(ctx context.Context, memberID, id string) (Payment, error) {
	return s.read(ctx, func(tx *db.Tx) (record, error) { return ofMember(ctx, tx, memberID, id) })
}

// ByConfirmation gives a member's payment by its confirmation number, written as
// people write it.
func (s *Service) ByConfirmation(ctx context.Context, memberID, number string) (Payment, error) {
	n, ok := ReadConfirmation(number)
	if !ok || !db.ValidID(memberID) {
		return Payment{}, errNotFound()
	}
	return s.read(ctx, func(tx *db.Tx) (record, error) { return byConfirmation(ctx, tx, memberID, n) })
}

// ByKey gives the payment that stands under a member's idempotency key.
func (s *Service) ByKey(ctx context.Context, memberID, key string) (Payment, error) {
	return s.read(ctx, func(tx *db.Tx) (record, error) { return byKey(ctx, tx, memberID, key) })
}

func (s *Service) read(ctx context.Context, get func(*db.Tx) (record, error)) (Payment, error) {
	var r record
	err := s.db.View(ctx, func(tx *db.Tx) (err error) {
		r, err = get(tx)
		return err
	})
	return r.Payment, err
}

// Sizes of a page of payments.
const (
	DefaultPage = 50
	MaxPage     = 200
)

// List gives a member's payments, newest first, of one card or, where accountID is
// empty, of all. next is the cursor of the page after, empty at the end.
func (s *Service) List(ctx context.Context, memberID, accountID, cursor string, limit int) (page []Payment, next string, err error) {
	if limit == 0 {
		limit = DefaultPage
	}
	if limit < 1 || limit > MaxPage {
		return nil, "", fault.InvalidField("query.limit", "query.limit", "A page has 1 to 200 payments.")
	}
	if cursor != "" && !db.ValidID(cursor) {
		return nil, "", fault.InvalidField("query.cursor", "query.cursor", "This is not a cursor that we gave.")
	}
	if accountID != "" {
		if _, err := s.Accounts.Held(ctx, memberID, accountID); err != nil {
			return nil, "", err
		}
	}
	if !db.ValidID(memberID) {
		return nil, "", nil
	}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		rows, err := list(ctx, tx, memberID, accountID, cursor, limit+1)
		if len(rows) > limit {
			rows = rows[:limit]
			next = rows[limit-1].ID
		}
		page = make([]Payment, len(rows))
		for i, r := range rows {
			page[i] = r.Payment
		}
		return err
	})
	return page, next, err
}

// Options tells what can be paid on a card now. What the card's source does not
// say is left out; it is never an error of the page.
func (s *Service) Options(ctx context.Context, memberID, accountID string) (Options, error) {
	a, err := s.Accounts.Held(ctx, memberID, accountID)
	if err != nil {
		return Options{}, err
	}
	if a.Kind != account.Card {
		return Options{}, fault.New(fault.Conflict, "payment.not-a-card", "Only a card can be paid. To put money into savings, move it there.")
	}
	now := s.db.Now()
	today := s.calendar.date(now)
	o := Options{
		Currency: a.Currency, Minimum: owed(a.MinimumDue), Statement: owed(a.StatementBalance), DueOn: a.DueOn, Maximum: money.New(s.config.Maximum, a.Currency),
		Today: today, MaxDate: s.calendar.plus(today, s.calendar.days), CutOff: s.calendar.nextCutOff(now), CreditsOn: s.calendar.creditedOn(now),
	}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		minor, err := pending(ctx, tx, accountID)
		o.Pending = money.New(minor, a.Currency)
		return err
	})
	if err != nil {
		return Options{}, err
	}
	return o, s.addCurrent(ctx, memberID, &o, accountID)
}

// addCurrent adds what is owed now, and what remains of it after payments under way.
func (s *Service) addCurrent(ctx context.Context, memberID string, o *Options, accountID string) error {
	tile, err := s.Accounts.Get(ctx, memberID, accountID)
	if err != nil || tile.Balance == nil {
		return err
	}
	debt := tile.Balance.Balance.Neg()
	o.Current = owed(&debt)
	if o.Current == nil {
		return nil
	}
	rest, err := o.Current.Add(o.Pending.Neg())
	o.Remaining = owed(&rest)
	return err
}

// owed gives an amount that is more than zero, or nil.
func owed(a *money.Amount) *money.Amount {
	if a == nil || !a.Positive() {
		return nil
	}
	return a
}

package account

import (
	"fmt"
	"slices"
	"time"

	"standfast/internal/money"
)

// A source's answer is not trusted. What breaks a rule below is treated like no
// answer at all: the last known value is shown instead.

// clockSkew is how far a source's clock may be ahead of ours.
const clockSkew = 5 * time.Minute

// Limits of what a source may say.
const (
	maxKind        = 40
	maxDescription = 500
	maxID          = 128
	maxCursor      = 512
)

func checkBalance(a Account, b Balance, now time.Time) error {
	for _, v := range []struct {
		name   string
		amount money.Amount
		least  int64
	}{{"balance", b.Balance, -maxMinor}, {"available", b.Available, 0}, {"pending out", b.PendingOut, 0}, {"pending in", b.PendingIn, 0}} {
		if !within(&v.amount, a.Currency, v.least) {
			return fmt.Errorf("source %s said an impossible %s of account %s", a.Source, v.name, a.ID)
		}
	}
	return checkTime(a, b.AsOf, now)
}

func checkTime(a Account, t, now time.Time) error {
	if t.Year() < 1900 || t.After(now.Add(clockSkew)) {
		return fmt.Errorf("source %s said an impossible time of account %s", a.Source, a.ID)
	}
	return nil
}

func checkPage(a Account, q Query, p Page, now time.Time) error {
	nowhere := p.Next != "" && (p.Next == q.Cursor || len(p.Items) == 0 && q.Text == "" && len(q.Kinds) == 0)
	if len(p.Items) > q.Limit || len(p.Next) > maxCursor || nowhere {
		return fmt.Errorf("source %s answered with an impossible page of account %s", a.Source, a.ID)
	}
	for i, t := range p.Items {
		if err := checkTransaction(a, t, now); err != nil {
			return err
		}
		if i > 0 && t.PostedAt.After(p.Items[i-1].PostedAt) {
			return fmt.Errorf("source %s answered with transactions of account %s out of order", a.Source, a.ID)
		}
	}
	return nil
}

func checkTransaction(a Account, t Transaction, now time.Time) error {
	ok := t.AccountID == a.ID && plain(t.ID, 1, maxID) && plain(t.Kind, 1, maxKind) && plain(t.Description, 0, maxDescription) &&
		slices.Contains([]string{"pending", "posted", "voided"}, t.Status) &&
		within(&t.Amount, a.Currency, -maxMinor) && within(t.BalanceAfter, a.Currency, -maxMinor)
	if !ok {
		return fmt.Errorf("source %s answered with an impossible transaction of account %s", a.Source, a.ID)
	}
	return checkTime(a, t.PostedAt, now)
}

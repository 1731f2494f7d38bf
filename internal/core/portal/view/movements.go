package view

import (
	"time"

	"standfast/internal/core/account"
)

// day is what moved on one day.
type day struct {
	Label string
	Items []account.Transaction
}

// days groups transactions, newest first, by the day of the reader's zone.
func days(f Frame, list []account.Transaction) []day {
	var out []day
	for _, t := range list {
		label := f.dayLabel(t.PostedAt)
		if n := len(out); n == 0 || out[n-1].Label != label {
			out = append(out, day{Label: label})
		}
		last := &out[len(out)-1]
		last.Items = append(last.Items, t)
	}
	return out
}

// dayLabel is "Today", "Yesterday", or the date in full.
func (f Frame) dayLabel(t time.Time) string {
	switch date := t.In(f.Zone()).Format(time.DateOnly); date {
	case f.Now.In(f.Zone()).Format(time.DateOnly):
		return f.T("day.today")
	case f.Now.In(f.Zone()).AddDate(0, 0, -1).Format(time.DateOnly):
		return f.T("day.yesterday")
	}
	return f.LongDate(t)
}

// asOf says when something was last known: the time when that was today, else
// the date and the time.
func (f Frame) asOf(t time.Time) string {
	if t.In(f.Zone()).Format(time.DateOnly) == f.Now.In(f.Zone()).Format(time.DateOnly) {
		return f.Clock(t)
	}
	return f.DateTime(t)
}

// described is what a transaction is called: its own words, or its kind's.
func described(f Frame, t account.Transaction) string {
	if t.Description != "" {
		return t.Description
	}
	if id := "transaction." + t.Kind; f.Has(id) {
		return f.T(id)
	}
	return f.T("transaction.movement")
}

// statusWord is what is said of a transaction that is not simply booked.
func statusWord(f Frame, t account.Transaction) string {
	switch t.Status {
	case "pending":
		return f.T("transaction.pending")
	case "voided":
		return f.T("transaction.voided")
	}
	return ""
}

// owed is what a card's holder owes, positive; nothing when the balance is in their favour.
func owed(t account.Tile) (minor int64) {
	if t.Balance != nil && t.Balance.Balance.Negative() {
		return -t.Balance.Balance.Minor
	}
	return 0
}

// used is how much of a credit limit is used, 0 to 100.
func used(t account.Tile) int64 {
	if t.CreditLimit == nil || !t.CreditLimit.Positive() {
		return 0
	}
	return min(100, owed(t)*100/t.CreditLimit.Minor)
}

// accountName names an account so that two of one name are told apart.
func accountName(f Frame, name, last4 string) string {
	if last4 == "" {
		return name
	}
	return f.T("account.name", "Name", name, "Last4", last4)
}

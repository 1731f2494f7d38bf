package ledger

import (
	"strings"
	"time"
	"unicode/utf8"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// MaxAmount is the most that one transfer may move, in minor units. With
// maxBalance it keeps every sum far from the end of int64.
const MaxAmount = 1_000_000_000_000_000

// maxBalance is the most, on either side of zero, that a balance may hold. Two
// balances and an amount still add up within int64.
const maxBalance = 1 << 61

// Limits of texts, in bytes.
const (
	maxKey         = 200
	maxKind        = 40
	maxDescription = 500
	maxRef         = 200
)

// request is an entry, or the end of an earlier transfer, on its way to a verdict.
type request struct {
	Entry
	phase    Phase
	resolves string // of Settle, Void and Reverse; their Entry has Key and EffectiveAt only
}

func newRequest(e Entry) (request, error) {
	r := request{Entry: e, phase: Posted}
	if e.Pending {
		r.phase = Pending
	}
	r.EffectiveAt, r.ExpiresAt = stored(e.EffectiveAt), stored(e.ExpiresAt)
	return r, r.check()
}

func newResolution(p Phase, key, transferID string, effectiveAt time.Time) (request, error) {
	r := request{Entry: Entry{Key: key, EffectiveAt: stored(effectiveAt)}, phase: p, resolves: transferID}
	if !db.ValidID(transferID) {
		return r, errNoTransfer()
	}
	return r, checkText("key", key, 1, maxKey)
}

// stored gives t as it will be read back.
func stored(t time.Time) time.Time { return db.FromMicros(db.Micros(t)) }

// check tests all that can be known without the accounts.
func (r *request) check() error {
	if !db.ValidID(r.Debit) || !db.ValidID(r.Credit) {
		return errNoAccount()
	}
	if r.Debit == r.Credit {
		return fault.InvalidField("credit", "ledger.same-account", "Money cannot move from an account to itself.")
	}
	if err := checkAmount(r.Amount); err != nil {
		return err
	}
	if !r.ExpiresAt.IsZero() && !r.Pending {
		return fault.InvalidField("expires_at", "ledger.no-hold", "Only a hold can have a time limit.")
	}
	return r.checkTexts()
}

func checkAmount(a money.Amount) error {
	if !a.Positive() {
		return fault.InvalidField("amount", "amount.positive", "The amount must be more than zero.")
	}
	if a.Minor > MaxAmount {
		return fault.InvalidField("amount", "amount.too-large", "The amount is too large.")
	}
	return nil
}

func (r *request) checkTexts() error {
	for _, c := range []struct {
		field, text string
		least, most int
	}{
		{"key", r.Key, 1, maxKey},
		{"kind", r.Kind, 1, maxKind},
		{"description", r.Description, 0, maxDescription},
		{"ref", r.Ref, 0, maxRef},
	} {
		if err := checkText(c.field, c.text, c.least, c.most); err != nil {
			return err
		}
	}
	return nil
}

// checkText refuses what one of the engines could not store: PostgreSQL takes
// neither broken UTF-8 nor a NUL.
func checkText(field, text string, least, most int) error {
	switch {
	case len(text) < least:
		return fault.InvalidField(field, "ledger.missing", "This must not be empty.")
	case len(text) > most:
		return errTooLong(field, most)
	case !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0:
		return fault.InvalidField(field, "ledger.text", "This text cannot be stored.")
	}
	return nil
}

// same tells whether r asks for what t recorded. A request without a time of its
// own matches one that counted from when it was recorded. The time limit of a
// hold is usually reckoned from now and is no part of what is asked for.
func (r *request) same(t *Transfer) bool {
	if r.phase != t.Phase || !r.sameTime(t) {
		return false
	}
	if r.resolves != "" {
		return r.resolves == t.Resolves
	}
	return r.Debit == t.Debit && r.Credit == t.Credit && r.Amount == t.Amount && r.Kind == t.Kind &&
		r.Description == t.Description && r.Ref == t.Ref && r.Fact == t.Fact
}

func (r *request) sameTime(t *Transfer) bool {
	if r.EffectiveAt.IsZero() {
		return t.EffectiveAt.Equal(t.RecordedAt)
	}
	return r.EffectiveAt.Equal(t.EffectiveAt)
}

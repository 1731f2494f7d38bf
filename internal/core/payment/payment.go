// Package payment takes a member's payment of a card from an account at another
// bank: it holds the amount, hands it to a rail, and follows it until the rail's
// last word. docs/payments.md draws the states; transitions.go is that drawing.
package payment

import (
	"context"
	"time"

	"standfast/internal/core/instrument"
	"standfast/internal/money"
)

// Status is where a payment stands.
type Status string

// The statuses of a payment, as API.md names them.
const (
	Scheduled      Status = "scheduled"        // waits for its date; nothing is held
	AwaitingStepUp Status = "awaiting_step_up" // refused until the member proves the action; stands only in the challenge, never in a row
	Held           Status = "held"             // accepted: the hold is on the card, the rail has not heard of it
	Submitted      Status = "submitted"        // the rail has it, or may have it: its outcome is not known yet
	Settled        Status = "settled"          // the money is here
	Returned       Status = "returned"         // the other bank took it back, or never gave it
	Declined       Status = "declined"         // refused before any money moved
	Cancelled      Status = "cancelled"        // by the member, before the rail heard of it
)

// Payment is one payment as its member sees it.
type Payment struct {
	ID                 string
	ConfirmationNumber string // 12 characters; Grouped writes it for people
	MemberID           string
	AccountID          string // the card that is paid
	MethodID           string
	MethodDisplay      string // "•••• 6789", as it was when the payment was made
	Amount             money.Amount
	Status             Status
	Code               string // the rail's code of a return or refusal, as "R01"; empty otherwise
	Date               string // the business date it was made for
	CreditedOn         string // the business date that the card is credited as of
	CreatedAt          time.Time
	CanCancel          bool
	Events             []Event // oldest first
	Version            int64
}

// Event is one step of a payment's life.
type Event struct {
	Status Status
	At     time.Time
	Note   string // a catalogue's id below "payment.note.", or empty
}

// Note gives the catalogue's id of why a payment stands as it does and what the
// member can do, or "" where nothing but the status is known.
func (p Payment) Note() string {
	if len(p.Events) == 0 || p.Events[len(p.Events)-1].Note == "" {
		return ""
	}
	return "payment.note." + p.Events[len(p.Events)-1].Note
}

// Options is what a payment page offers for one card. Amounts are positive:
// what one would pay. An amount that is nil is not owed or not known.
type Options struct {
	Currency  string
	Minimum   *money.Amount // minimum due of the last statement
	Statement *money.Amount // balance of the last statement
	Current   *money.Amount // owed now, without payments under way
	Pending   money.Amount  // payments under way: scheduled, held, submitted
	Remaining *money.Amount // of Current after Pending
	Maximum   money.Amount  // of one payment
	DueOn     string        // business date; empty when none
	Today     string        // business date in the cell's zone
	MaxDate   string        // last date that a payment can be made for
	CutOff    time.Time     // the next cut-off
	CreditsOn string        // what a payment made now is credited as of
}

// Outcome is what a rail says of one payment.
type Outcome string

// The outcomes a rail can report.
const (
	Pending      Outcome = "pending"       // taken, not decided
	Paid         Outcome = "paid"          // the money is here
	SentBack     Outcome = "sent_back"     // returned by the other bank, before or after Paid
	Refused      Outcome = "refused"       // no money moved and none will
	NeverArrived Outcome = "never_arrived" // Ask only: the rail has no such payment and will not get it from elsewhere
)

// Answer is a rail's word on one payment.
type Answer struct {
	Outcome Outcome
	Code    string        // of a return or refusal: the scheme's, as "R01"
	At      time.Time     // when it took effect; zero means now
	AskIn   time.Duration // ask again after; 0 with Pending leaves it to us, 0 with another outcome means that this is the last word
}

// Instruction tells a rail what to collect.
type Instruction struct {
	PaymentID   string // the key: a rail collects once for it, however often it is told
	MethodID    string
	From        instrument.Number
	Amount      money.Amount
	Date        string    // business date of collection
	SubmittedAt time.Time // when the rail was first to hear of it
}

// Rail moves money between banks; one adapter a rail. Both calls may be repeated
// without harm. An error means that the outcome is not known; it never means no.
type Rail interface {
	Submit(ctx context.Context, in Instruction) (Answer, error)
	Ask(ctx context.Context, in Instruction) (Answer, error)
}

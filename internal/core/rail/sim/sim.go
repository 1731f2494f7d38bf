// Package sim is a rail without a bank: it behaves like one, for demos, journeys
// and tests, and moves no money anywhere.
//
// It keeps nothing. What becomes of a payment follows from the last four digits of
// the account it is collected from and from the time since it was submitted, so
// that the same instruction gets the same answer from any process, before and
// after a restart.
package sim

import (
	"context"
	"errors"
	"time"

	"standfast/internal/core/instrument"
	"standfast/internal/core/payment"
)

// Script is what a rail does with collections from one kind of account.
type Script string

// The scripts. After names the time since the payment was submitted.
const (
	Settles  Script = "settles"   // paid after Config.After
	Refuses  Script = "refuses"   // refused at once with Code
	Bounces  Script = "bounces"   // returned with Code after Config.After, without having been paid
	Returns  Script = "returns"   // paid after Config.After, returned with Code when it has stood as long again
	Late     Script = "late"      // paid after ten times Config.After
	Never    Script = "never"     // taken, and never decided
	Silent   Script = "silent"    // takes the payment but answers nothing until Config.After; then paid
	LosesOne Script = "loses-one" // loses what it is told in the first seconds, and answers nothing to it; then settles
)

// Ending is one rule of the table: accounts that end in Digits follow Script.
type Ending struct {
	Digits string
	Script Script
	Code   string // the return's, as Nacha names it
	Note   string // what it stands for
}

// Endings gives the table. The first five are the endings of a well-known payment
// processor's test accounts, with the outcomes that these have there. Every
// other account settles.
func Endings() []Ending {
	return []Ending{
		{"1116", Refuses, "R03", "no such account"},
		{"1113", Bounces, "R02", "account closed"},
		{"2227", Returns, "R01", "insufficient funds"},
		{"3335", Returns, "R10", "not authorized: stops the method"},
		{"4440", Refuses, "R34", "currency not taken"},
		{"5551", Late, "", "late"},
		{"6662", Never, "", "outcome never known"},
		{"7773", Silent, "", "no answer at first, though it arrived"},
		{"8884", LosesOne, "", "no answer at first, and it did not arrive"},
	}
}

// Statement is what the holder of an account would read on it: the two credits of
// micro-deposits.
type Statement struct {
	MethodID string // one statement a method, however often it is written
	MemberID string
	Last4    string
	Minor    [2]int64 // minor units of Currency
	Currency string
}

// Config is what a simulated rail is like.
type Config struct {
	After   time.Duration                                // until a payment is decided; 2 s when 0
	Now     func() time.Time                             // time.Now when nil
	Deposit func(ctx context.Context, s Statement) error // shows a statement to its holder; nil shows it to nobody
}

// Rail is a simulated rail. It is safe for use by many goroutines.
type Rail struct {
	config  Config
	endings map[string]Ending
}

var (
	_ payment.Rail         = (*Rail)(nil)
	_ instrument.Depositor = (*Rail)(nil)
)

// New makes a rail.
func New(c Config) *Rail {
	if c.After == 0 {
		c.After = 2 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	r := &Rail{config: c, endings: map[string]Ending{}}
	for _, e := range Endings() {
		r.endings[e.Digits] = e
	}
	return r
}

// lost is how long LosesOne loses what it is told.
const lost = 10 * time.Second

// lateFactor is how much longer Late takes.
const lateFactor = 10

// errNoAnswer stands for a connection that ends without one.
var errNoAnswer = errors.New("sim: no answer")

// Submit takes an instruction. Submitting it again gives the answer of that moment.
func (r *Rail) Submit(_ context.Context, in payment.Instruction) (payment.Answer, error) {
	return r.answer(in, true)
}

// Ask tells what has become of an instruction.
func (r *Rail) Ask(_ context.Context, in payment.Instruction) (payment.Answer, error) {
	return r.answer(in, false)
}

func (r *Rail) answer(in payment.Instruction, submit bool) (payment.Answer, error) {
	e := r.endings[ending(in.From)]
	age, after := r.config.Now().Sub(in.SubmittedAt), r.config.After
	switch e.Script {
	case Refuses:
		return payment.Answer{Outcome: payment.Refused, Code: e.Code}, nil
	case Bounces:
		return r.until(age, after, payment.Answer{Outcome: payment.SentBack, Code: e.Code}), nil
	case Returns:
		if age >= 2*after {
			return payment.Answer{Outcome: payment.SentBack, Code: e.Code}, nil
		}
		return r.until(age, after, payment.Answer{Outcome: payment.Paid, AskIn: 2*after - age}), nil
	case Late:
		return r.until(age, lateFactor*after, payment.Answer{Outcome: payment.Paid}), nil
	case Never:
		return payment.Answer{Outcome: payment.Pending}, nil
	case Silent:
		if age < after {
			return payment.Answer{}, errNoAnswer
		}
	case LosesOne:
		if age < lost && submit {
			return payment.Answer{}, errNoAnswer
		}
		if age < lost {
			return payment.Answer{Outcome: payment.NeverArrived}, nil
		}
	}
	return r.until(age, after, payment.Answer{Outcome: payment.Paid}), nil
}

// until gives the answer once a payment is old enough, and before that Pending
// with when to ask again.
func (r *Rail) until(age, after time.Duration, a payment.Answer) payment.Answer {
	if age >= after {
		return a
	}
	return payment.Answer{Outcome: payment.Pending, AskIn: after - age}
}

func ending(n instrument.Number) string {
	s := n.Account + n.IBAN
	return s[max(0, len(s)-4):]
}

// Deposit writes micro-deposits on the account's statement.
func (r *Rail) Deposit(ctx context.Context, c instrument.Credits) error {
	if r.config.Deposit == nil {
		return nil
	}
	return r.config.Deposit(ctx, Statement{MethodID: c.MethodID, MemberID: c.MemberID, Last4: ending(c.To), Minor: c.Minor, Currency: c.Currency})
}

package sim

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/core/instrument"
	"standfast/internal/core/payment"
)

var ctx = context.Background()

// day is one rail with a clock that a test moves.
type day struct {
	*Rail
	now, submitted time.Time
}

const after = time.Minute

func newDay() *day {
	d := &day{submitted: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}
	d.now = d.submitted
	d.Rail = New(Config{After: after, Now: func() time.Time { return d.now }})
	return d
}

func (d *day) instruction(account string) payment.Instruction {
	return payment.Instruction{PaymentID: "p", From: instrument.Number{Country: "US", Account: account}, SubmittedAt: d.submitted}
}

// story gives what a rail says at an account's submission and each time it is
// asked again, at the times that it names itself.
func (d *day) story(account string) string {
	in := d.instruction(account)
	var words []string
	say := func(a payment.Answer, err error) (again time.Duration) {
		switch {
		case err != nil:
			words = append(words, "?")
			return 7 * time.Second
		case a.Outcome == payment.Pending && a.AskIn == 0:
			words = append(words, "pending")
			return 24 * time.Hour
		}
		words = append(words, strings.TrimSpace(string(a.Outcome)+" "+a.Code))
		return a.AskIn
	}
	again := say(d.Submit(ctx, in))
	for i := 0; again > 0 && i < 3; i++ {
		d.now = d.now.Add(again)
		a, err := d.Ask(ctx, in)
		if err == nil && a.Outcome == payment.NeverArrived {
			words = append(words, "never_arrived")
			a, err = d.Submit(ctx, in)
		}
		again = say(a, err)
	}
	return strings.Join(words, ", ")
}

func TestEveryEnding(t *testing.T) {
	for account, want := range map[string]string{
		"000123456789": "pending, paid",
		"000111111116": "refused R03",
		"000111111113": "pending, sent_back R02",
		"000222222227": "pending, paid, sent_back R01",
		"000333333335": "pending, paid, sent_back R10",
		"000444444440": "refused R34",
		"5551":         "pending, paid",
		"6662":         "pending, pending, pending, pending", // asked at the payment's own intervals
		"8884":         "?, never_arrived, ?, pending, paid",
	} {
		if got := newDay().story(account); got != want {
			t.Errorf("%s: %s, want %s", account, got, want)
		}
	}
	d := newDay()
	if _, err := d.Submit(ctx, d.instruction("7773")); err == nil {
		t.Error("7773 answered at first")
	}
	d.now = d.now.Add(after)
	if a, err := d.Ask(ctx, d.instruction("7773")); err != nil || a.Outcome != payment.Paid {
		t.Error(a, err)
	}
}

// Any process gives the same answer at the same moment, and once a payment is
// decided it stays so, except that a paid one may be sent back.
func TestTheSameAnswerFromAnyProcess(t *testing.T) {
	accounts := []string{"000123456789"}
	for _, e := range Endings() {
		accounts = append(accounts, "0000"+e.Digits)
	}
	rapid.Check(t, func(t *rapid.T) {
		one, other := newDay(), newDay()
		account := rapid.SampledFrom(accounts).Draw(t, "account")
		last := payment.Answer{}
		for range 8 {
			step := time.Duration(rapid.IntRange(0, 300).Draw(t, "seconds")) * time.Second
			one.now, other.now = one.now.Add(step), other.now.Add(step)
			a, errA := one.Ask(ctx, one.instruction(account))
			b, errB := other.Ask(ctx, other.instruction(account))
			if a != b || (errA == nil) != (errB == nil) {
				t.Fatal(a, b, errA, errB)
			}
			back := last.Outcome == payment.Paid && a.Outcome == payment.SentBack
			if decided := last.Outcome == payment.Paid || last.Outcome == payment.Refused || last.Outcome == payment.SentBack; decided && a.Outcome != last.Outcome && !back {
				t.Fatal(last, a)
			}
			last = a
		}
	})
}

func TestDepositsAreShown(t *testing.T) {
	var shown Statement
	r := New(Config{Deposit: func(_ context.Context, s Statement) error { shown = s; return nil }})
	err := r.Deposit(ctx, instrument.Credits{MethodID: "m", MemberID: "ada", To: instrument.Number{Account: "000123456789"}, Minor: [2]int64{12, 34}, Currency: "USD"})
	if want := (Statement{MethodID: "m", MemberID: "ada", Last4: "6789", Minor: [2]int64{12, 34}, Currency: "USD"}); err != nil || shown != want {
		t.Fatal(shown, err)
	}
	if err := New(Config{}).Deposit(ctx, instrument.Credits{}); err != nil {
		t.Fatal(err)
	}
}

// The page says what the table does.
func TestTheTableIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/payments.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range Endings() {
		if !strings.Contains(string(page), "| "+e.Digits+" | ") || !strings.Contains(string(page), e.Code) {
			t.Errorf("docs/payments.md does not have %+v", e)
		}
	}
}

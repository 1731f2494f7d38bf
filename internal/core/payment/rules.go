package payment

import (
	"context"
	"time"

	"standfast/internal/core/signin"
)

// Rules say which actions need a proof of their own (strong customer
// authentication). The zero value asks for one every time.
type Rules struct {
	// A payment from a verified method up to this many minor units needs no
	// proof. us: 500.00; eu: 30.00 (RTS (EU) 2018/389 Art 16(a)); gb: 25.00.
	FreeUpTo int64
	// And as long as the payments without a proof since the last one with a
	// proof stay within this sum and number; 0 sets no bound. eu: 100.00 and 5
	// (Art 16(b) and (c)); gb: 85.00.
	FreeTotal int64
	FreeCount int
	// A method added this soon after a code or passkey needs no further proof;
	// 0 always asks. us: 10 minutes.
	MethodAfterProof time.Duration
}

// USRules are the rules of API.md for a member in us.
func USRules() Rules { return Rules{FreeUpTo: 500_00, MethodAfterProof: 10 * time.Minute} }

// EURules are those of RTS (EU) 2018/389 Article 16 in euro.
func EURules() Rules { return Rules{FreeUpTo: 30_00, FreeTotal: 100_00, FreeCount: 5} }

// GBRules are those of the FCA's version in sterling.
func GBRules() Rules { return Rules{FreeUpTo: 25_00, FreeTotal: 85_00, FreeCount: 5} }

// spent is what a member has paid without a proof since the last payment with one.
type spent struct {
	count int
	minor int64
}

func (so spent) and(minor int64) spent { return spent{so.count + 1, so.minor + minor} }

// bounded tells whether it matters what a member has spent.
func (r Rules) bounded() bool { return r.FreeTotal > 0 || r.FreeCount > 0 }

// exempt tells whether a payment needs no proof. Payments of one transaction are
// counted one after the other, and transactions of one member take turns (see
// takeTurns): of payments made at the same moment no more are exempt than of
// payments made one after the other.
func (r Rules) exempt(minor int64, so spent) bool {
	return minor <= r.FreeUpTo && (r.FreeTotal == 0 || so.minor+minor <= r.FreeTotal) && (r.FreeCount == 0 || so.count < r.FreeCount)
}

// stepUp refuses an action until it is proved, and has the code sent. It is never
// recorded under the request's key.
func (s *Service) stepUp(ctx context.Context, sess signin.Session, a signin.Action, c signin.Client) error {
	ch, err := s.SignIn.StepUp(ctx, sess, a, c)
	if err != nil {
		return err
	}
	return signin.Refusal(ch)
}

package signin

import (
	"context"
	"crypto/subtle"
	"slices"

	"standfast/internal/db"
)

// Ways in which a challenge is answered, beside the channels of messages.
const (
	WayApp      = "app"      // the code that an authenticator app shows
	WayRecovery = "recovery" // a recovery code
)

// methodOf is a way as a session names it.
func methodOf(way string) string {
	if way == WayRecovery {
		return byRecovery
	}
	return byCode
}

// proved tells whether methods hold more than a password and a remembered device.
func proved(methods []string) bool {
	return slices.ContainsFunc(methods, func(m string) bool { return m != byPassword && m != byDevice && m != byKey })
}

// anyFactor tells whether everything that a member can be known by answers the
// challenge. A step-up that names amount and payee takes only what is bound to
// them (RTS Art 5), which an app's code is not.
func (c challenge) anyFactor() bool {
	return c.purpose == signIn || c.purpose == stepUp && !linked(c.action)
}

// takesRecovery tells whether a recovery code answers the challenge: at signing in,
// and where the member says that telephone or e-mail are other ones now, as
// somebody does who has lost them.
func (c challenge) takesRecovery() bool {
	return c.purpose == signIn || c.purpose == stepUp && c.action == actionContact
}

// linked tells whether a proof of this kind of action is bound to what it says.
func linked(action string) bool { return action == "payment" || action == "payment-method" }

// rightBy tells in which way the typed digits answer the challenge, "" when in
// none, and uses up what counts once.
func (s *Service) rightBy(ctx context.Context, tx *db.Tx, c challenge, typed string, from Client) (way string, err error) {
	if len(typed) == recoveryDigits {
		if !c.takesRecovery() {
			return "", nil
		}
		ok, err := s.byRecoveryCode(ctx, tx, c.memberID, typed, from)
		return when(ok, WayRecovery), err
	}
	if c.sends > 0 && subtle.ConstantTimeCompare([]byte(s.code(c)), []byte(typed)) == 1 {
		return c.channel, nil
	}
	if !c.anyFactor() {
		return "", nil
	}
	ok, err := s.byApp(ctx, tx, c.memberID, typed)
	return when(ok, WayApp), err
}

func when(ok bool, way string) string {
	if ok {
		return way
	}
	return ""
}

// answeredBy is how the answer that was right is kept, so that the same one can
// be told from another when it comes again.
func (s *Service) answeredBy(c challenge, typed string) []byte {
	return s.key.Fingerprint("signin.answer", append([]byte(c.id), typed...))
}

// tryAgain compares a repeated answer with the one that was right before.
func (s *Service) tryAgain(c challenge, typed string) (refusal error) {
	if subtle.ConstantTimeCompare(c.answered, s.answeredBy(c, typed)) == 1 {
		return nil
	}
	return codeOver(c.purpose)
}

// ways lists how a challenge can be answered, and notes in it what became of its
// messages. It says no more than somebody who
// knows the member's password may see.
func (s *Service) ways(ctx context.Context, tx *db.Tx, c *challenge) (list []string, err error) {
	m, err := s.recipient(ctx, tx, *c)
	if err != nil {
		return nil, err
	}
	if list, err = s.messageWays(ctx, tx, m, c); err != nil {
		return list, err
	}
	if list, err = s.orPasskey(ctx, tx, *c, list); err != nil || !c.anyFactor() {
		return list, err
	}
	app, err := hasAuthenticator(ctx, tx, c.memberID)
	if app {
		list = append(list, WayApp)
	}
	if err != nil || !c.takesRecovery() {
		return list, err
	}
	codes, err := hasRecoveryCodes(ctx, tx, c.memberID)
	if codes {
		list = append(list, WayRecovery)
	}
	return list, err
}

// isChannel tells whether a way is a message that carries a code.
func isChannel(way string) bool { return way != WayApp && way != WayPasskey && way != WayRecovery }

// begin chooses how a new challenge is to be answered first. A step-up is answered
// by the member's passkey, where there is one: it is bound to what is confirmed and
// nothing has to arrive, so no message goes out before it is asked for. Otherwise it
// is the app, where one is set up, else a message. A member whom no message can
// reach can still have the other ways.
func (s *Service) begin(ctx context.Context, tx *db.Tx, c *challenge) (byMessage bool, err error) {
	list, err := s.ways(ctx, tx, c)
	if err != nil {
		return false, err
	}
	c.ways = list
	if c.purpose == stepUp && slices.Contains(list, WayPasskey) {
		c.channel = WayPasskey
		return false, nil
	}
	messages := slices.ContainsFunc(list, isChannel)
	for _, way := range []string{WayApp, WayPasskey, WayRecovery} {
		if slices.Contains(list, way) && (way == WayApp || !messages) {
			c.channel = way
			return false, nil
		}
	}
	if len(list) == 0 {
		return false, noChannel()
	}
	return true, nil
}

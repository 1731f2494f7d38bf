package signin

import (
	"context"
	"slices"

	"standfast/internal/db"
)

// What makes a member known who has forgotten the password: a passkey by itself,
// or two different proofs. The rule is SP 800-63B-4 §4.2's, that an account is
// recovered by a code sent to a contact on file together with something that the
// member holds, or by two codes sent over different contacts; and our own, that
// recovery is no way around the second factor.

// proof is what a way proves. Texts and calls reach the same telephone, so they
// are one.
type proof string

const (
	aPasskey  proof = "passkey"
	anApp     proof = "app"
	aRecovery proof = "recovery" // a recovery code
	aPhone    proof = "phone"
	aMailbox  proof = "email"
	aDevice   proof = "device" // its bound key
)

// proves gives what a way proves.
func proves(way string) proof {
	switch way {
	case WayPasskey, WayApp, WayRecovery, wayDevice:
		return proof(way)
	case "email":
		return aMailbox
	}
	return aPhone
}

// pair is what suffices together. The order of the two does not matter.
type pair struct {
	one, other proof
	why        string
}

// pairs is the table. What is not in it does not suffice: one proof twice, and
// what no code can prove.
func pairs() []pair {
	return []pair{
		{aPasskey, "", "a passkey with its user verified is two factors by itself (SP 800-63B-4 §3.1.6); every one of ours is"},
		{anApp, aPhone, "the app's secret, and a code sent to the telephone on file"},
		{anApp, aMailbox, "the app's secret, and a code sent to the mailbox on file"},
		{anApp, aRecovery, "two authenticators of the member's own, set up behind a full sign-in each"},
		{anApp, aDevice, "the app's secret, and a key that never leaves a device that was trusted"},
		{aRecovery, aPhone, "a saved and an issued recovery code (§4.2.1.1 and 4.2.1.2)"},
		{aRecovery, aMailbox, "the same, by mailbox"},
		{aRecovery, aDevice, "a saved recovery code, and the key of a trusted device"},
		{aPhone, aMailbox, "two issued recovery codes over different contacts; methods wait for 24 h"},
		{aPhone, aDevice, "an issued recovery code, and the key of a trusted device; methods wait for 24 h"},
		{aMailbox, aDevice, "the same, by mailbox"},
	}
}

// strong are the proofs that a member who has one of them must give one of:
// messages, which others can have redirected, never stand in for them.
func strong() []proof { return []proof{aPasskey, anApp, aRecovery} }

// recoveryRules is what decides besides the table.
type recoveryRules struct {
	mailboxes bool // codes may go by e-mail (us); in gb and eu a mailbox proves nothing
}

// suffices tells whether the ways that were proved are enough for a member who
// has those of has.
func (r recoveryRules) suffices(proved, has []string) bool {
	given := r.proofs(proved)
	if slices.ContainsFunc(r.proofs(has), isStrong) && !slices.ContainsFunc(given, isStrong) {
		return false
	}
	return slices.ContainsFunc(pairs(), func(p pair) bool {
		return slices.Contains(given, p.one) && (p.other == "" || slices.Contains(given, p.other))
	})
}

func isStrong(p proof) bool { return slices.Contains(strong(), p) }

// proofs lists what ways prove, each once.
func (r recoveryRules) proofs(ways []string) (list []proof) {
	for _, way := range ways {
		p := proves(way)
		if p == aMailbox && !r.mailboxes || slices.Contains(list, p) {
			continue
		}
		list = append(list, p)
	}
	return list
}

// left lists the ways by which a member who has proved some could finish. A
// device's key is none of them: it was proved with the first code, or is not there.
func (r recoveryRules) left(proved, has []string) (list []string) {
	for _, way := range has {
		if way != wayDevice && !slices.Contains(r.proofs(proved), proves(way)) && r.suffices(append(slices.Clone(proved), way), has) {
			list = append(list, way)
		}
	}
	return list
}

// cautious tells whether what was proved is so little that methods added from now
// on have to wait.
func (r recoveryRules) cautious(proved []string) bool {
	return !slices.ContainsFunc(r.proofs(proved), isStrong)
}

func (s *Service) recoveryRules() recoveryRules { return recoveryRules{mailboxes: s.EmailCodes()} }

// has lists the ways in which a member can prove something: contacts that codes
// can reach, and what was set up.
func (s *Service) has(ctx context.Context, tx *db.Tx, memberID string) (list []string, err error) {
	m, err := s.memberIn(ctx, tx, memberID)
	if err != nil {
		return nil, err
	}
	r, err := s.routes(ctx, tx, m)
	if err != nil {
		return nil, err
	}
	for _, ch := range r.channels {
		list = append(list, string(ch))
	}
	if s.conf.Passkeys != nil {
		if list, err = addWay(list, WayPasskey)(s.conf.Passkeys.Has(ctx, tx, memberID)); err != nil {
			return nil, err
		}
	}
	if list, err = addWay(list, WayApp)(hasAuthenticator(ctx, tx, memberID)); err != nil {
		return nil, err
	}
	return addWay(list, WayRecovery)(hasRecoveryCodes(ctx, tx, memberID))
}

// addWay gives a list with a way, where the member has it.
func addWay(list []string, way string) func(has bool, err error) ([]string, error) {
	return func(has bool, err error) ([]string, error) {
		if has {
			list = append(list, way)
		}
		return list, err
	}
}

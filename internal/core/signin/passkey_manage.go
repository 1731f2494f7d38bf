package signin

import (
	"context"
	"slices"

	"standfast/internal/core/passkey"
	"standfast/internal/db"
)

// MaxPasskeyName is how many characters the name of a passkey has at most.
const MaxPasskeyName = passkey.MaxName

// DeviceName is what a client's browser or program calls itself.
func (s *Service) DeviceName(c Client) string { return agentName(c.UserAgent) }

// Passkeys lists the member's passkeys, the oldest first.
func (s *Service) Passkeys(ctx context.Context, sess Session) ([]passkey.Passkey, error) {
	if s.conf.Passkeys == nil {
		return nil, nil
	}
	return s.conf.Passkeys.List(ctx, sess.MemberID)
}

// BeginAddPasskey makes the prompt for a new passkey. It needs a proof like every
// change of what a member signs in with; AddPasskey then finds it fresh.
func (s *Service) BeginAddPasskey(ctx context.Context, q ChangeRequest) (p passkey.Prompt, err error) {
	if s.conf.Passkeys == nil {
		return p, noPasskeys()
	}
	err = s.change(ctx, q, passkeyAction(q, "add"), func(*db.Tx) error { return nil })
	if err != nil {
		return p, err
	}
	m, err := s.members.ByID(ctx, q.Session.MemberID)
	if err != nil {
		return p, err
	}
	return s.conf.Passkeys.BeginRegistration(ctx, passkey.Owner{ID: m.ID, Name: m.Username, DisplayName: m.DisplayName}, q.Client.FlowID)
}

// passkeyAction is what a proof of changing passkeys is bound to.
func passkeyAction(q ChangeRequest, what ...string) Action {
	return Action{Kind: "passkey", Parts: append([]string{q.Session.MemberID}, what...)}
}

// AddPasskey stores what answered BeginAddPasskey's prompt, under a name; ""
// names it after the browser. The member is told. Errors: Forbidden
// step-up-required when the proof has grown old; Unauthenticated and Invalid
// for an answer that does not hold or cannot be read; Conflict when it was added before.
func (s *Service) AddPasskey(ctx context.Context, q ChangeRequest, name, state string, answer []byte) (p passkey.Passkey, err error) {
	if s.conf.Passkeys == nil {
		return p, noPasskeys()
	}
	if name == "" {
		name = agentName(q.Client.UserAgent)
	}
	r, err := s.conf.Passkeys.VerifyRegistration(ctx, q.Session.MemberID, name, state, q.Client.FlowID, answer)
	if err != nil {
		return p, forbidden(err)
	}
	err = s.change(ctx, q, passkeyAction(q, "add"), func(tx *db.Tx) error {
		if p, err = s.conf.Passkeys.Add(ctx, tx, r, q.Client.IP); err != nil {
			return err
		}
		return s.tell(ctx, tx, q.Session.MemberID, "passkey-added", q.Client)
	})
	return p, forbidden(err)
}

// RenamePasskey gives a passkey of the member's another name, which changes
// nothing about what it opens. Errors: NotFound, Invalid.
func (s *Service) RenamePasskey(ctx context.Context, sess Session, id, name string, c Client) (p passkey.Passkey, err error) {
	if s.conf.Passkeys == nil {
		return p, noPasskeys()
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		p, err = s.conf.Passkeys.Rename(ctx, tx, sess.MemberID, id, name, c.IP)
		return err
	})
	return p, err
}

// RemovePasskey takes one of the member's passkeys away, and tells the member.
// Errors: Forbidden step-up-required; NotFound; Conflict when nothing else would
// let the member in from a new device.
func (s *Service) RemovePasskey(ctx context.Context, q ChangeRequest, id string) error {
	if s.conf.Passkeys == nil {
		return noPasskeys()
	}
	return s.change(ctx, q, passkeyAction(q, "remove", id), func(tx *db.Tx) error {
		other, err := s.otherWayIn(ctx, tx, q.Session.MemberID)
		if err != nil {
			return err
		}
		if _, err := s.conf.Passkeys.Remove(ctx, tx, q.Session.MemberID, id, other, q.Client.IP); err != nil {
			return err
		}
		return s.tell(ctx, tx, q.Session.MemberID, "passkey-removed", q.Client)
	})
}

// otherWayIn tells whether a member could sign in on a new device without any
// passkey: by a password, and something that answers the challenge after it.
func (s *Service) otherWayIn(ctx context.Context, tx *db.Tx, memberID string) (bool, error) {
	_, err := lockCredential(ctx, tx, memberID)
	if err == db.ErrNoRows {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	list, err := s.ways(ctx, tx, &challenge{purpose: signIn, memberID: memberID})
	return slices.ContainsFunc(list, func(w string) bool { return w != WayPasskey }), err
}

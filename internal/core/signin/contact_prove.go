package signin

import (
	"context"
	"slices"
	"strings"

	"standfast/internal/core/audit"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// permitContact tells whether a change of contact may go on, and whether it was
// proved by more than a message, which may have gone to the very telephone that
// is in question. A member who has a passkey or an app is asked for it even right
// after a code: a message will do, but then the change waits.
func (s *Service) permitContact(ctx context.Context, tx *db.Tx, q ChangeRequest, a Action) (strong bool, err error) {
	recent, err := s.recentFactors(ctx, tx, q.Session.MemberID)
	if err != nil {
		return false, err
	}
	if q.Proof != "" {
		strong, err = s.redeemContact(ctx, tx, q, a)
		return strong && !recent, err
	}
	if !s.Fresh(q.Session, changeAfterProof) {
		return false, errNeedsProof
	}
	if recent {
		return false, nil
	}
	if strong, err = s.provedStrongly(ctx, tx, q.Session); err != nil || strong {
		return strong, err
	}
	better, err := s.hasStrongWay(ctx, tx, q.Session.MemberID)
	if err == nil && better {
		err = errNeedsProof
	}
	return false, err
}

// redeemContact uses up the proof of a step-up, and tells whether it was more than
// a message.
func (s *Service) redeemContact(ctx context.Context, tx *db.Tx, q ChangeRequest, a Action) (strong bool, err error) {
	if err := s.Redeem(ctx, tx, q.Session, q.Proof, a); err != nil {
		return false, err
	}
	id, _, _ := strings.Cut(q.Proof, ".")
	var way string
	err = tx.QueryRow(ctx, `SELECT way FROM challenge WHERE id = $1`, id).Scan(&way)
	return !isChannel(way), err
}

// recentFactors tells whether the member got a passkey, an app or recovery codes
// within the delay. Nothing is then proved by more than a message: whoever has
// taken over a telephone could add a passkey first and change the number with it.
func (s *Service) recentFactors(ctx context.Context, tx *db.Tx, memberID string) (bool, error) {
	since := tx.Now.Add(-s.conf.ContactDelay)
	if s.conf.Passkeys != nil {
		if added, err := s.conf.Passkeys.AddedSince(ctx, tx, memberID, since); err != nil || added {
			return added, err
		}
	}
	var n int
	err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM authenticator WHERE member_id = $1 AND removed_at = 0 AND confirmed_at > $2)
		+ (SELECT count(*) FROM recovery_code WHERE member_id = $1 AND made_at > $2)`, memberID, db.Micros(since)).Scan(&n)
	return n > 0, err
}

// provedStrongly tells whether the session's latest proofs were more than messages.
func (s *Service) provedStrongly(ctx context.Context, tx *db.Tx, sess Session) (bool, error) {
	since := tx.Now.Add(-changeAfterProof)
	if !sess.AuthenticatedAt.Before(since) && slices.ContainsFunc(sess.Methods, isPasskey) {
		return true, nil
	}
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM challenge WHERE member_id = $1 AND (session_id = $2 OR made = $2)
		AND used_at >= $3 AND way IN ('app', 'passkey', 'recovery')`, sess.MemberID, sess.ID, db.Micros(since)).Scan(&n)
	return n > 0, err
}

// isPasskey tells whether a session's method is a passkey, as package passkey
// names it (RFC 8176).
func isPasskey(method string) bool { return method == "hwk" || method == "swk" }

// hasStrongWay tells whether the member can prove a change by more than a message,
// any time. (Recovery codes are few; nobody is made to use one up.)
func (s *Service) hasStrongWay(ctx context.Context, tx *db.Tx, memberID string) (bool, error) {
	if s.conf.Passkeys != nil {
		if has, err := s.conf.Passkeys.Has(ctx, tx, memberID); err != nil || has {
			return has, err
		}
	}
	return hasAuthenticator(ctx, tx, memberID)
}

// contactScope is what one open code of a change is known by.
func (s *Service) contactScope(q ChangeRequest, kind, address string) []byte {
	return s.key.Fingerprint("signin.scope/contact", []byte(q.Session.ID+kind+"\n"+address))
}

// openContact gives the change that the session has begun for the same address and
// whose code is still waited for.
func (s *Service) openContact(ctx context.Context, tx *db.Tx, q ChangeRequest, kind, address string) (out ContactChange, found bool, err error) {
	ch, err := readChallenge(ctx, tx, `scope = $1 AND closed_at = 0 AND expires_at > $2`, s.contactScope(q, kind, address), db.Micros(tx.Now))
	if err == db.ErrNoRows {
		return ContactChange{}, false, nil
	}
	if err != nil {
		return ContactChange{}, false, err
	}
	c, err := readContactChange(ctx, tx, `id = $1`, ch.id)
	if err != nil {
		return ContactChange{}, false, err
	}
	if ch.ways, err = s.ways(ctx, tx, &ch); err != nil {
		return ContactChange{}, false, err
	}
	c.Code, err = s.offer(ctx, tx, ch)
	return c.ContactChange, true, err
}

// askContact sends the code to the new address, and to no other.
func (s *Service) askContact(ctx context.Context, tx *db.Tx, q ChangeRequest, c contactChange) (*Challenge, error) {
	tries := []gauge{s.gauge(perContact(), c.memberID, c.memberID)}
	if err := read(ctx, tx, tries, true); err != nil {
		return nil, err
	}
	if err := blocked(tries, tx.Now); err != nil {
		return nil, err
	}
	if err := count(ctx, tx, tries); err != nil {
		return nil, err
	}
	ch := challenge{id: c.ID, memberID: c.memberID, purpose: contactProof, sessionID: q.Session.ID, template: "contact-code",
		flow: s.flowHash(q.Client), scope: s.contactScope(q, c.Kind, c.Address), from: q.Client, device: q.Session.DeviceID}
	m, err := s.recipient(ctx, tx, ch)
	if err != nil {
		return nil, err
	}
	ch, err = s.ask(ctx, tx, m, ch)
	if err != nil && fault.As(err).Code == codeNoChannel {
		return nil, fault.InvalidField("body.address", "contact.unreached", "We cannot send codes there. Please give us another one.")
	}
	if err != nil {
		return nil, err
	}
	return s.offer(ctx, tx, ch)
}

// recipient is whom a challenge's messages go to: its member, or of a change of
// contact or an agent's proofing the one address that its code is to prove.
func (s *Service) recipient(ctx context.Context, tx *db.Tx, ch challenge) (member.Member, error) {
	m, err := s.memberIn(ctx, tx, ch.memberID)
	if err == nil && ch.purpose == Assisted.purpose() {
		return s.assistedRecipient(ctx, tx, m, ch)
	}
	if err != nil || ch.purpose != contactProof {
		return m, err
	}
	c, err := readContactChange(ctx, tx, `id = $1`, ch.id)
	to := c.applied(member.Contacts{})
	m.Email, m.Phone = to.Email, to.Phone
	return m, err
}

// ProveContact takes the code that went to the new address. The change then holds
// at once or from From on, and all addresses of before are told. The same code
// again within two minutes gives the same answer. Errors: Invalid for what cannot
// be a code; Forbidden for a wrong one, with the tries that are left in Extra, or
// for one that is over.
func (s *Service) ProveContact(ctx context.Context, q ChangeRequest, id, code string) (out ContactChange, err error) {
	typed, err := readCode(code)
	if err != nil {
		return ContactChange{}, err
	}
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		out, refusal = ContactChange{}, nil
		ch, err := s.contactChallenge(ctx, tx, q.Session, id)
		if err != nil {
			return err
		}
		repeated, ok := ch.provable(tx.Now)
		if !ok {
			refusal = codeOver(contactProof)
			return nil
		}
		if refusal, err = s.try(ctx, tx, &ch, typed, q.Client); err != nil {
			return err
		}
		if refusal != nil {
			return recordContact(ctx, tx, ch.memberID, ch.id, "prove", audit.Refused, q.Client)
		}
		c, err := readContactChange(ctx, tx, `id = $1`, ch.id)
		if err != nil || repeated {
			out = c.ContactChange
			return err
		}
		if err := ch.spend(ctx, tx, ""); err != nil { // it proves the address and not the member, so nothing is taken back
			return err
		}
		out, err = s.confirm(ctx, tx, c, q.Client)
		return err
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return ContactChange{}, err
	}
	return out, nil
}

// contactChallenge locks and gives the code of a change that the session began.
func (s *Service) contactChallenge(ctx context.Context, tx *db.Tx, sess Session, id string) (challenge, error) {
	if !db.ValidID(id) {
		return challenge{}, codeOver(contactProof)
	}
	if _, err := lockCredential(ctx, tx, sess.MemberID); err != nil && err != db.ErrNoRows {
		return challenge{}, err
	}
	ch, err := readChallenge(ctx, tx, `id = $1 AND session_id = $2 AND purpose = 'contact'`, id, sess.ID)
	if err == db.ErrNoRows {
		return challenge{}, codeOver(contactProof)
	}
	return ch, err
}

package signin

import (
	"context"
	"errors"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// confirm takes a change whose new address is proved: it holds at once, or waits.
// One of the same kind that waits already gives way to it.
func (s *Service) confirm(ctx context.Context, tx *db.Tx, c contactChange, from Client) (ContactChange, error) {
	_, err := tx.Exec(ctx, `UPDATE contact_change SET state = 'replaced', ended_at = $3 WHERE member_id = $1 AND kind = $2 AND state = 'waiting'`,
		c.memberID, c.Kind, db.Micros(tx.Now))
	if err != nil {
		return ContactChange{}, err
	}
	if c.From, err = s.contactFrom(ctx, tx, c); err != nil {
		return ContactChange{}, err
	}
	if !c.From.After(tx.Now) {
		return s.apply(ctx, tx, c, from)
	}
	if err := c.move(ctx, tx, ChangeWaiting); err != nil {
		return ContactChange{}, err
	}
	m, err := s.memberIn(ctx, tx, c.memberID)
	if err != nil {
		return ContactChange{}, err
	}
	if err := s.tellContacts(ctx, tx, m, nil, "contact-asked", s.contactNotice(tx, c, from)); err != nil {
		return ContactChange{}, err
	}
	return c.ContactChange, recordContact(ctx, tx, c.memberID, c.ID, "wait", audit.OK, from)
}

// contactFrom is when a change takes effect: at once where it was proved by more
// than a message, else after the delay; in no case before a caution's end.
func (s *Service) contactFrom(ctx context.Context, tx *db.Tx, c contactChange) (time.Time, error) {
	from := tx.Now
	if !c.strong {
		from = from.Add(s.conf.ContactDelay)
	}
	all, err := s.CautionsTx(ctx, tx, []string{c.memberID})
	return latest(from, all[c.memberID].Until), err
}

// apply makes a change hold. Where the contact point is another one by now than
// when the change was asked for, or where no code could reach the member
// afterwards, it ends without effect.
func (s *Service) apply(ctx context.Context, tx *db.Tx, c contactChange, from Client) (ContactChange, error) {
	m, err := s.members.ByIDTx(ctx, tx, c.memberID)
	if err != nil {
		return ContactChange{}, err
	}
	next := c.applied(member.Contacts{Email: m.Email, Phone: m.Phone})
	carries, err := s.carriesCodes(ctx, tx, m.ID, next)
	if err != nil {
		return ContactChange{}, err
	}
	switch {
	case contactOf(m.Email, m.Phone, c.Kind) != c.old:
		err = c.move(ctx, tx, ChangeReplaced)
	case !carries:
		err = s.endContact(ctx, tx, &c, ChangeRefused, from)
	default:
		err = s.setContact(ctx, tx, m, &c, next, from)
	}
	return c.ContactChange, err
}

// setContact writes the new contact points, ends codes that are on their way to
// the old ones, and tells both.
func (s *Service) setContact(ctx context.Context, tx *db.Tx, m member.Member, c *contactChange, next member.Contacts, from Client) error {
	if _, err := s.members.SetContacts(ctx, tx, m.ID, next, member.By{Actor: "member", ActorID: m.ID, From: from.IP}); err != nil {
		return err
	}
	if err := c.move(ctx, tx, ChangeDone); err != nil {
		return err
	}
	if err := closeChallenges(ctx, tx, `member_id = $1`, m.ID); err != nil {
		return err
	}
	if err := endClaims(ctx, tx, m.ID); err != nil { // the old address stands in them as proved
		return err
	}
	notice := s.contactNotice(tx, *c, from)
	if err := s.tellContacts(ctx, tx, m, nil, "contact-changed", notice); err != nil {
		return err
	}
	if c.Address != "" {
		m.Email, m.Phone = "", ""
		to := c.applied(member.Contacts{})
		m.Email, m.Phone = to.Email, to.Phone
		if err := s.tellContacts(ctx, tx, m, nil, "contact-new", notice); err != nil {
			return err
		}
	}
	return recordContact(ctx, tx, m.ID, c.ID, "take-effect", audit.OK, from)
}

// settleContacts makes the changes hold whose time has come, each in a transaction
// of its own: one that fails does not hold up the others.
func (s *Service) settleContacts(ctx context.Context) error {
	var due []contactChange
	err := s.db.Read(ctx, func(tx *db.Tx) (err error) {
		due, err = contactChanges(ctx, tx, `state = 'waiting' AND effective_at <= $1 ORDER BY effective_at LIMIT 200`, db.Micros(s.now()))
		return err
	})
	failed := []error{err}
	for _, c := range due {
		failed = append(failed, s.settleContact(ctx, c))
	}
	return errors.Join(failed...)
}

func (s *Service) settleContact(ctx context.Context, c contactChange) error {
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		if _, err := lockCredential(ctx, tx, c.memberID); err != nil && err != db.ErrNoRows {
			return err
		}
		c, err := readContactChange(ctx, tx, `id = $1 AND state = 'waiting'`+forUpdate(tx), c.ID)
		if err == db.ErrNoRows {
			return nil // stopped meanwhile, or settled by another process
		}
		if err != nil {
			return err
		}
		if from, err := s.contactStill(ctx, tx, c); err != nil || from.After(tx.Now) {
			return err
		}
		_, err = s.apply(ctx, tx, c, Client{})
		return err
	})
}

// contactStill puts a waiting change off to the end of a caution that has begun
// since, and gives from when on it holds.
func (s *Service) contactStill(ctx context.Context, tx *db.Tx, c contactChange) (time.Time, error) {
	all, err := s.CautionsTx(ctx, tx, []string{c.memberID})
	from := latest(c.From, all[c.memberID].Until)
	if err != nil || !from.After(c.From) {
		return from, err
	}
	_, err = tx.Exec(ctx, `UPDATE contact_change SET effective_at = $2 WHERE id = $1`, c.ID, db.Micros(from))
	return from, err
}

// StopContact ends a change that waits, for its member. Errors: NotFound for one
// that is another member's, or that does not wait any more.
func (s *Service) StopContact(ctx context.Context, sess Session, id string, c Client) error {
	if !db.ValidID(id) {
		return noContactChange()
	}
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		if _, err := lockCredential(ctx, tx, sess.MemberID); err != nil && err != db.ErrNoRows {
			return err
		}
		found, err := readContactChange(ctx, tx, `id = $1 AND member_id = $2 AND state = 'waiting'`+forUpdate(tx), id, sess.MemberID)
		if err == db.ErrNoRows {
			return noContactChange()
		}
		if err != nil {
			return err
		}
		return s.endContact(ctx, tx, &found, ChangeStopped, c)
	})
}

func noContactChange() error {
	return fault.New(fault.NotFound, "contact.no-change", "There is no such change any more. It was stopped, or it has taken effect.")
}

// StopContactsTx ends all changes of a member that wait or are being proved, in the
// caller's transaction: for when the member says, or proves anew, who may change
// anything at all.
func (s *Service) StopContactsTx(ctx context.Context, tx *db.Tx, memberID string, c Client) error {
	if err := closeChallenges(ctx, tx, `member_id = $1 AND purpose = 'contact'`, memberID); err != nil {
		return err
	}
	waiting, err := contactChanges(ctx, tx, `member_id = $1 AND state = 'waiting'`+forUpdate(tx), memberID)
	for i := range waiting {
		err = errors.Join(err, s.endContact(ctx, tx, &waiting[i], ChangeStopped, c))
	}
	return err
}

// endContact ends a change that waited without effect and tells all addresses.
func (s *Service) endContact(ctx context.Context, tx *db.Tx, c *contactChange, state string, from Client) error {
	if err := c.move(ctx, tx, state); err != nil {
		return err
	}
	m, err := s.memberIn(ctx, tx, c.memberID)
	if err != nil {
		return err
	}
	if err := s.tellContacts(ctx, tx, m, nil, "contact-stopped", s.contactNotice(tx, *c, from)); err != nil {
		return err
	}
	return recordContact(ctx, tx, c.memberID, c.ID, state, audit.OK, from)
}

// recordContact writes down what became of a change, without its address.
func recordContact(ctx context.Context, tx *db.Tx, memberID, id, what, outcome string, from Client) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: "member", ActorID: memberID, Action: "signin.contact-" + what, Object: "contact-change", ObjectID: id, Outcome: outcome, From: from.IP,
	})
}

package signin

import (
	"context"
	"slices"
	"time"

	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Codes and notices go to a member's telephone and e-mail, so whoever changes one
// of them takes over the login. A change therefore has four steps: it is proved
// who asks (a fresh proof, or a step-up bound to exactly the new address); a code
// shows that the new address is read; all old addresses are told at once; and
// unless it was proved by more than a message, it waits, so that a member whose
// telephone was taken over can stop it (SP 800-63B-4 §4.6; ASVS 5.0, 6.4.4).

// Kinds of contact points.
const (
	ContactEmail = "email"
	ContactPhone = "phone"
)

// States of a change of contact.
const (
	ChangeUnproved = "unproved" // the code that went to the new address is waited for
	ChangeWaiting  = "waiting"  // proved; it takes effect later
	ChangeDone     = "done"
	ChangeStopped  = "stopped"  // by the member, or by what the member reported
	ChangeReplaced = "replaced" // another change came first, or after it
	ChangeRefused  = "refused"  // it would have left no way to send a code
)

const (
	actionContact = "contact" // kind of the action of a step-up
	keepUnproved  = 24 * time.Hour
	settleEvery   = time.Minute
)

// perContact bounds the codes that a member has sent to new addresses. A right one
// takes nothing back: somebody who owns expensive numbers has them read.
func perContact() limit {
	return limit{name: "contact", free: 6, base: time.Hour, max: 24 * time.Hour, forget: 24 * time.Hour, shared: true}
}

// ContactChange is a change of one contact point.
type ContactChange struct {
	ID      string
	Kind    string // ContactEmail or ContactPhone
	Address string // the new one; "" takes the contact point away
	State   string
	AskedAt time.Time
	From    time.Time  // from when on it holds; zero while unproved
	EndedAt time.Time  // zero while it is open
	Code    *Challenge // that went to the new address; nil unless it is waited for
}

// contactChange is a row of the table.
type contactChange struct {
	ContactChange
	memberID string
	old      string
	strong   bool
}

// ContactInfo is how a member is reached, and what is to change.
type ContactInfo struct {
	Email, Phone string          // either may be empty
	Waiting      []ContactChange // at most one of each kind
}

// Of gives the contact point of a kind.
func (c ContactInfo) Of(kind string) string { return contactOf(c.Email, c.Phone, kind) }

// WaitingFor gives the change of a kind that waits, or nil.
func (c ContactInfo) WaitingFor(kind string) *ContactChange {
	for i := range c.Waiting {
		if c.Waiting[i].Kind == kind {
			return &c.Waiting[i]
		}
	}
	return nil
}

func contactOf(email, phone, kind string) string {
	if kind == ContactEmail {
		return email
	}
	return phone
}

// Contacts gives how the session's member is reached.
func (s *Service) Contacts(ctx context.Context, sess Session) (info ContactInfo, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		m, err := s.memberIn(ctx, tx, sess.MemberID)
		if err != nil {
			return err
		}
		info = ContactInfo{Email: m.Email, Phone: m.Phone}
		list, err := contactChanges(ctx, tx, `member_id = $1 AND state = 'waiting' ORDER BY kind`, sess.MemberID)
		for _, c := range list {
			info.Waiting = append(info.Waiting, c.ContactChange)
		}
		return err
	})
	return info, err
}

// ChangeContact begins a change of one contact point. A new address gets a code,
// for ProveContact; "" takes the contact point away, which needs none. The same
// request again gives the change that is open, without another message.
//
// Errors: Invalid with the location body.address; Forbidden step-up-required,
// with a challenge bound to exactly this address; TooMany.
func (s *Service) ChangeContact(ctx context.Context, q ChangeRequest, kind, address string) (out ContactChange, err error) {
	address, err = normalContact(kind, address)
	if err != nil {
		return ContactChange{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, revokeTimeout)
	defer cancel()
	a := contactAction(q, kind, address)
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		out, err = s.beginContact(ctx, tx, q, a, kind, address)
		return err
	})
	if err != nil {
		return ContactChange{}, s.orStepUp(ctx, q, a, err)
	}
	return out, nil
}

func (s *Service) beginContact(ctx context.Context, tx *db.Tx, q ChangeRequest, a Action, kind, address string) (ContactChange, error) {
	if _, err := lockCredential(ctx, tx, q.Session.MemberID); err != nil && err != db.ErrNoRows {
		return ContactChange{}, err
	}
	if open, found, err := s.openContact(ctx, tx, q, kind, address); err != nil || found {
		return open, err
	}
	m, err := s.members.ByIDTx(ctx, tx, q.Session.MemberID)
	if err != nil {
		return ContactChange{}, err
	}
	if err := s.acceptable(ctx, tx, m, kind, address); err != nil {
		return ContactChange{}, err
	}
	c := contactChange{memberID: m.ID, old: contactOf(m.Email, m.Phone, kind), ContactChange: ContactChange{
		ID: db.NewID(), Kind: kind, Address: address, State: ChangeUnproved, AskedAt: tx.Now,
	}}
	a.Object = c.ID
	if c.strong, err = s.permitContact(ctx, tx, q, a); err != nil {
		return ContactChange{}, err
	}
	if err := c.insert(ctx, tx); err != nil {
		return ContactChange{}, err
	}
	if address == "" {
		return s.confirm(ctx, tx, c, q.Client)
	}
	c.Code, err = s.askContact(ctx, tx, q, c)
	return c.ContactChange, err
}

// normalContact gives the form in which an address is stored and compared.
func normalContact(kind, address string) (string, error) {
	var c member.Contacts
	switch kind {
	case ContactEmail:
		c.Email = address
	case ContactPhone:
		c.Phone = address
	default:
		return "", fault.New(fault.NotFound, "contact.kind", "There is no such contact point.")
	}
	c, err := c.Normal()
	if e := fault.As(err); e != nil {
		return "", fault.InvalidField("body.address", e.Fields[0].Code, e.Fields[0].Message)
	}
	return contactOf(c.Email, c.Phone, kind), nil
}

// contactAction is what a proof of the change is bound to: any other address
// needs another one. The message names where the codes are to go.
func contactAction(q ChangeRequest, kind, address string) Action {
	a := Action{Kind: actionContact, Parts: []string{q.Session.MemberID, kind, address}, Template: "contact-step-up",
		Data: map[string]any{"Phone": kind == ContactPhone}}
	if address != "" {
		a.Data["To"] = masked(address)
	}
	return a
}

// acceptable refuses what changes nothing, and what would leave the member without
// a way to get codes, counting what waits already.
func (s *Service) acceptable(ctx context.Context, tx *db.Tx, m member.Member, kind, address string) error {
	if contactOf(m.Email, m.Phone, kind) == address {
		return fault.InvalidField("body.address", "contact.same", "We have it like this already.")
	}
	waiting, err := contactChanges(ctx, tx, `member_id = $1 AND state = 'waiting' AND kind <> $2`, m.ID, kind)
	if err != nil {
		return err
	}
	next := member.Contacts{Email: m.Email, Phone: m.Phone}
	for _, c := range waiting {
		next = c.applied(next)
	}
	next = contactChange{ContactChange: ContactChange{Kind: kind, Address: address}}.applied(next)
	carries, err := s.carriesCodes(ctx, tx, m.ID, next)
	switch {
	case err != nil || carries:
		return err
	case address == "":
		return fault.New(fault.Conflict, "contact.last", "We could not send you codes any more. Please give us another way first.")
	}
	return fault.InvalidField("body.address", "contact.unreached", "We cannot send codes there. Please give us another one.")
}

// applied gives contact points as they are after the change.
func (c contactChange) applied(to member.Contacts) member.Contacts {
	if c.Kind == ContactEmail {
		to.Email = c.Address
	} else {
		to.Phone = c.Address
	}
	return to
}

// carriesCodes tells whether a member with these contact points can be sent codes,
// by a channel that the member chose and the cell's law allows. What is spent of
// a day's budget does not count: that is over tomorrow.
func (s *Service) carriesCodes(ctx context.Context, tx *db.Tx, memberID string, to member.Contacts) (bool, error) {
	p, err := preference(ctx, tx, memberID)
	if err != nil {
		return false, err
	}
	m := member.Member{Email: to.Email, Phone: to.Phone}
	return slices.ContainsFunc(s.allowed(p.Ways), func(way string) bool {
		ch := notify.Channel(way)
		return s.notify.Reaches(ch, addressOf(m, ch))
	}), nil
}

package member

import (
	"context"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Contacts is how a member is reached; either may be empty.
type Contacts struct{ Email, Phone string }

// Normal gives the form in which contact points are stored, or fault.Invalid
// with every rule that they break. No address in that form holds a line break.
func (c Contacts) Normal() (Contacts, error) {
	c, bad := c.normal()
	if len(bad) > 0 {
		return Contacts{}, fault.InvalidFields(bad...)
	}
	return c, nil
}

// By is who asks for a change, for the audit log.
type By struct{ Actor, ActorID, From string }

// SetContacts replaces a member's contact points. They receive sign-in codes, so
// the change is in the audit log; which addresses they were is not.
func (s *Store) SetContacts(ctx context.Context, tx *db.Tx, id string, c Contacts, by By) (Member, error) {
	c, err := c.Normal()
	if err != nil {
		return Member{}, err
	}
	m, err := s.change(ctx, tx, "contacts-changed", `UPDATE member SET email = $2, phone = $3, version = version + 1
		WHERE id = $1 RETURNING `+columns, id, c.Email, c.Phone)
	if err != nil {
		return Member{}, err
	}
	return m, audit.Record(ctx, tx, audit.Entry{
		Actor: by.Actor, ActorID: by.ActorID, From: by.From,
		Action: "member.contacts", Object: "member", ObjectID: m.ID, Outcome: audit.OK,
	})
}

// SetLocale changes the language in which a member is addressed.
func (s *Store) SetLocale(ctx context.Context, tx *db.Tx, id, locale string) (Member, error) {
	tag, err := canonicalLocale(locale)
	if err != nil {
		return Member{}, fault.InvalidField("body.locale", "member.locale", "A locale is a language tag, as en-US.")
	}
	return s.change(ctx, tx, "locale-changed", `UPDATE member SET locale = $2, version = version + 1
		WHERE id = $1 RETURNING `+columns, id, tag)
}

// change runs an update that gives the member's new row, and publishes it.
func (s *Store) change(ctx context.Context, tx *db.Tx, kind, update, id string, args ...any) (Member, error) {
	if !db.ValidID(id) {
		return Member{}, notFound()
	}
	m, err := scan(tx.QueryRow(ctx, update, append([]any{id}, args...)...))
	if err != nil {
		return Member{}, err
	}
	return m, m.publish(ctx, tx, kind)
}

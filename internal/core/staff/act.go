package staff

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// doing is an act under way: who acts, checked in the act's own transaction.
type doing struct {
	tx     *db.Tx
	who    Person
	action Action
	from   string
}

// act runs an administrative act. Who acts is read again in its transaction, after
// the turn was taken: somebody who was ended a moment ago changes nothing any
// more. What a rule forbids is rolled back and kept in the audit log.
func (s *Service) act(ctx context.Context, sess Session, c Client, a Action, objectID string, do func(d doing) error) error {
	var who Person
	err := s.db.WithTx(ctx, func(tx *db.Tx) error {
		who = Person{}
		if err := takeTurn(ctx, tx); err != nil {
			return err
		}
		now, _, err := read(ctx, tx, sess.token)
		if err != nil {
			return err
		}
		if who = now.Person; !who.Role.May(a) {
			return forbidden()
		}
		return do(doing{tx: tx, who: who, action: a, from: c.IP})
	})
	if e := fault.As(err); e != nil && who.ID != "" && (e.Kind == fault.Forbidden || e.Kind == fault.Conflict || e.Kind == fault.NotFound) {
		if err := s.db.WithTx(ctx, func(tx *db.Tx) error {
			return s.refuse(ctx, tx, actor{"staff", who.ID, c.IP}, a, "staff", objectID, e)
		}); err != nil {
			return err
		}
	}
	return err
}

// done leaves what was done.
func (d doing) done(ctx context.Context, object, id string, details map[string]string) error {
	return record(ctx, d.tx, actor{"staff", d.who.ID, d.from}, d.action, object, id, details)
}

// readName takes a name as people type it.
func readName(location, name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", fault.InvalidField(location, "required", "This is required.")
	case n > MaxName:
		return "", fault.InvalidField(location, "too-long", "This is too long.")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", fault.InvalidField(location, "not-text", "This is not readable text.")
	}
	return name, nil
}

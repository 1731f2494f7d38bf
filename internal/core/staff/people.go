package staff

import (
	"context"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// People lists everybody, those who ended too. Errors: Forbidden.
func (s *Service) People(ctx context.Context, sess Session, c Client) (list []Person, err error) {
	err = s.look(ctx, sess, c, func(tx *db.Tx) error {
		list, err = people(ctx, tx)
		return err
	})
	return list, err
}

// Person reads one. Errors: Forbidden, NotFound.
func (s *Service) Person(ctx context.Context, sess Session, c Client, id string) (p Person, err error) {
	err = s.look(ctx, sess, c, func(tx *db.Tx) error {
		p, err = person(ctx, tx, id)
		return err
	})
	return p, err
}

// look reads for somebody who may see people. That nobody else does is kept; that
// they did is not: it shows no member's data.
func (s *Service) look(ctx context.Context, sess Session, c Client, read func(tx *db.Tx) error) error {
	if !sess.May(SeePeople) {
		return s.act(ctx, sess, c, SeePeople, "", func(doing) error { return forbidden() })
	}
	return s.db.View(ctx, read)
}

// Invitation says who is to come.
type Invitation struct {
	Name           string
	Role           Role
	OrganisationID string
	Until          time.Time // needed for a supplier's person, and only for one
}

// Invite makes a person and the link that lets them in, which is shown this once.
// Errors: Forbidden; Invalid for what cannot be; NotFound for the organisation.
func (s *Service) Invite(ctx context.Context, sess Session, c Client, i Invitation) (p Person, link string, err error) {
	if i.Name, err = readName("body.name", i.Name); err != nil {
		return p, "", err
	}
	err = s.act(ctx, sess, c, Invite, i.OrganisationID, func(d doing) error {
		o, err := organisation(ctx, d.tx, i.OrganisationID)
		if err != nil {
			return err
		}
		if !o.EndedAt.IsZero() {
			return noOrganisation()
		}
		if err := i.check(o, d.tx.Now); err != nil {
			return err
		}
		p = Person{ID: db.NewID(), Name: i.Name, Role: i.Role, Organisation: o, Until: i.Until, CreatedAt: d.tx.Now}
		if err := p.insert(ctx, d.tx); err != nil {
			return err
		}
		if link, err = s.link(ctx, d.tx, p.ID); err != nil {
			return err
		}
		return d.done(ctx, "person", p.ID, map[string]string{"role": string(p.Role), "organisation": o.ID, "until": written(p.Until)})
	})
	return p, link, err
}

func (i Invitation) check(o Organisation, now time.Time) error {
	if err := checkRole(i.Role, o); err != nil {
		return err
	}
	return checkUntil(i.Until, o, now)
}

// checkRole keeps the running of the service with the issuer.
func checkRole(r Role, o Organisation) error {
	switch {
	case !r.known():
		return fault.InvalidField("body.role", "staff.no-role", "There is no such role.")
	case r == Operator && o.Kind != Issuer:
		return fault.InvalidField("body.role", "staff.operator-elsewhere", "Operators belong to the issuer.")
	}
	return nil
}

// checkUntil holds PCI DSS 8.2.7: third parties have access only while it is
// needed. A date that is far away would be none.
func checkUntil(until time.Time, o Organisation, now time.Time) error {
	switch {
	case o.Kind == Issuer && until.IsZero():
		return nil
	case o.Kind == Issuer:
		return fault.InvalidField("body.until", "staff.until-issuer", "Only suppliers' people have a last day.")
	case until.IsZero():
		return fault.InvalidField("body.until", "staff.until-missing", "Say until when a supplier's person needs access.")
	case !until.After(now):
		return fault.InvalidField("body.until", "staff.until-past", "This date has passed.")
	case until.After(now.Add(MaxTerm)):
		return fault.InvalidField("body.until", "staff.until-far", "A supplier's access lasts 90 days at most, and can be renewed.")
	}
	return nil
}

func written(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// Relink makes a new set-up link for somebody who lost every passkey. Their
// sessions end now, their passkeys when the link is used. Errors: Forbidden,
// NotFound, Conflict for somebody who ended.
func (s *Service) Relink(ctx context.Context, sess Session, c Client, id string) (link string, err error) {
	err = s.change(ctx, sess, c, Relink, id, func(d doing, p Person) error {
		if err := endSessions(ctx, d.tx, p.ID); err != nil {
			return err
		}
		if link, err = s.link(ctx, d.tx, p.ID); err != nil {
			return err
		}
		return d.done(ctx, "person", p.ID, nil)
	})
	return link, err
}

// change runs an act on somebody who has not ended.
func (s *Service) change(ctx context.Context, sess Session, c Client, a Action, id string, do func(d doing, p Person) error) error {
	return s.act(ctx, sess, c, a, id, func(d doing) error {
		p, err := lockedPerson(ctx, d.tx, id)
		if err != nil {
			return err
		}
		if p.Standing(d.tx.Now) == Ended {
			return fault.New(fault.Conflict, "staff.has-ended", "This person's access has ended for good.")
		}
		return do(d, p)
	})
}

// End ends somebody's access for good; their next request is refused. Errors:
// Forbidden, NotFound, Conflict for the last operator and for who has ended.
func (s *Service) End(ctx context.Context, sess Session, c Client, id string) error {
	return s.change(ctx, sess, c, EndPerson, id, func(d doing, p Person) error {
		if err := notLast(ctx, d.tx, p); err != nil {
			return err
		}
		if _, err := d.tx.Exec(ctx, `UPDATE staff_person SET ended_at = $2 WHERE id = $1`, p.ID, db.Micros(d.tx.Now)); err != nil {
			return err
		}
		if _, err := d.tx.Exec(ctx, `DELETE FROM staff_link WHERE person_id = $1`, p.ID); err != nil {
			return err
		}
		if err := endSessions(ctx, d.tx, p.ID); err != nil {
			return err
		}
		return d.done(ctx, "person", p.ID, nil)
	})
}

// notLast refuses to take the last operator who can sign in away.
func notLast(ctx context.Context, tx *db.Tx, p Person) error {
	if p.Role != Operator || p.SetUpAt.IsZero() {
		return nil
	}
	another, err := anotherOperator(ctx, tx, p.ID)
	if err == nil && !another {
		err = lastOperator()
	}
	return err
}

// ChangeRole gives somebody another role; it counts from their next request on.
// Errors: Forbidden, NotFound, Invalid, Conflict for the last operator.
func (s *Service) ChangeRole(ctx context.Context, sess Session, c Client, id string, r Role) error {
	return s.change(ctx, sess, c, ChangeRole, id, func(d doing, p Person) error {
		if err := checkRole(r, p.Organisation); err != nil {
			return err
		}
		if r != Operator {
			if err := notLast(ctx, d.tx, p); err != nil {
				return err
			}
		}
		if _, err := d.tx.Exec(ctx, `UPDATE staff_person SET role = $2 WHERE id = $1`, p.ID, string(r)); err != nil {
			return err
		}
		return d.done(ctx, "person", p.ID, map[string]string{"from": string(p.Role), "to": string(r)})
	})
}

// Renew sets another end for a supplier's person. Errors: Forbidden, NotFound,
// Invalid.
func (s *Service) Renew(ctx context.Context, sess Session, c Client, id string, until time.Time) error {
	return s.change(ctx, sess, c, Renew, id, func(d doing, p Person) error {
		if err := checkUntil(until, p.Organisation, d.tx.Now); err != nil {
			return err
		}
		if _, err := d.tx.Exec(ctx, `UPDATE staff_person SET until = $2 WHERE id = $1`, p.ID, db.Micros(until)); err != nil {
			return err
		}
		return d.done(ctx, "person", p.ID, map[string]string{"until": written(until)})
	})
}

package staff

import (
	"context"

	"standfast/internal/core/audit"
	"standfast/internal/core/passkey"
	"standfast/internal/db"
)

// linkPath is where the console takes a link.
const linkPath = "/set-up/"

// FirstLink makes a set-up link for the first operator as long as nobody is one:
// it is the address that a first start prints. It is "" once an operator can sign
// in. Each start gives another link, because none is kept in a readable form.
func (s *Service) FirstLink(ctx context.Context) (link string, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		link = ""
		issuer, err := s.issuer(ctx, tx)
		if err != nil {
			return err
		}
		if there, err := anotherOperator(ctx, tx, db.NewID()); err != nil || there {
			return err
		}
		link, err = s.operatorLink(ctx, tx, issuer, "first start")
		return err
	})
	return link, err
}

// SetUpLink makes a link for an operator when nobody can get in. Whoever runs the
// command has the database and the key anyway; the audit log keeps that it was run.
func (s *Service) SetUpLink(ctx context.Context) (link string, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		issuer, err := s.issuer(ctx, tx)
		if err != nil {
			return err
		}
		link, err = s.operatorLink(ctx, tx, issuer, "command")
		return err
	})
	return link, err
}

// issuer gives the issuer's organisation, made when it is first asked for.
func (s *Service) issuer(ctx context.Context, tx *db.Tx) (o Organisation, err error) {
	_, err = tx.Exec(ctx, `INSERT INTO staff_organisation (id, kind, name, created_at, ended_at) VALUES ($1, $2, $3, $4, 0)
		ON CONFLICT (kind) WHERE kind = 'issuer' DO NOTHING`, db.NewID(), Issuer, s.conf.Issuer, db.Micros(tx.Now))
	if err == nil {
		err = takeTurn(ctx, tx)
	}
	if err != nil {
		return o, err
	}
	return scanOrganisation(tx.QueryRow(ctx, organisationColumns+` WHERE o.kind = 'issuer'`))
}

// operatorLink gives a link to the operator of the system's making who has not
// used one, or to a new one. Their name is asked for at set-up.
func (s *Service) operatorLink(ctx context.Context, tx *db.Tx, issuer Organisation, from string) (string, error) {
	var id string
	err := tx.QueryRow(ctx, `SELECT id FROM staff_person WHERE organisation_id = $1 AND name = '' AND role = 'operator' AND set_up_at = 0 AND ended_at = 0
		ORDER BY created_at LIMIT 1`, issuer.ID).Scan(&id)
	if err == db.ErrNoRows {
		id = db.NewID()
		err = Person{ID: id, Organisation: issuer, Role: Operator}.insert(ctx, tx)
	}
	if err != nil {
		return "", err
	}
	if err := record(ctx, tx, actor{kind: "system", from: from}, Relink, "person", id, map[string]string{"role": string(Operator)}); err != nil {
		return "", err
	}
	return s.link(ctx, tx, id)
}

// link makes a link for a person. Others that were not used stay good, because
// two processes may start at once; the first that is used ends them all.
func (s *Service) link(ctx context.Context, tx *db.Tx, personID string) (string, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM staff_link WHERE expires_at <= $1`, db.Micros(tx.Now)); err != nil {
		return "", err
	}
	t := newTicket()
	_, err := tx.Exec(ctx, `INSERT INTO staff_link (id, person_id, digest, expires_at) VALUES ($1, $2, $3, $4)`,
		t.id, personID, t.digest(), db.Micros(tx.Now.Add(LinkFor)))
	return s.conf.Origin + linkPath + t.String(), err
}

// reader reads a person: person, or lockedPerson in a transaction that writes.
type reader func(ctx context.Context, tx *db.Tx, id string) (Person, error)

// linked gives whom a link is for, while it works. Errors: NotFound.
func linked(ctx context.Context, tx *db.Tx, link string, read reader) (Person, error) {
	t, ok := readTicket(link)
	if !ok {
		return Person{}, over()
	}
	var id string
	var digest []byte
	var expires int64
	err := tx.QueryRow(ctx, `SELECT person_id, digest, expires_at FROM staff_link WHERE id = $1`, t.id).Scan(&id, &digest, &expires)
	if err != nil && err != db.ErrNoRows {
		return Person{}, err
	}
	if !t.matches(digest) || db.Micros(tx.Now) >= expires {
		return Person{}, over()
	}
	p, err := read(ctx, tx, id)
	if st := p.Standing(tx.Now); err == nil && (st == Ended || st == Expired) {
		return Person{}, over()
	}
	return p, err
}

// usedLink uses a link up. Of two uses at once one waits, and then finds it gone.
func usedLink(ctx context.Context, tx *db.Tx, link string) (Person, error) {
	p, err := linked(ctx, tx, link, lockedPerson)
	if err != nil {
		return p, err
	}
	t, _ := readTicket(link) // linked has read it
	n, err := tx.Exec(ctx, `DELETE FROM staff_link WHERE id = $1`, t.id)
	if err == nil && n == 0 {
		err = over()
	}
	return p, err
}

// SetUpPrompt is what the page of a link needs.
type SetUpPrompt struct {
	Name   string // of the person; "" when it is to be asked
	Role   Role
	Prompt Prompt
}

// BeginSetUp gives the prompt for a link's passkey. It uses nothing up: a link
// that somebody only looks at still works. Errors: NotFound for a link that does not.
func (s *Service) BeginSetUp(ctx context.Context, link string, c Client) (d SetUpPrompt, err error) {
	p, err := s.openLink(ctx, link)
	if err != nil {
		return d, err
	}
	d.Name, d.Role = p.Name, p.Role
	d.Prompt, err = s.passkeys.BeginRegistration(ctx, s.owner(p), c.Flow)
	return d, err
}

// owner is a person as the browser's dialog shows them.
func (s *Service) owner(p Person) passkey.Owner {
	name := p.Name
	if name == "" {
		name = string(p.Role)
	}
	return passkey.Owner{ID: p.ID, Name: name, DisplayName: name}
}

// SetUp is what a link's form sends.
type SetUp struct {
	Link        string
	Name        string // of the person, where it is asked
	PasskeyName string
	State       string
	Answer      []byte
}

// FinishSetUp makes the passkey, uses the link up and signs its person in. A link
// for somebody who had passkeys takes the place of them all: they were lost.
// Errors: NotFound for a link that does not work; Invalid for a name; those of the
// ceremony, after which the link still works.
func (s *Service) FinishSetUp(ctx context.Context, u SetUp, c Client) (token string, err error) {
	who, err := s.openLink(ctx, u.Link)
	if err != nil {
		return "", err
	}
	if who.Name == "" {
		if who.Name, err = readName("body.person", u.Name); err != nil {
			return "", err
		}
	}
	made, err := s.passkeys.VerifyRegistration(ctx, who.ID, u.PasskeyName, u.State, c.Flow, u.Answer)
	if err != nil {
		return "", err
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		p, err := usedLink(ctx, tx, u.Link)
		if err != nil {
			return err
		}
		if err := s.replacePasskeys(ctx, tx, p.ID, c.IP); err != nil {
			return err
		}
		if _, err := s.passkeys.Add(ctx, tx, made, c.IP); err != nil {
			return err
		}
		token, err = s.setUp(ctx, tx, p, who.Name, c)
		return err
	})
	return token, err
}

func (s *Service) openLink(ctx context.Context, link string) (p Person, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		p, err = linked(ctx, tx, link, person)
		return err
	})
	return p, err
}

// replacePasskeys takes a person's passkeys away, before the one that comes instead.
func (s *Service) replacePasskeys(ctx context.Context, tx *db.Tx, personID, ip string) error {
	list, err := s.passkeys.ListIn(ctx, tx, personID)
	if err != nil {
		return err
	}
	for _, k := range list {
		if _, err := s.passkeys.Remove(ctx, tx, personID, k.ID, true, ip); err != nil {
			return err
		}
	}
	return nil
}

// setUp stores that a person is here, ends every link and session they had, and
// begins a session.
func (s *Service) setUp(ctx context.Context, tx *db.Tx, p Person, name string, c Client) (string, error) {
	for _, q := range []string{`DELETE FROM staff_link WHERE person_id = $1`, `DELETE FROM staff_session WHERE person_id = $1`} {
		if _, err := tx.Exec(ctx, q, p.ID); err != nil {
			return "", err
		}
	}
	_, err := tx.Exec(ctx, `UPDATE staff_person SET name = $2, set_up_at = CASE WHEN set_up_at = 0 THEN $3 ELSE set_up_at END, failed = 0, locked_until = 0
		WHERE id = $1`, p.ID, name, db.Micros(tx.Now))
	if err != nil {
		return "", err
	}
	if err := record(ctx, tx, actor{kind: "staff", id: p.ID, from: c.IP}, "staff.set-up", "person", p.ID, nil); err != nil {
		return "", err
	}
	return begin(ctx, tx, p.ID)
}

// actor is who does something, for the audit log.
type actor struct{ kind, id, from string }

// record leaves what was done.
func record(ctx context.Context, tx *db.Tx, a actor, action Action, object, id string, details map[string]string) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: a.kind, ActorID: a.id, Action: string(action), Object: object, ObjectID: id,
		Outcome: audit.OK, From: a.from, Details: details})
}

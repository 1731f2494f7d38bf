package staff

import (
	"context"
	"database/sql"
	"time"

	"standfast/internal/db"
)

// Kinds of organisations.
const (
	Issuer   = "issuer"
	Supplier = "supplier"
)

// Organisation is whom staff work for.
type Organisation struct {
	ID        string
	Kind      string // Issuer or Supplier
	Name      string
	CreatedAt time.Time
	EndedAt   time.Time // zero: not
	People    int       // who have not ended
}

// Person is somebody who works here.
type Person struct {
	ID           string
	Name         string
	Role         Role
	Organisation Organisation // without its number of people
	Until        time.Time    // a supplier's person signs in before then; zero: no end
	CreatedAt    time.Time
	SetUpAt      time.Time // zero: has not used the link yet
	EndedAt      time.Time // zero: not
	LockedUntil  time.Time

	failed int64
}

// Standing is whether a person may come in.
type Standing string

// The standings.
const (
	Active  Standing = "active"
	Invited Standing = "invited" // has not used the link yet
	Locked  Standing = "locked"  // until LockedUntil
	Expired Standing = "expired" // the date has passed; can be renewed
	Ended   Standing = "ended"   // for good, alone or with the organisation
)

// Standing gives a person's standing at a time.
func (p Person) Standing(now time.Time) Standing {
	switch {
	case !p.EndedAt.IsZero() || !p.Organisation.EndedAt.IsZero():
		return Ended
	case !p.Until.IsZero() && !now.Before(p.Until):
		return Expired
	case p.SetUpAt.IsZero():
		return Invited
	case now.Before(p.LockedUntil):
		return Locked
	}
	return Active
}

const personColumns = `p.id, p.name, p.role, p.until, p.created_at, p.set_up_at, p.ended_at, p.failed, p.locked_until,
	o.id, o.kind, o.name, o.created_at, o.ended_at FROM staff_person p JOIN staff_organisation o ON o.id = p.organisation_id`

func scanPerson(row interface{ Scan(...any) error }) (p Person, err error) {
	var until, created, setUp, ended, locked, since, over int64
	err = row.Scan(&p.ID, &p.Name, &p.Role, &until, &created, &setUp, &ended, &p.failed, &locked,
		&p.Organisation.ID, &p.Organisation.Kind, &p.Organisation.Name, &since, &over)
	p.Until, p.CreatedAt, p.SetUpAt = db.FromMicros(until), db.FromMicros(created), db.FromMicros(setUp)
	p.EndedAt, p.LockedUntil = db.FromMicros(ended), db.FromMicros(locked)
	p.Organisation.CreatedAt, p.Organisation.EndedAt = db.FromMicros(since), db.FromMicros(over)
	return p, err
}

// person reads somebody. Errors: NotFound.
func person(ctx context.Context, tx *db.Tx, id string) (Person, error) {
	if !db.ValidID(id) {
		return Person{}, noPerson()
	}
	p, err := scanPerson(tx.QueryRow(ctx, `SELECT `+personColumns+` WHERE p.id = $1`, id))
	if err == db.ErrNoRows {
		return Person{}, noPerson()
	}
	return p, err
}

// lockedPerson reads somebody while nobody else counts their tries or ends them.
func lockedPerson(ctx context.Context, tx *db.Tx, id string) (Person, error) {
	if tx.Engine() == db.PostgreSQL && db.ValidID(id) {
		if _, err := tx.Exec(ctx, `SELECT 1 FROM staff_person WHERE id = $1 FOR UPDATE`, id); err != nil {
			return Person{}, err
		}
	}
	return person(ctx, tx, id)
}

func people(ctx context.Context, tx *db.Tx) ([]Person, error) {
	rows, err := tx.Query(ctx, `SELECT `+personColumns+` ORDER BY p.created_at, p.id`)
	return db.Collect(rows, err, func(r *sql.Rows) (Person, error) { return scanPerson(r) })
}

func (p Person) insert(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO staff_person (id, organisation_id, name, role, until, created_at, set_up_at, ended_at, failed, locked_until)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, 0)`,
		p.ID, p.Organisation.ID, p.Name, string(p.Role), db.Micros(p.Until), db.Micros(tx.Now))
	return err
}

const organisationColumns = `SELECT o.id, o.kind, o.name, o.created_at, o.ended_at,
	(SELECT count(*) FROM staff_person p WHERE p.organisation_id = o.id AND p.ended_at = 0) FROM staff_organisation o`

func scanOrganisation(row interface{ Scan(...any) error }) (o Organisation, err error) {
	var created, ended int64
	err = row.Scan(&o.ID, &o.Kind, &o.Name, &created, &ended, &o.People)
	o.CreatedAt, o.EndedAt = db.FromMicros(created), db.FromMicros(ended)
	return o, err
}

func organisations(ctx context.Context, tx *db.Tx) ([]Organisation, error) {
	rows, err := tx.Query(ctx, organisationColumns+` ORDER BY o.created_at, o.id`)
	return db.Collect(rows, err, func(r *sql.Rows) (Organisation, error) { return scanOrganisation(r) })
}

// organisation reads one. Errors: NotFound.
func organisation(ctx context.Context, tx *db.Tx, id string) (Organisation, error) {
	if !db.ValidID(id) {
		return Organisation{}, noOrganisation()
	}
	o, err := scanOrganisation(tx.QueryRow(ctx, organisationColumns+` WHERE o.id = $1`, id))
	if err == db.ErrNoRows {
		return Organisation{}, noOrganisation()
	}
	return o, err
}

// takeTurn makes changes of rights take turns: of two operators who end each
// other at once, one finds the other gone.
func takeTurn(ctx context.Context, tx *db.Tx) error {
	if tx.Engine() != db.PostgreSQL {
		return nil // one transaction writes at a time
	}
	_, err := tx.Exec(ctx, `SELECT 1 FROM staff_organisation WHERE kind = 'issuer' FOR UPDATE`)
	return err
}

// anotherOperator tells whether somebody beside a person can sign in and is an
// operator. One who is locked counts: the lock ends.
func anotherOperator(ctx context.Context, tx *db.Tx, than string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM staff_person p JOIN staff_organisation o ON o.id = p.organisation_id
		WHERE p.role = 'operator' AND p.set_up_at <> 0 AND p.ended_at = 0 AND o.ended_at = 0 AND p.id <> $1`, than).Scan(&n)
	return n > 0, err
}

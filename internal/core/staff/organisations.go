package staff

import (
	"context"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Organisations lists all, the issuer first. Errors: Forbidden.
func (s *Service) Organisations(ctx context.Context, sess Session, c Client) (list []Organisation, err error) {
	err = s.look(ctx, sess, c, func(tx *db.Tx) error {
		list, err = organisations(ctx, tx)
		return err
	})
	return list, err
}

// AddOrganisation adds a supplier. Errors: Forbidden, Invalid.
func (s *Service) AddOrganisation(ctx context.Context, sess Session, c Client, name string) (o Organisation, err error) {
	if name, err = readName("body.name", name); err != nil {
		return o, err
	}
	err = s.act(ctx, sess, c, AddOrganisation, "", func(d doing) error {
		o = Organisation{ID: db.NewID(), Kind: Supplier, Name: name, CreatedAt: d.tx.Now}
		_, err := d.tx.Exec(ctx, `INSERT INTO staff_organisation (id, kind, name, created_at, ended_at) VALUES ($1, $2, $3, $4, 0)`,
			o.ID, o.Kind, o.Name, db.Micros(d.tx.Now))
		if err != nil {
			return err
		}
		return d.done(ctx, "organisation", o.ID, map[string]string{"name": o.Name})
	})
	return o, err
}

// EndOrganisation ends a supplier, and with it all its people at once: their next
// requests are refused. Errors: Forbidden; NotFound; Conflict for the issuer and
// for one that has ended.
func (s *Service) EndOrganisation(ctx context.Context, sess Session, c Client, id string) error {
	return s.act(ctx, sess, c, EndOrganisation, id, func(d doing) error {
		o, err := organisation(ctx, d.tx, id)
		if err != nil {
			return err
		}
		if o.Kind == Issuer {
			return fault.New(fault.Conflict, "staff.issuer", "The issuer itself cannot be ended.")
		}
		if !o.EndedAt.IsZero() {
			return fault.New(fault.Conflict, "staff.organisation-ended", "This organisation has ended already.")
		}
		for _, q := range []string{
			`DELETE FROM staff_session WHERE person_id IN (SELECT id FROM staff_person WHERE organisation_id = $1)`,
			`DELETE FROM staff_link WHERE person_id IN (SELECT id FROM staff_person WHERE organisation_id = $1)`,
		} {
			if _, err := d.tx.Exec(ctx, q, id); err != nil {
				return err
			}
		}
		if _, err := d.tx.Exec(ctx, `UPDATE staff_organisation SET ended_at = $2 WHERE id = $1`, id, db.Micros(d.tx.Now)); err != nil {
			return err
		}
		return d.done(ctx, "organisation", id, map[string]string{"name": o.Name})
	})
}

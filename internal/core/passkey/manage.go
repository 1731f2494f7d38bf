package passkey

import (
	"context"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// List gives an owner's passkeys, the oldest first.
func (s *Service) List(ctx context.Context, owner string) (list []Passkey, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		list, err = s.ListIn(ctx, tx, owner)
		return err
	})
	return list, err
}

// ListIn is List inside a transaction.
func (s *Service) ListIn(ctx context.Context, tx *db.Tx, owner string) ([]Passkey, error) {
	rows, err := s.owned(ctx, tx, owner)
	list := make([]Passkey, len(rows))
	for i, r := range rows {
		list[i] = r.public()
	}
	return list, err
}

// Has tells whether an owner has a passkey.
func (s *Service) Has(ctx context.Context, tx *db.Tx, owner string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM passkey WHERE kind = $1 AND owner_id = $2`, string(s.conf.Kind), owner).Scan(&n)
	return n > 0, err
}

// AddedSince tells whether an owner has a passkey that was added after an instant.
func (s *Service) AddedSince(ctx context.Context, tx *db.Tx, owner string, since time.Time) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM passkey WHERE kind = $1 AND owner_id = $2 AND created_at > $3`, string(s.conf.Kind), owner, db.Micros(since)).Scan(&n)
	return n > 0, err
}

// Rename gives one of an owner's passkeys another name. Errors: NotFound; Invalid
// for a name that cannot be read.
func (s *Service) Rename(ctx context.Context, tx *db.Tx, owner, id, name, ip string) (Passkey, error) {
	name, err := readName(name)
	if err != nil {
		return Passkey{}, err
	}
	r, err := s.locked(ctx, tx, owner, id)
	if err != nil {
		return Passkey{}, err
	}
	r.Name = name
	r.version++
	if _, err := tx.Exec(ctx, `UPDATE passkey SET name = $2, version = $3 WHERE id = $1`, r.ID, r.Name, r.version); err != nil {
		return Passkey{}, err
	}
	if err := r.changed(ctx, tx, "renamed"); err != nil {
		return Passkey{}, err
	}
	return r.public(), r.record(ctx, tx, "passkey.rename", audit.OK, ip, nil)
}

// Remove takes one of an owner's passkeys away. otherWay says whether the owner
// can still sign in without any passkey; otherwise the last one stays, and the
// error is Conflict. Errors: NotFound.
func (s *Service) Remove(ctx context.Context, tx *db.Tx, owner, id string, otherWay bool, ip string) (Passkey, error) {
	r, err := s.locked(ctx, tx, owner, id)
	if err != nil {
		return Passkey{}, err
	}
	list, err := s.owned(ctx, tx, owner)
	if err != nil {
		return Passkey{}, err
	}
	if len(list) == 1 && !otherWay {
		return Passkey{}, fault.New(fault.Conflict, "passkey.last", "This is your only way to sign in. Please add another one first.")
	}
	if _, err := tx.Exec(ctx, `DELETE FROM passkey WHERE id = $1`, r.ID); err != nil {
		return Passkey{}, err
	}
	r.version++
	if err := r.changed(ctx, tx, "removed"); err != nil {
		return Passkey{}, err
	}
	return r.public(), r.record(ctx, tx, "passkey.remove", audit.OK, ip, nil)
}

// locked gives an owner's passkey while nobody else changes any of theirs.
func (s *Service) locked(ctx context.Context, tx *db.Tx, owner, id string) (row, error) {
	if !db.ValidID(owner) || !db.ValidID(id) {
		return row{}, notFound()
	}
	if _, err := s.lockOwner(ctx, tx, owner); err != nil && err != db.ErrNoRows {
		return row{}, err
	}
	r, err := s.one(ctx, tx, `p.id`, id)
	if err == db.ErrNoRows || err == nil && r.OwnerID != owner {
		return row{}, notFound()
	}
	return r, err
}

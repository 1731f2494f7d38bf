// Package member keeps the people who hold accounts: how they are called and
// reached, and which accounts they hold in which role.
//
// A member who does not exist, an identifier that cannot exist and somebody
// else's account all get the same answer (fault.NotFound with one code and text
// each), so that nobody learns by asking what there is.
package member

import (
	"context"
	"errors"
	"slices"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Member is a person who may hold accounts.
type Member struct {
	ID          string
	Ref         string // the issuer's own key of the person
	Username    string // as the member wrote it; compared in another form, see usernameKey
	DisplayName string
	Email       string // "" when unknown
	Phone       string // E.164, or ""
	Locale      string // BCP 47
	Region      string // home cell, as "us"
	BirthDate   string // YYYY-MM-DD, or ""
	Synthetic   bool   // one of ours: invisible in business figures, reaches no rail
	CreatedAt   time.Time
	Version     int64
}

// Store keeps members and holders.
type Store struct {
	db    *db.DB
	cache *holdingsCache
	known *known
}

// New makes a store.
func New(d *db.DB) *Store {
	return &Store{db: d, cache: newHoldingsCache(), known: newKnown()}
}

const columns = `id, ref, username, display_name, email, phone, locale, region, birth_date, synthetic, created_at, version`

// ByID gives a member, or fault.NotFound.
func (s *Store) ByID(ctx context.Context, id string) (Member, error) {
	if !db.ValidID(id) {
		return Member{}, notFound()
	}
	return s.one(ctx, `SELECT `+columns+` FROM member WHERE id = $1`, id)
}

// ByIDTx is ByID inside the caller's transaction.
func (s *Store) ByIDTx(ctx context.Context, tx *db.Tx, id string) (Member, error) {
	if !db.ValidID(id) {
		return Member{}, notFound()
	}
	return scan(tx.QueryRow(ctx, `SELECT `+columns+` FROM member WHERE id = $1`, id))
}

// ByUsername gives the member who signs in with username, in whatever case it
// was typed, or fault.NotFound.
func (s *Store) ByUsername(ctx context.Context, username string) (Member, error) {
	key, err := usernameKey(username)
	if err != nil {
		return Member{}, notFound()
	}
	return s.one(ctx, `SELECT `+columns+` FROM member WHERE username_key = $1`, key)
}

// ByRef gives the member whom the issuer knows as ref, or fault.NotFound.
func (s *Store) ByRef(ctx context.Context, ref string) (Member, error) {
	if !plain(ref, 1, maxRef) {
		return Member{}, notFound()
	}
	return s.one(ctx, `SELECT `+columns+` FROM member WHERE ref = $1`, ref)
}

// IDsByRefs gives the ids of members by the issuer's references; unknown ones are
// left out.
func (s *Store) IDsByRefs(ctx context.Context, refs []string) (ids map[string]string, err error) {
	refs = slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return !plain(ref, 1, maxRef) })
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		where, arg := tx.In("ref", "text", 1, refs)
		rows, err := tx.Query(ctx, `SELECT ref, id FROM member WHERE `+where, arg)
		if err != nil {
			return err
		}
		defer rows.Close()
		for ids = map[string]string{}; rows.Next(); {
			var ref, id string
			if err := rows.Scan(&ref, &id); err != nil {
				return err
			}
			ids[ref] = id
		}
		return rows.Err()
	})
	return ids, err
}

func (s *Store) one(ctx context.Context, query, arg string) (m Member, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		m, err = scan(tx.QueryRow(ctx, query, arg))
		return err
	})
	return m, err
}

func scan(row interface{ Scan(...any) error }) (m Member, err error) {
	var created int64
	err = row.Scan(&m.ID, &m.Ref, &m.Username, &m.DisplayName, &m.Email, &m.Phone, &m.Locale, &m.Region,
		&m.BirthDate, &m.Synthetic, &created, &m.Version)
	if errors.Is(err, db.ErrNoRows) {
		return Member{}, notFound()
	}
	m.CreatedAt = db.FromMicros(created)
	return m, err
}

func notFound() error {
	return fault.New(fault.NotFound, "member.not-found", "We could not find this member.")
}

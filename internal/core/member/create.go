package member

import (
	"context"
	"time"

	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Spec is what Create needs. Limits are in validate.go.
type Spec struct {
	Ref         string // the issuer's own key of the person; the new ID when empty
	Username    string
	DisplayName string
	Email       string // optional
	Phone       string // optional, international form
	Locale      string // en-US when empty
	Region      string // home cell; may be empty where there is only one
	BirthDate   string // optional, YYYY-MM-DD
	Synthetic   bool
}

// Created is what became of one Spec of CreateAll.
type Created struct {
	Member Member
	Err    error // why there is no member
}

// Create adds a member. A field that breaks a rule gives fault.Invalid naming
// every such field; a username that is taken or looks like one, or a ref that is taken gives fault.Conflict, and
// the transaction stays usable.
func (s *Store) Create(ctx context.Context, tx *db.Tx, n Spec) (Member, error) {
	list, err := s.CreateAll(ctx, tx, []Spec{n})
	if err != nil {
		return Member{}, err
	}
	return list[0].Member, list[0].Err
}

// CreateAll is Create for many, in a few statements for all of them. Each spec has
// a result of its own, in the order of specs; one that is refused leaves the others.
func (s *Store) CreateAll(ctx context.Context, tx *db.Tx, specs []Spec) ([]Created, error) {
	list, keys := make([]Created, len(specs)), make([]string, len(specs))
	for i, n := range specs {
		list[i].Member, keys[i], list[i].Err = fromSpec(n, tx.Now)
	}
	taken, err := findTaken(ctx, tx, list, keys)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	var changes []outbox.Change
	for i := range list {
		c := &list[i]
		if c.Err == nil {
			c.Err = taken.claim(keys[i], c.Member.Ref)
		}
		if c.Err != nil {
			c.Member = Member{}
			continue
		}
		rows, changes = append(rows, c.Member.row(keys[i])), append(changes, c.Member.change("created"))
	}
	if err := tx.InsertAll(ctx, table, rows); err != nil {
		return nil, err
	}
	return list, outbox.Append(ctx, tx, changes...)
}

func fromSpec(n Spec, now time.Time) (m Member, key string, err error) {
	m = Member{ID: db.NewID(), Synthetic: n.Synthetic, CreatedAt: now, Version: 1}
	if n.Ref == "" {
		n.Ref = m.ID
	}
	key, err = m.fill(n)
	return m, key, err
}

// table has the columns in the order of row.
var table = db.Into{Table: "member", Columns: `id uuid, ref text, username text, display_name text, email text, phone text, locale text,
	region text, birth_date text, synthetic boolean, created_at bigint, version bigint, username_key text, username_look text`}

func (m Member) row(key string) []any {
	return []any{m.ID, m.Ref, m.Username, m.DisplayName, m.Email, m.Phone, m.Locale,
		m.Region, m.BirthDate, m.Synthetic, db.Micros(m.CreatedAt), m.Version, key, skeleton(key)}
}

// taken is which usernames, by how they look, and references are in use.
type taken struct{ names, refs map[string]bool }

// findTaken looks up which of those that list asks for are in use.
func findTaken(ctx context.Context, tx *db.Tx, list []Created, keys []string) (taken, error) {
	t := taken{map[string]bool{}, map[string]bool{}}
	var names, refs []string
	for i, c := range list {
		if c.Err == nil {
			names, refs = append(names, skeleton(keys[i])), append(refs, c.Member.Ref)
		}
	}
	if err := findInUse(ctx, tx, "username_look", names, t.names); err != nil {
		return t, err
	}
	return t, findInUse(ctx, tx, "ref", refs, t.refs)
}

func findInUse(ctx context.Context, tx *db.Tx, column string, list []string, used map[string]bool) error {
	where, arg := tx.In(column, "text", 1, list)
	rows, err := tx.Query(ctx, `SELECT `+column+` FROM member WHERE `+where, arg)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			return err
		}
		used[value] = true
	}
	return rows.Err()
}

// claim takes a username and a reference, or says which of them is in use.
func (t taken) claim(usernameKey, ref string) error {
	look := skeleton(usernameKey) // the same for names that are compared as the same
	switch {
	case t.names[look]:
		return usernameTaken()
	case t.refs[ref]:
		return fault.New(fault.Conflict, "member.ref-taken", "A member with this reference exists already.")
	}
	t.names[look], t.refs[ref] = true, true
	return nil
}

// published is a member's form in the outbox.
type published struct {
	ID          string `json:"id"`
	Ref         string `json:"ref"`
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Email       string `json:"email"`
	Phone       string `json:"phone"`
	Locale      string `json:"locale"`
	Region      string `json:"region"`
	Synthetic   bool   `json:"synthetic,omitempty"`
}

func (m Member) change(kind string) outbox.Change {
	return outbox.Change{Entity: "member", EntityID: m.ID, Kind: kind, Version: m.Version,
		Payload: published{m.ID, m.Ref, m.Username, m.DisplayName, m.Email, m.Phone, m.Locale, m.Region, m.Synthetic}}
}

func (m Member) publish(ctx context.Context, tx *db.Tx, kind string) error {
	return outbox.Append(ctx, tx, m.change(kind))
}

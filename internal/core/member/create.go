package member

import (
	"context"

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

// Create adds a member. A field that breaks a rule gives fault.Invalid naming
// every such field; a username or ref that is taken gives fault.Conflict, and
// the transaction stays usable.
func (s *Store) Create(ctx context.Context, tx *db.Tx, n Spec) (Member, error) {
	m := Member{ID: db.NewID(), Synthetic: n.Synthetic, CreatedAt: tx.Now, Version: 1}
	if n.Ref == "" {
		n.Ref = m.ID
	}
	key, err := m.fill(n)
	if err != nil {
		return Member{}, err
	}
	added, err := tx.Exec(ctx, `INSERT INTO member (`+columns+`, username_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		m.ID, m.Ref, m.Username, m.DisplayName, m.Email, m.Phone, m.Locale, m.Region,
		m.BirthDate, m.Synthetic, db.Micros(m.CreatedAt), m.Version, key)
	if err != nil {
		return Member{}, err
	}
	if added == 0 {
		return Member{}, taken(ctx, tx, key)
	}
	return m, m.publish(ctx, tx, "created")
}

// taken says which unique key an insert met.
func taken(ctx context.Context, tx *db.Tx, usernameKey string) error {
	var same int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM member WHERE username_key = $1`, usernameKey).Scan(&same); err != nil {
		return err
	}
	if same > 0 {
		return fault.New(fault.Conflict, "member.username-taken", "This username is taken. Please choose another.")
	}
	return fault.New(fault.Conflict, "member.ref-taken", "A member with this reference exists already.")
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

func (m Member) publish(ctx context.Context, tx *db.Tx, kind string) error {
	return outbox.Append(ctx, tx, outbox.Change{
		Entity: "member", EntityID: m.ID, Kind: kind, Version: m.Version,
		Payload: published{m.ID, m.Ref, m.Username, m.DisplayName, m.Email, m.Phone, m.Locale, m.Region, m.Synthetic},
	})
}

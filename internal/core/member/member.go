// Package member keeps the people who hold accounts: how they are called and
// reached, and which accounts they hold in which role.
package member

import (
	"context"
	"errors"
	"time"

	"standfast/internal/db"
)

// Member is a person who may hold accounts.
type Member struct {
	ID, Ref, Username, DisplayName, Email, Phone, Locale, Region string

	BirthDate string // YYYY-MM-DD, or ""
	Synthetic bool   // one of ours: invisible in business figures, reaches no rail
	CreatedAt time.Time
	Version   int64
}

// Spec is what Create needs.
type Spec struct {
	Ref         string // the issuer's own key of the person; the new ID when empty
	Username    string
	DisplayName string
	Email       string
	Phone       string
	Locale      string
	Region      string
	BirthDate   string
	Synthetic   bool
}

// Roles of a holder.
const (
	Owner      = "owner"
	Joint      = "joint"
	Authorized = "authorized"
)

// Holding is one member's share in one account.
type Holding struct {
	AccountID string
	Role      string // Owner, Joint or Authorized
}

// Holder is a member of an account.
type Holder struct {
	MemberID string
	Role     string
}

// Contacts is how a member is reached.
type Contacts struct{ Email, Phone string }

// By is who asks for a change, for the audit log.
type By struct{ Actor, ActorID, From string }

// Store keeps members.
type Store struct{}

var errSoon = errors.New("member: being built")

// New makes a store.
func New(d *db.DB) *Store { return &Store{} }

func (s *Store) Create(ctx context.Context, tx *db.Tx, n Spec) (Member, error) {
	return Member{}, errSoon
}
func (s *Store) ByID(ctx context.Context, id string) (Member, error) { return Member{}, errSoon }
func (s *Store) ByUsername(ctx context.Context, username string) (Member, error) {
	return Member{}, errSoon
}
func (s *Store) ByRef(ctx context.Context, ref string) (Member, error) { return Member{}, errSoon }
func (s *Store) SetContacts(ctx context.Context, tx *db.Tx, id string, c Contacts, by By) (Member, error) {
	return Member{}, errSoon
}
func (s *Store) SetLocale(ctx context.Context, tx *db.Tx, id, locale string) (Member, error) {
	return Member{}, errSoon
}
func (s *Store) AddHolder(ctx context.Context, tx *db.Tx, memberID, accountID, role string) error {
	return errSoon
}
func (s *Store) RemoveHolder(ctx context.Context, tx *db.Tx, memberID, accountID string) error {
	return errSoon
}
func (s *Store) Holdings(ctx context.Context, memberID string) ([]Holding, error) {
	return nil, errSoon
}
func (s *Store) Holders(ctx context.Context, accountID string) ([]Holder, error) { return nil, errSoon }
func (s *Store) Holds(ctx context.Context, memberID, accountID string) (Holding, error) {
	return Holding{}, errSoon
}

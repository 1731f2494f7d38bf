package member

import (
	"context"
	"strings"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// MayCall tells whether a member may have a username. Errors: Invalid for what is
// none, Conflict for one that somebody else has, or that looks like it.
func (s *Store) MayCall(ctx context.Context, tx *db.Tx, id, username string) error {
	key, err := usernameKey(username)
	if err != nil {
		return fault.InvalidFields(badUsername(err))
	}
	var others int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM member WHERE username_look = $1 AND id <> $2`, skeleton(key), id).Scan(&others); err != nil {
		return err
	}
	if others > 0 {
		return usernameTaken()
	}
	return nil
}

// SetUsername gives a member a username. Errors: as MayCall's. Of two members who
// want the same one at once, one gets it; the other's transaction is over.
func (s *Store) SetUsername(ctx context.Context, tx *db.Tx, id, username string) (Member, error) {
	if err := s.MayCall(ctx, tx, id, username); err != nil {
		return Member{}, err
	}
	key, err := usernameKey(username)
	if err != nil {
		return Member{}, err
	}
	m, err := s.change(ctx, tx, "username-changed", `UPDATE member SET username = $2, username_key = $3, username_look = $4, version = version + 1
		WHERE id = $1 RETURNING `+columns, id, strings.TrimSpace(username), key, skeleton(key))
	if db.IsUnique(err) {
		return Member{}, usernameTaken()
	}
	return m, err
}

func usernameTaken() error {
	return fault.New(fault.Conflict, "member.username-taken", "This username is taken. Please choose another.")
}

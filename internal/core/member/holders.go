package member

import (
	"context"
	"database/sql"

	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Roles of a holder.
const (
	Owner      = "owner"      // whose account it is
	Joint      = "joint"      // owns it too, with the same rights
	Authorized = "authorized" // may use it, owes nothing
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

// Share is a member's share in an account.
type Share struct {
	MemberID, AccountID string
	Role                string // Owner, Joint or Authorized
}

func (h Share) check() error {
	if !db.ValidID(h.MemberID) || !db.ValidID(h.AccountID) {
		return notHeld()
	}
	if h.Role != Owner && h.Role != Joint && h.Role != Authorized {
		return fault.InvalidField("body.role", "member.role", "A role is owner, joint or authorized.")
	}
	return nil
}

// AddHolder gives a member a role in an account, replacing the role that the
// member had in it.
func (s *Store) AddHolder(ctx context.Context, tx *db.Tx, memberID, accountID, role string) error {
	if err := (Share{memberID, accountID, role}).check(); err != nil {
		return err
	}
	var version int64
	err := tx.QueryRow(ctx, `INSERT INTO holder (member_id, account_id, role, removed, changed_at, version) VALUES ($1, $2, $3, $4, $5, 1)
		ON CONFLICT (member_id, account_id) DO UPDATE SET role = excluded.role, removed = excluded.removed,
			changed_at = excluded.changed_at, version = holder.version + 1
		RETURNING version`, memberID, accountID, role, false, db.Micros(tx.Now)).Scan(&version)
	if err != nil {
		return fault.Wrap(fault.Internal, "member.holder", "We could not record who holds this account.", err)
	}
	return s.holderChanged(ctx, tx, memberID, accountID, role, version)
}

// RemoveHolder takes a member off an account, or gives fault.NotFound.
func (s *Store) RemoveHolder(ctx context.Context, tx *db.Tx, memberID, accountID string) error {
	if !db.ValidID(memberID) || !db.ValidID(accountID) {
		return notHeld()
	}
	var version int64
	err := tx.QueryRow(ctx, `UPDATE holder SET removed = $3, changed_at = $4, version = version + 1
		WHERE member_id = $1 AND account_id = $2 AND removed <> $3 RETURNING version`,
		memberID, accountID, true, db.Micros(tx.Now)).Scan(&version)
	if err == db.ErrNoRows {
		return notHeld()
	}
	if err != nil {
		return err
	}
	return s.holderChanged(ctx, tx, memberID, accountID, "", version)
}

// AddHolders is AddHolder for many, in a few statements for all of them. Each
// result is nil or why that share was refused, which leaves the others. A pair of
// member and account may be there once.
func (s *Store) AddHolders(ctx context.Context, tx *db.Tx, shares []Share) ([]error, error) {
	refused := make([]error, len(shares))
	there, err := findShares(ctx, tx, shares)
	if err != nil {
		return nil, err
	}
	var rows [][]any
	var changes []outbox.Change
	for i, h := range shares {
		if refused[i] = h.check(); refused[i] != nil {
			continue
		}
		if there[[2]string{h.MemberID, h.AccountID}] {
			if err := s.AddHolder(ctx, tx, h.MemberID, h.AccountID, h.Role); err != nil {
				return nil, err
			}
			continue
		}
		rows = append(rows, []any{h.MemberID, h.AccountID, h.Role, false, db.Micros(tx.Now), 1})
		changes = append(changes, h.change(1))
		tx.AfterCommit(func() { s.cache.forget(h.MemberID) })
	}
	if err := tx.InsertAll(ctx, holderTable, rows); err != nil {
		return nil, err
	}
	return refused, outbox.Append(ctx, tx, changes...)
}

var holderTable = db.Into{Table: "holder", Columns: `member_id uuid, account_id uuid, role text, removed boolean, changed_at bigint, version bigint`}

// findShares tells which pairs of member and account have a row, by these ids.
func findShares(ctx context.Context, tx *db.Tx, shares []Share) (map[[2]string]bool, error) {
	var accounts []string
	for _, h := range shares {
		if db.ValidID(h.AccountID) {
			accounts = append(accounts, h.AccountID)
		}
	}
	where, arg := tx.In("account_id", "uuid", 1, accounts)
	rows, err := tx.Query(ctx, `SELECT member_id, account_id FROM holder WHERE `+where, arg)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	there := map[[2]string]bool{}
	for rows.Next() {
		var pair [2]string
		if err := rows.Scan(&pair[0], &pair[1]); err != nil {
			return nil, err
		}
		there[pair] = true
	}
	return there, rows.Err()
}

// holderChanged publishes a holder (no role: removed) and forgets what is cached.
func (s *Store) holderChanged(ctx context.Context, tx *db.Tx, memberID, accountID, role string, version int64) error {
	tx.AfterCommit(func() { s.cache.forget(memberID) })
	return outbox.Append(ctx, tx, Share{memberID, accountID, role}.change(version))
}

func (h Share) change(version int64) outbox.Change {
	return outbox.Change{Entity: "holder", EntityID: h.MemberID + "/" + h.AccountID, Kind: "changed", Version: version,
		Payload: map[string]string{"member_id": h.MemberID, "account_id": h.AccountID, "role": h.Role}}
}

// SharesTx gives what members hold, in one query.
func (s *Store) SharesTx(ctx context.Context, tx *db.Tx, memberIDs []string) ([]Share, error) {
	these, arg := tx.In("member_id", "uuid", 1, memberIDs)
	rows, err := tx.Query(ctx, `SELECT member_id, account_id, role FROM holder WHERE `+these+` AND NOT removed ORDER BY member_id, account_id`, arg)
	return db.Collect(rows, err, func(r *sql.Rows) (h Share, err error) { return h, r.Scan(&h.MemberID, &h.AccountID, &h.Role) })
}

// Holdings gives the accounts of a member, oldest first. It asks the database;
// Holds does not in the normal case.
func (s *Store) Holdings(ctx context.Context, memberID string) ([]Holding, error) {
	if !db.ValidID(memberID) {
		return nil, nil
	}
	return list(ctx, s.db, `SELECT account_id, role FROM holder WHERE member_id = $1 AND removed = $2 ORDER BY account_id`, memberID,
		func(r *sql.Rows) (h Holding, err error) { return h, r.Scan(&h.AccountID, &h.Role) })
}

// Holders gives the members of an account, the owner first.
func (s *Store) Holders(ctx context.Context, accountID string) ([]Holder, error) {
	if !db.ValidID(accountID) {
		return nil, nil
	}
	return list(ctx, s.db, `SELECT member_id, role FROM holder WHERE account_id = $1 AND removed = $2
		ORDER BY CASE role WHEN 'owner' THEN 0 WHEN 'joint' THEN 1 ELSE 2 END, member_id`, accountID,
		func(r *sql.Rows) (h Holder, err error) { return h, r.Scan(&h.MemberID, &h.Role) })
}

func list[T any](ctx context.Context, d *db.DB, query, id string, scan func(*sql.Rows) (T, error)) (all []T, err error) {
	err = d.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, query, id, false)
		all, err = db.Collect(rows, err, scan)
		return err
	})
	return all, err
}

// Holds gives a member's share in an account. An account that does not exist,
// one of somebody else and an id that cannot be one give the same
// fault.NotFound. The answer may be two seconds old where another process
// changed it (see holdingsCache); changes by this process are seen at once.
func (s *Store) Holds(ctx context.Context, memberID, accountID string) (Holding, error) {
	if !db.ValidID(accountID) {
		return Holding{}, notHeld()
	}
	held, err := s.held(ctx, memberID)
	if err != nil {
		return Holding{}, err
	}
	role, ok := held[accountID]
	if !ok {
		return Holding{}, notHeld()
	}
	return Holding{AccountID: accountID, Role: role}, nil
}

// held gives a member's roles by account, from the cache where it can.
func (s *Store) held(ctx context.Context, memberID string) (map[string]string, error) {
	now := s.db.Now()
	if roles, ok := s.cache.get(memberID, now); ok {
		return roles, nil
	}
	generation := s.cache.generation()
	holdings, err := s.Holdings(ctx, memberID)
	if err != nil {
		return nil, err
	}
	if len(holdings) == 0 { // hardly a member has none: that is not believed at once
		if err := s.db.Sound(ctx); err != nil {
			return nil, err
		}
	}
	roles := make(map[string]string, len(holdings))
	for _, h := range holdings {
		roles[h.AccountID] = h.Role
	}
	s.cache.put(memberID, roles, now, generation)
	return roles, nil
}

func notHeld() error {
	return fault.New(fault.NotFound, "account.not-found", "We could not find this account.")
}

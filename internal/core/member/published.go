package member

import (
	"context"
	"database/sql"
	"strings"

	"standfast/internal/db"
)

// Published is what the cell's stand-in knows of a member. How to reach them is
// not in it: it sends no messages.
type Published struct {
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Locale      string `json:"locale"`
	Region      string `json:"region"`
	Synthetic   bool   `json:"synthetic"`
}

// PublishedTx gives members as the stand-in knows them, by their ids.
func (s *Store) PublishedTx(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	these, arg := tx.In("id", "uuid", 1, ids)
	rows, err := tx.Query(ctx, `SELECT id, username, display_name, locale, region, synthetic FROM member WHERE `+these, arg)
	all := map[string]any{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (p Published, err error) {
		var id string
		err = r.Scan(&id, &p.Username, &p.DisplayName, &p.Locale, &p.Region, &p.Synthetic)
		all[id] = p
		return p, err
	})
	return all, err
}

// IDsTx lists members from just behind an id.
func (s *Store) IDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT id FROM member WHERE id > $1 ORDER BY id LIMIT $2`, db.After(after), limit)
}

// PublishedShare is a holder as the stand-in knows it.
type PublishedShare struct {
	MemberID  string `json:"member_id"`
	AccountID string `json:"account_id"`
	Role      string `json:"role"`
}

// PublishedSharesTx gives shares by MEMBER/ACCOUNT, as the outbox names them;
// those that were taken away are left out.
func (s *Store) PublishedSharesTx(ctx context.Context, tx *db.Tx, pairs []string) (map[string]any, error) {
	members := make([]string, len(pairs))
	for i, p := range pairs {
		members[i], _, _ = strings.Cut(p, "/")
	}
	list, err := s.SharesTx(ctx, tx, members)
	all := make(map[string]any, len(list))
	for _, h := range list {
		all[h.MemberID+"/"+h.AccountID] = PublishedShare(h)
	}
	return all, err
}

// ShareIDsTx lists shares from just behind MEMBER/ACCOUNT, those of one member
// never apart, so that there may be somewhat more than limit.
func (s *Store) ShareIDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	member, _, _ := strings.Cut(after, "/")
	return tx.Strings(ctx, `SELECT CAST(member_id AS TEXT) || '/' || CAST(account_id AS TEXT) FROM holder WHERE NOT removed AND member_id IN
		(SELECT DISTINCT member_id FROM holder WHERE member_id > $1 AND NOT removed ORDER BY member_id LIMIT $2) ORDER BY member_id, account_id`, db.After(member), max(1, limit/4))
}

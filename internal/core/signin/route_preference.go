package signin

import (
	"context"
	"slices"
	"strings"

	"standfast/internal/core/audit"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// CodePreference is how a member wants to get codes.
type CodePreference struct {
	Ways     []string // channels in the order in which they are tried; e-mail is always the last
	ByItself bool     // the next one is used when nothing says that a code has arrived
}

// usualWays are those of a member who has chosen none.
func usualWays() []string {
	return []string{string(notify.Text), string(notify.Voice), string(notify.Email)}
}

func preference(ctx context.Context, tx *db.Tx, memberID string) (p CodePreference, err error) {
	var ways string
	err = tx.QueryRow(ctx, `SELECT ways, by_itself FROM code_preference WHERE member_id = $1`, memberID).Scan(&ways, &p.ByItself)
	if err == db.ErrNoRows {
		return CodePreference{Ways: usualWays()}, nil
	}
	p.Ways = strings.Fields(ways)
	return p, err
}

// CodePreference gives the member's, with the ways that the cell's law allows.
func (s *Service) CodePreference(ctx context.Context, sess Session) (p CodePreference, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		p, err = preference(ctx, tx, sess.MemberID)
		return err
	})
	p.Ways = s.allowed(p.Ways)
	return p, err
}

// SetCodePreference changes it. Errors: Invalid for ways that are none, that
// come twice, or that leave neither text nor voice.
func (s *Service) SetCodePreference(ctx context.Context, sess Session, p CodePreference, c Client) error {
	if err := s.checkWays(p.Ways); err != nil {
		return err
	}
	slices.SortStableFunc(p.Ways, func(a, b string) int { return rank(a) - rank(b) })
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO code_preference (member_id, ways, by_itself, changed_at, seen_at) VALUES ($1, $2, $3, $4, 0)
			ON CONFLICT (member_id) DO UPDATE SET ways = excluded.ways, by_itself = excluded.by_itself, changed_at = excluded.changed_at`,
			sess.MemberID, strings.Join(p.Ways, " "), p.ByItself, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: sess.MemberID, Action: "signin.code-preference", Object: "member",
			ObjectID: sess.MemberID, Outcome: audit.OK, From: c.IP, Details: map[string]string{"ways": strings.Join(p.Ways, " ")}})
	})
}

// rank puts e-mail behind everything else and leaves the rest as it is.
func rank(way string) int {
	if way == string(notify.Email) {
		return 1
	}
	return 0
}

func (s *Service) checkWays(ways []string) error {
	spoken := 0
	for i, w := range ways {
		if !slices.Contains(s.allowed(usualWays()), w) || slices.Contains(ways[:i], w) {
			return fault.InvalidField("body.ways", "signin.ways", "Choose text messages, calls, or both.")
		}
		spoken += 1 - rank(w)
	}
	if spoken == 0 {
		return fault.InvalidField("body.ways", "signin.ways", "Choose text messages, calls, or both.")
	}
	return nil
}

// EmailCodes tells whether the cell's law lets codes go by e-mail at all.
func (s *Service) EmailCodes() bool { return !s.conf.NoEmailCode }

package member

import (
	"context"
	"database/sql"
	"strings"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Mention is how people say who they are before they have a username: by the
// issuer's own number of them, by e-mail address or by telephone number. Some of
// these are shared, so a mention can be of several members.
type Mention struct {
	ref    string
	emails [2]string // in small letters, by both databases' idea of them
	phone  string    // E.164
	key    string    // the same for all ways to write it
}

const maxMention = maxEmail // bytes

// nothing is no telephone number and no address: members who have none are not
// meant by it, as they would be by "".
const nothing = "-"

// ReadMention reads one as people type it. A telephone number has its country's
// code, with +, with 00, or bare.
func ReadMention(typed string) (Mention, error) {
	typed = strings.TrimSpace(typed)
	if len(typed) > maxMention || !plain(typed, 1, maxMention) {
		return Mention{}, fault.InvalidField("body.who", "member.mention", "This is not a member number, an e-mail address or a telephone number.")
	}
	m := Mention{ref: typed, emails: [2]string{nothing, nothing}, phone: nothing, key: typed}
	if strings.Contains(typed, "@") {
		m.key = strings.ToLower(typed)
		m.emails = [2]string{m.key, lowerASCII(typed)}
		return m, nil
	}
	phone := grouped.Replace(typed)
	if rest, ok := strings.CutPrefix(phone, "00"); ok {
		phone = rest
	}
	if phone = "+" + strings.TrimPrefix(phone, "+"); e164.MatchString(phone) {
		m.phone, m.key = phone, phone
	}
	return m, nil
}

func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// Key is the same for every way to write the same mention.
func (m Mention) Key() string { return m.key }

// MentionedTx gives the members who can be meant, most of them at most. It asks
// the same whoever that is.
func (s *Store) MentionedTx(ctx context.Context, tx *db.Tx, m Mention, most int) ([]Member, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM member WHERE ref = $1 OR lower(email) IN ($2, $3) OR phone = $4 LIMIT $5`,
		m.ref, m.emails[0], m.emails[1], m.phone, most)
	return db.Collect(rows, err, func(r *sql.Rows) (Member, error) { return scan(r) })
}

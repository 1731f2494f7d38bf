package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// Limits of a page.
const (
	defaultLimit = 50
	maxLimit     = 500
	maxScan      = 20_000 // rows that one page looks at when a filter matches few
)

// place is a point in an account's postings, newest first: just below the
// transfer it names, where the posted balance was known.
type place struct {
	effectiveAt int64
	id          string
	balance     int64 // posted balance before the transfer, in minor units
}

// firstID and lastID enclose all ids.
const (
	firstID = "00000000-0000-0000-0000-000000000000"
	lastID  = "ffffffff-ffff-ffff-ffff-ffffffffffff"
)

// A cursor is its version, the place, and a sum over both and the account, so that
// one account's cursor is refused for another instead of telling a balance that
// never was.
const (
	cursorVersion = 2
	cursorPlace   = 1 + 8 + 16 + 8
	cursorSum     = 8
)

// cursor gives the opaque form of p. It carries the balance, so that a page costs
// the same however deep it is; whoever forges one deceives nobody else.
func (p place) cursor(accountID string) string {
	id := uuid.MustParse(p.id)
	b := append(make([]byte, 0, cursorPlace+cursorSum), cursorVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(p.effectiveAt))
	b = append(b, id[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(p.balance))
	return base64.RawURLEncoding.EncodeToString(append(b, sumOfCursor(accountID, b)...))
}

func sumOfCursor(accountID string, place []byte) []byte {
	sum := sha256.Sum256(append([]byte(accountID+"/"), place...))
	return sum[:cursorSum]
}

func parseCursor(accountID, s string) (place, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != cursorPlace+cursorSum || b[0] != cursorVersion || !bytes.Equal(b[cursorPlace:], sumOfCursor(accountID, b[:cursorPlace])) {
		return place{}, fault.InvalidField("cursor", "cursor.unknown", "This is not a cursor of this list.")
	}
	return place{int64(binary.BigEndian.Uint64(b[1:])), uuid.UUID(b[9:25]).String(), int64(binary.BigEndian.Uint64(b[25:]))}, nil
}

// Postings lists an account's postings, newest first by EffectiveAt, and the
// cursor of the next page, empty at the end. A hold is listed until it is
// settled; then its settlement is. With a filter that matches few a page can be
// short, even empty, and still have a next one.
func (l *Ledger) Postings(ctx context.Context, accountID string, q PostingQuery) (list []Posting, next string, err error) {
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	q.Limit, q.Text = min(q.Limit, maxLimit), strings.ToLower(strings.TrimSpace(q.Text))
	err = l.db.View(ctx, func(tx *db.Tx) error {
		a, err := readAccount(ctx, tx, accountID)
		if err != nil {
			return err
		}
		at, err := q.start(ctx, tx, a)
		if err != nil {
			return err
		}
		p := &page{account: a, query: q, at: at}
		err = p.fill(ctx, tx)
		list, next = p.list, p.next()
		return err
	})
	return list, next, err
}

// PostingsTx gives an account's newest postings in the caller's transaction.
func (l *Ledger) PostingsTx(ctx context.Context, tx *db.Tx, accountID string, limit int) ([]Posting, error) {
	a, err := readAccount(ctx, tx, accountID)
	if err != nil {
		return nil, err
	}
	q := PostingQuery{Limit: min(limit, maxLimit)}
	at, err := q.start(ctx, tx, a)
	if err != nil {
		return nil, err
	}
	p := &page{account: a, query: q, at: at}
	err = p.fill(ctx, tx)
	return p.list, err
}

// start gives where a page begins: after the cursor, at Until, or at the newest.
func (q PostingQuery) start(ctx context.Context, tx *db.Tx, a *account) (place, error) {
	if q.Cursor != "" {
		return parseCursor(a.id, q.Cursor)
	}
	if q.Until.IsZero() {
		return place{math.MaxInt64, lastID, a.is.posted}, nil
	}
	until := db.Micros(q.Until)
	later, err := effectsFrom(ctx, tx, a.id, until)
	return place{until, firstID, a.is.posted - later.posted}, err
}

// page is a page being filled.
type page struct {
	account *account
	query   PostingQuery
	at      place
	list    []Posting
	scanned int
	ended   bool
}

func (p *page) next() string {
	if p.ended {
		return ""
	}
	return p.at.cursor(p.account.id)
}

// fill reads rows in order until the page is full, the account has no more, or
// enough was looked at.
func (p *page) fill(ctx context.Context, tx *db.Tx) error {
	for !p.ended && len(p.list) < p.query.Limit && p.scanned < maxScan {
		n := p.query.Limit + 1
		if p.scanned > 0 {
			n = maxLimit
		}
		lines, err := p.read(ctx, tx, n)
		if err != nil {
			return err
		}
		for i := range lines {
			if len(p.list) == p.query.Limit {
				return nil
			}
			p.take(lines[i])
		}
		p.ended = len(lines) < n
	}
	return nil
}

// line is a row of an account with the phase of what ended it, if anything did.
type line struct {
	t   *Transfer
	end Phase
}

const pageSide = `SELECT * FROM (SELECT * FROM ledger_transfer WHERE %s = $1 AND effective_at >= $2 AND effective_at <= $3
	AND (effective_at, id) < ($3, $4) ORDER BY effective_at DESC, id DESC LIMIT $5)`

var pageSQL = `SELECT ` + transferColumns + `, e.phase FROM (` +
	strings.ReplaceAll(pageSide, "%s", "debit") + ` d UNION ALL ` + strings.ReplaceAll(pageSide, "%s", "credit") + ` c) t
	LEFT JOIN ledger_transfer e ON e.resolves = t.id
	ORDER BY t.effective_at DESC, t.id DESC LIMIT $5`

// read gives the next n rows below p.at, whatever the filter.
func (p *page) read(ctx context.Context, tx *db.Tx, n int) ([]line, error) {
	from := int64(math.MinInt64)
	if !p.query.From.IsZero() {
		from = db.Micros(p.query.From)
	}
	rows, err := tx.Query(ctx, pageSQL, p.account.id, from, p.at.effectiveAt, p.at.id, n)
	return db.Collect(rows, err, func(r *sql.Rows) (l line, err error) {
		var end sql.NullString
		l.t, err = scanTransfer(r, &end)
		l.end = Phase(end.String)
		return l, err
	})
}

// take moves p below a row and lists the row if the query asks for it.
func (p *page) take(l line) {
	side := 0
	if l.t.Credit == p.account.id {
		side = 1
	}
	after := p.at.balance
	e := effectOnSide(side, l.t.Phase, l.t.Amount.Minor, 1)
	p.at = place{db.Micros(l.t.EffectiveAt), l.t.ID, after - e.posted}
	p.scanned++
	status, listed := l.status()
	if listed && p.query.matches(l.t) {
		p.list = append(p.list, p.posting(l.t, side, status, after))
	}
}

func (p *page) posting(t *Transfer, side int, status Status, after int64) Posting {
	v := Posting{Transfer: *t, Amount: t.Amount, Status: status, BalanceAfter: money.New(after, p.account.currency), Other: t.Debit}
	if side == 0 {
		v.Amount, v.Other = t.Amount.Neg(), t.Credit
	}
	return v
}

// status tells how a row stands and whether it is listed: a settled hold is
// there as its settlement, and a void shows on its hold.
func (l line) status() (Status, bool) {
	switch {
	case l.t.Phase == Void, l.t.Phase == Pending && l.end == Settle:
		return "", false
	case l.t.Phase == Pending && l.end == Void:
		return StatusVoided, true
	case l.t.Phase == Pending:
		return StatusPending, true
	}
	return StatusPosted, true
}

func (q PostingQuery) matches(t *Transfer) bool {
	if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, t.Kind) {
		return false
	}
	return q.Text == "" || strings.Contains(strings.ToLower(t.Description+"\n"+t.Kind+"\n"+t.Ref), q.Text)
}

package account

import (
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"standfast/internal/db"
	"standfast/internal/money"
)

// known is the last good answer about one account.
type known struct {
	Balance *Balance      `json:"balance,omitempty"`
	Items   []Transaction `json:"items,omitempty"` // the newest, newest first
	ItemsAt time.Time     `json:"items_at"`

	interest   *money.Amount
	interestAt time.Time // zero: not asked yet
	savedAt    time.Time
	unsaved    bool
}

// Bounds of what is remembered.
const (
	maxRemembered = 10_000 // accounts
	recentItems   = 20
	saveTimeout   = 5 * time.Second
)

// memory keeps the last known values, in this process and, for sources outside
// our database, in a table.
type memory struct {
	db  *db.DB
	gap time.Duration // between two writes of one account
	log *slog.Logger

	mu      sync.Mutex
	known   map[string]*known
	due     []string // ids to be written
	saving  bool
	savers  sync.WaitGroup
	maximum int
}

func newMemory(d *db.DB, gap time.Duration, log *slog.Logger) *memory {
	return &memory{db: d, gap: gap, log: log, known: map[string]*known{}, maximum: maxRemembered}
}

// get gives a copy of what is known under key; all zero when nothing is.
func (m *memory) get(key string) known {
	m.mu.Lock()
	defer m.mu.Unlock()
	if k := m.known[key]; k != nil {
		return *k
	}
	return known{}
}

// put changes what is known. What outlasts the process is written in the
// background, each account at most once in gap.
func (m *memory) put(key string, outlasts bool, change func(k *known)) {
	now := m.db.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.entry(key)
	change(k)
	if !outlasts {
		return
	}
	k.unsaved = true
	if now.Sub(k.savedAt) < m.gap {
		return
	}
	k.savedAt = now
	m.due = append(m.due, key)
	if !m.saving {
		m.saving = true
		m.savers.Go(m.saveAll)
	}
}

func (m *memory) entry(key string) *known {
	k := m.known[key]
	if k != nil {
		return k
	}
	for old := range m.known {
		if len(m.known) < m.maximum {
			break
		}
		delete(m.known, old) // any one: a map's order is random
	}
	k = &known{}
	m.known[key] = k
	return k
}

// saveAll writes what is due until nothing is.
func (m *memory) saveAll() {
	for {
		rows := m.takeDue()
		if len(rows) == 0 {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), saveTimeout)
		if err := m.save(ctx, rows); err != nil {
			m.log.Warn("last known balances were not saved", "accounts", len(rows), "err", err)
		}
		cancel()
	}
}

type lastKnownRow struct{ id, body string }

func (m *memory) takeDue() []lastKnownRow {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := slices.Compact(slices.Sorted(slices.Values(m.due)))
	m.due = nil
	m.saving = len(ids) > 0
	return m.rows(ids)
}

func (m *memory) rows(ids []string) []lastKnownRow {
	rows := make([]lastKnownRow, 0, len(ids))
	for _, id := range ids {
		k := m.known[id]
		if k == nil {
			continue
		}
		body, err := json.Marshal(k)
		if err != nil {
			m.log.Error("a last known balance cannot be written", "account", id, "err", err)
			continue
		}
		k.unsaved = false
		rows = append(rows, lastKnownRow{id, string(body)})
	}
	return rows
}

// save writes rows in order of id, so that two replicas never wait for each other in a circle.
func (m *memory) save(ctx context.Context, rows []lastKnownRow) error {
	return m.db.WithTx(ctx, func(tx *db.Tx) error {
		for _, r := range rows {
			if _, err := tx.Exec(ctx, `INSERT INTO account_last_known (account_id, body, saved_at) VALUES ($1, $2, $3)
				ON CONFLICT (account_id) DO UPDATE SET body = excluded.body, saved_at = excluded.saved_at
				WHERE account_last_known.saved_at <= excluded.saved_at`, r.id, r.body, db.Micros(tx.Now)); err != nil {
				return err
			}
		}
		return lastKnownChanged(ctx, tx, rows)
	})
}

// flush writes everything that is not yet written.
func (m *memory) flush(ctx context.Context) error {
	m.savers.Wait()
	m.mu.Lock()
	var ids []string
	for id, k := range m.known {
		if k.unsaved {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	rows := m.rows(ids)
	m.mu.Unlock()
	if len(rows) == 0 {
		return nil
	}
	return m.save(ctx, rows)
}

// recall reads from the table what this process does not know, or knows only
// from an earlier time than another replica wrote down.
func (m *memory) recall(ctx context.Context, ids []string) error {
	type row struct{ id, body string }
	var found []row
	err := m.db.View(ctx, func(tx *db.Tx) error {
		where, arg := tx.In("account_id", "uuid", 1, ids)
		rows, err := tx.Query(ctx, `SELECT account_id, body FROM account_last_known WHERE `+where, arg)
		found, err = db.Collect(rows, err, func(r *sql.Rows) (v row, err error) { return v, r.Scan(&v.id, &v.body) })
		return err
	})
	if err != nil {
		return err
	}
	for _, r := range found {
		var k known
		if err := json.Unmarshal([]byte(r.body), &k); err != nil {
			m.log.Error("a last known balance cannot be read", "account", r.id, "err", err)
			continue
		}
		m.put(r.id, false, func(mine *known) { mine.merge(k) })
	}
	return nil
}

// merge takes the newer of two answers, part by part.
func (k *known) merge(other known) {
	if other.Balance != nil && (k.Balance == nil || k.Balance.AsOf.Before(other.Balance.AsOf)) {
		k.Balance = other.Balance
	}
	if k.ItemsAt.Before(other.ItemsAt) {
		k.Items, k.ItemsAt = other.Items, other.ItemsAt
	}
}

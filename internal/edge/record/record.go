// Package record keeps the edge's decisions: who was sent where from when on, why,
// by whose word. Rows are added and never changed. The file is the edge's own, so
// that it outlives core's database.
package record

import (
	"context"
	"database/sql"
	"encoding/json"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // the driver

	"standfast/internal/edge/route"
	"standfast/internal/fault"
)

// schema is the whole of the file. at is in microseconds; what is beside it in
// body is there to be searched.
const schema = `
CREATE TABLE IF NOT EXISTS decisions (
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	at      BIGINT  NOT NULL,
	cell    TEXT    NOT NULL,
	kind    TEXT    NOT NULL,
	journey TEXT    NOT NULL,
	body    TEXT    NOT NULL
);
CREATE INDEX IF NOT EXISTS decisions_cell ON decisions (cell, id);
CREATE TRIGGER IF NOT EXISTS decisions_stay BEFORE UPDATE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
CREATE TRIGGER IF NOT EXISTS decisions_kept BEFORE DELETE ON decisions BEGIN SELECT RAISE(ABORT, 'decisions are never removed'); END;`

// opening bounds how long the file may take to open, and each statement.
const opening = 5 * time.Second

// Book is an open record.
type Book struct{ db *sql.DB }

// Open opens the record in a file, which is made where there is none.
func Open(path string) (*Book, error) {
	pragmas := url.Values{"_pragma": {"busy_timeout(2000)", "journal_mode(WAL)", "synchronous(FULL)"}}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?"+pragmas.Encode())
	if err != nil {
		return nil, failed(err)
	}
	db.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(context.Background(), opening)
	defer cancel()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		db.Close()
		return nil, failed(err)
	}
	return &Book{db}, nil
}

// Close closes the file.
func (b *Book) Close() error { return b.db.Close() }

// Add writes a decision down and gives it its number.
func (b *Book) Add(ctx context.Context, d route.Decision) (route.Decision, error) {
	body, err := json.Marshal(d)
	if err != nil {
		return d, failed(err)
	}
	res, err := b.db.ExecContext(ctx, `INSERT INTO decisions (at, cell, kind, journey, body) VALUES (?, ?, ?, ?, ?)`,
		d.At.UnixMicro(), d.Cell, string(d.Kind), string(d.Journey), string(body))
	if err != nil {
		return d, failed(err)
	}
	if d.ID, err = res.LastInsertId(); err != nil {
		return d, failed(err)
	}
	return d, nil
}

// List gives the newest decisions before the one numbered before (0: all), the
// newest first; of one cell, or of all for "".
func (b *Book) List(ctx context.Context, cell string, before int64, limit int) ([]route.Decision, error) {
	return b.query(ctx, `SELECT id, body FROM decisions WHERE (? = '' OR cell = ?) AND (? = 0 OR id < ?) ORDER BY id DESC LIMIT ?`,
		cell, cell, before, before, limit)
}

// Standing gives, the oldest first, the last decision about each thing: what
// route.Router.Restore takes up.
func (b *Book) Standing(ctx context.Context) ([]route.Decision, error) {
	return b.query(ctx, `SELECT id, body FROM decisions WHERE id IN (
		SELECT max(id) FROM decisions GROUP BY cell, kind, CASE kind WHEN 'build' THEN body ->> '$.build' ELSE journey END) ORDER BY id`)
}

func (b *Book) query(ctx context.Context, text string, args ...any) ([]route.Decision, error) {
	rows, err := b.db.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, failed(err)
	}
	defer rows.Close()
	list := []route.Decision{}
	for rows.Next() {
		var id int64
		var body []byte
		if err := rows.Scan(&id, &body); err != nil {
			return nil, failed(err)
		}
		var d route.Decision
		if err := json.Unmarshal(body, &d); err != nil {
			return nil, failed(err)
		}
		d.ID = id
		list = append(list, d)
	}
	if err := rows.Err(); err != nil {
		return nil, failed(err)
	}
	return list, nil
}

func failed(cause error) error {
	return fault.Wrap(fault.Unavailable, "edge.record", "The record of the edge's decisions cannot be used now.", cause)
}

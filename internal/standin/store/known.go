package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"sync"
	"time"
)

// knownSchema is of the file that can be built again. owner is whose a record is
// and key what it is looked up by; both are chosen by the topic (package feed).
var knownSchema = [...]string{`
	CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
	CREATE TABLE record (topic TEXT NOT NULL, id TEXT NOT NULL, version BIGINT NOT NULL, at BIGINT NOT NULL, gone BOOLEAN NOT NULL,
		owner TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (topic, id)) WITHOUT ROWID;
	CREATE INDEX record_owner ON record (topic, owner, key);
	CREATE INDEX record_key ON record (topic, key);`, `
	CREATE INDEX record_member ON record (topic, json_extract(body, '$.member_id')) WHERE topic = 'payment';`}

// Record is the latest version of one entity of core.
type Record struct {
	Topic   string
	ID      string
	Version int64
	At      time.Time // of the change
	Gone    bool
	Owner   string
	Key     string
	Body    json.RawMessage
}

// Position says how far core's changes have been taken.
type Position struct {
	Cell     string
	Cursor   string
	Complete time.Time // nothing that was committed before then is missing; zero: never complete yet
	Told     time.Time // by core's clock, when what was taken last was said; zero for what a start reads of its own
	Since    time.Time // when this file was begun from a snapshot; what is older came with it
	Own      string    // of the own file that it stood beside last: by this a lost one is noticed
}

// Known is what core has told. It is safe for use by many goroutines; a swap
// waits for those who read.
type Known struct {
	path string
	mu   sync.RWMutex
	file *file
	at   Position
}

// OpenKnown opens the file, an empty one where there is none. A file that cannot
// be used is put away under another name, and core is asked for a snapshot.
func OpenKnown(ctx context.Context, path string) (*Known, error) {
	k := &Known{path: path}
	err := k.open(ctx)
	if err == nil {
		return k, nil
	}
	if moved := os.Rename(path, path+".broken"); moved != nil {
		return nil, errors.Join(err, moved)
	}
	if err := errors.Join(remove(path), k.open(ctx)); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *Known) open(ctx context.Context) error {
	f, err := openFile(ctx, k.path, knownSchema[:])
	if err != nil {
		return err
	}
	at, err := readPosition(ctx, f.read)
	if err != nil {
		return errors.Join(err, f.close())
	}
	k.file, k.at = f, at
	return nil
}

// Close closes the file.
func (k *Known) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.file.close()
}

// Position gives how far changes have been taken.
func (k *Known) Position() Position {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.at
}

func readPosition(ctx context.Context, d *sql.DB) (p Position, err error) {
	rows, err := d.QueryContext(ctx, `SELECT name, value FROM about`)
	if err != nil {
		return p, err
	}
	defer rows.Close()
	for rows.Next() {
		var name, value string
		if err := rows.Scan(&name, &value); err != nil {
			return p, err
		}
		p.set(name, value)
	}
	return p, rows.Err()
}

func (p *Position) set(name, value string) {
	switch name {
	case "cell":
		p.Cell = value
	case "cursor":
		p.Cursor = value
	case "own":
		p.Own = value
	case "complete":
		p.Complete, _ = time.Parse(time.RFC3339Nano, value) // ours; what cannot be read counts as never
	case "since":
		p.Since, _ = time.Parse(time.RFC3339Nano, value)
	}
}

func (p Position) save(ctx context.Context, tx *sql.Tx) error {
	for name, value := range map[string]string{"cell": p.Cell, "cursor": p.Cursor, "own": p.Own, "complete": p.Complete.Format(time.RFC3339Nano), "since": p.Since.Format(time.RFC3339Nano)} {
		_, err := tx.ExecContext(ctx, `INSERT INTO about (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
		if err != nil {
			return err
		}
	}
	return nil
}

// Meet notes which own file stands beside this one, and gives the one that stood
// there before, where that was another.
func (k *Known) Meet(ctx context.Context, own string) (before string, err error) {
	at := k.Position()
	if at.Own == own {
		return "", nil
	}
	before, at.Own = at.Own, own
	return before, k.Take(ctx, nil, at)
}

// Trim forgets all of an owner's records of a topic but those with the greatest keys.
func (k *Known) Trim(ctx context.Context, topic, owner string, keep int) error {
	k.mu.RLock()
	f := k.file
	k.mu.RUnlock()
	_, err := f.write.ExecContext(ctx, `DELETE FROM record WHERE topic = $1 AND owner = $2 AND
		key < (SELECT key FROM record WHERE topic = $1 AND owner = $2 AND NOT gone ORDER BY key DESC LIMIT 1 OFFSET $3)`, topic, owner, keep-1)
	return unavailable(err)
}

// Take stores records and how far they reach in one transaction. A record that
// is not newer than what is there changes nothing.
func (k *Known) Take(ctx context.Context, list []Record, to Position) error {
	k.mu.RLock()
	f := k.file
	k.mu.RUnlock()
	if err := take(ctx, f, list, to); err != nil {
		return unavailable(err)
	}
	k.mu.Lock()
	k.at = to
	k.mu.Unlock()
	return nil
}

func take(ctx context.Context, f *file, list []Record, to Position) error {
	return f.tx(ctx, func(tx *sql.Tx) error {
		for _, r := range list {
			_, err := tx.ExecContext(ctx, `INSERT INTO record (topic, id, version, at, gone, owner, key, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
				ON CONFLICT (topic, id) DO UPDATE SET version = excluded.version, at = excluded.at, gone = excluded.gone, owner = excluded.owner, key = excluded.key, body = excluded.body
				WHERE record.version < excluded.version`, r.Topic, r.ID, r.Version, Micros(r.At), r.Gone, r.Owner, r.Key, string(r.Body))
			if err != nil {
				return err
			}
		}
		return to.save(ctx, tx)
	})
}

// maxOfTopic bounds what one question gives.
const maxOfTopic = 10_000

const columns = `SELECT topic, id, version, at, gone, owner, key, body FROM record `

func (k *Known) query(ctx context.Context, where string, args ...any) ([]Record, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	rows, err := k.file.read.QueryContext(ctx, columns+where, args...)
	return collect(rows, err, scanRecord)
}

func scanRecord(rows *sql.Rows) (r Record, err error) {
	var at int64
	var body string
	err = rows.Scan(&r.Topic, &r.ID, &r.Version, &at, &r.Gone, &r.Owner, &r.Key, &body)
	r.At, r.Body = Instant(at), json.RawMessage(body)
	return r, err
}

// Get gives one record; ok is false where core has none, or none any more.
func (k *Known) Get(ctx context.Context, topic, id string) (r Record, ok bool, err error) {
	list, err := k.query(ctx, `WHERE topic = $1 AND id = $2 AND NOT gone`, topic, id)
	if err != nil || len(list) == 0 {
		return r, false, err
	}
	return list[0], true, nil
}

// ByKey gives the records of a topic with a key.
func (k *Known) ByKey(ctx context.Context, topic, key string) ([]Record, error) {
	return k.query(ctx, `WHERE topic = $1 AND key = $2 AND NOT gone ORDER BY id LIMIT 100`, topic, key)
}

// Of gives the records of a topic that are one owner's, the greatest key first,
// at most limit of them and only those whose key is below before ("": all).
func (k *Known) Of(ctx context.Context, topic, owner, before string, limit int) ([]Record, error) {
	return k.query(ctx, `WHERE topic = $1 AND owner = $2 AND ($3 = '' OR key < $3) AND NOT gone ORDER BY key DESC, id DESC LIMIT $4`, topic, owner, before, min(limit, maxOfTopic))
}

// PaidBy gives core's payments that a member has made, on whatever account.
func (k *Known) PaidBy(ctx context.Context, memberID string) ([]Record, error) {
	return k.query(ctx, `WHERE topic = 'payment' AND json_extract(body, '$.member_id') = $1 AND NOT gone LIMIT $2`, memberID, maxOfTopic)
}

// All gives all records of a topic.
func (k *Known) All(ctx context.Context, topic string) ([]Record, error) {
	return k.query(ctx, `WHERE topic = $1 AND NOT gone ORDER BY id`, topic)
}

// Count gives how many records there are, for metrics and tests.
func (k *Known) Count(ctx context.Context) (n int64, err error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	err = k.file.read.QueryRowContext(ctx, `SELECT count(*) FROM record WHERE NOT gone`).Scan(&n)
	return n, unavailable(err)
}

package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
)

// ownSchema is of the file that nothing can replace.
var ownSchema = [...]string{`
	CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL);
	CREATE TABLE advice (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, at BIGINT NOT NULL, member_id TEXT NOT NULL, body TEXT NOT NULL,
		state TEXT NOT NULL, code TEXT NOT NULL, message TEXT NOT NULL, result TEXT NOT NULL, answered_at BIGINT NOT NULL);
	CREATE INDEX advice_state ON advice (state, seq);
	CREATE TABLE payment (id TEXT PRIMARY KEY, seq INTEGER NOT NULL REFERENCES advice (seq), member_id TEXT NOT NULL, key_hash TEXT NOT NULL, contents TEXT NOT NULL,
		account_id TEXT NOT NULL, method_id TEXT NOT NULL, method_display TEXT NOT NULL, minor BIGINT NOT NULL, currency TEXT NOT NULL,
		confirmation_number TEXT NOT NULL UNIQUE, credited_on TEXT NOT NULL, made_on TEXT NOT NULL, received_at BIGINT NOT NULL, UNIQUE (member_id, key_hash));
	CREATE INDEX payment_day ON payment (made_on);
	CREATE TABLE freeze (account_id TEXT PRIMARY KEY, seq INTEGER NOT NULL REFERENCES advice (seq), member_id TEXT NOT NULL, asked_at BIGINT NOT NULL);
	CREATE TABLE session (id TEXT PRIMARY KEY, member_id TEXT NOT NULL, device_id TEXT NOT NULL, methods TEXT NOT NULL, created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL);
	CREATE TABLE ended (id TEXT PRIMARY KEY, keep_until BIGINT NOT NULL);
	CREATE TABLE proof (nonce TEXT PRIMARY KEY, session_id TEXT NOT NULL, used_at BIGINT NOT NULL);
	CREATE TABLE failure (member_id TEXT NOT NULL, seq INTEGER NOT NULL, count BIGINT NOT NULL, last_at BIGINT NOT NULL, answered_at BIGINT NOT NULL, PRIMARY KEY (member_id, seq));
	CREATE TABLE success (member_id TEXT PRIMARY KEY, at BIGINT NOT NULL);`, `
	CREATE TABLE passkey_use (passkey_id TEXT PRIMARY KEY, count BIGINT NOT NULL, went_back BIGINT NOT NULL, used_at BIGINT NOT NULL);`}

// Own is what happened at this stand-in: what it has promised members, and what
// core must hear of.
type Own struct {
	file  *file
	id    string
	since time.Time
	nonce []byte
	lost  string // the store that this one came after; "" for none
}

// OpenOwn opens the file, and makes it where there is none. A file that cannot be
// read is an error: it may hold promises, and nobody but a person may put it away.
func OpenOwn(ctx context.Context, path string, now time.Time) (*Own, error) {
	f, err := openFile(ctx, path, ownSchema[:])
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, f.close())
	}
	o := &Own{file: f}
	err = f.tx(ctx, func(tx *sql.Tx) error { return o.introduce(ctx, tx, now) })
	if err == nil {
		o.lost, err = o.about(ctx, "lost")
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return o, nil
}

// introduce reads who this store is, and decides it where it is new.
func (o *Own) introduce(ctx context.Context, tx *sql.Tx, now time.Time) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	about := map[string]string{"id": id.String(), "since": now.Format(time.RFC3339Nano), "secret": rand.Text() + rand.Text()}
	for name, value := range about {
		_, err := tx.ExecContext(ctx, `INSERT INTO about (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, value)
		if err != nil {
			return err
		}
		if err := tx.QueryRowContext(ctx, `SELECT value FROM about WHERE name = $1`, name).Scan(&value); err != nil {
			return err
		}
		about[name] = value
	}
	o.id = about["id"]
	sum := sha256.Sum256([]byte(about["secret"]))
	o.nonce = sum[:]
	o.since, err = time.Parse(time.RFC3339Nano, about["since"])
	return err
}

// Close closes the file.
func (o *Own) Close() error { return o.file.close() }

// ID names this store to core: a lost store comes back under another.
func (o *Own) ID() string { return o.id }

// Since is when this store was made.
func (o *Own) Since() time.Time { return o.since }

// Replaces notes that another store was lost, which this one has come after.
func (o *Own) Replaces(ctx context.Context, lost string) error {
	o.lost = lost
	return o.note(ctx, "lost", lost)
}

// Lost names the store that was lost before this one was made; "" for none.
func (o *Own) Lost() string { return o.lost }

// Halt keeps why nothing is taken any more, until Resume.
func (o *Own) Halt(ctx context.Context, code, message string) error {
	return o.note(ctx, "halted", code+"\n"+message)
}

// Halted gives what Halt kept; empty for nothing.
func (o *Own) Halted(ctx context.Context) (code, message string, err error) {
	value, err := o.about(ctx, "halted")
	code, message, _ = strings.Cut(value, "\n")
	return code, message, err
}

// Resume forgets why nothing was taken: somebody has looked.
func (o *Own) Resume(ctx context.Context) error { return o.note(ctx, "halted", "") }

// Secret is the key of what this store hands out and takes back: nonces and
// prompts.
func (o *Own) Secret() []byte { return o.nonce }

// Clock gives the latest time that was kept; zero for none.
func (o *Own) Clock(ctx context.Context) (time.Time, error) {
	value, err := o.about(ctx, "clock")
	at, _ := time.Parse(time.RFC3339Nano, value) // ours; "" is never
	return at, err
}

// KeepClock keeps how late it is.
func (o *Own) KeepClock(ctx context.Context, at time.Time) error {
	return o.note(ctx, "clock", at.UTC().Format(time.RFC3339Nano))
}

func (o *Own) about(ctx context.Context, name string) (value string, err error) {
	err = o.file.read.QueryRowContext(ctx, `SELECT value FROM about WHERE name = $1`, name).Scan(&value)
	if err == sql.ErrNoRows {
		err = nil
	}
	return value, unavailable(err)
}

func (o *Own) note(ctx context.Context, name, value string) error {
	_, err := o.file.write.ExecContext(ctx, `INSERT INTO about (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return unavailable(err)
}

// NewID gives a new id: UUIDv7.
func NewID() string { return uuid.Must(uuid.NewV7()).String() } // fails only without randomness

// ValidID tells whether a text from outside can be an id.
func ValidID(s string) bool {
	id, err := uuid.Parse(s)
	return err == nil && id.String() == s
}

// KeyHash names an intention as core's feed does, without telling the key.
func KeyHash(memberID, key string) string {
	sum := sha256.Sum256([]byte(memberID + "\n" + key))
	return hex.EncodeToString(sum[:])
}

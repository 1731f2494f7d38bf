package signin

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"standfast/internal/core/audit"
	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/token"
)

const (
	keysEvery = time.Minute // how often the keys are read without being missed
	// verifyMargin covers processes that have not yet seen that a key was retired.
	verifyMargin = time.Hour
)

var errNoKey = errors.New("signin: no current signing key")

// keyRow is a signing key as stored.
type keyRow struct {
	id             string
	public, sealed []byte
	retired        int64
}

// loadKeys reads the keys into the ring, and makes the first one where there is
// none. It is called one at a time.
func (s *Service) loadKeys(ctx context.Context, now time.Time) error {
	err := s.readKeys(ctx, now)
	if !errors.Is(err, errNoKey) {
		return err
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error { return s.makeKey(ctx, tx) })
	if err != nil && !db.IsUnique(err) { // unique: another process made it meanwhile
		return err
	}
	return s.readKeys(ctx, now)
}

func (s *Service) readKeys(ctx context.Context, now time.Time) error {
	var rows []keyRow
	err := s.db.View(ctx, func(tx *db.Tx) error {
		r, err := tx.Query(ctx, `SELECT id, public_key, sealed_key, retired_at FROM signing_key WHERE retired_at = 0 OR verify_until > $1`, db.Micros(now))
		rows, err = db.Collect(r, err, func(r *sql.Rows) (k keyRow, err error) {
			return k, r.Scan(&k.id, &k.public, &k.sealed, &k.retired)
		})
		return err
	})
	if err != nil {
		return err
	}
	if err := s.useKeys(rows); err != nil {
		return err
	}
	s.keysAt.Store(db.Micros(now))
	return nil
}

func (s *Service) useKeys(rows []keyRow) error {
	var signer *token.Signer
	public := slices.Clone(s.conf.Guests)
	for i := range public {
		public[i].Guest = s.conf.SessionMax
	}
	for _, k := range rows {
		public = append(public, token.PublicKey{ID: k.id, Key: k.public})
		if k.retired != 0 {
			continue
		}
		private, err := s.key.Open(k.sealed, keyContext(k.id))
		if err != nil {
			return err
		}
		signer = &token.Signer{ID: k.id, Key: private}
	}
	if signer == nil {
		return errNoKey
	}
	return s.ring.Replace(public, *signer)
}

// PublicKeys gives the keys under which sessions of the cell are read.
func (s *Service) PublicKeys() []token.PublicKey { return s.ring.Public() }

func keyContext(id string) []byte { return []byte("signin.key/" + id) }

func (s *Service) makeKey(ctx context.Context, tx *db.Tx) error {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	id := db.NewID()
	sealed, err := s.key.Seal(private, keyContext(id))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO signing_key (id, public_key, sealed_key, created_at, retired_at, verify_until) VALUES ($1, $2, $3, $4, 0, 0)`,
		id, []byte(public), sealed, db.Micros(tx.Now))
	if err != nil {
		return err
	}
	if err := outbox.Append(ctx, tx, outbox.Change{
		Entity: "signing-key", EntityID: id, Kind: "made", Version: 1, Payload: map[string]any{"public_key": []byte(public)},
	}); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: "system", Action: "signin.key-made", Object: "signing-key", ObjectID: id, Outcome: audit.OK})
}

// RotateKeys makes a new signing key. The one before it signs nothing more and
// its private half is destroyed; what it signed stays good for as long as it
// would have been, so nobody is signed out.
func (s *Service) RotateKeys(ctx context.Context) error {
	life := max(s.conf.SessionMax, s.conf.DeviceTrust, deviceFor) + verifyMargin
	err := s.db.WithTx(ctx, func(tx *db.Tx) error {
		retired, err := tx.Strings(ctx, `UPDATE signing_key SET retired_at = $1, verify_until = $2, sealed_key = $3 WHERE retired_at = 0 RETURNING id`,
			db.Micros(tx.Now), db.Micros(tx.Now.Add(life)), []byte{})
		if err != nil {
			return err
		}
		for _, id := range retired {
			if err := outbox.Append(ctx, tx, outbox.Change{Entity: "signing-key", EntityID: id, Kind: "retired", Version: 2, Payload: map[string]any{}}); err != nil {
				return err
			}
		}
		return s.makeKey(ctx, tx)
	})
	if err != nil {
		return err
	}
	return s.oneAtATime(ctx, func() error { return s.loadKeys(ctx, s.now()) })
}

// couldBeNew tells whether a key that we do not hold may have been made since
// we last looked. Its id says when it was made; anything else is a forgery.
func couldBeNew(keyID string, known time.Time) bool {
	id, err := uuid.Parse(keyID)
	if err != nil || id.Version() != 7 {
		return false
	}
	sec, nsec := id.Time().UnixTime()
	return time.Unix(sec, nsec).After(known.Add(-2 * keysEvery)) // as much as clocks may differ
}

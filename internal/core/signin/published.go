package signin

import (
	"bytes"
	"context"
	"database/sql"

	"strings"

	"standfast/internal/core/outbox"
	"standfast/internal/db"
)

// What the cell's stand-in knows of signing in, as it is in the database now.
// Nothing here is a secret but the verifiers, which leave sealed only.

// PublishedKey is a key under which sessions are signed; its private half is not in it.
type PublishedKey struct {
	PublicKey []byte `json:"public_key"`
	Retired   bool   `json:"retired"`
}

// PublishedKeysTx gives signing keys that still verify something.
func (s *Service) PublishedKeysTx(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	these, arg := tx.In("id", "uuid", 1, ids)
	return publish(ctx, tx, func(r *sql.Rows) (string, any, error) {
		var id string
		var k PublishedKey
		var retired int64
		err := r.Scan(&id, &k.PublicKey, &retired)
		k.Retired = retired != 0
		return id, k, err
	}, `SELECT id, public_key, retired_at FROM signing_key WHERE `+these, arg)
}

// KeyIDsTx lists signing keys from just behind an id.
func (s *Service) KeyIDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT id FROM signing_key WHERE id > $1 ORDER BY id LIMIT $2`, db.After(after), limit)
}

// PublishedEnd says that a session is over before its token is.
type PublishedEnd struct {
	MemberID string `json:"member_id"`
	Until    string `json:"until"` // no token of the session is good after then anyway
}

// PublishedEndsTx gives the sessions of these that were ended.
func (s *Service) PublishedEndsTx(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	these, arg := tx.In("r.subject", "uuid", 1, ids)
	return publish(ctx, tx, func(r *sql.Rows) (string, any, error) {
		var id string
		var e PublishedEnd
		var keep int64
		err := r.Scan(&id, &keep, &e.MemberID)
		e.Until = published(keep)
		return id, e, err
	}, `SELECT r.subject, r.keep, COALESCE(CAST(s.member_id AS TEXT), '') FROM revocation r LEFT JOIN session s ON s.id = r.subject WHERE `+these, arg)
}

// EndIDsTx lists ended sessions from just behind an id.
func (s *Service) EndIDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT DISTINCT subject FROM revocation WHERE subject > $1 ORDER BY subject LIMIT $2`, db.After(after), limit)
}

// PublishedCutOff ends all that a member had begun before an instant.
type PublishedCutOff struct {
	At string `json:"at"`
}

// PublishedCutOffsTx gives members' cut-offs.
func (s *Service) PublishedCutOffsTx(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	these, arg := tx.In("member_id", "uuid", 1, ids)
	return publish(ctx, tx, func(r *sql.Rows) (string, any, error) {
		var id string
		var before int64
		err := r.Scan(&id, &before)
		return id, PublishedCutOff{published(before)}, err
	}, `SELECT member_id, before FROM member_cutoff WHERE `+these, arg)
}

// CutOffIDsTx lists members with a cut-off from just behind an id.
func (s *Service) CutOffIDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT member_id FROM member_cutoff WHERE member_id > $1 ORDER BY member_id LIMIT $2`, db.After(after), limit)
}

// VerifiersTx gives members' password verifiers in PHC form. They are secrets:
// whoever asks seals them before they go anywhere.
func (s *Service) VerifiersTx(ctx context.Context, tx *db.Tx, ids []string) (map[string]string, error) {
	these, arg := tx.In("member_id", "uuid", 1, ids)
	all := map[string]string{}
	rows, err := tx.Query(ctx, `SELECT member_id, phc FROM credential WHERE `+these, arg)
	_, err = db.Collect(rows, err, func(r *sql.Rows) (id string, err error) {
		var phc string
		err = r.Scan(&id, &phc)
		all[id] = phc
		return id, err
	})
	return all, err
}

// VerifierIDsTx lists members with a password from just behind an id.
func (s *Service) VerifierIDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT member_id FROM credential WHERE member_id > $1 ORDER BY member_id LIMIT $2`, db.After(after), limit)
}

// PublishedDevice is a member's trust in a device.
type PublishedDevice struct {
	MemberID     string `json:"member_id"`
	DeviceID     string `json:"device_id"`
	GrantedAt    string `json:"granted_at"`    // last code on it
	TrustedFrom  string `json:"trusted_from"`  // tokens of the device from before then do not count
	TrustedUntil string `json:"trusted_until"` // not trusted from then on
	PublicKey    []byte `json:"public_key"`    // SubjectPublicKeyInfo; where it stands, its proof is wanted
}

const deviceID = `CAST(member_id AS TEXT) || '/' || CAST(device_id AS TEXT)`

// PublishedDevicesTx gives devices by MEMBER/DEVICE; those that were removed are left out.
func (s *Service) PublishedDevicesTx(ctx context.Context, tx *db.Tx, pairs []string) (map[string]any, error) {
	members := make([]string, len(pairs))
	for i, p := range pairs {
		members[i], _, _ = strings.Cut(p, "/")
	}
	these, arg := tx.In("member_id", "uuid", 1, members)
	return publish(ctx, tx, func(r *sql.Rows) (string, any, error) {
		var d PublishedDevice
		var granted, from, until int64
		err := r.Scan(&d.MemberID, &d.DeviceID, &granted, &from, &until, &d.PublicKey)
		d.GrantedAt, d.TrustedFrom, d.TrustedUntil = published(granted), published(from), published(until)
		if len(d.PublicKey) == 0 {
			d.PublicKey = nil
		}
		return d.MemberID + "/" + d.DeviceID, d, err
	}, `SELECT member_id, device_id, granted_at, tokens_from, expires_at, public_key FROM device_trust WHERE removed_at = 0 AND `+these, arg)
}

// DeviceIDsTx lists devices from just behind MEMBER/DEVICE, those of one member never apart.
func (s *Service) DeviceIDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	member, _, _ := strings.Cut(after, "/")
	return tx.Strings(ctx, `SELECT `+deviceID+` FROM device_trust WHERE removed_at = 0 AND member_id IN
		(SELECT DISTINCT member_id FROM device_trust WHERE removed_at = 0 AND member_id > $1 ORDER BY member_id LIMIT $2) ORDER BY member_id, device_id`, db.After(member), max(1, limit/4))
}

// PublishedFailures is how many wrong passwords in a row were counted for a member.
type PublishedFailures struct {
	Count     int64  `json:"count"`     // on devices that the member trusts
	Strangers int64  `json:"strangers"` // elsewhere, against the name
	Since     string `json:"since"`     // of the last one
	Until     string `json:"until"`     // nothing more is tried before
}

// PublishedFailuresTx gives what is counted for members; nothing for those without any.
func (s *Service) PublishedFailuresTx(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
	all := map[string]any{}
	for _, id := range ids {
		f, err := s.failuresOf(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		if f != (PublishedFailures{}) {
			all[id] = f
		}
	}
	return all, nil
}

func (s *Service) failuresOf(ctx context.Context, tx *db.Tx, memberID string) (f PublishedFailures, err error) {
	known := s.gauge(perKnown(), memberID, memberID)
	rows, err := tx.Query(ctx, `SELECT key, failures, last_at, until FROM throttle WHERE key IN ($1, $2) AND failures > 0`,
		known.key, s.gauge(perName(), memberID, memberID).key)
	var last, until int64
	_, err = db.Collect(rows, err, func(r *sql.Rows) (n int64, err error) {
		var key []byte
		var at, to int64
		err = r.Scan(&key, &n, &at, &to)
		if bytes.Equal(key, known.key) {
			f.Count = n
		} else {
			f.Strangers = n
		}
		last, until = max(last, at), max(until, to)
		return n, err
	})
	if last > 0 {
		f.Since, f.Until = published(last), published(until)
	}
	return f, err
}

// FailureIDsTx lists members of whom something is counted from just behind an id.
func (s *Service) FailureIDsTx(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return tx.Strings(ctx, `SELECT DISTINCT member_id FROM throttle WHERE member_id > $1 AND failures > 0 ORDER BY member_id LIMIT $2`, db.After(after), limit)
}

// failuresChanged tells followers that a member's count is another one.
func failuresChanged(ctx context.Context, tx *db.Tx, list []gauge) error {
	for _, g := range list {
		if g.memberID != "" && !g.resting && (g.limit.name == perName().name || g.limit.name == perKnown().name) {
			return outbox.Append(ctx, tx, outbox.Change{Entity: "failures", EntityID: g.memberID, Kind: "counted", Version: db.Micros(tx.Now), Payload: map[string]string{"member_id": g.memberID}})
		}
	}
	return nil
}

// publish collects what a query gives, by id.
func publish(ctx context.Context, tx *db.Tx, scan func(*sql.Rows) (string, any, error), query string, args ...any) (map[string]any, error) {
	all := map[string]any{}
	rows, err := tx.Query(ctx, query, args...)
	_, err = db.Collect(rows, err, func(r *sql.Rows) (string, error) {
		id, body, err := scan(r)
		all[id] = body
		return id, err
	})
	return all, err
}

// published writes a time as followers read it.
func published(us int64) string {
	return db.FromMicros(us).Format("2006-01-02T15:04:05.000000Z")
}

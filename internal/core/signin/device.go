package signin

import (
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/token"
)

// A browser has one identity for all who use it, in a token of one size. Who
// trusts it is in rows of member and device, so that a second member's trust
// never evicts the first's.

// renewDevice is how old an identity's token grows before a sign-in replaces it,
// long before it ends.
const renewDevice = 30 * 24 * time.Hour

// device reads a device token; "" when the client has none that is good.
func (s *Service) device(ctx context.Context, tok string) (id string, issued time.Time, err error) {
	if tok == "" {
		return "", time.Time{}, nil
	}
	c, err := s.claims(ctx, tok)
	if fault.Is(err, fault.Unauthenticated) {
		return "", time.Time{}, nil
	}
	if err != nil || c.Kind != token.KindDevice || !db.ValidID(c.ID) || !s.now().Before(c.Expires) {
		return "", time.Time{}, err
	}
	return c.ID, c.IssuedAt, nil
}

// deviceToken makes the identity's token anew.
func (s *Service) deviceToken(id string, now time.Time) (string, error) {
	return s.ring.Sign(token.Claims{Kind: token.KindDevice, ID: id, IssuedAt: now, Expires: now.Add(max(deviceFor, s.conf.DeviceTrust))})
}

// trust remembers a device for a member, or renews that. Where the member had not
// trusted it until now, only copies of its identity made from now on count: whoever
// used the browser before, and kept one, is not trusted with it. A trust that
// stands keeps its copies, or two windows that sign in at once would end each other's.
func (s *Service) trust(ctx context.Context, tx *db.Tx, memberID, deviceID string, c Client) (id string, err error) {
	now, until := db.Micros(tx.Now), db.Micros(tx.Now.Add(s.conf.DeviceTrust))
	err = tx.QueryRow(ctx, `INSERT INTO device_trust (id, member_id, device_id, name, granted_at, expires_at, removed_at, tokens_from, last_used_at, last_ip, named, public_key, bound_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $5, $5, $7, FALSE, $8, 0, 1)
		ON CONFLICT (member_id, device_id) DO UPDATE SET name = CASE WHEN device_trust.named THEN device_trust.name ELSE excluded.name END, granted_at = excluded.granted_at, expires_at = excluded.expires_at,
			tokens_from = CASE WHEN device_trust.removed_at = 0 AND device_trust.expires_at > excluded.granted_at THEN device_trust.tokens_from ELSE excluded.tokens_from END,
			removed_at = 0, last_used_at = excluded.last_used_at, last_ip = excluded.last_ip, version = device_trust.version + 1
		RETURNING id`, db.NewID(), memberID, deviceID, agentName(c.UserAgent), now, until, c.IP, []byte{}).Scan(&id)
	if err != nil {
		return "", err
	}
	if err := s.deviceChanged(ctx, tx, id, "trusted"); err != nil {
		return "", err
	}
	return id, audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: memberID, Action: "signin.trust-device", Object: "device", ObjectID: id, Outcome: audit.OK, From: c.IP})
}

// touch takes down where a remembered device was last used.
func touch(ctx context.Context, tx *db.Tx, memberID, deviceID string, c Client) error {
	_, err := tx.Exec(ctx, `UPDATE device_trust SET last_used_at = $3, last_ip = $4 WHERE member_id = $1 AND device_id = $2`,
		memberID, deviceID, db.Micros(tx.Now), c.IP)
	return err
}

// Devices lists the devices that the member has remembered, last used first.
func (s *Service) Devices(ctx context.Context, sess Session) (list []DeviceInfo, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT id, device_id, name, last_ip, granted_at, last_used_at, expires_at, bound_at FROM device_trust
			WHERE member_id = $1 AND removed_at = 0 AND expires_at > $2 ORDER BY last_used_at DESC, id DESC`, sess.MemberID, db.Micros(s.now()))
		list, err = db.Collect(rows, err, func(r *sql.Rows) (i DeviceInfo, err error) {
			var device string
			var granted, used, expires, bound int64
			err = r.Scan(&i.ID, &device, &i.Name, &i.IP, &granted, &used, &expires, &bound)
			i.TrustedAt, i.LastUsedAt, i.ExpiresAt = db.FromMicros(granted), db.FromMicros(used), db.FromMicros(expires)
			i.Current, i.HasKey, i.Place = device == sess.DeviceID, bound > 0, s.conf.Place(i.IP)
			return i, err
		})
		return err
	})
	return list, err
}

// RemoveDevice forgets one of the member's devices, or gives fault.NotFound. A
// code is asked for there again, and its sessions end, except the one that asks.
func (s *Service) RemoveDevice(ctx context.Context, sess Session, id string) error {
	if !db.ValidID(id) {
		return noDevice()
	}
	return s.endSessions(ctx, sess, "signin.remove-device", "device", id, func(tx *db.Tx) error {
		var device string
		err := tx.QueryRow(ctx, `UPDATE device_trust SET removed_at = $3, tokens_from = $3, named = FALSE, public_key = $4, bound_at = 0, version = version + 1
			WHERE id = $1 AND member_id = $2 AND removed_at = 0 RETURNING device_id`, id, sess.MemberID, db.Micros(tx.Now), []byte{}).Scan(&device)
		if err == db.ErrNoRows {
			return noDevice()
		}
		if err != nil {
			return err
		}
		if err := s.deviceChanged(ctx, tx, id, "removed"); err != nil {
			return err
		}
		_, err = s.end(ctx, tx, "device-removed", `device_id = $1 AND member_id = $2 AND id <> $3`, device, sess.MemberID, sess.ID)
		return err
	})
}

const maxDeviceName = 40 // characters

// RenameDevice gives one of the member's devices a name of their own. Errors:
// Invalid for what is no name, NotFound for what is none of their devices.
func (s *Service) RenameDevice(ctx context.Context, sess Session, id, name string) error {
	name = strings.Join(strings.Fields(norm.NFC.String(name)), " ")
	if name == "" || utf8.RuneCountInString(name) > maxDeviceName || !utf8.ValidString(name) || strings.ContainsFunc(name, notPrinted) {
		return fault.InvalidField("body.name", "device.name", "A name has 1 to 40 letters, digits or signs.")
	}
	if !db.ValidID(id) {
		return noDevice()
	}
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE device_trust SET name = $3, named = TRUE, version = version + 1 WHERE id = $1 AND member_id = $2 AND removed_at = 0`, id, sess.MemberID, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return noDevice()
		}
		if err := s.deviceChanged(ctx, tx, id, "renamed"); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: sess.MemberID, Action: "signin.rename-device", Object: "device", ObjectID: id, Outcome: audit.OK})
	})
}

// notPrinted are characters that a name could deceive with: control characters,
// and those that turn or hide what stands around them.
func notPrinted(r rune) bool { return !unicode.IsGraphic(r) || unicode.Is(unicode.Cf, r) }

func noDevice() error {
	return fault.New(fault.NotFound, "device.not-found", "We could not find this device. It may have been removed.")
}

package signin

import (
	"context"
	"slices"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/token"
)

// OpenedElsewhere is a session that the cell's stand-in opened under its own key.
type OpenedElsewhere struct {
	ID        string
	MemberID  string
	DeviceID  string
	Methods   []string
	At        time.Time
	ExpiresAt time.Time
	IP        string
	UserAgent string
	PasskeyID string // that opened it; "" for a password
	SignCount uint32 // of that passkey
}

// use is the use of a passkey that the session was opened by.
func (o OpenedElsewhere) use() passkey.Elsewhere {
	return passkey.Elsewhere{OwnerID: o.MemberID, PasskeyID: o.PasskeyID, Count: o.SignCount, At: o.At, IP: o.IP}
}

// RecordOpenedTx writes such a session down, so that its member sees it in the
// list of sessions and can end it. One that was cut off or ended meanwhile is
// ended with it. A second time changes nothing.
func (s *Service) RecordOpenedTx(ctx context.Context, tx *db.Tx, o OpenedElsewhere) error {
	if !db.ValidID(o.ID) || !db.ValidID(o.MemberID) || !db.ValidID(o.DeviceID) {
		return fault.New(fault.Invalid, "advice.session", "A session has an id, a member and a device.")
	}
	if _, err := lockCredential(ctx, tx, o.MemberID); err != nil && err != db.ErrNoRows {
		return err
	}
	var member, there, ended bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM member WHERE id = $1), EXISTS (SELECT 1 FROM session WHERE id = $2), EXISTS (SELECT 1 FROM revocation WHERE subject = $2)`,
		o.MemberID, o.ID).Scan(&member, &there, &ended)
	if err != nil || there {
		return err
	}
	if !member {
		return fault.New(fault.NotFound, "member.not-found", "There is no such member.")
	}
	end := opened{ID: o.ID, MemberID: o.MemberID, DeviceID: o.DeviceID, Methods: o.Methods, At: db.Micros(o.At),
		Expires: db.Micros(earliest(o.ExpiresAt, o.At.Add(s.conf.SessionMax)))}
	if _, err := s.establish(ctx, tx, end.claims(), Client{IP: o.IP, UserAgent: o.UserAgent}); err != nil {
		return err
	}
	where := `id = $1 AND EXISTS (SELECT 1 FROM member_cutoff c WHERE c.member_id = session.member_id AND c.before > session.created_at)`
	stands, err := s.acceptedElsewhere(ctx, tx, o)
	if err != nil {
		return err
	}
	if ended || !stands {
		where = `id = $1`
	}
	if _, err = s.end(ctx, tx, "cut-off", where, o.ID); err != nil {
		return err
	}
	if slices.Contains(o.Methods, byPassword) { // it was right: what was counted before on the member's devices is over
		if err := forgive(ctx, tx, []gauge{s.gauge(perKnown(), o.MemberID, o.MemberID)}); err != nil {
			return err
		}
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: o.MemberID, Action: "signin.session", Object: "session", ObjectID: o.ID,
		Outcome: audit.OK, From: o.IP, Details: map[string]string{"by": "the stand-in", "at": o.At.Format(time.RFC3339)}})
}

// acceptedElsewhere takes over the count of the passkey that opened a session; it
// is false where that passkey was removed meanwhile.
func (s *Service) acceptedElsewhere(ctx context.Context, tx *db.Tx, o OpenedElsewhere) (stands bool, err error) {
	if o.PasskeyID == "" || s.conf.Passkeys == nil {
		return true, nil
	}
	stands, wentBack, err := s.conf.Passkeys.AcceptedElsewhereTx(ctx, tx, o.use())
	if err != nil {
		return false, err
	}
	return stands, s.tellWentBack(ctx, tx, o.MemberID, wentBack, Client{IP: o.IP, UserAgent: o.UserAgent})
}

// RecordCounterBackTx stores that the stand-in refused a passkey whose counter had
// gone back, and tells the member as if it had happened here.
func (s *Service) RecordCounterBackTx(ctx context.Context, tx *db.Tx, o OpenedElsewhere) error {
	if !db.ValidID(o.MemberID) || !db.ValidID(o.PasskeyID) || s.conf.Passkeys == nil {
		return fault.New(fault.NotFound, "passkey.not-found", "There is no such passkey.")
	}
	times, err := s.conf.Passkeys.WentBackElsewhereTx(ctx, tx, o.use())
	if err != nil {
		return err
	}
	return s.tellWentBack(ctx, tx, o.MemberID, times, Client{IP: o.IP, UserAgent: o.UserAgent})
}

// RecordEndedTx ends a session that the stand-in was asked to end.
func (s *Service) RecordEndedTx(ctx context.Context, tx *db.Tx, memberID, id string) error {
	if !db.ValidID(id) || !db.ValidID(memberID) {
		return noSession()
	}
	n, err := s.end(ctx, tx, "signed-out", `id = $1 AND member_id = $2`, id, memberID)
	if err == nil && n == 0 {
		return s.endUnrecorded(ctx, tx, id, memberID, tx.Now.Add(s.conf.SessionMax))
	}
	return err
}

// endUnrecorded revokes the token of a session that has no record here: the
// stand-in opened it, and its advice has not come yet. One that is recorded has
// ended already.
func (s *Service) endUnrecorded(ctx context.Context, tx *db.Tx, id, memberID string, keep time.Time) error {
	var known bool
	err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM session WHERE id = $1) OR EXISTS (SELECT 1 FROM revocation WHERE subject = $1)`, id).Scan(&known)
	if err != nil || known {
		return err
	}
	e := ended{id: id, memberID: memberID, expires: keep, version: 1}
	if err := e.revoke(ctx, tx); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.revoked.Add(token.Revocation{Subject: id, Keep: keep}) })
	return nil
}

// CountElsewhereTx adds wrong passwords that the stand-in counted on a member's
// devices, so that nobody has both counts for guessing.
func (s *Service) CountElsewhereTx(ctx context.Context, tx *db.Tx, memberID string, n int) error {
	if !db.ValidID(memberID) {
		return fault.New(fault.NotFound, "member.not-found", "There is no such member.")
	}
	known := s.gauge(perKnown(), memberID, memberID)
	for range min(n, int(perKnown().total)) {
		if err := known.count(ctx, tx); err != nil {
			return err
		}
	}
	return failuresChanged(ctx, tx, []gauge{known})
}

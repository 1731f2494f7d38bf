package signin

import (
	"context"
	"database/sql"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/outbox"
	"standfast/internal/db"
)

// Caution is the time after somebody was let in by less than a member usually
// proves, as after a recovery by messages alone. Whoever got in that way must not
// be able to take money out before the member has read the notices: payment
// methods added inside it do not pay before its end, and changes of contact
// points wait for it. The zero Caution holds nothing back.
type Caution struct {
	Since  time.Time
	Until  time.Time // over from then on
	Reason string    // of what began it, as "recovery"; for the audit log
}

// At tells whether the caution holds at an instant.
func (c Caution) At(now time.Time) bool { return now.Before(c.Until) }

// PaysFrom gives from when on a payment method that was added at an instant can
// pay; the zero time when it need not wait.
func (c Caution) PaysFrom(added, now time.Time) time.Time {
	if !c.At(now) || added.Before(c.Since) {
		return time.Time{}
	}
	return c.Until
}

// CautionChange is a member's caution as followers of the outbox read it (entity
// "caution", its id the member's): whoever takes payments on their own holds it too.
type CautionChange struct {
	Format   int    `json:"v"` // 1
	MemberID string `json:"member_id"`
	Since    int64  `json:"since"` // microseconds, as all times here
	Until    int64  `json:"until"`
}

// CautionTx holds a member's account in caution until an instant, in the caller's
// transaction. One that holds already goes on from when it began, and never ends
// sooner; an instant that has passed changes nothing.
func (s *Service) CautionTx(ctx context.Context, tx *db.Tx, memberID string, until time.Time, reason string) error {
	if !tx.Now.Before(until) {
		return nil
	}
	c := CautionChange{Format: 1, MemberID: memberID}
	var version int64
	err := tx.QueryRow(ctx, `INSERT INTO caution (member_id, since, until, reason, version) VALUES ($1, $2, $3, $4, 1)
		ON CONFLICT (member_id) DO UPDATE SET
			since = CASE WHEN caution.until > excluded.since THEN caution.since ELSE excluded.since END,
			until = CASE WHEN caution.until > excluded.until THEN caution.until ELSE excluded.until END,
			reason = excluded.reason, version = caution.version + 1
		RETURNING since, until, version`, memberID, db.Micros(tx.Now), db.Micros(until), reason).Scan(&c.Since, &c.Until, &version)
	if err != nil {
		return err
	}
	err = outbox.Append(ctx, tx, outbox.Change{Entity: "caution", EntityID: memberID, Kind: "set", Version: version, Payload: c})
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: "system", Action: "signin.caution", Object: "member", ObjectID: memberID, Outcome: audit.OK,
		Details: map[string]string{"reason": reason, "until": db.FromMicros(c.Until).Format(time.RFC3339)},
	})
}

// CautionsTx gives the cautions of members, in one query; members without one are
// left out, and so are those whose caution is over.
func (s *Service) CautionsTx(ctx context.Context, tx *db.Tx, memberIDs []string) (map[string]Caution, error) {
	these, arg := tx.In("member_id", "uuid", 1, memberIDs)
	rows, err := tx.Query(ctx, `SELECT member_id, since, until, reason FROM caution WHERE `+these+` AND until > $2`, arg, db.Micros(tx.Now))
	all := map[string]Caution{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (c Caution, err error) {
		var id string
		var since, until int64
		err = r.Scan(&id, &since, &until, &c.Reason)
		c.Since, c.Until = db.FromMicros(since), db.FromMicros(until)
		all[id] = c
		return c, err
	})
	return all, err
}

// MethodsPayFrom gives from when on a payment method that the member adds now
// could pay; the zero time when it need not wait.
func (s *Service) MethodsPayFrom(ctx context.Context, tx *db.Tx, memberID string) (time.Time, error) {
	all, err := s.CautionsTx(ctx, tx, []string{memberID})
	return all[memberID].PaysFrom(tx.Now, tx.Now), err
}

// Caution gives what holds a member's account back, for showing it to the member.
func (s *Service) Caution(ctx context.Context, memberID string) (c Caution, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		all, err := s.CautionsTx(ctx, tx, []string{memberID})
		c = all[memberID]
		return err
	})
	return c, err
}

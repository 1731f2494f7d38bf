package signin

import (
	"bytes"
	"context"
	"database/sql"
	"net/netip"
	"slices"
	"strings"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// limit says how failures in a row are slowed down and ended.
type limit struct {
	name   string
	free   int64         // so many cost nothing
	base   time.Duration // delay after the first that does; each further one doubles it
	max    time.Duration // longest delay
	forget time.Duration // a pause after which counting begins anew; 0 never
	total  int64         // so many are the end until somebody succeeds; 0 for none
	shared bool          // by several members, so that no success of one ends the count
}

// The limits. NIST SP 800-63B-4 allows 100 failures in a row on one password:
// strangers get 80 of them, so that however many they use up, the devices that a
// member had us remember keep 20 of their own.
func perName() limit {
	return limit{name: "name", free: 5, base: 30 * time.Second, max: 15 * time.Minute, total: 80}
}
func perKnown() limit { return limit{name: "known", free: 20, total: 20} }
func perDevice() limit {
	return limit{name: "device", free: 5, base: 5 * time.Second, max: 5 * time.Minute}
}

// perAddress is generous, because many members can share one address.
func perAddress() limit {
	return limit{name: "address", free: 100, base: time.Second, max: time.Minute, forget: 15 * time.Minute, shared: true}
}

// perDead counts challenges that died of wrong codes (RTS Art 4: blocked for a
// time after five), at most 100 codes in a row in all.
func perDead() limit {
	return limit{name: "dead", free: 1, base: 30 * time.Second, max: 15 * time.Minute, total: 20}
}

// delay gives how long nothing is tried after n failures in a row.
func (l limit) delay(n int64) time.Duration {
	if n < l.free || l.base == 0 {
		return 0
	}
	return min(l.max, l.base<<min(n-l.free, 20))
}

// gauge is one count against its limit.
type gauge struct {
	limit    limit
	key      []byte
	memberID string // "" for no member's
	resting  bool   // neither heeded nor counted by this attempt, but forgiven by its success
	failures int64
	until    time.Time
}

// gauge names what is counted; subject is a member's id, an address, a name.
func (s *Service) gauge(l limit, memberID, subject string) gauge {
	return gauge{limit: l, memberID: memberID, key: s.key.Fingerprint("signin.throttle/"+l.name, []byte(subject))}
}

// wait gives how long nothing is to be tried; 0 means go on.
func (g gauge) wait(now time.Time) time.Duration {
	if g.limit.total > 0 && g.failures >= g.limit.total {
		return 24 * time.Hour
	}
	return max(0, g.until.Sub(now))
}

// blocked gives the refusal where one of the gauges has one.
func blocked(list []gauge, now time.Time) error {
	var wait time.Duration
	for _, g := range list {
		if !g.resting {
			wait = max(wait, g.wait(now))
		}
	}
	if wait == 0 {
		return nil
	}
	return tooMany(wait)
}

func tooMany(wait time.Duration) error {
	return fault.New(fault.TooMany, "signin.too-many", "There were too many attempts. Please wait before you try again.").After(wait)
}

// read fills the gauges. With lock, nobody else counts until tx ends; rows are
// locked in the order of their keys.
func read(ctx context.Context, tx *db.Tx, list []gauge, lock bool) error {
	query := `SELECT key, failures, until FROM throttle WHERE key IN ` + places(len(list)) + ` ORDER BY key`
	if lock {
		query += forUpdate(tx)
	}
	rows, err := tx.Query(ctx, query, keys(list)...)
	stored, err := db.Collect(rows, err, func(r *sql.Rows) (g gauge, err error) {
		var until int64
		err = r.Scan(&g.key, &g.failures, &until)
		g.until = db.FromMicros(until)
		return g, err
	})
	for i := range list {
		list[i].failures, list[i].until = 0, time.Time{}
		for _, g := range stored {
			if bytes.Equal(g.key, list[i].key) {
				list[i].failures, list[i].until = g.failures, g.until
			}
		}
	}
	return err
}

func keys(list []gauge) []any {
	all := make([]any, len(list))
	for i, g := range list {
		all[i] = g.key
	}
	return all
}

// places gives the placeholders of n arguments, as ($1, $2).
func places(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = arg(i + 1)
	}
	return "(" + strings.Join(all, ", ") + ")"
}

// forUpdate ends a query whose row the transaction will change. SQLite has one
// writer and needs no lock.
func forUpdate(tx *db.Tx) string {
	if tx.Engine() == db.PostgreSQL {
		return ` FOR UPDATE`
	}
	return ``
}

// count adds a failure to each gauge.
func count(ctx context.Context, tx *db.Tx, list []gauge) error {
	for _, g := range list {
		if g.resting {
			continue
		}
		if err := g.count(ctx, tx); err != nil {
			return err
		}
	}
	return failuresChanged(ctx, tx, list)
}

// prepare makes a gauge's row where it has none, so that there is one to lock.
func (g gauge) prepare(ctx context.Context, tx *db.Tx) error {
	var forget int64
	if g.limit.forget > 0 {
		forget = db.Micros(tx.Now.Add(g.limit.forget))
	}
	_, err := tx.Exec(ctx, `INSERT INTO throttle (key, member_id, failures, last_at, until, forget_at) VALUES ($1, $2, 0, $3, 0, $4) ON CONFLICT (key) DO NOTHING`,
		g.key, null(g.memberID), db.Micros(tx.Now), forget)
	return err
}

func (g gauge) count(ctx context.Context, tx *db.Tx) error {
	var since, forget int64 // failures before since are forgotten, this one at forget
	if g.limit.forget > 0 {
		since, forget = db.Micros(tx.Now.Add(-g.limit.forget)), db.Micros(tx.Now.Add(g.limit.forget))
	}
	var n int64
	err := tx.QueryRow(ctx, `INSERT INTO throttle (key, member_id, failures, last_at, until, forget_at) VALUES ($1, $2, 1, $3, 0, $5)
		ON CONFLICT (key) DO UPDATE SET last_at = excluded.last_at, forget_at = excluded.forget_at,
			failures = CASE WHEN throttle.last_at < $4 THEN 1 ELSE throttle.failures + 1 END
		RETURNING failures`, g.key, null(g.memberID), db.Micros(tx.Now), since, forget).Scan(&n)
	if err != nil {
		return err
	}
	d := g.limit.delay(n)
	if d == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, `UPDATE throttle SET until = $2 WHERE key = $1`, g.key, db.Micros(tx.Now.Add(d)))
	return err
}

// keepNames is how many names that are no member's stay counted.
const keepNames = 1_000_000

// forgetStrangers deletes counts that have lost their use. The count of a name that
// is no member's has not, however old it is: if it went and a member's stayed,
// trying again after some time would tell which names are members'. Only beyond
// keep of them do the oldest go, so that nobody can fill the table.
func forgetStrangers(ctx context.Context, tx *db.Tx, keep int) error {
	if _, err := tx.Exec(ctx, `DELETE FROM throttle WHERE forget_at > 0 AND forget_at < $1`, db.Micros(tx.Now)); err != nil {
		return err
	}
	var last int64
	err := tx.QueryRow(ctx, `SELECT last_at FROM throttle WHERE member_id IS NULL AND forget_at = 0 ORDER BY last_at DESC LIMIT 1 OFFSET $1`, keep).Scan(&last)
	if err == db.ErrNoRows {
		return nil
	}
	if err == nil {
		_, err = tx.Exec(ctx, `DELETE FROM throttle WHERE member_id IS NULL AND forget_at = 0 AND last_at <= $1`, last)
	}
	return err
}

// forgive ends the counts of gauges.
func forgive(ctx context.Context, tx *db.Tx, list []gauge) error {
	if len(list) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, `DELETE FROM throttle WHERE key IN `+places(len(list)), keys(list)...)
	if err != nil {
		return err
	}
	return failuresChanged(ctx, tx, list)
}

// forgivable are the gauges, already read, that have counted something which a
// success takes back.
func forgivable(list []gauge) []gauge {
	return slices.DeleteFunc(slices.Clone(list), func(g gauge) bool { return g.failures == 0 || g.limit.shared })
}

func null(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// network is what an address is counted as: itself, or of IPv6 the /64 that one
// subscriber has.
func network(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil || a.Is4() {
		return ip
	}
	p, err := a.Prefix(64)
	if err != nil {
		return ip
	}
	return p.String()
}

package staff

import (
	"context"
	"database/sql"
	"net/netip"
	"strconv"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// What is refused stands in the audit log (PCI DSS 4.0.1, 10.2.1.4), one by one
// up to a limit and from then on as a number: nobody can fill the log, or bury in
// it what matters, by asking for what is refused.
const (
	refusalsOne       = 60  // kept one by one in an hour, of a person, or of an address that nobody is known at
	refusalsStrangers = 600 // of all whom nobody is known of
	refusalWindow     = time.Hour
)

// everyStranger is the subject of what is counted of all who are not signed in.
const everyStranger = "strangers"

// refuse leaves what was tried in vain.
func (s *Service) refuse(ctx context.Context, tx *db.Tx, a actor, action Action, object, id string, why error) error {
	room, err := roomForRefusal(ctx, tx, a)
	if err != nil || !room {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Actor: a.kind, ActorID: a.id, Action: string(action), Object: object, ObjectID: id,
		Outcome: audit.Refused, From: a.from, Details: map[string]string{"why": fault.As(why).Code}})
}

// roomForRefusal counts a refusal and tells whether it is kept by itself. Strangers
// are counted together first, so that neither the log nor the counts grow with the
// addresses that they have.
func roomForRefusal(ctx context.Context, tx *db.Tx, a actor) (bool, error) {
	if err := sumUpRefusals(ctx, tx); err != nil {
		return false, err
	}
	if a.id != "" {
		n, err := countRefusal(ctx, tx, a.id)
		return n <= refusalsOne, err
	}
	n, err := countRefusal(ctx, tx, everyStranger)
	if err != nil || n > refusalsStrangers {
		return false, err
	}
	n, err = countRefusal(ctx, tx, network(a.from))
	return n <= refusalsOne, err
}

func countRefusal(ctx context.Context, tx *db.Tx, subject string) (n int, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO staff_refusal (subject, since, number) VALUES ($1, $2, 1)
		ON CONFLICT (subject) DO UPDATE SET number = staff_refusal.number + 1 RETURNING number`, subject, db.Micros(tx.Now)).Scan(&n)
	return n, err
}

// sumUpRefusals ends the counts of hours that are over and leaves, where there
// were more than were kept one by one, how many.
func sumUpRefusals(ctx context.Context, tx *db.Tx) error {
	rows, err := tx.Query(ctx, `DELETE FROM staff_refusal WHERE since <= $1 RETURNING subject, number`, db.Micros(tx.Now.Add(-refusalWindow)))
	type count struct {
		subject string
		n       int
	}
	over, err := db.Collect(rows, err, func(r *sql.Rows) (c count, err error) { return c, r.Scan(&c.subject, &c.n) })
	if err != nil {
		return err
	}
	for _, c := range over {
		if c.n <= refusalsOne || c.subject == everyStranger && c.n <= refusalsStrangers {
			continue
		}
		if err := record(ctx, tx, actor{kind: "system"}, "staff.refusals", "subject", c.subject, map[string]string{"refused": strconv.Itoa(c.n)}); err != nil {
			return err
		}
	}
	return nil
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

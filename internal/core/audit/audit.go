// Package audit keeps who did what to which object, when, from where and with
// what outcome (PCI DSS 4.0.1, 10.2.2), in a chain that shows when a row was
// changed, deleted or inserted by hand.
//
// Rows are numbered and chained after their commit, by outbox.Sequencer. The
// program never changes or deletes one.
package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Table is the log's chained table.
const Table db.Chained = "audit"

// Outcomes of an action.
const (
	OK      = "ok"
	Refused = "refused" // a rule forbade it, or a proof was wrong
	Failed  = "failed"  // something of ours did not work
)

// Entry is one action: the six things that PCI DSS 10.2.2 asks for, less the
// time, which is the transaction's.
//
// No field may carry a secret: no password, code, token, key, full account or
// card number, nor an address or telephone number. What looks like a card number
// is masked on the way in all the same.
type Entry struct {
	Actor    string            // kind of the one who acted: member, agent, operator, system
	ActorID  string            // who; "" only while nobody is known yet, as for a wrong username
	Action   string            // what, as "signin.code"
	Object   string            // kind of the affected object, as "session"
	ObjectID string            // which one
	Outcome  string            // OK, Refused or Failed
	From     string            // where it came from: an IP address, or the name of a process
	Details  map[string]string // what else an investigator needs
}

// Record writes an entry in the caller's transaction. Actor, Action, Object and
// Outcome are constants of the program, and a defect where they are missing;
// the rest is shortened to its limit, because a record that is refused is lost.
func Record(ctx context.Context, tx *db.Tx, e Entry) error {
	if e.Actor == "" || e.Action == "" || e.Object == "" || (e.Outcome != OK && e.Outcome != Refused && e.Outcome != Failed) {
		return fault.New(fault.Internal, "audit.incomplete", "Something went wrong on our side.").With("action", e.Action)
	}
	r := row{id: db.NewID(), at: db.Micros(tx.Now), Entry: e.limited()}
	details, err := json.Marshal(r.Details) // a map's keys are sorted
	if err != nil {
		return fault.Wrap(fault.Internal, "audit.details", "Something went wrong on our side.", err)
	}
	r.details = string(details)
	tx.Wake(string(Table))
	_, err = tx.Exec(ctx, `INSERT INTO audit (id, at, actor, actor_id, action, object, object_id, outcome, origin, details, digest)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		r.id, r.at, r.Actor, r.ActorID, r.Action, r.Object, r.ObjectID, r.Outcome, r.From, r.details, r.digest())
	return err
}

// row is an entry as it is stored.
type row struct {
	Entry
	id      string
	at      int64
	details string
}

// digest covers every column but the number, each part behind its length.
func (r row) digest() []byte {
	h := sha256.New()
	var n [8]byte
	for _, s := range []string{r.id, r.Actor, r.ActorID, r.Action, r.Object, r.ObjectID, r.Outcome, r.From, r.details} {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	binary.BigEndian.PutUint64(n[:], uint64(r.at))
	h.Write(n[:])
	return h.Sum(nil)
}

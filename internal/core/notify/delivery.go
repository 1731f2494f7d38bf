package notify

import (
	"context"
	"slices"
	"strings"
	"time"

	"standfast/internal/db"
)

// State is what is known of a message's way to the member once it has left us.
type State string

// The states, in the order in which a message passes them. Later news never
// takes a message back: receipts come late, twice, and in any order.
const (
	StateNone      State = ""          // not handed over yet
	StateHanded    State = "handed"    // handed to somebody who tells nothing more, as a mail server
	StateAccepted  State = "accepted"  // the gateway has it
	StateSent      State = "sent"      // the gateway has passed it on
	StateExpired   State = "expired"   // the network gave up
	StateFailed    State = "failed"    // it cannot arrive
	StateDelivered State = "delivered" // the telephone has it, or so the gateway says
)

// states gives all states, the later ones outranking those before them. A
// delivery outranks a failure: a network that gave up may still deliver, and
// nobody who has a message needs another.
func states() []State {
	return []State{StateNone, StateHanded, StateAccepted, StateSent, StateExpired, StateFailed, StateDelivered}
}

// Known tells whether s is a state that a receipt can report.
func (s State) Known() bool { return slices.Index(states(), s) >= 2 }

// Final tells whether nothing more is to be expected.
func (s State) Final() bool {
	return s == StateHanded || s == StateExpired || s == StateFailed || s == StateDelivered
}

// Handed is what a sender knows when the other side has taken a message.
type Handed struct {
	ID    string // the other side's own id of it, "" where it gives none
	State State  // "" is StateAccepted
}

// Tracker is a Sender that learns what becomes of its messages: receipts come
// in by Receive. Of messages of other senders nothing more is known than that
// they were handed over.
type Tracker interface {
	Sender
	Hand(ctx context.Context, m Outgoing) (Handed, error)
}

// Gauged is a Sender that can tell whether it works at the moment.
type Gauged interface {
	Sender
	Working() bool
}

// Receipt is news of one message.
type Receipt struct {
	ID    string // ours, or the one that the gateway gave it
	State State
}

// maxReceipts bounds what one call of Receive takes.
const maxReceipts = 200

// Receive takes down what a channel's gateway says about messages. Receipts of
// messages that do not exist, that repeat, or that say what is no longer news
// change nothing and are no error: whoever sends them learns nothing from us.
func (n *Notifier) Receive(ctx context.Context, c Channel, list []Receipt) error {
	list = slices.Clone(list[:min(len(list), maxReceipts)])
	slices.SortStableFunc(list, func(a, b Receipt) int { return strings.Compare(a.ID, b.ID) }) // two calls never wait for each other's rows
	return n.db.WithTx(ctx, func(tx *db.Tx) error {
		for _, r := range list {
			if err := receive(ctx, tx, c, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// receive raises a message's state, if the receipt is news.
func receive(ctx context.Context, tx *db.Tx, c Channel, r Receipt) error {
	if !r.State.Known() || r.ID == "" {
		return nil
	}
	if db.ValidID(r.ID) {
		n, err := raise(ctx, tx, c, `id`, r.ID, r.State)
		if err != nil || n > 0 {
			return err
		}
	}
	_, err := raise(ctx, tx, c, `handed_as`, r.ID, r.State)
	return err
}

// raise changes the state of the message whose column holds id, unless it has
// come further already.
func raise(ctx context.Context, tx *db.Tx, c Channel, column, id string, to State) (int64, error) {
	all := states()
	query, args := `UPDATE notification SET delivery = $1, told_at = $2 WHERE `+column+` = $3 AND channel = $4 AND delivery IN (`, []any{string(to), db.Micros(tx.Now), id, string(c)}
	for i, s := range all[:slices.Index(all, to)] {
		if i > 0 {
			query += `, `
		}
		query += `'` + string(s) + `'`
	}
	return tx.Exec(ctx, query+`)`, args...)
}

// About gives the messages that belong to something, as a challenge, newest
// first, inside the caller's transaction.
func (n *Notifier) About(ctx context.Context, tx *db.Tx, about string) ([]Status, error) {
	rows, err := tx.Query(ctx, statusQuery+` WHERE about = $1 ORDER BY id DESC LIMIT 20`, about)
	return db.Collect(rows, err, scanStatus)
}

// Working tells whether a channel's sender is believed to work now. One that
// cannot tell is believed to.
func (n *Notifier) Working(c Channel) bool {
	s := n.senders[c]
	g, ok := s.(Gauged)
	return s != nil && (!ok || g.Working())
}

// handOver gives a message to its sender.
func handOver(ctx context.Context, s Sender, m Outgoing) (Handed, error) {
	t, ok := s.(Tracker)
	if !ok {
		return Handed{State: StateHanded}, s.Send(ctx, m)
	}
	h, err := t.Hand(ctx, m)
	if h.State == StateNone {
		h.State = StateAccepted
	}
	return h, err
}

// Deliveries counts the text messages and calls since an instant by what became
// of them, for those who watch a gateway.
func (n *Notifier) Deliveries(ctx context.Context, since time.Time) (counts map[Channel]map[State]int64, err error) {
	counts = map[Channel]map[State]int64{}
	err = n.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT channel, delivery, count(*) FROM notification WHERE channel IN ('text', 'voice') AND created_at >= $1
			GROUP BY channel, delivery`, db.Micros(since))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var c Channel
			var s State
			var k int64
			if err := rows.Scan(&c, &s, &k); err != nil {
				return err
			}
			if counts[c] == nil {
				counts[c] = map[State]int64{}
			}
			counts[c][s] = k
		}
		return rows.Err()
	})
	return counts, err
}

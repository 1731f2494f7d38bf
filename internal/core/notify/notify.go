// Package notify tells members things, by e-mail, text message, voice or push:
// codes, and what happened to their money and their sign-in.
//
// A message is stored sealed in the caller's transaction and sent after its
// commit, at least once; repeats carry the same id. Once it is sent or given up,
// its address, text and code are wiped. They are never logged.
package notify

import (
	"context"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/text"
)

// Channel is a way to reach a member.
type Channel string

// The channels.
const (
	Email Channel = "email"
	Text  Channel = "text"
	Voice Channel = "voice"
	Push  Channel = "push"
)

// Message is what a member is to be told. The texts are the catalogue's
// notify.<Template>.text, with .subject for e-mail and, where they exist, .short
// in place of .text on the other channels and .spoken for what a voice reads out.
type Message struct {
	MemberID string // "" when nobody is known yet
	To       string // address or number
	Channel  Channel
	Locale   string         // any language tag; the nearest catalogue is taken
	Template string         // as "sign-in-code"
	Data     map[string]any // values that the texts name, a Term among them; Code, Brand, Telephone and Minutes are added
	Code     string         // one-time code, "" for none
	Until    time.Time      // of no use afterwards, and then not sent; zero for always
	About    string         // what the message belongs to, for Notifier.About; "" for nothing
}

// Outgoing is a message ready for a sender.
type Outgoing struct {
	ID      string // repeats of one message carry the same
	To      string
	Subject string
	Text    string
	Code    string // also in Text
	Channel Channel
	Locale  string
	SentAt  time.Time
	Until   time.Time // of no use afterwards; zero for always
}

// Sender hands a message to the outside. It heeds its context, and its errors
// name neither address nor contents. A Refusal says that no repeat can help.
type Sender interface {
	Send(ctx context.Context, m Outgoing) error
}

// Refusal is a sender's error when the other side will never take the message.
type Refusal struct{ Reason string }

func (r *Refusal) Error() string { return "refused: " + r.Reason }

// Sealer encrypts what is stored; *masterkey.Key and an issuer's own KMS are ones.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
}

// Cell is what the texts say about the issuer.
type Cell struct {
	Brand     string         // name that members know
	Telephone string         // number that members call
	Host      string         // public host name; binds codes in text messages to it
	Zone      *time.Location // in which times are written; UTC when nil
}

// Option changes how New makes a notifier.
type Option func(*Notifier)

// In makes the texts speak of a cell.
func In(c Cell) Option {
	return func(n *Notifier) { n.cell = c }
}

// Notifier stores messages and sends them.
type Notifier struct {
	db      *db.DB
	jobs    *jobs.Jobs
	texts   *text.Catalogue
	sealer  Sealer
	senders map[Channel]Sender
	cell    Cell
	tariff  Tariff
}

// sendTimeout bounds one try.
const sendTimeout = 20 * time.Second

// sendAttempts are spread over three hours (see jobs.Handle).
const sendAttempts = 15

// New makes a notifier and registers its job, so it comes before j's Start.
// Channels that are not in senders cannot be used.
func New(d *db.DB, j *jobs.Jobs, texts *text.Catalogue, sealer Sealer, senders map[Channel]Sender, o ...Option) *Notifier {
	n := &Notifier{db: d, jobs: j, texts: texts, sealer: sealer, senders: senders, cell: Cell{Brand: "Standfast"}}
	for _, option := range o {
		option(n)
	}
	if n.cell.Zone == nil {
		n.cell.Zone = time.UTC
	}
	jobs.Handle(j, sendTimeout, n.deliver)
	return n
}

// Can tells whether a channel has a sender.
func (n *Notifier) Can(c Channel) bool { return n.senders[c] != nil }

// Send stores a message in the caller's transaction and has it sent after the
// commit. Without a sender for the channel it gives fault.Unavailable with the
// code "notify.channel-unavailable", so that the caller can choose another; an
// address that the channel cannot have gives fault.Invalid. Nothing was written
// then. What the tariff does not allow is refused in the same way when it carries
// a code. A notice is taken down as failed instead: what it tells of has happened,
// and must not be undone because nobody can be told.
func (n *Notifier) Send(ctx context.Context, tx *db.Tx, m Message) error {
	if !n.Can(m.Channel) {
		return channelUnavailable(m.Channel)
	}
	if !reachable(m.Channel, m.To) {
		return fault.InvalidField("to", "notify.address", "We cannot send a message to this address.")
	}
	switch paid, err := n.pay(ctx, tx, m); {
	case err != nil:
		return err
	case !paid:
		return n.unpaid(ctx, tx, m)
	}
	c, locale, err := n.compose(m, tx.Now)
	if err != nil {
		return err
	}
	id := db.NewID()
	sealed, err := n.seal(id, c)
	if err != nil {
		return err
	}
	if err := insert(ctx, tx, id, locale, m, sealed); err != nil {
		return err
	}
	return n.jobs.Enqueue(ctx, tx, sendArgs{ID: id}, jobs.Options{MaxAttempts: sendAttempts})
}

func channelUnavailable(c Channel) error {
	return fault.New(fault.Unavailable, "notify.channel-unavailable", "We cannot send messages this way. Please choose another.").With("channel", string(c))
}

// Package notify tells members things: by e-mail, text, voice or push.
package notify

import (
	"context"
	"errors"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/db"
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

// Message is what a member is to be told.
type Message struct {
	MemberID string
	To       string // address or number
	Channel  Channel
	Locale   string         // en-US when empty
	Template string         // texts are notify.<template>.subject and .text
	Data     map[string]any // what the texts name
	Code     string         // one-time code, "" for none; the text names it as {{.Code}}
	Until    time.Time      // of no use afterwards, so not sent; zero for always
}

// Outgoing is a message ready for a sender.
type Outgoing struct {
	ID      string // repeats of one message carry the same
	To      string
	Subject string
	Text    string
	Code    string
	Channel Channel
	Locale  string
	SentAt  time.Time
}

// Sender hands a message to the outside. Sending one ID twice must be harmless.
type Sender interface {
	Send(ctx context.Context, m Outgoing) error
}

// Texts gives a sentence of the catalogue; *text.Catalogue implements it.
type Texts interface {
	Message(locale, id string, data map[string]any) string
}

// Sealer encrypts what is stored; *masterkey.Key implements it.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
}

// Notifier stores messages and sends them.
type Notifier struct{}

// New makes a notifier. Channels that are not in senders cannot be used.
func New(d *db.DB, j *jobs.Jobs, texts Texts, sealer Sealer, senders map[Channel]Sender) *Notifier {
	return &Notifier{}
}

// Can tells whether a channel has a sender.
func (n *Notifier) Can(c Channel) bool { return false }

// Send stores a message in the caller's transaction and has it sent after commit.
func (n *Notifier) Send(ctx context.Context, tx *db.Tx, m Message) error {
	return errors.New("notify: being built")
}

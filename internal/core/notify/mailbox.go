package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Mailbox is the sender of demos and tests: it posts messages of every channel
// to a mailbox that a person, or a program, can look into.
type Mailbox struct {
	url    string
	client *http.Client
}

// NewMailbox makes a sender to the mailbox at an http URL.
func NewMailbox(url string) *Mailbox {
	return &Mailbox{url: url, client: &http.Client{Timeout: 5 * time.Second}}
}

// mailboxItem is a message in the mailbox's form. Its id makes repeats harmless.
type mailboxItem struct {
	ID      string    `json:"id"`
	To      string    `json:"to"`
	Channel Channel   `json:"channel"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	Code    string    `json:"code"`
	SentAt  time.Time `json:"sent_at"`
}

// Hand posts a message. The mailbox is where messages end, so what it has taken
// has arrived.
func (b *Mailbox) Hand(ctx context.Context, m Outgoing) (Handed, error) {
	return Handed{State: StateDelivered}, b.Send(ctx, m)
}

// Send posts a message.
func (b *Mailbox) Send(ctx context.Context, m Outgoing) error {
	body, err := json.Marshal(mailboxItem{m.ID, m.To, m.Channel, m.Subject, m.Text, m.Code, m.SentAt})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url, bytes.NewReader(body))
	if err != nil {
		return &Refusal{"the mailbox's URL cannot be used"}
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := b.client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return fmt.Errorf("mailbox: %w", err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 4096))
	switch {
	case res.StatusCode < 300:
		return nil
	case res.StatusCode >= 400 && res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests:
		return &Refusal{fmt.Sprintf("the mailbox answered %d", res.StatusCode)}
	}
	return fmt.Errorf("mailbox: answered %d", res.StatusCode)
}

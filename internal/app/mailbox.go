package app

import (
	"encoding/json"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"standfast/internal/fault"
)

// Mail is one message in the demo's mailbox, in the form that API.md states.
type Mail struct {
	ID      string    `json:"id"`
	To      string    `json:"to"`
	Channel string    `json:"channel"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
	Code    string    `json:"code"`
	SentAt  time.Time `json:"sent_at"`
}

// mailboxPage shows the messages to a person who opens the mailbox in a browser.
var mailboxPage = template.Must(template.New("mailbox").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="refresh" content="5"><title>Demo mailbox</title>
<style>
:root { color-scheme: light dark } body { font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem }
article { border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding: 1rem 0 } h2 { font-size: 1rem; margin: 0 }
p { margin: .25rem 0; white-space: pre-line } small { opacity: .75 } strong { font-size: 1.5rem; letter-spacing: .1em; font-variant-numeric: tabular-nums }
</style></head><body><h1>Demo mailbox</h1><p>Every message that the demo sends arrives here, newest first. The page renews itself every five seconds.</p>
{{range .}}<article><h2>{{if .Subject}}{{.Subject}}{{else}}{{.Channel}}{{end}}</h2><small>{{.Channel}} to {{.To}}, {{.SentAt.Format "15:04:05 MST"}}</small>
{{if .Code}}<p><strong>{{.Code}}</strong></p>{{end}}<p>{{.Text}}</p></article>
{{else}}<p>Nothing has been sent yet.</p>{{end}}</body></html>`))

// mailbox keeps the newest messages of a demo in memory. It lives in the
// supervisor, so that it answers when core does not.
type mailbox struct {
	mu    sync.Mutex
	items []Mail // oldest first
}

const (
	mailboxKeeps    = 2000
	mailboxMaxBytes = 64 << 10
)

// ServeHTTP takes messages by POST and lists them by GET, newest first, with
// ?to= only those to one address.
func (m *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		m.take(w, r)
	case http.MethodGet:
		m.list(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "GET or POST", http.StatusMethodNotAllowed)
	}
}

func (m *mailbox) take(w http.ResponseWriter, r *http.Request) {
	var msg Mail
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mailboxMaxBytes)).Decode(&msg); err != nil || msg.ID == "" {
		fault.WriteProblem(w, fault.Wrap(fault.Malformed, "mailbox.message", "A message is a JSON object with an id.", err))
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.ContainsFunc(m.items, func(x Mail) bool { return x.ID == msg.ID }) {
		m.items = append(m.items, msg)
	}
	if over := len(m.items) - mailboxKeeps; over > 0 {
		m.items = slices.Delete(m.items, 0, over)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (m *mailbox) list(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("to")
	found := []Mail{}
	m.mu.Lock()
	for _, msg := range slices.Backward(m.items) {
		if to == "" || msg.To == to {
			found = append(found, msg)
		}
	}
	m.mu.Unlock()
	w.Header().Set("Cache-Control", "no-store")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		_ = mailboxPage.Execute(w, found)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"items": found})
}

package gateway

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"standfast/internal/core/notify"
	"standfast/internal/fault"
)

// ReceiptConfig says what a gateway's receipts look like and what proves them.
type ReceiptConfig struct {
	Proof  string // Signed or Shared; Signed when ""
	Secret string // of Signed the key; of Shared the header's whole value
	Header string // SignatureHeader or Authorization when ""
	ID     string // the field with the message's id, ours or the gateway's; "id" when ""
	State  string // the field with what became of it; "state" when ""
	// States says what the gateway's words mean; our own words mean themselves.
	// What neither knows is passed over: gateways invent new words.
	States map[string]notify.State
	Now    func() time.Time
}

// Limits of one call with receipts.
const (
	maxBody        = 64 << 10
	maxReceipts    = 200
	maxID          = 128
	receiptTimeout = 5 * time.Second
)

// NewReceipts makes the handler of the address at which a gateway reports. It
// answers 204 whatever the receipts were about, so that nobody learns from it
// which messages there are.
func NewReceipts(c ReceiptConfig, record func(context.Context, []notify.Receipt) error) (http.Handler, error) {
	c.Proof, c.ID, c.State = cmp.Or(c.Proof, Signed), cmp.Or(c.ID, "id"), cmp.Or(c.State, "state")
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.checkProof(); err != nil {
		return nil, err
	}
	for word, s := range c.States {
		if !s.Known() {
			return nil, fault.InvalidField("states", "gateway.states", "A receipt's "+word+" is accepted, sent, delivered, expired or failed.")
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if err := c.take(w, r, record); err != nil {
			fault.WriteProblem(w, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}), nil
}

func (c ReceiptConfig) take(w http.ResponseWriter, r *http.Request, record func(context.Context, []notify.Receipt) error) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return fault.New(fault.NotFound, "receipt.method", "Receipts are posted.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), receiptTimeout)
	defer cancel()
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(receiptTimeout)) // a test's writer has none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return fault.Wrap(fault.TooLarge, "receipt.large", "Receipts are at most 64 KiB.", err)
	}
	if err != nil {
		return fault.Wrap(fault.Malformed, "receipt.unreadable", "The receipts could not be read.", err)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // one that passed later would cancel all that follows on the connection
	if !c.proved(r, body) {
		return fault.New(fault.Unauthenticated, "receipt.proof", "The receipts are not proved to come from the gateway.")
	}
	list, err := c.parse(r.Header.Get("Content-Type"), body)
	if err != nil || len(list) == 0 {
		return err
	}
	return record(ctx, list)
}

// parse reads receipts: a JSON object, a list of them, {"receipts": [list]}, or
// a form with one. Receipts without an id or with a state that nobody knows are
// left out.
func (c ReceiptConfig) parse(contentType string, body []byte) ([]notify.Receipt, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err == nil && kind == "application/x-www-form-urlencoded" {
		return c.parseForm(string(body))
	}
	if err != nil || kind != "application/json" {
		return nil, fault.New(fault.UnsupportedMedia, "receipt.media", "Receipts are JSON or a form.")
	}
	objects, err := objectsOf(body)
	if err != nil {
		return nil, err
	}
	var list []notify.Receipt
	for _, o := range objects {
		list = c.add(list, text(o, c.ID), text(o, c.State))
	}
	return list, nil
}

func (c ReceiptConfig) parseForm(body string) ([]notify.Receipt, error) {
	form, err := url.ParseQuery(body)
	if err != nil {
		return nil, unreadable(err)
	}
	return c.add(nil, form.Get(c.ID), form.Get(c.State)), nil
}

func (c ReceiptConfig) add(list []notify.Receipt, id, word string) []notify.Receipt {
	s, named := c.States[word]
	if !named {
		s = notify.State(strings.ToLower(word))
	}
	if !s.Known() || !plainID(id) {
		return list
	}
	return append(list, notify.Receipt{ID: id, State: s})
}

// plainID tells whether an id is one that can be looked for.
func plainID(id string) bool {
	return id != "" && len(id) <= maxID && !strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' })
}

// objectsOf reads exactly one JSON value and gives its receipts.
func objectsOf(body []byte) ([]map[string]any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(&v); err != nil {
		return nil, unreadable(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, unreadable(err)
	}
	if o, ok := v.(map[string]any); ok {
		inner, many := o["receipts"]
		if !many {
			return []map[string]any{o}, nil
		}
		v = inner
	}
	all, ok := v.([]any)
	if !ok || len(all) > maxReceipts {
		return nil, unreadable(nil)
	}
	list := make([]map[string]any, 0, len(all))
	for _, item := range all {
		if o, ok := item.(map[string]any); ok {
			list = append(list, o)
		}
	}
	return list, nil
}

func unreadable(cause error) error {
	return fault.Wrap(fault.Malformed, "receipt.unreadable", "The receipts could not be read.", cause)
}

// text gives the string at a path of names with dots between them.
func text(object map[string]any, path string) string {
	var v any = object
	for name := range strings.SplitSeq(path, ".") {
		o, _ := v.(map[string]any)
		v = o[name]
	}
	s, _ := v.(string)
	return s
}

package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client speaks the JSON API as a program that was written against API.md alone.
type client struct {
	base, token, device, flow string
	http                      *http.Client
	card, savings, method     string // of the member, once signed in
}

func newClient(base, flow string) *client {
	return &client{base: base, flow: flow, http: &http.Client{Timeout: time.Minute, Transport: towards(base)}}
}

// send makes one request; err is set when no whole answer came.
func (c *client) send(method, path string, body any, headers map[string]string) (status int, answer map[string]any, err error) {
	var b io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return 0, nil, err
		}
		b = bytes.NewReader(text)
	}
	q, err := http.NewRequest(method, c.base+path, b)
	if err != nil {
		return 0, nil, err
	}
	q.Header.Set("Standfast-Flow", c.flow)
	if b != nil {
		q.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		q.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.device != "" {
		q.Header.Set("Standfast-Device", c.device)
	}
	for k, v := range headers {
		q.Header.Set(k, v)
	}
	a, err := c.http.Do(q)
	if err != nil {
		return 0, nil, err
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		return 0, nil, err
	}
	if len(text) > 0 && strings.Contains(a.Header.Get("Content-Type"), "json") {
		err = json.Unmarshal(text, &answer)
	}
	return a.StatusCode, answer, err
}

func (c *client) do(t testing.TB, method, path string, body any, headers map[string]string) (int, map[string]any) {
	t.Helper()
	status, answer, err := c.send(method, path, body, headers)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return status, answer
}

// signIn signs the n-th demo member in with password and code, remembers the
// device, and looks up the member's card, savings and bank account.
func signIn(t testing.TB, d *demo, n int) *client {
	t.Helper()
	c := newClient(d.API, "flow-"+t.Name())
	before := d.mails(t)
	who := d.Members[n]
	status, a := c.do(t, "POST", "/sign-in", map[string]any{"username": who.Username, "password": who.Password}, nil)
	if status != 200 || a["status"] != "code_required" {
		t.Fatalf("sign-in: %d %v", status, a)
	}
	challenge := a["challenge"].(map[string]any)["id"]
	status, a = c.do(t, "POST", "/sign-in/code", map[string]any{"challenge_id": challenge, "code": d.newCode(t, before), "trust_device": true}, nil)
	if status != 200 || a["status"] != "signed_in" {
		t.Fatalf("code: %d %v", status, a)
	}
	c.token = a["session"].(map[string]any)["token"].(string)
	c.device = a["device"].(map[string]any)["token"].(string)
	c.look(t)
	return c
}

// look finds what a payment needs.
func (c *client) look(t testing.TB) {
	t.Helper()
	_, a := c.do(t, "GET", "/dashboard", nil, nil)
	for _, item := range a["tiles"].([]any) {
		tile := item.(map[string]any)
		switch id := tile["account_id"].(string); tile["kind"] {
		case "card":
			c.card = id
		case "savings":
			c.savings = id
		}
	}
	_, a = c.do(t, "GET", "/payment-methods", nil, nil)
	for _, item := range a["items"].([]any) {
		if m := item.(map[string]any); m["status"] == "verified" {
			c.method = m["id"].(string)
		}
	}
	if c.card == "" || c.savings == "" || c.method == "" {
		t.Fatalf("card %q, savings %q, method %q", c.card, c.savings, c.method)
	}
}

// receipt is what a member keeps of a payment.
type receipt struct{ ID, ConfirmationNumber, Status, Key string }

func (c *client) payment(value string) map[string]any {
	return map[string]any{"account_id": c.card, "payment_method_id": c.method, "amount": map[string]string{"value": value, "currency": "USD"}}
}

// pay pays the card from the verified bank account.
func (c *client) pay(t testing.TB, value, key string) receipt {
	t.Helper()
	status, a := c.do(t, "POST", "/payments", c.payment(value), map[string]string{"Idempotency-Key": key})
	if status != 201 {
		t.Fatalf("payment: %d %v", status, a)
	}
	return receiptOf(a, key)
}

func receiptOf(a map[string]any, key string) receipt {
	text := func(name string) string { s, _ := a[name].(string); return s }
	return receipt{text("id"), text("confirmation_number"), text("status"), key}
}

// payments gives all payments of the card by id.
func (c *client) payments(t testing.TB) map[string]receipt {
	t.Helper()
	all := map[string]receipt{}
	for cursor := ""; ; {
		status, a := c.do(t, "GET", "/payments?limit=100&account_id="+c.card+"&cursor="+cursor, nil, nil)
		if status != 200 {
			t.Fatal(status, a)
		}
		for _, item := range a["items"].([]any) {
			r := receiptOf(item.(map[string]any), "")
			if _, twice := all[r.ID]; twice {
				t.Fatalf("payment %s is listed twice", r.ID)
			}
			all[r.ID] = r
		}
		if cursor, _ = a["next_cursor"].(string); cursor == "" {
			return all
		}
	}
}

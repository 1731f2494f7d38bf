package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/notify"
	"standfast/internal/fault"
)

const key = "a key of receipts, long enough"

// hook is the address of receipts, and what came through it.
type hook struct {
	http.Handler
	got  []notify.Receipt
	fail error
}

func newHook(t testing.TB, c ReceiptConfig) *hook {
	t.Helper()
	h := &hook{}
	c.Secret, c.Now = key, fixed
	var err error
	h.Handler, err = NewReceipts(c, func(_ context.Context, list []notify.Receipt) error {
		h.got = append(h.got, list...)
		return h.fail
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *hook) post(kind, body string, header ...string) int {
	r := httptest.NewRequest(http.MethodPost, "/receipts/text", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	r.Header.Set(SignatureHeader, Sign(key, noon, []byte(body)))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}

func TestReceiptsInEveryForm(t *testing.T) {
	one := notify.Receipt{ID: "m1", State: notify.StateDelivered}
	for body, want := range map[string][]notify.Receipt{
		`{"id":"m1","state":"delivered"}`:                                                                        {one},
		`[{"id":"m1","state":"delivered"},{"id":"m2","state":"failed"}]`:                                         {one, {ID: "m2", State: notify.StateFailed}},
		`{"receipts":[{"id":"m1","state":"DELIVERED"}]}`:                                                         {one},
		`{"receipts":[{"id":"m1","state":"levitating"},{"id":"","state":"sent"},7,{"id":"m 1","state":"sent"}]}`: nil,
		`{"receipts":[]}`: nil,
		`{"id":"m1"}`:     nil,
	} {
		h := newHook(t, ReceiptConfig{})
		if code := h.post("application/json", body); code != http.StatusNoContent || !slices.Equal(h.got, want) {
			t.Errorf("%s: %d %v", body, code, h.got)
		}
	}
	h := newHook(t, ReceiptConfig{ID: "MessageSid", State: "MessageStatus", States: map[string]notify.State{"undelivered": notify.StateFailed}})
	if code := h.post("application/x-www-form-urlencoded", "MessageSid=SM1&MessageStatus=undelivered"); code != 204 || !slices.Equal(h.got, []notify.Receipt{{ID: "SM1", State: notify.StateFailed}}) {
		t.Fatal(code, h.got)
	}
	h = newHook(t, ReceiptConfig{ID: "message.sid", State: "message.state"})
	if code := h.post("application/json", `{"message":{"sid":"m1","state":"delivered"}}`); code != 204 || !slices.Equal(h.got, []notify.Receipt{one}) {
		t.Fatal(code, h.got)
	}
}

func TestReceiptsThatProveNothingAreRefused(t *testing.T) {
	body := `{"id":"m1","state":"delivered"}`
	for name, header := range map[string][]string{
		"no signature":    {SignatureHeader, ""},
		"another key":     {SignatureHeader, Sign("another key, long enough", noon, []byte(body))},
		"another body":    {SignatureHeader, Sign(key, noon, []byte(body+" "))},
		"too old":         {SignatureHeader, Sign(key, noon.Add(-replayWindow-time.Second), []byte(body))},
		"too early":       {SignatureHeader, Sign(key, noon.Add(replayWindow+time.Second), []byte(body))},
		"another time":    {SignatureHeader, strings.Replace(Sign(key, noon, []byte(body)), "t=1", "t=2", 1)},
		"cut":             {SignatureHeader, Sign(key, noon, []byte(body))[:40]},
		"no time":         {SignatureHeader, "t=,v1=" + strings.Repeat("00", 32)},
		"the secret bare": {"Authorization", key, SignatureHeader, key},
	} {
		h := newHook(t, ReceiptConfig{})
		if code := h.post("application/json", body, header...); code != http.StatusUnauthorized || len(h.got) > 0 {
			t.Errorf("%s: %d %v", name, code, h.got)
		}
	}
	shared := newHook(t, ReceiptConfig{Proof: Shared, Header: "X-Callback-Key"})
	if code := shared.post("application/json", body); code != http.StatusUnauthorized {
		t.Error("no secret:", code)
	}
	if code := shared.post("application/json", body, "X-Callback-Key", key); code != http.StatusNoContent || len(shared.got) != 1 {
		t.Error("the secret:", code)
	}
}

func TestReceiptsHaveLimits(t *testing.T) {
	h := newHook(t, ReceiptConfig{})
	for name, c := range map[string]struct {
		kind, body string
		want       int
	}{
		"too large": {"application/json", `"` + strings.Repeat("x", maxBody) + `"`, 413},
		"too many":  {"application/json", "[" + strings.Repeat(`{},`, maxReceipts) + `{}]`, 400},
		"two":       {"application/json", `{"id":"m1","state":"sent"}{}`, 400},
		"no JSON":   {"application/json", `{`, 400},
		"a number":  {"application/json", `7`, 400},
		"a page":    {"text/html", `<p>`, 415},
		"no type":   {"", `{}`, 415},
	} {
		if code := h.post(c.kind, c.body); code != c.want || len(h.got) > 0 {
			t.Errorf("%s: %d %v", name, code, h.got)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/receipts/text", nil))
	if w.Code != http.StatusNotFound {
		t.Error("GET:", w.Code)
	}
	h.fail = fault.New(fault.Unavailable, "storage.unavailable", "…")
	if code := h.post("application/json", `{"id":"m1","state":"sent"}`); code != http.StatusServiceUnavailable {
		t.Error("a store that is away:", code)
	}
	if _, err := NewReceipts(ReceiptConfig{Secret: "short"}, nil); err == nil {
		t.Error("a short secret is taken")
	}
	if _, err := NewReceipts(ReceiptConfig{Secret: key, States: map[string]notify.State{"x": "gone"}}, nil); err == nil {
		t.Error("a state that nobody knows is taken")
	}
}

// FuzzReceipts: whatever comes, what is passed on has a plain id and a known state.
func FuzzReceipts(f *testing.F) {
	for _, body := range []string{`{"id":"m1","state":"delivered"}`, `[{"id":"m1","state":"sent"}]`, `{"receipts":[{"id":7}]}`, `id=m1&state=failed`, `{`, `[[[[`, "\xff", `{"receipts":null}`} {
		f.Add("application/json", body)
		f.Add("application/x-www-form-urlencoded", body)
	}
	f.Fuzz(func(t *testing.T, kind, body string) {
		c := ReceiptConfig{Secret: key, ID: "id", State: "state"}
		list, err := c.parse(kind, []byte(body))
		if err != nil && len(list) > 0 {
			t.Fatal("receipts beside an error")
		}
		for _, r := range list {
			if !plainID(r.ID) || !r.State.Known() {
				t.Fatalf("%+v", r)
			}
		}
	})
}

func FuzzSignature(f *testing.F) {
	f.Add(Sign(key, noon, []byte("body")))
	f.Add("t=1,v1=00")
	f.Add("v1=,t=,,=")
	f.Fuzz(func(t *testing.T, header string) {
		if at, sum, ok := readSignature(header); ok && (at == "" || len(sum) != 32) {
			t.Fatal(at, sum)
		}
	})
}

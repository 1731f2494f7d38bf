package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/notify"
	"standfast/internal/fault"
)

var ctx = context.Background()

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func fixed() time.Time { return noon }

func outgoing() notify.Outgoing {
	return notify.Outgoing{ID: "019cada2-6c00-7000-8000-2d5f3ab0c001", To: "+12025550142", Text: "Code {id} \"1\"\r\n\r\nX: y & z=1", Code: "123456",
		Channel: notify.Text, Locale: "en-US", SentAt: noon, Until: noon.Add(10 * time.Minute)}
}

// echo answers as told and keeps what it was asked.
type echo struct {
	status int
	answer string
	header http.Header
	body   string
	calls  int
}

func (e *echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	e.header, e.body, e.calls = r.Header.Clone(), string(b), e.calls+1
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_, _ = w.Write([]byte(e.answer))
}

func at(t *testing.T, h http.Handler, c Config) *Gateway {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	c.URL, c.Now = srv.URL, fixed
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestAMessageKeepsItsPlaceInTheRequest(t *testing.T) {
	e := &echo{status: 202}
	g := at(t, e, Config{Secret: "Bearer s3cret", From: "Bank"})
	h, err := g.Hand(ctx, outgoing())
	if err != nil || h.State != notify.StateAccepted || h.ID != "" {
		t.Fatal(h, err)
	}
	var got map[string]string
	if err := json.Unmarshal([]byte(e.body), &got); err != nil {
		t.Fatal(err)
	}
	m := outgoing()
	for name, want := range map[string]string{"id": m.ID, "to": m.To, "from": "Bank", "text": m.Text, "seconds": "600", "channel": "text", "locale": "en-US"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if e.header.Get("Authorization") != "Bearer s3cret" || e.header.Get("Idempotency-Key") != m.ID || e.header.Get("X") != "" {
		t.Error(e.header)
	}
}

func TestAnotherGatewaysForm(t *testing.T) {
	e := &echo{status: 201, answer: `{"message":{"sid":"SM1"}}`}
	g := at(t, e, Config{Format: Form, Header: "X-Api-Key", Secret: "k", From: "+1", AnswerID: "message.sid", Silent: true,
		Fields: map[string]string{"To": "{digits}", "Body": "{text}", "Callback": "https://my.example.com/receipts/text?m={id}"}})
	h, err := g.Hand(ctx, outgoing())
	if err != nil || h.ID != "SM1" || h.State != notify.StateHanded {
		t.Fatal(h, err)
	}
	form, err := url.ParseQuery(e.body)
	if err != nil || form.Get("To") != "12025550142" || form.Get("Body") != outgoing().Text || len(form) != 3 || e.header.Get("X-Api-Key") != "k" {
		t.Fatal(form, err)
	}
	e = &echo{status: 200}
	g = at(t, e, Config{Fields: map[string]string{"message.to": "{to}", "message.content.text": "{text}"}})
	if err := g.Send(ctx, outgoing()); err != nil || !strings.Contains(e.body, `"content":{"text":`) {
		t.Fatal(e.body, err)
	}
}

// What is surely about one message ends it; everything else is tried again.
func TestAnswersAreJudged(t *testing.T) {
	for status, final := range map[int]bool{400: true, 422: true, 409: true, 401: false, 403: false, 404: false, 429: false, 500: false, 503: false, 302: false} {
		err := at(t, &echo{status: status, answer: "+12025550142"}, Config{}).Send(ctx, outgoing())
		_, refusal := errors.AsType[*notify.Refusal](err)
		if err == nil || refusal != final || strings.Contains(err.Error(), "2025550142") {
			t.Errorf("%d gives %v", status, err)
		}
	}
	for _, id := range []string{`{"sid":7}`, `[]`, `{"sid":"a b"}`, `{"sid":""}`, `{`, `{"sid":"` + strings.Repeat("x", 200) + `"}`} {
		if h, err := at(t, &echo{status: 200, answer: id}, Config{AnswerID: "sid"}).Hand(ctx, outgoing()); err != nil || h.ID != "" {
			t.Errorf("%s gives %q %v", id, h.ID, err)
		}
	}
}

func TestABrokenGatewayIsLeftAlone(t *testing.T) {
	e := &echo{status: 503}
	g := at(t, e, Config{})
	for range 40 {
		if g.Send(ctx, outgoing()) == nil {
			t.Fatal("503 counts as sent")
		}
	}
	if g.Working() || e.calls >= 40 {
		t.Fatalf("asked %d times", e.calls)
	}
	refusing := &echo{status: 422}
	g = at(t, refusing, Config{})
	for range 40 {
		_ = g.Send(ctx, outgoing())
	}
	if !g.Working() || refusing.calls != 40 {
		t.Fatal("refused messages closed the gateway to others")
	}
}

func TestSettingsThatCannotWorkAreNamed(t *testing.T) {
	for field, c := range map[string]Config{
		"url": {URL: "http://gateway.example.com"}, "header": {Header: "X-Key\r\nEvil: 1"}, "format": {Format: "xml"},
		"fields": {Fields: map[string]string{"a": "{to}"}},
	} {
		if c.URL == "" {
			c.URL = "https://gateway.example.com/m"
		}
		if _, err := New(c); err == nil || !strings.HasPrefix(fault.As(err).Fields[0].Code, "gateway."+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	bad := []map[string]string{
		{"a": "{to}", "b": "{text} {code}"}, {"a": "{to}", "a.b": "{text}"}, {"a..b": "{to}", "c": "{text}"}, {"": "{to}{text}"}, {"t": "{text}"},
	}
	for _, f := range bad {
		if _, err := New(Config{URL: "https://gateway.example.com/m", Fields: f}); err == nil {
			t.Errorf("%v is taken", f)
		}
	}
	if _, err := New(Config{URL: "https://gateway.example.com/m", Secret: "Bearer x\r\nEvil: 1"}); err == nil {
		t.Error("a credential with a line break is taken")
	}
}

func TestCheckTellsWhatIsWrong(t *testing.T) {
	for status, good := range map[int]bool{200: true, 405: true, 404: true, 401: false, 403: false, 500: false} {
		if _, err := at(t, &echo{status: status}, Config{}).Check(ctx); (err == nil) != good {
			t.Errorf("%d: %v", status, err)
		}
	}
}

func TestTheReferenceGatewaySpeaksTheForm(t *testing.T) {
	s := NewServer(ServerConfig{Token: "t", Now: fixed})
	defer s.Close()
	front := httptest.NewServer(s)
	defer front.Close()
	g, err := New(Config{URL: front.URL + "/v1/messages", Secret: "Bearer t", Now: fixed})
	if err != nil {
		t.Fatal(err)
	}
	m := outgoing()
	m.Text = "Bank: 123456 is your code.\n\n@my.example.com #123456"
	for range 3 { // repeats of one message
		if err := g.Send(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	s.Wait()
	if in := s.Inbox(m.To); len(in) != 1 || in[0].Code != "123456" {
		t.Fatal(in)
	}
	other := m
	other.Text = "something else"
	if _, refusal := errors.AsType[*notify.Refusal](g.Send(ctx, other)); !refusal {
		t.Fatal("one id stands for two messages")
	}
	if _, err := g.Check(ctx); err != nil {
		t.Fatal(err)
	}
	stranger, _ := New(Config{URL: front.URL + "/v1/messages", Secret: "Bearer no", Now: fixed})
	if _, err := stranger.Check(ctx); err == nil {
		t.Fatal("a wrong token is taken")
	}
}

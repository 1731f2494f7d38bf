package httpsource

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/fault"
)

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// patience is how long a test's calls may take: long enough for a busy machine,
// as two modes of the server below use all of it.
const patience = 3 * time.Second

func pair(t *testing.T) (*Source, *Server) {
	t.Helper()
	server := NewServer(ServerConfig{Token: "secret", Seed: 1, Now: func() time.Time { return now }})
	web := httptest.NewServer(server)
	t.Cleanup(func() { web.CloseClientConnections(); web.Close() })
	s, err := New(Config{URL: web.URL, Token: "secret", Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	return s, server
}

var (
	savings = account.Account{ID: "id-1", Ref: "savings-1", Currency: "USD", Kind: account.Savings, Source: "x"}
	card    = account.Account{ID: "id-2", Ref: "card-1", Currency: "USD", Kind: account.Card, Source: "x"}
)

// What the server says of an account agrees with itself: pages add up to the
// balance, whatever their size, and every balance_after is the sum so far.
func TestPagesAddUp(t *testing.T) {
	s, _ := pair(t)
	for _, a := range []account.Account{savings, card} {
		b, err := s.Balance(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{7, 200} {
			var sum int64
			q := account.Query{Limit: limit}
			next := b.Balance.Minor
			for {
				p, err := s.Transactions(t.Context(), a, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range p.Items {
					if item.BalanceAfter.Minor != next {
						t.Fatalf("%s: %s after, want %d", item.ID, item.BalanceAfter, next)
					}
					sum, next = sum+item.Amount.Minor, next-item.Amount.Minor
				}
				if q.Cursor = p.Next; q.Cursor == "" {
					break
				}
			}
			if sum != b.Balance.Minor || next != 0 {
				t.Errorf("%s by %d: %d is not %d", a.Ref, limit, sum, b.Balance.Minor)
			}
		}
	}
}

func TestSelection(t *testing.T) {
	s, _ := pair(t)
	from, until := now.AddDate(0, -2, 0), now.AddDate(0, -1, 0)
	p, err := s.Transactions(t.Context(), savings, account.Query{Limit: 200, From: from, Until: until})
	if err != nil || len(p.Items) < 15 || p.Next != "" {
		t.Fatal(len(p.Items), p.Next, err)
	}
	for _, item := range p.Items {
		if item.PostedAt.Before(from) || !item.PostedAt.Before(until) {
			t.Error(item.PostedAt)
		}
	}
	p, err = s.Transactions(t.Context(), savings, account.Query{Limit: 10, Kinds: []string{"interest"}, Text: "INTER"})
	if err != nil || len(p.Items) == 0 {
		t.Fatal(p, err)
	}
	for _, item := range p.Items {
		if item.Kind != "interest" {
			t.Error(item)
		}
	}
}

func TestWrongAnswersAreErrors(t *testing.T) {
	s, server := pair(t)
	seenByAccounts := map[Mode]bool{Currency: true, Absurd: true, Negative: true, Future: true} // checked where all sources are
	for _, mode := range Modes() {
		server.Faults().Set(Fault{Mode: mode, Delay: time.Hour})
		_, err := s.Balance(t.Context(), savings)
		_, err2 := s.Transactions(t.Context(), savings, account.Query{Limit: 5})
		if (err == nil) != seenByAccounts[mode] || (err2 == nil) != seenByAccounts[mode] {
			t.Errorf("%s: %v; %v", mode, err, err2)
		}
		for _, e := range []error{err, err2} {
			if e != nil && strings.Contains(e.Error(), "savings-1") {
				t.Errorf("%s: the error names the account: %v", mode, e)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	s, server := pair(t)
	if _, err := s.Balance(t.Context(), account.Account{Ref: "../../admin?x=1"}); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	wrong, _ := New(Config{URL: web.URL, Token: "guess"})
	if _, err := wrong.Balance(t.Context(), savings); err == nil || !strings.Contains(err.Error(), "401") {
		t.Error(err)
	}
	for _, q := range []string{"limit=0", "limit=201", "limit=x", "cursor=0", "cursor=999999", "cursor=x", "from=yesterday"} {
		r := httptest.NewRequest("GET", "/v1/accounts/savings-1/transactions?"+q, nil)
		r.Header.Set("Authorization", "Bearer secret")
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", q, w.Code)
		}
	}
	for _, c := range []Config{{}, {URL: "ftp://x", Token: "t"}, {URL: "https://u:p@x", Token: "t"}, {URL: "https://x"}, {URL: "https://x", Token: "a b"}, {URL: "http://core.example", Token: "t"}, {URL: "http://10.0.0.1:80", Token: "t"}} {
		if _, err := New(c); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// The token must not follow a redirect.
func TestNoRedirects(t *testing.T) {
	called := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))
	t.Cleanup(other.Close)
	first := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	t.Cleanup(first.Close)
	s, _ := New(Config{URL: first.URL, Token: "secret"})
	if _, err := s.Balance(context.Background(), savings); err == nil || called {
		t.Error(err, called)
	}
}

func TestFaultsByHTTP(t *testing.T) {
	_, server := pair(t)
	put := func(token, body string) int {
		r := httptest.NewRequest("PUT", "/faults", strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		server.ServeHTTP(w, r)
		return w.Code
	}
	if put("guess", `{"mode":"dead"}`) != 401 || put("secret", `{"mode":"sideways"}`) != 400 || put("secret", `{"mode":"slow","delay_ms":5,"account_ref":"card-1"}`) != 204 {
		t.Error("switching")
	}
	if f := server.Faults().of("card-1"); f.Mode != Slow || f.Delay != 5*time.Millisecond || server.Faults().of("savings-1").Mode != Healthy {
		t.Error(f)
	}
}

// Whatever a source answers, decoding gives an error or what strict JSON says.
func FuzzUnmarshal(f *testing.F) {
	server := NewServer(ServerConfig{Token: "t", Now: func() time.Time { return now }})
	b, _ := json.Marshal(server.holdings["savings-1"].page(10, 3, time.Time{}, time.Time{}))
	f.Add(b)
	f.Add([]byte(`{"account_ref":"a","items":[],"next_cursor":""} {}`))
	f.Add([]byte(`{"account_ref":"a","balance":{"value":"1e9","currency":"USD"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var p pageAnswer
		if err := unmarshal(body, &p); err != nil {
			if !errors.Is(err, errContents) {
				t.Fatal(err)
			}
			return
		}
		again, err := json.Marshal(p)
		if err != nil {
			return // a time outside RFC 3339's years
		}
		var q pageAnswer
		if err := unmarshal(again, &q); err != nil {
			t.Fatalf("%s: %v", again, err)
		}
		if third, _ := json.Marshal(q); !bytes.Equal(again, third) {
			t.Fatalf("%s became %s", again, third)
		}
	})
}

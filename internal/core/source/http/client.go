// Package httpsource is a Source of accounts that live in an issuer's own
// system, asked over a small HTTP API (openapi.yaml, docs/formats/source-api.md),
// and a reference server of that API.
package httpsource

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// Config says where an issuer's system is.
type Config struct {
	URL       string            // base of the API, as https://accounts.example.com/standfast
	Token     string            // bearer token
	Timeout   time.Duration     // of one call in all; 5 s when 0. How long a member waits is account.Config's
	Transport http.RoundTripper // nil for one of this package's own; tests and client certificates give theirs
}

// Limits of an answer and of a call.
const (
	maxBody     = 1 << 20
	maxToken    = 4096
	dialTimeout = 2 * time.Second
	callTimeout = 5 * time.Second
	idleConns   = 64
	maxPages    = 5 // that one filtered question may read
)

// Source asks an issuer's system. It implements account.Source.
type Source struct {
	base   *url.URL
	token  string
	client *http.Client
}

var _ account.Source = (*Source)(nil)

// New makes a Source, or a fault.Invalid that names the field of Config.
func New(c Config) (*Source, error) {
	base, err := url.Parse(c.URL)
	if err != nil || (base.Scheme != "https" && base.Scheme != "http") || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, fault.InvalidField("url", "source.url", "A source's URL begins with https:// or http:// and has no user, password or query.")
	}
	if base.Scheme == "http" && !local(base.Hostname()) {
		return nil, fault.InvalidField("url", "source.url-plain", "A source on another machine needs https://, because the token goes with every request.")
	}
	if c.Token == "" || len(c.Token) > maxToken || strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, fault.InvalidField("token", "source.token", "A source's token is 1 to 4096 visible characters without spaces.")
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout:    dialTimeout,
			MaxIdleConnsPerHost:    idleConns,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 16 << 10,
		}
	}
	client := &http.Client{Transport: c.Transport, Timeout: cmp.Or(c.Timeout, callTimeout),
		// The token must not follow a redirect to somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &Source{base: base, token: c.Token, client: client}, nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// balanceAnswer is the answer to GET /v1/accounts/{ref}/balance.
type balanceAnswer struct {
	AccountRef string       `json:"account_ref"`
	Balance    money.Amount `json:"balance"`
	Available  money.Amount `json:"available"`
	PendingOut money.Amount `json:"pending_out"`
	PendingIn  money.Amount `json:"pending_in"`
	AsOf       time.Time    `json:"as_of"`
}

// pageAnswer is the answer to GET /v1/accounts/{ref}/transactions.
type pageAnswer struct {
	AccountRef string              `json:"account_ref"`
	Items      []transactionAnswer `json:"items"`
	NextCursor string              `json:"next_cursor"`
}

type transactionAnswer struct {
	ID           string        `json:"id"`
	PostedAt     time.Time     `json:"posted_at"`
	Amount       money.Amount  `json:"amount"`
	Kind         string        `json:"kind"`
	Description  string        `json:"description"`
	Status       string        `json:"status"`
	BalanceAfter *money.Amount `json:"balance_after,omitempty"`
}

// Balance asks for an account's balance.
func (s *Source) Balance(ctx context.Context, a account.Account) (account.Balance, error) {
	var b balanceAnswer
	if err := s.get(ctx, a, "balance", nil, &b); err != nil {
		return account.Balance{}, err
	}
	if b.AccountRef != a.Ref {
		return account.Balance{}, errForeign
	}
	return account.Balance{Balance: b.Balance, Available: b.Available, PendingOut: b.PendingOut, PendingIn: b.PendingIn, AsOf: b.AsOf.UTC()}, nil
}

// Transactions asks for an account's transactions. The API knows no search by
// text and kind: that is done here, on a few pages at most, so that a page can
// be short, even empty, and still have a next one.
func (s *Source) Transactions(ctx context.Context, a account.Account, q account.Query) (account.Page, error) {
	filter := newFilter(q)
	for n := 1; ; n++ {
		p, err := s.page(ctx, a, q)
		if err != nil {
			return account.Page{}, err
		}
		p.Items = filter.keep(p.Items)
		if len(p.Items) > 0 || p.Next == "" || n == maxPages {
			return p, nil
		}
		if p.Next == q.Cursor {
			return account.Page{}, errCursor
		}
		q.Cursor = p.Next
	}
}

func (s *Source) page(ctx context.Context, a account.Account, q account.Query) (account.Page, error) {
	v := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	if q.Cursor != "" {
		v.Set("cursor", q.Cursor)
	}
	if !q.From.IsZero() {
		v.Set("from", q.From.UTC().Format(time.RFC3339Nano))
	}
	if !q.Until.IsZero() {
		v.Set("until", q.Until.UTC().Format(time.RFC3339Nano))
	}
	var p pageAnswer
	err := s.get(ctx, a, "transactions", v, &p)
	if errors.Is(err, errRefused) && q.Cursor != "" {
		return account.Page{}, fault.InvalidField("query.cursor", "query.cursor", "The cursor is the next_cursor of an earlier answer.")
	}
	if err != nil {
		return account.Page{}, err
	}
	if p.AccountRef != a.Ref {
		return account.Page{}, errForeign
	}
	if p.Items == nil {
		return account.Page{}, errContents
	}
	items := make([]account.Transaction, len(p.Items))
	for i, t := range p.Items {
		items[i] = account.Transaction{ID: t.ID, AccountID: a.ID, PostedAt: t.PostedAt.UTC(), Amount: t.Amount, Kind: t.Kind,
			Description: t.Description, Status: t.Status, BalanceAfter: t.BalanceAfter}
	}
	return account.Page{Items: items, Next: p.NextCursor}, nil
}

// What can be wrong with an answer. None of these carries what was answered:
// it could be anything, and the log is no place for it.
var (
	errForeign  = errors.New("the source answered about another account")
	errContents = errors.New("the source's answer is not what the API says")
	errTooLarge = errors.New("the source's answer is larger than 1 MiB")
	errCursor   = errors.New("the source's cursor leads nowhere")
	errRefused  = errors.New("the source refused the request")
)

// get asks one question and decodes the answer strictly.
func (s *Source) get(ctx context.Context, a account.Account, what string, query url.Values, into any) error {
	u := s.base.JoinPath("v1", "accounts", url.PathEscape(a.Ref), what)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "Standfast")
	answer, err := s.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer answer.Body.Close()
	return decode(answer, into)
}

// withoutURL drops the URL from an error: it holds a reference of an account.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return fmt.Errorf("source: %w", e.Err)
	}
	return err
}

func decode(answer *http.Response, into any) error {
	switch answer.StatusCode {
	case http.StatusOK:
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return errRefused
	case http.StatusNotFound:
		return fault.New(fault.NotFound, "source.unknown-account", "The source does not know this account.")
	default:
		return fmt.Errorf("the source answered with status %d", answer.StatusCode)
	}
	if kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return errContents
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody+1))
	if err != nil {
		return withoutURL(err)
	}
	if len(body) > maxBody {
		return errTooLarge
	}
	return unmarshal(body, into)
}

// unmarshal reads exactly one JSON value with known members only.
func unmarshal(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return errContents
	}
	if _, err := d.Token(); err != io.EOF {
		return errContents
	}
	return nil
}

// filter keeps what a query asks for beyond what the API can select.
type filter struct {
	text  string
	kinds map[string]bool
}

func newFilter(q account.Query) filter {
	f := filter{text: strings.ToLower(strings.TrimSpace(q.Text)), kinds: map[string]bool{}}
	for _, k := range q.Kinds {
		f.kinds[k] = true
	}
	return f
}

func (f filter) keep(items []account.Transaction) []account.Transaction {
	kept := items[:0]
	for _, t := range items {
		if (len(f.kinds) == 0 || f.kinds[t.Kind]) && strings.Contains(strings.ToLower(t.Description+"\n"+t.Kind), f.text) {
			kept = append(kept, t)
		}
	}
	return kept
}

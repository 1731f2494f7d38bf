package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"time"

	"standfast/internal/core/passkey/softkey"
)

// Member is a synthetic member with one browser. It is used by one goroutine.
type Member struct {
	person
	origin, mailbox string
	texts           *texts
	jar             *cookiejar.Jar
	http            *http.Client
	way             http.RoundTripper // nil: as the machine finds hosts
	key             *softkey.Authenticator
	paid            int  // payments that were taken
	froze           bool // the card was frozen, or that was promised
}

// patience is how long a browser waits for one answer.
const patience = 30 * time.Second

// userAgent is what the made-up browsers call themselves.
const userAgent = "Mozilla/5.0 (X11; Linux x86_64) Gameday"

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 4 << 20

func newMember(origin, mailbox string, t *texts, p person) *Member {
	m := &Member{person: p, origin: origin, mailbox: mailbox, texts: t}
	m.freshBrowser()
	return m
}

// freshBrowser forgets all cookies.
func (m *Member) freshBrowser() {
	m.jar, _ = cookiejar.New(nil) // without options it never fails
	m.http = &http.Client{Jar: m.jar, Timeout: patience, Transport: m.way,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// answer is what a request got.
type answer struct {
	status  int
	header  http.Header
	body    []byte
	cleared bool // a cookie was taken away
	took    time.Duration
}

// later tells whether an answer is a proper "not now": 503 or 429 with Retry-After.
func (a answer) later() bool {
	return (a.status == http.StatusServiceUnavailable || a.status == http.StatusTooManyRequests) && a.header.Get("Retry-After") != ""
}

// what says an answer in a few words, for a report.
func (a answer) what() string {
	var p struct {
		Type   string `json:"type"`
		Status string `json:"status"`
	}
	if json.Unmarshal(a.body, &p) == nil && p.Type+p.Status != "" {
		return fmt.Sprintf("%d %s%s", a.status, p.Type, p.Status)
	}
	return fmt.Sprintf("%d %s", a.status, a.header.Get("Location"))
}

// read decodes a JSON answer.
func (a answer) read(into any) error {
	if a.status != http.StatusOK && a.status != http.StatusCreated {
		return errors.New(a.what())
	}
	return json.Unmarshal(a.body, into)
}

// api calls the JSON API as a page of ours does.
func (m *Member) api(ctx context.Context, method, path string, body any, header ...string) (answer, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
	}
	return m.do(ctx, method, "/api/v1"+path, "application/json", text, header...)
}

// page asks for a page, or sends a form when there is one.
func (m *Member) page(ctx context.Context, path string, form url.Values) (answer, error) {
	if form == nil {
		return m.do(ctx, http.MethodGet, path, "", nil)
	}
	return m.do(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", []byte(form.Encode()))
}

func (m *Member) do(ctx context.Context, method, path, contentType string, body []byte, header ...string) (a answer, err error) {
	q, err := http.NewRequestWithContext(ctx, method, m.origin+path, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	q.Header.Set("User-Agent", userAgent)
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	q.Header.Set("Origin", m.origin)
	if len(body) > 0 {
		q.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Set(header[i], header[i+1])
	}
	begun := time.Now()
	r, err := m.http.Do(q)
	if err != nil {
		return answer{took: time.Since(begun)}, err
	}
	defer r.Body.Close()
	a.status, a.header = r.StatusCode, r.Header
	a.body, err = io.ReadAll(io.LimitReader(r.Body, maxAnswer))
	a.took = time.Since(begun)
	for _, c := range r.Cookies() {
		a.cleared = a.cleared || c.MaxAge < 0 || c.Value == "" || !c.Expires.IsZero() && c.Expires.Before(begun)
	}
	return a, err
}

// signIn signs in with password and code and has the browser remembered.
func (m *Member) signIn(ctx context.Context) error {
	before, err := m.codes(ctx)
	if err != nil {
		return err
	}
	a, err := m.password(ctx)
	if err != nil {
		return err
	}
	var step struct {
		Status    string
		Challenge struct{ ID string }
	}
	if err := a.read(&step); err != nil || step.Status == "signed_in" {
		return err
	}
	code, err := m.code(ctx, len(before))
	if err != nil {
		return err
	}
	a, err = m.submit(ctx, step.Challenge.ID, code)
	if err != nil {
		return err
	}
	return a.read(&step)
}

// password sends user name and password.
func (m *Member) password(ctx context.Context) (answer, error) {
	return m.api(ctx, http.MethodPost, "/sign-in", map[string]string{"username": m.username, "password": password})
}

// submit answers a challenge and asks for the browser to be remembered.
func (m *Member) submit(ctx context.Context, challenge, code string) (answer, error) {
	return m.api(ctx, http.MethodPost, "/sign-in/code", map[string]any{"challenge_id": challenge, "code": code, "trust_device": true})
}

// received is a code as it came to a member.
type received struct {
	code    string
	channel string
	at      time.Time
}

// codes lists the codes that came to the member, newest first: texts by the
// gateway, everything else in the demo's mailbox.
func (m *Member) codes(ctx context.Context) ([]received, error) {
	list, err := m.mailed(ctx)
	if err != nil {
		return nil, err
	}
	if m.texts != nil {
		list = append(list, m.texts.codes(m.number)...)
	}
	slices.SortStableFunc(list, func(a, b received) int { return b.at.Compare(a.at) })
	return list, nil
}

// mailed lists the codes in the demo's mailbox.
func (m *Member) mailed(ctx context.Context) (list []received, err error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, m.mailbox, nil)
	if err != nil {
		return nil, err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	var box struct {
		Items []struct {
			To, Code, Channel string
			SentAt            time.Time `json:"sent_at"`
		}
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxAnswer)).Decode(&box); err != nil {
		return nil, err
	}
	for _, i := range box.Items {
		if i.Code != "" && (i.To == m.email || i.To == m.number) {
			list = append(list, received{i.Code, i.Channel, i.SentAt})
		}
	}
	return list, nil
}

// codeLimit is how long a code may take to arrive.
const codeLimit = 30 * time.Second

// code waits for a code beyond those that were there before.
func (m *Member) code(ctx context.Context, before int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, codeLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		list, err := m.codes(ctx)
		if err == nil && len(list) > before {
			return list[0].code, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("no code arrived for %s: %w", m.username, errors.Join(err, ctx.Err()))
		case <-tick.C:
		}
	}
}

package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"standfast/internal/core/passkey/softkey"
)

// prompt is what a page hands to the browser's authenticator.
type prompt struct {
	PublicKey json.RawMessage `json:"publicKey"`
	State     string          `json:"state"`
}

func (p prompt) options() []byte {
	b, _ := json.Marshal(map[string]json.RawMessage{"publicKey": p.PublicKey}) // it was JSON before
	return b
}

// addPasskey registers a passkey in the browser, within ten minutes of a code.
func (m *Member) addPasskey(ctx context.Context) error {
	a, err := m.api(ctx, http.MethodPost, "/passkeys/options", struct{}{})
	if err != nil {
		return err
	}
	var p prompt
	if err := a.read(&p); err != nil {
		return fmt.Errorf("passkey's options: %w", err)
	}
	m.key = &softkey.Authenticator{Synced: true}
	credential, err := m.key.Create(p.options(), m.origin)
	if err != nil {
		return err
	}
	a, err = m.api(ctx, http.MethodPost, "/passkeys", map[string]any{"state": p.State, "credential": json.RawMessage(credential), "name": "Game day"})
	if err != nil {
		return err
	}
	return a.read(&struct{}{})
}

// nextMorning gives the member's browser as it comes back later: the device is
// known, nobody is signed in. The member's own browser goes on beside it.
func (m *Member) nextMorning() *Member {
	again := newMember(m.origin, m.mailbox, m.texts, m.person)
	again.key, again.way, again.http.Transport = m.key, m.way, m.way
	at, _ := url.Parse(m.origin) // made by our own process
	var kept []*http.Cookie
	for _, c := range m.jar.Cookies(at) {
		if strings.Contains(c.Name, "_device_") {
			kept = append(kept, &http.Cookie{Name: c.Name, Value: c.Value, Path: "/"})
		}
	}
	again.jar, _ = cookiejar.New(nil) // without options it never fails
	again.jar.SetCookies(at, kept)
	again.http.Jar = again.jar
	return again
}

// signInByPasskey comes back to a known device, signs in, and looks at the dashboard.
func signInByPasskey() visit {
	return visit{passkeyIn, func(ctx context.Context, m *Member) (answer, error) {
		browser := m.nextMorning()
		a, err := browser.passkeyIn(ctx)
		if err != nil || a.status != http.StatusOK {
			return a, err
		}
		look := lookAtDashboard()
		seen, err := look.ask(ctx, browser)
		seen.took += a.took
		return seen, err
	}, lookAtDashboard().judge}
}

func (m *Member) passkeyIn(ctx context.Context) (answer, error) {
	a, err := m.api(ctx, http.MethodPost, "/sign-in/passkey/options", struct{}{})
	if err != nil || a.status != http.StatusOK {
		return a, err
	}
	var p prompt
	if err := a.read(&p); err != nil {
		return a, err
	}
	assertion, err := m.key.Get(p.options(), m.origin)
	if err != nil {
		return a, err
	}
	return m.api(ctx, http.MethodPost, "/sign-in/passkey", map[string]any{"state": p.State, "assertion": json.RawMessage(assertion)})
}

// asOfLine is the metric that says how far the process's replica reaches.
var asOfLine = regexp.MustCompile(`(?m)^standfast_replica_as_of\S*(?:\{.*\})? ([0-9.e+]+)$`)

// replicated waits until the process's replica knows everything that has happened.
func (s *Stage) replicated(ctx context.Context) error {
	since := time.Now()
	ctx, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if at, err := s.replicaAsOf(ctx); err == nil && at.After(since) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the replica has not caught up: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func (s *Stage) replicaAsOf(ctx context.Context) (time.Time, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.ready.Admin+"/metrics", nil)
	if err != nil {
		return time.Time{}, err
	}
	r, err := http.DefaultClient.Do(q)
	if err != nil {
		return time.Time{}, err
	}
	defer r.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(r.Body); err != nil {
		return time.Time{}, err
	}
	found := asOfLine.FindSubmatch(text.Bytes())
	if found == nil {
		return time.Time{}, fmt.Errorf("no such metric")
	}
	at, err := strconv.ParseFloat(string(found[1]), 64)
	return time.UnixMicro(int64(at * 1e6)), err
}

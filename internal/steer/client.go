package steer

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"standfast/internal/fault"
)

// Limits of one call.
const (
	callTime  = 3 * time.Second
	maxAnswer = 4 << 20 // bytes; a state of three cells has about 300 KiB
)

// Client speaks with the control listener of one edge. It is safe for use by many
// goroutines. Its errors are Unavailable routing.edge when the edge does not
// answer, and the edge's own refusals.
type Client struct {
	url  string
	http *http.Client
}

// New makes a client; conf is what pki.Client gives for the role edge.
func New(url string, conf *tls.Config) *Client {
	return &Client{url: strings.TrimSuffix(url, "/"), http: &http.Client{
		Transport: &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute}}}
}

// Close ends the connections that rest.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// State asks who answers what.
func (c *Client) State(ctx context.Context) (State, error) {
	return c.call(ctx, http.MethodGet, "/edge/v1/routing", nil)
}

// Override puts a journey to a side, or ends that. Errors: Invalid; Conflict
// routing.changed when its mark is not the present one.
func (c *Client) Override(ctx context.Context, o Override) (State, error) {
	return c.call(ctx, http.MethodPost, "/edge/v1/overrides", o)
}

// SetShare sets a share. Errors: Invalid; Conflict routing.share-changed when its
// mark is not the present one.
func (c *Client) SetShare(ctx context.Context, s Share) (State, error) {
	return c.call(ctx, http.MethodPost, "/edge/v1/shares", s)
}

func (c *Client) call(ctx context.Context, method, path string, say any) (s State, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var body io.Reader
	if say != nil {
		b, err := json.Marshal(say)
		if err != nil {
			return s, err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return s, fault.Wrap(fault.Invalid, "routing.address", "The edge's address is none.", err)
	}
	r.Header.Set("Content-Type", "application/json")
	a, err := c.http.Do(r)
	if err != nil {
		return s, silent(err)
	}
	defer a.Body.Close()
	answer := json.NewDecoder(io.LimitReader(a.Body, maxAnswer))
	if a.StatusCode != http.StatusOK {
		return s, refusal(a.StatusCode, answer)
	}
	if err := answer.Decode(&s); err != nil {
		return s, silent(err)
	}
	return s, nil
}

func silent(cause error) error {
	return fault.Wrap(fault.Unavailable, "routing.edge", "The edge does not answer. What it does with members' requests goes on without us.", cause)
}

// refusal is what the edge says with a problem document.
func refusal(status int, answer *json.Decoder) error {
	var p struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Detail string `json:"detail"`
	}
	_ = answer.Decode(&p) // without one its status says enough
	if p.Detail == "" {
		p.Detail = p.Title
	}
	code := p.Type[strings.LastIndexAny(p.Type, "/:#")+1:]
	switch status {
	case http.StatusForbidden:
		return fault.New(fault.Forbidden, code, p.Detail)
	case http.StatusConflict:
		return fault.New(fault.Conflict, code, p.Detail)
	case http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge:
		return fault.New(fault.Invalid, code, p.Detail)
	}
	return silent(fault.New(fault.Internal, "routing.status", http.StatusText(status)))
}

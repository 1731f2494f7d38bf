// Package gateway sends text messages, and calls that a voice reads out, through
// an HTTP gateway, and takes the receipts that it sends back. What a request and
// a receipt are called at a certain gateway is configuration; the names without
// any are our own form (docs/formats/sms-gateway.md), which Server speaks for
// tests and game days.
package gateway

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
	"strings"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"standfast/internal/core/notify"
	"standfast/internal/fault"
)

// Formats of a request's body.
const (
	JSON = "json"
	Form = "form"
)

// Config says where a gateway is and how it is spoken to.
type Config struct {
	URL      string            // messages are posted there
	CheckURL string            // is asked by Check; URL when ""
	Format   string            // JSON or Form; JSON when ""
	Header   string            // of the credential; Authorization when ""
	Secret   string            // the header's whole value, as "Bearer …"; "" sends none
	From     string            // sender's number or name
	Fields   map[string]string // see OwnFields; a JSON name may have dots for objects in objects
	AnswerID string            // the field of the answer with the gateway's own id, "" where none is wanted
	Timeout  time.Duration     // of one try; 5 s when 0
	Silent   bool              // no receipts come: what it has taken is all that is known
	Now      func() time.Time
	// Transport is nil for one of this package's own; tests and client
	// certificates give theirs.
	Transport http.RoundTripper
}

// OwnFields are the fields of a request in our own form. The words in braces
// stand for: {id} the message's id, {to} the number as +12025550142, {digits}
// the same without the plus sign, {from} the sender, {text} what is said,
// {seconds} how long it is of use, {channel} text or voice, {locale} the
// language of the text. A field may hold other words around them.
func OwnFields() map[string]string {
	return map[string]string{"id": "{id}", "channel": "{channel}", "to": "{to}", "from": "{from}", "text": "{text}", "locale": "{locale}", "seconds": "{seconds}"}
}

// Limits of a call.
const (
	callTimeout = 5 * time.Second
	dialTimeout = 3 * time.Second
	maxAnswer   = 64 << 10
	maxValue    = 4096
)

// The breaker opens when half of at least 10 calls in half a minute failed, and
// tries again after 5 seconds: short enough that a gateway which is back is used
// for the next member, long enough that members are sent another way meanwhile.
const (
	breakerRate   = 0.5
	breakerLeast  = 10
	breakerWindow = 30 * time.Second
	breakerDelay  = 5 * time.Second
)

// Gateway is a notify.Sender. It makes one try a call; the queue of messages
// repeats it with the same id, which the gateway must take for the same message.
type Gateway struct {
	conf    Config
	client  *http.Client
	breaker circuitbreaker.CircuitBreaker[any]
	run     failsafe.Executor[any]
}

var (
	_ notify.Tracker = (*Gateway)(nil)
	_ notify.Gauged  = (*Gateway)(nil)
)

// New makes a Gateway, or a fault.Invalid that names the field of Config.
func New(c Config) (*Gateway, error) {
	c.Format, c.Header, c.CheckURL = cmp.Or(c.Format, JSON), cmp.Or(c.Header, "Authorization"), cmp.Or(c.CheckURL, c.URL)
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Fields) == 0 {
		c.Fields = OwnFields()
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: dialTimeout}).DialContext,
			TLSHandshakeTimeout: dialTimeout, MaxIdleConnsPerHost: 32, IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true,
			MaxResponseHeaderBytes: 16 << 10}
	}
	breaker := circuitbreaker.NewBuilder[any]().HandleIf(func(_ any, err error) bool { return troubled(err) }).
		WithFailureRateThreshold(breakerRate, breakerLeast, breakerWindow).WithDelay(breakerDelay).Build()
	return &Gateway{conf: c, breaker: breaker, run: failsafe.With[any](breaker),
		client: &http.Client{Transport: c.Transport, Timeout: cmp.Or(c.Timeout, callTimeout),
			// The credential must not follow a redirect to somewhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}, nil
}

// troubled tells whether an error says something about the gateway; the refusal
// of one message does not.
func troubled(err error) bool {
	_, refusal := errors.AsType[*notify.Refusal](err)
	return err != nil && !refusal
}

// Working tells whether the breaker lets calls pass.
func (g *Gateway) Working() bool { return !g.breaker.IsOpen() }

// Send hands a message over.
func (g *Gateway) Send(ctx context.Context, m notify.Outgoing) error {
	_, err := g.Hand(ctx, m)
	return err
}

// Hand hands a message over, and gives the gateway's own id of it where it has
// one. Errors name the status, never the number or what the gateway said.
func (g *Gateway) Hand(ctx context.Context, m notify.Outgoing) (h notify.Handed, err error) {
	err = g.run.WithContext(ctx).Run(func() error {
		h, err = g.post(ctx, m)
		return err
	})
	if errors.Is(err, circuitbreaker.ErrOpen) {
		err = errors.New("gateway: not asked, because it mostly failed")
	}
	return h, err
}

func (g *Gateway) post(ctx context.Context, m notify.Outgoing) (notify.Handed, error) {
	body, kind, err := g.conf.body(m)
	if err != nil {
		return notify.Handed{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.conf.URL, bytes.NewReader(body))
	if err != nil {
		return notify.Handed{}, errors.New("gateway: the URL cannot be used")
	}
	req.Header.Set("Content-Type", kind)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Idempotency-Key", m.ID)
	g.prove(req)
	answer, err := g.client.Do(req)
	if err != nil {
		return notify.Handed{}, withoutURL(err)
	}
	defer answer.Body.Close()
	return g.conf.read(answer)
}

func (g *Gateway) prove(req *http.Request) {
	req.Header.Set("User-Agent", "Standfast")
	if g.conf.Secret != "" {
		req.Header.Set(g.conf.Header, g.conf.Secret)
	}
}

// withoutURL drops the URL from an error: some gateways have secrets in it.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	return fmt.Errorf("gateway: %w", err)
}

// read judges an answer. Only what is surely about this one message is a
// Refusal: 400 and 422, and 409 for an id that stands for another message.
// Everything else may be mended before the next try, a wrong credential too.
func (c Config) read(answer *http.Response) (notify.Handed, error) {
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	switch s := answer.StatusCode; {
	case s >= 200 && s < 300:
	case s == http.StatusBadRequest, s == http.StatusUnprocessableEntity, s == http.StatusConflict:
		return notify.Handed{}, &notify.Refusal{Reason: fmt.Sprintf("the gateway answered %d", s)}
	default:
		return notify.Handed{}, fmt.Errorf("gateway: answered %d", s)
	}
	if err != nil {
		return notify.Handed{}, withoutURL(err) // it may have the message: the repeat has the same id
	}
	h := notify.Handed{ID: c.answerID(answer.Header.Get("Content-Type"), body), State: notify.StateAccepted}
	if c.Silent {
		h.State = notify.StateHanded
	}
	return h, nil
}

// answerID finds the gateway's own id in its answer. Without one the message
// goes on, and is known by ours.
func (c Config) answerID(contentType string, body []byte) string {
	if kind, _, err := mime.ParseMediaType(contentType); c.AnswerID == "" || err != nil || kind != "application/json" {
		return ""
	}
	var object map[string]any
	if json.Unmarshal(body, &object) != nil {
		return ""
	}
	id := text(object, c.AnswerID)
	if !plainID(id) {
		return ""
	}
	return id
}

// Check tells whether the gateway answers and takes the credential, without
// sending anything, for doctor.
func (g *Gateway) Check(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.conf.CheckURL, nil)
	if err != nil {
		return "", errors.New("the URL cannot be used")
	}
	g.prove(req)
	answer, err := g.client.Do(req)
	if err != nil {
		return "", withoutURL(err)
	}
	defer answer.Body.Close()
	host := req.URL.Host
	switch s := answer.StatusCode; {
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return "", fmt.Errorf("%s refuses the credential with %d", host, s)
	case s >= 500:
		return "", fmt.Errorf("%s answers %d", host, s)
	}
	return host + " answers", nil
}

// check names the setting that cannot work.
func (c Config) check() error {
	no := func(field, why string) error {
		return fault.InvalidField(field, "gateway."+field, why)
	}
	for _, setting := range [][2]string{{"url", c.URL}, {"check_url", c.CheckURL}} { // in this order: the one follows from the other
		if u, err := url.Parse(setting[1]); err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !local(u.Hostname())) {
			return no(setting[0], "A gateway's URL begins with https:// and has no user or password; http:// is for this machine only.")
		}
	}
	if c.Format != JSON && c.Format != Form {
		return no("format", "A gateway's format is json or form.")
	}
	if !headerName(c.Header) || len(c.Secret) > maxValue || strings.ContainsFunc(c.Secret, control) {
		return no("header", "A gateway's header has a name of letters and dashes, and a value without line breaks.")
	}
	return c.checkFields(no)
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func headerName(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == ""
}

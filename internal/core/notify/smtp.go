package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/smtp"
	"net/textproto"
	"time"

	"standfast/internal/fault"
)

// Security says how the connection to a mail server is protected.
type Security string

// The ways. Plain is refused for servers that are not on this machine.
const (
	StartTLS Security = "starttls" // RFC 3207, required: a server that does not offer it is not used
	TLS      Security = "tls"      // RFC 8314, TLS from the first byte
	Plain    Security = "none"
)

// SMTPConfig says which mail server sends.
type SMTPConfig struct {
	Addr     string // host:port
	Security Security
	Username string // "" when the server asks for none
	Password string
	From     string      // as `Standfast <no-reply@example.com>`
	TLS      *tls.Config // roots and versions; the defaults when nil
}

// SMTP sends e-mail through a mail server.
type SMTP struct {
	conf SMTPConfig
	host string
	from mail.Address
}

// NewSMTP makes a sender, or says what is wrong with its configuration.
func NewSMTP(c SMTPConfig) (*SMTP, error) {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return nil, fault.InvalidField("smtp.addr", "smtp.addr", "The mail server is written host:port.")
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, fault.InvalidField("smtp.from", "smtp.from", "The sender is written Name <address>.")
	}
	switch c.Security {
	case StartTLS, TLS:
	case Plain:
		if !local(host) {
			return nil, fault.InvalidField("smtp.security", "smtp.security", "A mail server on another machine needs starttls or tls.")
		}
	default:
		return nil, fault.InvalidField("smtp.security", "smtp.security", "Security is starttls, tls or none.")
	}
	return &SMTP{conf: c, host: host, from: *from}, nil
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// Send hands a message over within ctx. Errors name the step and the server's
// code, never the server's words, which may repeat the address.
func (s *SMTP) Send(ctx context.Context, m Outgoing) error {
	return s.session(ctx, func(c *smtp.Client) error {
		if err := c.Mail(s.from.Address); err != nil {
			return step("MAIL", err)
		}
		if err := c.Rcpt(m.To); err != nil {
			return final(step("RCPT", err))
		}
		w, err := c.Data()
		if err != nil {
			return final(step("DATA", err))
		}
		if _, err := w.Write(mimeMessage(s.from, m)); err != nil {
			return step("DATA", err)
		}
		return final(step("DATA", w.Close()))
	})
}

// Check connects, secures and signs in without sending, for doctor.
func (s *SMTP) Check(ctx context.Context) error {
	return s.session(ctx, func(c *smtp.Client) error { return step("NOOP", c.Noop()) })
}

// session opens a connection, does work on it and closes it. The end of ctx
// cuts the connection, whatever is waiting on it.
func (s *SMTP) session(ctx context.Context, work func(*smtp.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return step("connect", err)
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	c, err := smtp.NewClient(conn, s.host)
	if err != nil {
		return step("greeting", err)
	}
	if err := s.secure(c); err != nil {
		return err
	}
	if err := work(c); err != nil {
		return err
	}
	_ = c.Quit() // the message was taken; what the server says now changes nothing
	return nil
}

func (s *SMTP) dial(ctx context.Context) (net.Conn, error) {
	if s.conf.Security == TLS {
		return (&tls.Dialer{Config: s.tls()}).DialContext(ctx, "tcp", s.conf.Addr)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", s.conf.Addr)
}

func (s *SMTP) tls() *tls.Config {
	c := &tls.Config{}
	if s.conf.TLS != nil {
		c = s.conf.TLS.Clone()
	}
	c.ServerName = s.host
	c.MinVersion = max(c.MinVersion, tls.VersionTLS12)
	return c
}

// secure starts TLS and signs in, as configured. net/smtp itself refuses to send
// a password over a connection that is neither protected nor local.
func (s *SMTP) secure(c *smtp.Client) error {
	if s.conf.Security == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("smtp: the server does not offer STARTTLS")
		}
		if err := c.StartTLS(s.tls()); err != nil {
			return step("STARTTLS", err)
		}
	}
	if s.conf.Username == "" {
		return nil
	}
	return step("AUTH", c.Auth(smtp.PlainAuth("", s.conf.Username, s.conf.Password, s.host)))
}

// refused is a server's answer at one step.
type refused struct {
	step string
	code int
}

func (e *refused) Error() string { return fmt.Sprintf("smtp: %s answered %d", e.step, e.code) }

// step reduces an error to where it happened and, for an answer of the server,
// its code (RFC 5321 §4.2).
func step(name string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*textproto.Error](err); ok {
		return &refused{name, e.Code}
	}
	return fmt.Errorf("smtp: %s: %w", name, err)
}

// final makes a permanent refusal of this message (5yz) a Refusal. The same
// answer to MAIL or AUTH is about us, and may be mended before the next try.
func final(err error) error {
	if e, ok := errors.AsType[*refused](err); ok && e.code >= 500 {
		return &Refusal{e.Error()}
	}
	return err
}

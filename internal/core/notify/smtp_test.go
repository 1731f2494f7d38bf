package notify_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/notify"
	"standfast/internal/fault"
)

var ctx = context.Background()

func outgoing() notify.Outgoing {
	return notify.Outgoing{
		ID: "0196f000-0000-7000-8000-000000000001", To: "ada@example.com", Channel: notify.Email, Locale: "de-DE",
		Subject: "Prüfung für dich\r\nBcc: x@example.com", Text: "Grüße\n.\nEnde " + strings.Repeat("lang ", 40), Code: "123456",
		SentAt: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
	}
}

func sender(t *testing.T, s *mailServer, c notify.SMTPConfig) *notify.SMTP {
	t.Helper()
	c.Addr, c.From, c.TLS = s.addr(), "Müller Bank <no-reply@bank.example>", &tls.Config{RootCAs: s.roots}
	m, err := notify.NewSMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMailArrivesWholeOverBothKindsOfTLS(t *testing.T) {
	for _, security := range []notify.Security{notify.StartTLS, notify.TLS} {
		t.Run(string(security), func(t *testing.T) {
			s := newMailServer(t, security == notify.TLS)
			m := sender(t, s, notify.SMTPConfig{Security: security, Username: "u", Password: "geheim"})
			if err := m.Send(ctx, outgoing()); err != nil {
				t.Fatal(err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(s.mails) != 1 || !s.secure || s.auth != "\x00u\x00geheim" {
				t.Fatal(len(s.mails), s.secure, s.auth)
			}
			checkMail(t, s.mails[0])
		})
	}
}

// checkMail reads a message as its reader's program does.
func checkMail(t *testing.T, data string) {
	t.Helper()
	m, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	from, err := m.Header.AddressList("From")
	if err != nil || from[0].Name != "Müller Bank" || from[0].Address != "no-reply@bank.example" {
		t.Fatal(from, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != "Prüfung für dich Bcc: x@example.com" || m.Header.Get("Bcc") != "" {
		t.Fatalf("%q %v", subject, err)
	}
	if d, err := m.Header.Date(); err != nil || !d.Equal(outgoing().SentAt) {
		t.Fatal(d, err)
	}
	if m.Header.Get("Message-Id") != "<0196f000-0000-7000-8000-000000000001@bank.example>" || m.Header.Get("Auto-Submitted") != "auto-generated" {
		t.Fatal(m.Header)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if got := strings.TrimSuffix(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n"); err != nil || got != outgoing().Text {
		t.Fatalf("%q %v", got, err)
	}
	for line := range strings.Lines(data) {
		if len(strings.TrimRight(line, "\r\n")) > 78 || !strings.HasSuffix(line, "\r\n") {
			t.Fatalf("line %q", line)
		}
	}
}

func TestServersThatDoNotProtectAreNotUsed(t *testing.T) {
	s := newMailServer(t, false)
	s.set("EHLO", "250 test") // no STARTTLS
	if err := sender(t, s, notify.SMTPConfig{Security: notify.StartTLS}).Send(ctx, outgoing()); err == nil {
		t.Fatal("sent in the clear")
	}
	stranger := newMailServer(t, true) // its certificate is not the one we trust
	m, err := notify.NewSMTP(notify.SMTPConfig{Addr: stranger.addr(), Security: notify.TLS, From: "a@b.example", TLS: &tls.Config{RootCAs: s.roots}})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Send(ctx, outgoing()); err == nil {
		t.Fatal("sent to a stranger")
	}
	if len(s.mails)+len(stranger.mails) != 0 {
		t.Fatal("a message left")
	}
}

func TestAnswersSayWhetherToTryAgain(t *testing.T) {
	for _, c := range []struct {
		verb, answer string
		final        bool
	}{
		{"RCPT", "550 5.1.1 no such user ada@example.com", true},
		{"RCPT", "450 4.2.1 later", false},
		{"DATA", "554 5.7.1 spam", true},
		{"MAIL", "550 not from you", false},
		{"AUTH", "535 wrong", false},
		{"MAIL", "421 closing", false},
	} {
		s := newMailServer(t, false)
		s.set(c.verb, c.answer)
		err := sender(t, s, notify.SMTPConfig{Security: notify.StartTLS, Username: "u", Password: "geheim"}).Send(ctx, outgoing())
		_, final := errors.AsType[*notify.Refusal](err)
		if err == nil || final != c.final {
			t.Errorf("%s %s: %v", c.verb, c.answer, err)
		}
		if strings.Contains(err.Error(), "ada") || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%v names what it must not", err)
		}
		if !strings.Contains(err.Error(), c.answer[:3]) {
			t.Errorf("%v does not name the code", err)
		}
	}
}

func TestASilentServerIsLeftInTime(t *testing.T) {
	s := newMailServer(t, false)
	s.hang = true
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := sender(t, s, notify.SMTPConfig{Security: notify.StartTLS}).Send(ctx, outgoing()); err == nil {
		t.Fatal("sent")
	}
	if took := time.Since(began); took > 15*time.Second { // a job would have 20 s
		t.Fatal(took)
	}
}

func TestCheckTellsWhetherTheServerTakesUs(t *testing.T) {
	s := newMailServer(t, false)
	m := sender(t, s, notify.SMTPConfig{Security: notify.StartTLS, Username: "u", Password: "p"})
	if err := m.Check(ctx); err != nil {
		t.Fatal(err)
	}
	s.set("AUTH", "535 wrong")
	if err := m.Check(ctx); err == nil {
		t.Fatal("taken")
	}
}

func TestConfigurationsThatCannotWorkAreRefused(t *testing.T) {
	for _, c := range []notify.SMTPConfig{
		{Addr: "mail.example.com", Security: notify.TLS, From: "a@b.example"},
		{Addr: "mail.example.com:25", Security: notify.Plain, From: "a@b.example"},
		{Addr: "mail.example.com:25", Security: "maybe", From: "a@b.example"},
		{Addr: "mail.example.com:25", Security: notify.StartTLS, From: "nobody"},
	} {
		if _, err := notify.NewSMTP(c); !fault.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

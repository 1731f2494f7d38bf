package notify_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/money"
	"standfast/internal/text"
)

// house is a notifier with everything real around it but the outside.
type house struct {
	db    *db.DB
	clock *dbtest.Clock
	jobs  *jobs.Jobs
	n     *notify.Notifier
	log   *bytes.Buffer
}

func each(t *testing.T, senders map[notify.Channel]notify.Sender, test func(t *testing.T, h house)) {
	eachWith(t, senders, notify.Tariff{}, test)
}

func eachWith(t *testing.T, senders map[notify.Channel]notify.Sender, tariff notify.Tariff, test func(t *testing.T, h house)) {
	texts, err := text.Load()
	if err != nil {
		t.Fatal(err)
	}
	run := func(t *testing.T, open func(testing.TB, db.Options) *db.DB) {
		clock := dbtest.NewClock()
		d := open(t, db.Options{Now: clock.Now})
		if err := jobs.Migrate(ctx, d); err != nil {
			t.Fatal(err)
		}
		h := house{db: d, clock: clock, log: &bytes.Buffer{}}
		h.jobs = jobs.New(d, slog.New(slog.NewTextHandler(&locked{w: h.log}, nil)))
		h.n = notify.New(d, h.jobs, texts, newSealer(t), senders,
			notify.In(notify.Cell{Brand: "Musterbank", Host: "my.bank.example", Telephone: "1 800 555 0100", Zone: time.FixedZone("EST", -5*3600)}), notify.Within(tariff))
		test(t, h)
	}
	t.Run("sqlite", func(t *testing.T) { run(t, dbtest.SQLite) })
	t.Run("postgresql", func(t *testing.T) { run(t, dbtest.PostgreSQL) })
}

// sealer encrypts as the master key does, with a key that ends with the test.
type sealer struct{ cipher.AEAD }

func newSealer(t *testing.T) sealer {
	t.Helper()
	block, err := aes.NewCipher([]byte("an example key of 32 bytes ... !"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		t.Fatal(err)
	}
	return sealer{a}
}

func (s sealer) Seal(plain, context []byte) ([]byte, error) {
	return s.AEAD.Seal(nil, nil, plain, context), nil
}

func (s sealer) Open(sealed, context []byte) ([]byte, error) {
	return s.AEAD.Open(nil, nil, sealed, context)
}

// locked is a writer that handlers on several goroutines share.
type locked struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func (h house) send(t *testing.T, m notify.Message) {
	t.Helper()
	if err := h.db.WithTx(ctx, func(tx *db.Tx) error { return h.n.Send(ctx, tx, m) }); err != nil {
		t.Fatal(err)
	}
}

func (h house) drain(t *testing.T) {
	t.Helper()
	if err := h.jobs.Drain(ctx); err != nil {
		t.Fatal(err)
	}
}

func (h house) status(t *testing.T, memberID string) notify.Status {
	t.Helper()
	all, err := h.n.History(ctx, memberID, 10)
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	return all[0]
}

// sealed tells how many messages still have contents.
func (h house) sealed(t *testing.T) (n int) {
	t.Helper()
	err := h.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM notification WHERE sealed IS NOT NULL`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// outside records what it is given and answers as told.
type outside struct {
	mu   sync.Mutex
	got  []notify.Outgoing
	errs []error // one a try; nil afterwards
}

func (o *outside) Send(_ context.Context, m notify.Outgoing) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.got = append(o.got, m)
	if len(o.errs) == 0 {
		return nil
	}
	err := o.errs[0]
	o.errs = o.errs[1:]
	return err
}

func code(member string) notify.Message {
	return notify.Message{
		MemberID: member, To: "+12025550100", Channel: notify.Text, Locale: "en-GB", Template: "step-up-code", Code: "123456",
		Data:  map[string]any{"Amount": money.Amount{Minor: 123450, Currency: "USD"}, "Payee": "Travel card ···· 1234"},
		Until: time.Date(2026, 3, 2, 12, 10, 0, 0, time.UTC),
	}
}

func TestAPaymentsCodeNamesAmountAndPayeeAndIsBoundToItsSite(t *testing.T) {
	out := &outside{}
	each(t, map[notify.Channel]notify.Sender{notify.Text: out}, func(t *testing.T, h house) {
		out.got = nil
		h.send(t, code("m"))
		h.drain(t)
		if len(out.got) != 1 {
			t.Fatal(out.got)
		}
		m := out.got[0]
		for _, want := range []string{"123456", "$1,234.50", "Travel card ···· 1234", "never ask", "telephone"} {
			if !strings.Contains(m.Text, want) {
				t.Errorf("%q does not say %q", m.Text, want)
			}
		}
		if !strings.HasSuffix(m.Text, "\n\n@my.bank.example #123456") {
			t.Errorf("not bound: %q", m.Text)
		}
		if m.Subject != "" || m.Code != "123456" || m.To != "+12025550100" || !db.ValidID(m.ID) {
			t.Errorf("%+v", m)
		}
	})
}

func TestContentsAreSealedAndWipedAndNeverLogged(t *testing.T) {
	out := &outside{errs: nil}
	each(t, map[notify.Channel]notify.Sender{notify.Text: out}, func(t *testing.T, h house) {
		out.errs = []error{errors.New("line busy")}
		h.send(t, code("m"))
		var row []byte
		err := h.db.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, `SELECT sealed FROM notification`).Scan(&row) })
		if err != nil || len(row) == 0 || bytes.Contains(row, []byte("123456")) {
			t.Fatal("not sealed", err)
		}
		h.drain(t)
		if s := h.status(t, "m"); s.Status != notify.Queued || s.Attempts != 1 || s.Problem != "line busy" || h.sealed(t) != 1 {
			t.Fatalf("%+v", s)
		}
		h.clock.Advance(2 * time.Second)
		h.drain(t)
		s := h.status(t, "m")
		if s.Status != notify.Sent || s.Attempts != 2 || s.To != "•••0100" || s.Template != "step-up-code" || s.EndedAt.IsZero() {
			t.Fatalf("%+v", s)
		}
		if h.sealed(t) != 0 {
			t.Fatal("contents were kept")
		}
		for _, secret := range []string{"123456", "12025550100", "Travel"} {
			if strings.Contains(h.log.String(), secret) {
				t.Fatalf("the log has %s: %s", secret, h.log)
			}
		}
	})
}

func TestARefusalEndsAMessageAtOnce(t *testing.T) {
	out := &outside{}
	each(t, map[notify.Channel]notify.Sender{notify.Text: out}, func(t *testing.T, h house) {
		out.got, out.errs = nil, []error{&notify.Refusal{Reason: "smtp: RCPT answered 550"}}
		h.send(t, code("m"))
		h.drain(t)
		h.clock.Advance(time.Hour)
		h.drain(t)
		if s := h.status(t, "m"); s.Status != notify.Failed || !strings.Contains(s.Problem, "550") || len(out.got) != 1 || h.sealed(t) != 0 {
			t.Fatalf("%+v %d", s, len(out.got))
		}
	})
}

func TestTriesEndAndSoDoContents(t *testing.T) {
	down := &down{}
	each(t, map[notify.Channel]notify.Sender{notify.Email: down}, func(t *testing.T, h house) {
		h.send(t, notify.Message{MemberID: "m", To: "ada@example.com", Channel: notify.Email, Template: "new-device"})
		for range 16 {
			h.drain(t)
			h.clock.Advance(2 * time.Hour)
		}
		if s := h.status(t, "m"); s.Status != notify.Failed || s.Attempts != 15 || h.sealed(t) != 0 || s.To != "a•••@example.com" {
			t.Fatalf("%+v", s)
		}
	})
}

type down struct{}

func (*down) Send(context.Context, notify.Outgoing) error { return errors.New("down") }

func TestACodeThatCameTooLateIsNotSent(t *testing.T) {
	out := &outside{}
	each(t, map[notify.Channel]notify.Sender{notify.Text: out}, func(t *testing.T, h house) {
		out.got = nil
		h.send(t, code("m"))
		h.clock.Advance(11 * time.Minute)
		h.drain(t)
		if s := h.status(t, "m"); s.Status != notify.Failed || s.Problem != "too late" || len(out.got) != 0 || h.sealed(t) != 0 {
			t.Fatalf("%+v", s)
		}
	})
}

func TestWhatCannotBeSentIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	each(t, map[notify.Channel]notify.Sender{notify.Text: &outside{}, notify.Email: &outside{}}, func(t *testing.T, h house) {
		spoil := []struct {
			kind  fault.Kind
			code  string
			spoil func(*notify.Message)
		}{
			{fault.Unavailable, "notify.channel-unavailable", func(m *notify.Message) { m.Channel = notify.Voice }},
			{fault.Invalid, "invalid", func(m *notify.Message) { m.To = "0123" }},
			{fault.Invalid, "invalid", func(m *notify.Message) { m.Channel, m.To = notify.Email, "a@b.example\r\nBcc: c@d.example" }},
			{fault.Internal, "notify.text-missing", func(m *notify.Message) { m.Template = "nonsense" }},
			{fault.Internal, "notify.value-missing", func(m *notify.Message) { m.Template, m.Data = "payment-settled", nil }},
		}
		for _, c := range spoil {
			m := code("m")
			c.spoil(&m)
			err := h.db.WithTx(ctx, func(tx *db.Tx) error { return h.n.Send(ctx, tx, m) })
			if e := fault.As(err); err == nil || e.Kind != c.kind || e.Code != c.code {
				t.Errorf("%s: %v", c.code, err)
			}
		}
		if !h.n.Can(notify.Text) || h.n.Can(notify.Voice) {
			t.Error("Can")
		}
		if h.sealed(t) != 0 {
			t.Error("something was written")
		}
	})
}

// Every template must be whole in every language and on every channel.
func TestEveryTemplateInEveryLanguage(t *testing.T) {
	out := &outside{}
	senders := map[notify.Channel]notify.Sender{notify.Email: out, notify.Text: out, notify.Voice: out, notify.Push: out}
	amount := money.Amount{Minor: 2500, Currency: "USD"}
	payment := map[string]any{"Amount": amount, "Confirmation": "K7Q2-91XD", "Payee": "Travel card"}
	templates := map[string]map[string]any{
		"codes-asked":  {"Device": "Firefox on Linux", "IP": "192.0.2.1", "Time": time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)},
		"sign-in-code": nil, "step-up-code": {"Amount": amount, "Payee": "Travel card"},
		"passkey-added":    {"Device": "Firefox on Linux", "IP": "192.0.2.1", "Time": time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)},
		"passkey-removed":  {"Device": "Firefox on Linux", "IP": "192.0.2.1", "Time": time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)},
		"passkey-counter":  {"Device": "Firefox on Linux", "IP": "192.0.2.1", "Time": time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)},
		"new-device":       {"Device": "Firefox on Linux", "IP": "192.0.2.1", "Time": time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)},
		"password-changed": {"Time": time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)}, "method-added": {"Method": "Bank ···· 6789"},
		"misuse-reported":   {"Time": time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)},
		"micro-deposits":    {"Method": "Bank ···· 6789", "First": amount, "Second": amount},
		"payment-confirmed": payment, "payment-settled": payment, "payment-returned": payment, "payment-declined": payment,
		"advice-refused": payment, "advice-already": payment,
	}
	each(t, senders, func(t *testing.T, h house) {
		out.got = nil
		want := 0
		for name, data := range templates {
			for _, locale := range []string{"en-US", "de-DE"} {
				for channel := range senders {
					m := notify.Message{MemberID: "m", To: "+12025550100", Channel: channel, Locale: locale, Template: name, Data: data}
					if channel == notify.Email {
						m.To = "ada@example.com"
					}
					if strings.HasSuffix(name, "-code") {
						m.Code, m.Until = "123456", h.clock.Now().Add(10*time.Minute)
					}
					h.send(t, m)
					want++
				}
			}
		}
		h.drain(t)
		if len(out.got) != want {
			t.Fatal(len(out.got), want)
		}
		for _, m := range out.got {
			checkText(t, m)
		}
	})
}

func checkText(t *testing.T, m notify.Outgoing) {
	t.Helper()
	said := m.Subject + m.Text
	for _, bad := range []string{"notify.", "<no value>", "{{", "map["} {
		if strings.Contains(said, bad) {
			t.Errorf("%s %s: %q", m.Channel, m.Locale, said)
		}
	}
	if m.Channel == notify.Email && (m.Subject == "" || strings.Contains(m.Subject, "123456")) {
		t.Errorf("subject %q", m.Subject) // a code in a subject shows on a locked screen
	}
	if m.Code != "" && m.Channel == notify.Voice && !strings.Contains(said, "1, 2, 3, 4, 5, 6") {
		t.Errorf("a voice would say one number: %q", said)
	}
	if m.Code != "" && m.Channel == notify.Email && !strings.Contains(said, "123456") {
		t.Errorf("no code: %q", said)
	}
}

func TestTheMailboxTakesEveryMessageOnce(t *testing.T) {
	var mu sync.Mutex
	items := map[string]map[string]any{}
	status := http.StatusNoContent
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var item map[string]any
		if err := json.NewDecoder(r.Body).Decode(&item); err != nil || r.Method != http.MethodPost {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		items[item["id"].(string)] = item
		w.WriteHeader(status)
	}))
	defer srv.Close()
	m := notify.NewMailbox(srv.URL)
	for range 2 {
		if err := m.Send(ctx, outgoing()); err != nil {
			t.Fatal(err)
		}
	}
	item := items[outgoing().ID]
	if len(items) != 1 || item["to"] != "ada@example.com" || item["channel"] != "email" || item["code"] != "123456" || item["sent_at"] != "2026-03-02T12:00:00Z" {
		t.Fatal(items)
	}
	status = http.StatusBadRequest
	if _, final := errors.AsType[*notify.Refusal](m.Send(ctx, outgoing())); !final {
		t.Error("400 is tried again")
	}
	status = http.StatusServiceUnavailable
	if err := m.Send(ctx, outgoing()); err == nil {
		t.Error("503 counts as sent")
	}
	srv.Close()
	if err := m.Send(ctx, outgoing()); err == nil || strings.Contains(err.Error(), "ada") {
		t.Error(err)
	}
}

func TestMasked(t *testing.T) {
	for to, want := range map[string]string{
		"ada@example.com": "a•••@example.com", "ü@example.com": "ü•••@example.com", "+12025550100": "•••0100", "abc": "•••", "": "•••",
	} {
		if got := notify.Masked(to); got != want {
			t.Errorf("%q: %q", to, got)
		}
	}
}

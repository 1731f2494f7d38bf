package signin

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/notify/gateway"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
	"standfast/internal/text"
)

const receiptSecret = "a secret of the receipts"

// carrier is a reference gateway of one channel over real HTTP, with the
// receipts that it sends back.
type carrier struct {
	*gateway.Server
	sender *gateway.Gateway
}

// lines is a house whose text messages and calls go through gateways.
type lines struct {
	*house
	text, voice carrier
}

// eachLine runs a test on both engines with gateways on text and, where the
// tariff has it, voice.
func eachLine(t *testing.T, c Config, tariff notify.Tariff, voice bool, test func(t *testing.T, l *lines)) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) { test(t, newLines(t, d, clock, c, tariff, voice)) })
}

func newLines(t *testing.T, d *db.DB, clock *dbtest.Clock, c Config, tariff notify.Tariff, voice bool) *lines {
	c.Cell = "us"
	or(&c.Hash, cheap())
	or(&c.HashQueue, 1000)
	l := &lines{house: &house{t: t, db: d, clock: clock, conf: c, box: &mailbox{}}}
	must(t, jobs.Migrate(ctx, d))
	l.jobs = jobs.New(d, slog.New(slog.DiscardHandler))
	catalogue, err := text.Load()
	must(t, err)
	receive := func(ctx context.Context, ch notify.Channel, list []notify.Receipt) error {
		return l.ns.Receive(ctx, ch, list)
	}
	l.text, l.voice = newCarrier(t, clock, notify.Text, receive), newCarrier(t, clock, notify.Voice, receive)
	senders := map[notify.Channel]notify.Sender{notify.Text: l.text.sender, notify.Email: l.box}
	if voice {
		senders[notify.Voice] = l.voice.sender
	}
	l.ns = notify.New(d, l.jobs, catalogue, masterkey.Demo(), senders, notify.Within(tariff), notify.In(notify.Cell{Brand: "Musterbank", Host: "my.bank.example"}))
	l.conf.Jobs = l.jobs
	l.Service = l.replica()
	l.conf.Jobs = nil // a kind of job has one handler
	return l
}

func newCarrier(t *testing.T, clock *dbtest.Clock, ch notify.Channel, receive func(context.Context, notify.Channel, []notify.Receipt) error) carrier {
	hook, err := gateway.NewReceipts(gateway.ReceiptConfig{Secret: receiptSecret, Now: clock.Now}, func(ctx context.Context, list []notify.Receipt) error { return receive(ctx, ch, list) })
	must(t, err)
	back := httptest.NewServer(hook)
	s := gateway.NewServer(gateway.ServerConfig{Token: "t", ReceiptsTo: back.URL, Secret: receiptSecret, Now: clock.Now})
	front := httptest.NewServer(s)
	sender, err := gateway.New(gateway.Config{URL: front.URL + "/v1/messages", Secret: "Bearer t", From: "Musterbank", Now: clock.Now})
	must(t, err)
	t.Cleanup(func() { s.Close(); front.Close(); back.Close() })
	return carrier{s, sender}
}

// settle lets everything that is due happen, receipts too.
func (l *lines) settleLines() {
	l.t.Helper()
	must(l.t, l.jobs.Drain(ctx))
	l.text.Wait()
	l.voice.Wait()
}

// after lets time pass in steps of a second, as jobs and receipts would see it.
func (l *lines) after(d time.Duration) {
	l.t.Helper()
	for range int(d / time.Second) {
		l.clock.Advance(time.Second)
		l.settleLines()
	}
}

func (l *lines) look(id string, b *Client) Challenge {
	l.t.Helper()
	ch, err := l.Challenge(ctx, id, *b)
	must(l.t, err)
	return ch
}

func (l *lines) prefer(m member.Member, p CodePreference) {
	l.t.Helper()
	must(l.t, l.SetCodePreference(ctx, Session{MemberID: m.ID}, p, Client{}))
}

func TestACodeIsFollowedUntilItsReceipt(t *testing.T) {
	eachLine(t, Config{}, notify.Tariff{}, true, func(t *testing.T, l *lines) {
		l.member("ada")
		b := browser("f")
		asked, err := l.SignIn(ctx, "ada", right, *b)
		must(t, err)
		if c := asked.Challenge; c.Delivery != DeliveryWaiting || c.NextChannel != "" || !slices.Equal(c.Ways, []string{"text", "voice"}) {
			t.Fatalf("%+v", c)
		}
		l.settleLines()
		c := l.look(asked.Challenge.ID, b)
		if c.Delivery != DeliveryDelivered || c.NextChannel != "" || c.Reference != "" {
			t.Fatalf("%+v", c)
		}
		got := l.text.Inbox("+12025550142")
		if len(got) != 1 || got[0].Code != l.codeOf(c.ID) || !strings.HasSuffix(got[0].Text, "\n@my.bank.example #"+got[0].Code) {
			t.Fatal(got)
		}
	})
}

// Row 16 of the scenarios: text messages stop being delivered, and the code
// arrives by another channel within 30 seconds.
func TestACodeTakesTheDetourByItself(t *testing.T) {
	for _, mode := range []gateway.Mode{gateway.Deaf, gateway.Refusing, gateway.Down, gateway.Dead} {
		t.Run(string(mode), func(t *testing.T) {
			eachLine(t, Config{}, notify.Tariff{}, true, func(t *testing.T, l *lines) {
				m := l.member("ada")
				l.prefer(m, CodePreference{Ways: []string{"text", "voice", "email"}, ByItself: true})
				l.text.Set(gateway.Fault{Mode: mode})
				b := browser("f")
				asked, err := l.SignIn(ctx, "ada", right, *b)
				must(t, err)
				began := l.clock.Now()
				for len(l.voice.Inbox("")) == 0 && l.clock.Now().Sub(began) < time.Minute {
					l.after(time.Second)
				}
				if took := l.clock.Now().Sub(began); took > 30*time.Second {
					t.Fatalf("the detour took %v", took)
				}
				call := l.voice.Inbox("")[0]
				code := l.codeOf(asked.Challenge.ID)
				if strings.Count(call.Text, strings.Join(strings.Split(code, ""), ", ")) != 2 {
					t.Fatalf("a call says the code twice, slowly: %q", call.Text)
				}
				c := l.look(asked.Challenge.ID, b)
				if c.Channel != "voice" || c.Delivery != DeliveryDelivered {
					t.Fatalf("%+v", c)
				}
				_, err = l.SubmitCode(ctx, c.ID, code, true, *b)
				must(t, err)
			})
		})
	}
}

func TestTheNextWayIsOfferedAfterFifteenSeconds(t *testing.T) {
	eachLine(t, Config{}, notify.Tariff{}, true, func(t *testing.T, l *lines) {
		l.member("ada")
		l.text.Set(gateway.Fault{Mode: gateway.Deaf})
		l.voice.Set(gateway.Fault{Mode: gateway.Deaf})
		b := browser("f")
		asked, err := l.SignIn(ctx, "ada", right, *b)
		must(t, err)
		id := asked.Challenge.ID
		l.after(14 * time.Second)
		if c := l.look(id, b); c.Delivery != DeliveryWaiting || c.NextChannel != "" {
			t.Fatalf("%+v", c)
		}
		_, err = l.Resend(ctx, id, "voice", *b)
		l.want(err, fault.TooMany, "signin.too-many")
		l.after(time.Second)
		if c := l.look(id, b); c.Delivery != DeliveryLate || c.NextChannel != "voice" || slices.Contains(c.Ways, "email") {
			t.Fatalf("%+v", c)
		}
		_, err = l.Resend(ctx, id, "email", *b)
		l.want(err, fault.Invalid, "invalid") // a last resort
		c, err := l.Resend(ctx, id, "voice", *b)
		if err != nil || c.Channel != "voice" || c.Delivery != DeliveryWaiting {
			t.Fatal(c, err)
		}
		l.after(15 * time.Second)
		if c = l.look(id, b); c.NextChannel != "email" || !slices.Contains(c.Ways, "email") {
			t.Fatalf("%+v", c)
		}
		_, err = l.Resend(ctx, id, "email", *b)
		must(t, err)
		l.settleLines()
		if c = l.look(id, b); c.Delivery != DeliveryDelivered || len(l.box.mail) != 1 || l.box.mail[0].Code != l.codeOf(id) {
			t.Fatalf("%+v %v", c, l.box.mail)
		}
	})
}

// A gateway that lies costs its members a wait, not the way in.
func TestALyingReceiptDoesNotShutTheOtherWays(t *testing.T) {
	eachLine(t, Config{}, notify.Tariff{}, false, func(t *testing.T, l *lines) {
		l.member("ada")
		l.text.Set(gateway.Fault{Mode: gateway.Lying})
		b := browser("f")
		asked, err := l.SignIn(ctx, "ada", right, *b)
		must(t, err)
		l.after(15 * time.Second)
		if c := l.look(asked.Challenge.ID, b); c.Delivery != DeliveryDelivered || !slices.Contains(c.Ways, "email") {
			t.Fatalf("%+v", c)
		}
		_, err = l.Resend(ctx, asked.Challenge.ID, "email", *b)
		must(t, err)
	})
}

func TestWithNoWayLeftThereIsAReference(t *testing.T) {
	eachLine(t, Config{NoEmailCode: true}, notify.Tariff{}, false, func(t *testing.T, l *lines) {
		m := l.member("ada")
		l.text.Set(gateway.Fault{Mode: gateway.Deaf})
		b := browser("f")
		asked, err := l.SignIn(ctx, "ada", right, *b)
		must(t, err)
		l.after(15 * time.Second)
		c := l.look(asked.Challenge.ID, b)
		if c.NextChannel != "" || len(c.Reference) != referenceLength+1 {
			t.Fatalf("%+v", c)
		}
		for _, typed := range []string{c.Reference, strings.ToLower(c.Reference), strings.ReplaceAll(c.Reference, "-", " ")} {
			found, err := l.Trouble(ctx, typed)
			if err != nil || found.MemberID != m.ID || found.ChallengeID != c.ID || found.Messages != 1 {
				t.Fatal(found, err)
			}
		}
		_, err = l.Trouble(ctx, "2222-2222")
		l.want(err, fault.NotFound, "signin.reference")
	})
}

func TestAMemberWhomNothingReachesGetsOneReference(t *testing.T) {
	tariff := notify.Tariff{Prices: map[string]int64{"+44": 1}}
	eachLine(t, Config{NoEmailCode: true}, tariff, true, func(t *testing.T, l *lines) {
		m := l.member("ada")
		b := browser("f")
		var first string
		for range 2 {
			_, err := l.SignIn(ctx, "ada", right, *b)
			l.want(err, fault.Forbidden, "signin.no-channel")
			reference, _ := fault.As(err).Extra["reference"].(string)
			if reference == "" || first != "" && reference != first {
				t.Fatalf("reference %q after %q", reference, first)
			}
			first = reference
		}
		found, err := l.Trouble(ctx, first)
		if err != nil || found.MemberID != m.ID || found.ChallengeID != "" || found.Messages != 0 {
			t.Fatal(found, err)
		}
		l.settleLines()
		if len(l.text.Inbox(""))+len(l.voice.Inbox("")) > 0 {
			t.Fatal("a message went abroad")
		}
	})
}

func TestTheMembersOrderDecides(t *testing.T) {
	eachLine(t, Config{}, notify.Tariff{}, true, func(t *testing.T, l *lines) {
		m := l.member("ada")
		l.prefer(m, CodePreference{Ways: []string{"email", "voice", "text"}})
		p, err := l.CodePreference(ctx, Session{MemberID: m.ID})
		if err != nil || !slices.Equal(p.Ways, []string{"voice", "text", "email"}) {
			t.Fatal(p, err)
		}
		asked, err := l.SignIn(ctx, "ada", right, *browser("f"))
		if err != nil || asked.Challenge.Channel != "voice" {
			t.Fatal(asked, err)
		}
		for _, ways := range [][]string{nil, {"email"}, {"text", "text"}, {"pigeon"}} {
			l.want(l.SetCodePreference(ctx, Session{MemberID: m.ID}, CodePreference{Ways: ways}, Client{}), fault.Invalid, "invalid")
		}
	})
}

// Where a gateway is known to be down, codes begin with the next channel.
func TestABrokenGatewayIsGoneRound(t *testing.T) {
	eachLine(t, Config{}, notify.Tariff{}, true, func(t *testing.T, l *lines) {
		l.text.Set(gateway.Fault{Mode: gateway.Down})
		for l.text.sender.Working() {
			_ = l.text.sender.Send(ctx, notify.Outgoing{ID: db.NewID(), To: "+12025550142", Text: "x", Channel: notify.Text})
		}
		l.member("ada")
		asked, err := l.SignIn(ctx, "ada", right, *browser("f"))
		if err != nil || asked.Challenge.Channel != "voice" {
			t.Fatal(asked.Challenge, err)
		}
	})
}

func TestNoCodeIsSentThatLeadsNowhere(t *testing.T) {
	var down error
	c := Config{Landing: func(context.Context) error { return down }}
	eachLine(t, c, notify.Tariff{}, true, func(t *testing.T, l *lines) {
		l.member("ada")
		b := browser("f")
		down = http.ErrServerClosed
		_, err := l.SignIn(ctx, "ada", right, *b)
		l.want(err, fault.Unavailable, "signin.not-ready")
		l.settleLines()
		if n := l.number(`SELECT count(*) FROM notification`) + l.number(`SELECT count(*) FROM challenge`); n != 0 {
			t.Fatal("a code was sent that leads nowhere")
		}
		down = nil
		asked, err := l.SignIn(ctx, "ada", right, *b)
		must(t, err)
		down = http.ErrServerClosed
		l.wait(30 * time.Second)
		_, err = l.Resend(ctx, asked.Challenge.ID, "", *b)
		l.want(err, fault.Unavailable, "signin.not-ready")
	})
}

func TestTheBudgetOfADayEndsTextsAndNotCodes(t *testing.T) {
	tariff := notify.Tariff{Prices: map[string]int64{"+1": 2}, Budget: 4}
	eachLine(t, Config{}, tariff, false, func(t *testing.T, l *lines) {
		for i, want := range []string{"text", "text", "email"} {
			name := "member-" + string(rune('a'+i))
			l.member(name)
			asked, err := l.SignIn(ctx, name, right, *browser(name))
			if err != nil || asked.Challenge.Channel != want {
				t.Fatal(i, asked.Challenge, err)
			}
		}
		s, err := l.ns.Spending(ctx)
		if err != nil || s.Units != 4 || s.Budget != 4 || len(s.Country) != 1 || s.Country[0].Messages != 2 {
			t.Fatal(s, err)
		}
		l.wait(24 * time.Hour)
		l.member("next")
		if asked, err := l.SignIn(ctx, "next", right, *browser("next")); err != nil || asked.Challenge.Channel != "text" {
			t.Fatal("the next day has no budget of its own:", err)
		}
	})
}

func TestCodeBombingStopsAndIsShown(t *testing.T) {
	eachLine(t, Config{}, notify.Tariff{}, true, func(t *testing.T, l *lines) {
		m := l.member("ada")
		home := browser("home")
		l.enter("ada", home, true)
		l.wait(2 * time.Hour)
		sent, stopped := 0, 0
		for i := range 60 {
			b := &Client{IP: "203.0.113.9", UserAgent: "curl/8.5", FlowID: "bomb" + string(rune('a'+i))}
			if _, err := l.SignIn(ctx, "ada", right, *b); err == nil {
				sent++
			} else {
				l.want(err, fault.TooMany, "signin.too-many")
				stopped++
			}
			l.wait(time.Minute)
		}
		if sent > maxPerHour || stopped == 0 {
			t.Fatalf("%d codes in an hour, %d refused", sent, stopped)
		}
		l.settleLines()
		told := 0
		for _, mail := range l.box.mail {
			if strings.Contains(mail.Text, "many codes") && strings.Contains(mail.Text, "203.0.113.9") {
				told++
			}
		}
		if told != 1 {
			t.Fatalf("the member was told %d times", told)
		}
		out := l.enter("ada", home, true)
		if out.Challenge != nil {
			t.Fatal("bombing shut a known device out")
		}
		sess := l.check(home.SessionToken)
		bombed, err := l.Bombed(ctx, sess)
		if err != nil || bombed.Messages != sent || bombed.IP != "203.0.113.9" || bombed.Device != "curl" {
			t.Fatal(bombed, err)
		}
		list, err := l.AskedCodes(ctx, sess)
		if err != nil || len(list) != sent+1 || list[0].Used || !list[sent].Used {
			t.Fatal(list, err)
		}
		must(t, l.SeenCodes(ctx, sess))
		if bombed, err = l.Bombed(ctx, Session{MemberID: m.ID}); err != nil || bombed.Messages != 0 {
			t.Fatal("told again what was read:", bombed, err)
		}
	})
}

// A process sends no more codes a second than it is allowed, with ten seconds'
// worth at once. Who comes when they are used up is told when to come back, and
// nothing of the attempt stays that would be in the way then.
func TestCodesASecondAreLimited(t *testing.T) {
	eachWith(t, Config{CodesPerSecond: 0.5}, func(t *testing.T, h *house) {
		names := []string{"ada", "ben", "cyd", "dov", "eve", "fay"}
		for i, name := range names {
			h.member(name)
			out, err := h.SignIn(ctx, name, right, *browser(name))
			if i < 5 {
				must(t, err)
				if out.Challenge == nil {
					t.Fatal("no code for", name)
				}
				continue
			}
			h.want(err, fault.Unavailable, "signin.busy")
		}
		late := *browser("fay")
		h.wait(time.Second)
		_, err := h.SignIn(ctx, "fay", right, late)
		h.want(err, fault.Unavailable, "signin.busy")
		h.wait(time.Second)
		out, err := h.SignIn(ctx, "fay", right, late)
		must(t, err)
		if out.Challenge == nil || h.number(`SELECT count(*) FROM notification`) != 6 {
			t.Error("the code of the last is not on its way")
		}
	})
}

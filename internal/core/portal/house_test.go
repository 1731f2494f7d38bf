package portal

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/jobs"
	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/payment"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/rail/sim"
	"standfast/internal/core/signin"
	ledgersource "standfast/internal/core/source/ledger"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/masterkey"
	"standfast/internal/money"
	"standfast/internal/text"
)

var ctx = context.Background()

// house is the portal with everything behind it real, and a mailbox where the
// world begins.
type house struct {
	testing.TB
	db       *db.DB
	clock    *dbtest.Clock
	jobs     *jobs.Jobs
	services Services
	ledger   *ledger.Ledger
	mail     *mailbox
	server   *httptest.Server
}

type mailbox struct {
	mu   sync.Mutex
	code string // of the newest message that carries one
	n    int    // messages with a code
	link string // of the newest message that has one
}

func (m *mailbox) Send(_ context.Context, o notify.Outgoing) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if o.Code != "" {
		m.code, m.n = o.Code, m.n+1
	}
	if _, rest, ok := strings.Cut(o.Text, linkOrigin); ok {
		m.link, _, _ = strings.Cut(rest, "\n")
		m.link, _, _ = strings.Cut(m.link, " ")
	}
	return nil
}

// linkOrigin stands before the links of messages.
const linkOrigin = "https://bank.example"

const password = "meadow-lantern-42"

func each(t *testing.T, test func(h *house)) {
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgresql": dbtest.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			clock := dbtest.NewClock()
			test(newHouse(t, open(t, db.Options{Now: clock.Now}), clock))
		})
	}
}

func onSQLite(t *testing.T) *house {
	clock := dbtest.NewClock()
	return newHouse(t, dbtest.SQLite(t, db.Options{Now: clock.Now}), clock)
}

func newHouse(t testing.TB, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	h := &house{TB: t, db: d, clock: clock, mail: &mailbox{}}
	h.must(jobs.Migrate(ctx, d))
	quiet := slog.New(slog.DiscardHandler)
	h.jobs = jobs.New(d, quiet)
	texts, err := text.Load()
	h.must(err)
	zone, err := time.LoadLocation("America/New_York")
	h.must(err)
	members, key := member.New(d), masterkey.Demo()
	n := notify.New(d, h.jobs, texts, key, map[notify.Channel]notify.Sender{notify.Email: h.mail, notify.Text: h.mail, notify.Voice: h.mail})
	in, err := signin.New(d, members, n, key, signin.Config{Cell: "us", Now: clock.Now, Jobs: h.jobs, Holdings: heldAt{h}, StopLink: func(token string) string { return linkOrigin + string(route.ContactLink.URL("token", token)) }, Hash: signin.HashParams{MemoryKiB: 64, Passes: 1, Parallelism: 1}})
	h.must(err)
	h.ledger = ledger.New(d, ledger.Options{Log: quiet})
	accounts := account.New(d, h.ledger, members, map[string]account.Source{account.LedgerSource: ledgersource.New(h.ledger)}, account.Config{Zone: zone, TileWait: time.Minute, Recall: time.Minute}) // a busy machine makes no tile late
	rail := sim.New(sim.Config{Now: clock.Now})
	methods := instrument.NewService(d, h.jobs, key, nil, rail, instrument.Config{Currency: "USD"})
	contact := func(ctx context.Context, id string) (payment.Contact, error) {
		m, err := members.ByID(ctx, id)
		return payment.Contact{Email: m.Email, Phone: m.Phone, Locale: m.Locale}, err
	}
	payments, err := payment.New(d, h.jobs, payment.Deps{Accounts: accounts, Ledger: h.ledger, Instruments: methods, SignIn: in, Notify: n, Contact: contact, Log: quiet},
		map[string]payment.Rail{"sim": rail}, payment.Config{Zone: zone, CutOff: 20 * time.Hour, Rules: payment.USRules()})
	h.must(err)
	h.services = Services{Members: members, SignIn: in, Accounts: accounts, Instruments: methods, Payments: payments, Texts: texts,
		Cookies: signin.Cookies{Cell: "us"}, Now: clock.Now, Log: quiet, Cell: Cell{Name: "Standfast", Telephone: "1 800 555 0100", Currency: "USD", Zone: zone}}
	h.server = httptest.NewServer(New(h.services))
	t.Cleanup(h.server.Close)
	return h
}

// heldAt answers sign-in's questions as the wiring of a process does.
type heldAt struct{ *house }

func (h heldAt) HeldTx(ctx context.Context, tx *db.Tx, memberIDs []string) (held []signin.Holding, err error) {
	list, err := h.services.Accounts.BelongingsTx(ctx, tx, memberIDs)
	for _, b := range list {
		on := b.Account.ExpiresOn
		held = append(held, signin.Holding{MemberID: b.MemberID, Card: b.Account.Kind == account.Card, Ref: b.Account.Ref, Last4: b.Account.Last4, Expires: on[:min(len("2006-01"), len(on))]})
	}
	return held, err
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func usd(minor int64) *money.Amount { a := money.New(minor, "USD"); return &a }

// person is a member with a card that owes 1,000.00, savings of 500.00 and a
// bank account that can pay.
type person struct {
	member.Member
	card, savings account.Account
	method        instrument.Method
}

func (h *house) person(name string) (p person) {
	h.Helper()
	world := ledger.SystemID("world", "USD")
	h.must(h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		if p.Member, err = h.services.Members.Create(ctx, tx, member.Spec{Username: name, DisplayName: name, Email: name + "@example.org", Phone: "+12025550142"}); err != nil {
			return err
		}
		if err = h.services.SignIn.SetPassword(ctx, tx, p.ID, password); err != nil {
			return err
		}
		p.card = h.open(tx, p.ID, account.Spec{Ref: "card-" + name, Kind: account.Card, Currency: "USD", Name: "Everyday Card", Last4: "4242",
			CreditLimit: usd(5000_00), StatementBalance: usd(800_00), MinimumDue: usd(25_00), DueOn: "2026-03-25"})
		p.savings = h.open(tx, p.ID, account.Spec{Ref: "savings-" + name, Kind: account.Savings, Currency: "USD", Name: "Savings", Last4: "8841"})
		if p.method, _, err = h.services.Instruments.ImportVerified(ctx, tx, p.ID, instrument.Request{Kind: instrument.KindBankAccount, Country: "US",
			RoutingNumber: "021000021", AccountNumber: "000123456789", HolderName: "Ada Lovelace"}); err != nil {
			return err
		}
		return h.ledger.OpenAccount(ctx, tx, ledger.AccountSpec{ID: world, Currency: "USD", Book: "world", Folded: true})
	}))
	h.book(ledger.Entry{Key: "spent-" + name, Debit: p.card.ID, Credit: world, Amount: *usd(1000_00), Kind: "purchase", Description: "=HYPERLINK(\"x\") <b>Shop</b>"})
	h.book(ledger.Entry{Key: "saved-" + name, Debit: world, Credit: p.savings.ID, Amount: *usd(500_00), Kind: "interest"})
	return p
}

func (h *house) open(tx *db.Tx, memberID string, s account.Spec) account.Account {
	a, err := h.services.Accounts.Open(ctx, tx, s)
	h.must(err)
	h.must(h.services.Members.AddHolder(ctx, tx, memberID, a.ID, member.Owner))
	return a
}

func (h *house) book(e ledger.Entry) {
	h.Helper()
	h.must(h.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := h.ledger.PostTx(ctx, tx, e)
		return err
	}))
}

// browser keeps cookies and follows nothing by itself.
type browser struct {
	*house
	client *http.Client
	lang   string
}

func (h *house) browser() *browser {
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &browser{house: h, client: &http.Client{Jar: jar{}, CheckRedirect: stay}, lang: "en-US"}
}

// jar keeps cookies by the test's clock, on which those of today may not have begun.
type jar map[string]*http.Cookie

func (j jar) SetCookies(_ *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		j[c.Name] = c
		if c.MaxAge < 0 {
			delete(j, c.Name)
		}
	}
}

func (j jar) Cookies(*url.URL) (list []*http.Cookie) {
	for _, c := range j {
		list = append(list, &http.Cookie{Name: c.Name, Value: c.Value})
	}
	return list
}

// page is what the server answered.
type page struct {
	*http.Response
	body string
}

func (b *browser) get(address string) page { return b.send(http.MethodGet, address, nil, nil) }

func (b *browser) post(address string, form url.Values) page {
	return b.send(http.MethodPost, address, strings.NewReader(form.Encode()), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
}

func (b *browser) send(method, address string, body io.Reader, more http.Header) page {
	b.Helper()
	r, err := http.NewRequest(method, b.server.URL+address, body)
	b.must(err)
	r.Header.Set("User-Agent", "Mozilla/5.0")
	r.Header.Set("Accept-Language", b.lang)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for k, v := range more {
		r.Header[k] = v
	}
	res, err := b.client.Do(r)
	b.must(err)
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	b.must(err)
	return page{res, string(content)}
}

// follow wants a 303 and goes there.
func (b *browser) follow(p page) page {
	b.Helper()
	if p.StatusCode != http.StatusSeeOther {
		b.Fatalf("%s %s answers %d, want 303; %s", p.Request.Method, p.Request.URL, p.StatusCode, p.errors())
	}
	return b.get(p.Header.Get("Location"))
}

// errors is what the page's error summary says.
func (p page) errors() string { return p.text("div", "class", "errors") }

// heading is the page's h1.
func (p page) heading() string { return p.text("h1", "", "") }

func (p page) text(tag, attr, value string) (found string) {
	doc, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		return err.Error()
	}
	node{doc}.each(func(n node) {
		if n.Data == tag && (attr == "" || n.get(attr) == value) && found == "" {
			found = strings.Join(strings.Fields(n.words()), " ")
		}
	})
	return found
}

// form gives the fields of the page's form with this action, as a browser that
// presses its button would send them.
func (p page) form(action string) url.Values {
	form := url.Values{}
	doc, _ := html.Parse(bytes.NewReader([]byte(p.body)))
	node{doc}.each(func(f node) {
		if f.Data != "form" || f.get("action") != action || len(form) > 0 {
			return
		}
		f.each(func(n node) {
			_, checked := n.attr("checked")
			pick := n.get("type") == "radio" || n.get("type") == "checkbox"
			if n.Data == "input" && n.get("name") != "" && (!pick || checked) {
				form.Set(n.get("name"), n.get("value"))
			}
		})
	})
	return form
}

// signIn signs a member in on a device that is then known, and gives the page
// that they arrive at.
func (b *browser) signIn(name, at string) page {
	b.Helper()
	asked := b.get(at)
	if asked.StatusCode == http.StatusSeeOther {
		asked = b.follow(asked)
	}
	form := asked.form("/sign-in")
	form.Set("username", name)
	form.Set("password", password)
	p := b.post("/sign-in", form)
	if strings.HasPrefix(p.Header.Get("Location"), "/sign-in/code") {
		form = b.follow(p).form("/sign-in/code")
		form.Set("code", b.newCode())
		p = b.post("/sign-in/code", form)
	}
	return b.follow(p)
}

// newCode is the newest code that was sent.
func (h *house) newCode() string {
	h.Helper()
	h.must(h.jobs.Drain(ctx))
	h.mail.mu.Lock()
	defer h.mail.mu.Unlock()
	return h.mail.code
}

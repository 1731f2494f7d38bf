package site

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"standfast/internal/fault"
	"standfast/internal/journey"
	"standfast/internal/money"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/teller"
)

func (s *site) pages(m *http.ServeMux) {
	m.HandleFunc("GET /{$}", s.handle("", anybody, s.home))
	m.HandleFunc("GET /help", s.handle("", anybody, s.home))
	m.HandleFunc("POST /language", s.handle("", anybody, s.language))
	m.HandleFunc("GET /sign-in", s.handle(journey.SignIn, anybody, s.signInPage))
	m.HandleFunc("POST /sign-in", s.handle(journey.SignIn, anybody, s.signIn))
	m.HandleFunc("GET /sign-in/nonce", s.nonce)
	m.HandleFunc("GET /sign-in/passkey/prompt", s.call(journey.SignIn, anybody, s.passkeyPrompt))
	m.HandleFunc("POST /sign-in/passkey", s.handle(journey.SignIn, anybody, s.signInPasskey))
	m.HandleFunc("POST /sign-out", s.handle(journey.SignOut, anybody, s.signOut))
	m.HandleFunc("GET /signed-out", s.handle("", anybody, s.home))
	m.HandleFunc("GET /dashboard", s.handle(journey.Dashboard, look, s.dashboard))
	m.HandleFunc("GET /accounts/{id}", s.handle(journey.History, look, s.account))
	m.HandleFunc("GET /accounts/{id}/freeze", s.handle(journey.Freeze, freeze, s.freezePage))
	m.HandleFunc("POST /accounts/{id}/freeze", s.handle(journey.Freeze, freeze, s.freeze))
	m.HandleFunc("GET /pay", s.handle(journey.Pay, pay, s.payPage))
	m.HandleFunc("GET /pay/review", s.handle(journey.Pay, pay, s.payReview))
	m.HandleFunc("POST /pay", s.handle(journey.Pay, pay, s.pay))
	m.HandleFunc("GET /pay/done/{id}", s.handle(journey.Pay, look, s.payDone))
	m.HandleFunc("GET /payments", s.handle(journey.Payments, look, s.payments))
}

// frame is what every page needs beside its own data.
type frame struct {
	*visit
	Title string
	Pays  bool // payments can be taken now
	Looks bool
	AsOf  time.Time
}

// language is one that a page could be read in instead, by its own name.
type language struct{ Locale, Name string }

func (f frame) otherLanguages() (list []language) {
	for _, l := range f.Texts.Locales() {
		if l != f.text.Locale() {
			list = append(list, language{l, f.t("language.name." + l)})
		}
	}
	return list
}

// here is the page's address, to come back to; an answer to a form has none.
func (f frame) here() string {
	if f.r.Method != http.MethodGet {
		return "/dashboard"
	}
	return f.r.URL.RequestURI()
}

func (v *visit) frame(title string, args ...any) frame {
	return frame{visit: v, Title: v.text.T(title, args...), Pays: v.Desk.MayPay() && v.Halted() == nil, Looks: v.Desk.MayLook(), AsOf: v.Teller.AsOf()}
}

func (f frame) t(id string, args ...any) string { return f.text.T(id, args...) }

func (f frame) tel() string {
	return "tel:" + strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, f.Telephone)
}

// reason is why core refused a payment, in the reader's language where that has it.
func (f frame) reason(r teller.Receipt) string {
	if id := "fault." + r.Code; r.Code != "" && f.text.Has(id) {
		return f.t(id)
	}
	return r.Reason
}

func (s *site) home(v *visit) (answer, error) { return show(Home(v.frame("standin.home-title"))), nil }

// entryForm is the form that asks who one is.
type entryForm struct {
	Next, Nonce, Username, Problem string
}

func (v *visit) entryForm() entryForm {
	return entryForm{Next: local(v.value("next")), Nonce: v.Desk.Nonce(v.flow()), Username: v.value("username")}
}

// localeFor is how long a chosen language is remembered.
const localeFor = 400 * 24 * time.Hour

// localeCookie has core's name: a language chosen on either side holds on both.
func (s *site) localeCookie() string { return "sf_" + s.Cell + "_locale_v1" }

// language remembers the language that a visitor chose, and shows the page again in it.
func (s *site) language(v *visit) (answer, error) {
	locale := v.value("locale")
	if !slices.Contains(s.Texts.Locales(), locale) {
		return answer{}, fault.New(fault.Malformed, "request.locale", "We do not have this language.")
	}
	s.set(v.w, s.localeCookie(), locale, v.Now().Add(localeFor))
	return see(local(v.value("return"))), nil
}

func (s *site) signInPage(v *visit) (answer, error) {
	d := v.entryForm()
	if v.signedIn() {
		return see(d.Next), nil
	}
	return show(SignIn(v.frame("standin.sign-in-title"), d)), nil
}

// local gives an address of ours, never another site's.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/dashboard"
	}
	return next
}

func (s *site) signIn(v *visit) (answer, error) {
	issued, err := v.Desk.SignIn(v.r.Context(), v.value("username"), v.r.PostForm.Get("password"), v.proving())
	return v.entered(issued, err)
}

// signInPasskey signs in by passkey alone.
func (s *site) signInPasskey(v *visit) (answer, error) {
	issued, err := v.Desk.SignInPasskey(v.r.Context(), v.value("state"), []byte(v.value("passkey")), v.proving())
	return v.entered(issued, err)
}

// proving is the client with the proof that device.js has put into the form.
func (v *visit) proving() entry.Client {
	c := v.client()
	if proof := v.value("device_proof"); proof != "" {
		c.DeviceProof = proof
	}
	return c
}

// entered hands the session to the browser, or shows the form again with the reason.
func (v *visit) entered(issued entry.Issued, err error) (answer, error) {
	d := v.entryForm()
	if err == nil {
		v.setSession(v.w, issued.Token, issued.ExpiresAt)
		return see(d.Next), nil
	}
	e := fault.As(err)
	if e.Kind == fault.Internal {
		return answer{}, err
	}
	fault.SetRetryAfter(v.w.Header(), e)
	elsewhere(v.w.Header(), e)
	d.Problem = v.say(e)
	return answer{page: SignIn(v.frame("standin.sign-in-title"), d), status: e.Kind.Status()}, nil
}

func (s *site) nonce(w http.ResponseWriter, r *http.Request) {
	v := &visit{site: s, w: w, r: r}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(s.Desk.Nonce(v.flow())))
}

// signOut ends the session. Where that is not known, it is not claimed.
func (s *site) signOut(v *visit) (answer, error) {
	tok, _ := s.token(v.r)
	sess, err := v.Desk.Check(tok, freeze.use())
	if err == nil {
		err = v.Desk.SignOut(v.r.Context(), sess)
	}
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		return answer{}, err
	}
	s.clearSession(v.w)
	v.untold()
	return see("/signed-out"), nil
}

func (s *site) dashboard(v *visit) (answer, error) {
	list, err := v.figures(func() ([]teller.Account, error) { return v.Teller.Open(v.r.Context(), v.session.MemberID) })
	if err != nil {
		return answer{}, err
	}
	activity, err := v.Teller.Activity(v.r.Context(), v.session.MemberID, list)
	return show(Dashboard(v.frame("standin.dashboard-title"), list, activity)), err
}

// figures reads accounts and says on the answer what they show. The time until
// when they are complete is taken first: they may be newer, never older.
func (v *visit) figures(read func() ([]teller.Account, error)) ([]teller.Account, error) {
	asOf := v.Teller.AsOf()
	list, err := read()
	if f := teller.Figures(list); err == nil && f != nil {
		f.Set(v.w.Header(), asOf)
	}
	return list, err
}

// one reads the account of the address, as figures does.
func (v *visit) one() (a teller.Account, err error) {
	_, err = v.figures(func() ([]teller.Account, error) {
		a, err = v.Teller.Account(v.r.Context(), v.session.MemberID, v.r.PathValue("id"))
		return []teller.Account{a}, err
	})
	return a, err
}

func (s *site) account(v *visit) (answer, error) {
	a, err := v.one()
	if err != nil {
		return answer{}, err
	}
	list, err := v.Teller.Transactions(v.r.Context(), v.session.MemberID, a.ID)
	return show(Account(v.frame("standin.account-title", "Account", v.nameOf(a)), a, list)), err
}

// nameOf is what an account is called: by its product, where the feed names none.
func (v *visit) nameOf(a teller.Account) string {
	switch {
	case a.Name != "":
		return a.Name
	case a.Card():
		return v.text.T("standin.card")
	}
	return v.text.T("standin.savings")
}

func (s *site) freezePage(v *visit) (answer, error) {
	a, err := v.Teller.Account(v.r.Context(), v.session.MemberID, v.r.PathValue("id"))
	return show(Freeze(v.frame("standin.freeze-title"), a)), err
}

func (s *site) freeze(v *visit) (answer, error) {
	if v.value("freeze") == "no" {
		return answer{}, notNow() // to release a card is for core
	}
	if v.silenced() {
		return answer{}, notNow()
	}
	_, err := v.Teller.Freeze(v.r.Context(), v.session.MemberID, v.r.PathValue("id"))
	return see("/accounts/" + url.PathEscape(v.r.PathValue("id"))), err
}

// order is the pay form as core's pages have it, field for field: a form that
// core has shown is taken here, and is the same intention.
type order struct {
	Account, Method, What, Amount, Exact, When, Date, Key string
	Card                                                  teller.Account
	Methods                                               []teller.Method
	Sum                                                   money.Amount
	Problem                                               string
}

func (s *site) order(v *visit) (o order, err error) {
	o = order{Account: v.value("account"), Method: v.value("method"), What: v.value("what"), Amount: v.value("amount"), Exact: v.value("exact"),
		When: v.value("when"), Date: v.value("date"), Key: v.value("key")}
	if o.Key == "" {
		o.Key = rand.Text()
	}
	if e := v.Halted(); e != nil {
		return o, notNow()
	}
	if o.Account == "" {
		if o.Account, err = s.firstCard(v); err != nil {
			return o, err
		}
	}
	if o.Card, err = v.Teller.Account(v.r.Context(), v.session.MemberID, o.Account); err != nil {
		return o, err
	}
	o.Methods, err = v.Teller.Methods(v.r.Context(), v.session.MemberID)
	return o, err
}

// ready gives the methods that can be paid with now.
func (o *order) ready(now time.Time) []teller.Method {
	return slices.DeleteFunc(slices.Clone(o.Methods), func(m teller.Method) bool { return !m.Ready(now) })
}

func (s *site) firstCard(v *visit) (string, error) {
	list, err := v.Teller.Accounts(v.r.Context(), v.session.MemberID)
	if err == nil && (len(list) == 0 || !list[0].Card()) { // cards come first
		err = fault.New(fault.NotFound, "account.not-found", "We could not find this account.")
	}
	if err != nil {
		return "", err
	}
	return list[0].ID, nil
}

func (s *site) payPage(v *visit) (answer, error) {
	o, err := s.order(v)
	if ready := o.ready(v.Now()); o.Method == "" && len(ready) == 1 {
		o.Method = ready[0].ID // there is nothing to choose
	}
	return show(PayPage(v.frame("standin.pay-title"), o)), err
}

// sum is the amount that a form means.
func (o *order) sum(v *visit) (ok bool) {
	var err error
	chosen := map[string]*money.Amount{"minimum": o.Card.MinimumDue, "statement": o.Card.StatementBalance}[o.What]
	switch {
	case o.Exact != "":
		o.Sum, err = money.Parse(o.Exact, o.Card.Currency)
	case o.What == "current" && o.Card.Balance != nil && o.Card.Balance.Posted != nil:
		o.Sum = o.Card.Balance.Posted.Neg()
	case chosen != nil:
		o.Sum = chosen.Abs()
	default:
		o.Sum, err = v.text.ParseAmount(o.Amount, o.Card.Currency)
	}
	return err == nil && o.Sum.Positive()
}

func (s *site) payReview(v *visit) (answer, error) {
	o, err := s.order(v)
	if err != nil {
		return answer{}, err
	}
	if !o.sum(v) {
		o.Problem = v.text.T("form.amount-syntax")
		return answer{page: PayPage(v.frame("standin.pay-title"), o), status: http.StatusUnprocessableEntity}, nil
	}
	return show(PayReview(v.frame("standin.review-title"), o)), nil
}

func (s *site) pay(v *visit) (answer, error) {
	o, err := s.order(v)
	if err != nil {
		return answer{}, err
	}
	o.sum(v) // what it is not, the teller refuses
	if o.When != "date" {
		o.Date = ""
	}
	r, err := v.Teller.Pay(v.r.Context(), teller.Order{Key: o.Key, MemberID: v.session.MemberID, SessionID: v.session.ID,
		AccountID: o.Account, MethodID: o.Method, Amount: o.Sum, Date: o.Date})
	if err == nil {
		return see("/pay/done/" + r.ConfirmationNumber), nil
	}
	e := fault.As(err)
	if e.Kind == fault.Internal || e.Kind == fault.NotFound {
		return answer{}, err
	}
	o.Problem = v.say(e)
	elsewhere(v.w.Header(), e)
	if e.Code == "payment.key-reused" { // the page has paid something else before: a press from here pays this too
		o.Key = nextKey(o.Key, o.Account, o.Method, o.Sum.Value(), o.Sum.Currency, o.Date)
	}
	return answer{page: PayReview(v.frame("standin.review-title"), o), status: e.Kind.Status()}, nil
}

// nextKey is the key for other contents than those that stand under key, as core
// makes it: the same change, sent to either side, is one payment.
func nextKey(key string, contents ...string) string {
	h := sha256.New()
	for _, part := range append([]string{key}, contents...) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		h.Write([]byte(part))
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil)[:16])
}

func (s *site) payDone(v *visit) (answer, error) {
	r, err := v.Teller.Find(v.r.Context(), v.session.MemberID, v.r.PathValue("id"))
	return show(PayDone(v.frame("standin.done-title"), r)), err
}

func (s *site) payments(v *visit) (answer, error) {
	list, err := v.Teller.Payments(v.r.Context(), v.session.MemberID)
	return show(Payments(v.frame("standin.payments-title"), list)), err
}

package portal

import (
	"slices"
	"strings"

	"standfast/internal/core/instrument"
	"standfast/internal/core/payment"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/fault"
)

// methods lists the bank accounts that the member pays from.
func (s *server) methods(v *visit) (response, error) {
	done := v.value("done")
	d := view.MethodsData{Added: done == "added", Proved: done == "proved", Removed: done == "removed"}
	list, err := s.Instruments.List(v.r.Context(), v.member())
	if err != nil && !fault.Is(err, fault.Unavailable) {
		return response{}, err
	}
	d.Items, d.Failed = list, err != nil
	if d.From, err = s.Payments.MethodsPayFrom(v.r.Context(), v.member(), list); err != nil {
		s.Log.WarnContext(v.r.Context(), "from when on bank accounts pay is not known", "err", err) // the payment says it
	}
	res := show(view.Methods(v.frame(view.AtPayments), d))
	res.partial = d.Failed
	return res, nil
}

// methodForm reads a bank account as typed. What the cell does not take is read as
// what it usually takes.
func methodForm(v *visit) view.MethodForm {
	f := view.MethodForm{Country: v.value("country"), Holder: v.value("holder"), Routing: v.value("routing"),
		Sort: v.value("sort"), Account: v.value("account"), IBAN: v.value("iban")}
	if kinds := v.server.accountKinds(); !slices.Contains(kinds, f.Country) {
		f.Country = kinds[0]
	}
	return f
}

// methodRequest is what the form asks for. An IBAN names its country itself.
func methodRequest(f view.MethodForm) instrument.Request {
	r := instrument.Request{Kind: instrument.KindBankAccount, Country: f.Country, HolderName: f.Holder}
	switch f.Country {
	case view.CountryIBAN:
		r.Country, r.IBAN = "", f.IBAN
	case view.CountryGB:
		r.SortCode, r.AccountNumber = f.Sort, f.Account
	default:
		r.RoutingNumber, r.AccountNumber = f.Routing, f.Account
	}
	return r
}

// methodControls are the controls that errors about a bank account lie at.
var methodControls = map[string]string{"body.routing_number": "routing", "body.account_number": "account", "body.sort_code": "sort",
	"body.iban": "iban", "body.country": "country", "body.holder_name": "holder"}

func (s *server) addPage(v *visit) (response, error) {
	return show(view.MethodAdd(v.frame(view.AtPayments), s.addData(methodForm(v)))), nil
}

func (s *server) addData(f view.MethodForm) view.MethodAddData {
	return view.MethodAddData{Form: f, Kinds: s.accountKinds()}
}

// accountKinds are the kinds of bank accounts that members of the cell pay from,
// the usual one first: pounds are collected from accounts with a sort code (Bacs),
// euro from any with an IBAN (SEPA).
func (s *server) accountKinds() []string {
	switch s.Cell.Currency {
	case "GBP":
		return []string{view.CountryGB}
	case "EUR":
		return []string{view.CountryIBAN}
	}
	return []string{view.CountryUS, view.CountryGB, view.CountryIBAN}
}

func checkMethod(v *visit, f view.MethodForm) view.Problems {
	c := checks{v: v}
	c.need(f.Holder == "", "holder", "form.holder-missing")
	c.need(f.Country == view.CountryIBAN && f.IBAN == "", "iban", "form.iban-missing")
	c.need(f.Country == view.CountryGB && f.Sort == "", "sort", "form.sort-missing")
	c.need(f.Country == view.CountryUS && f.Routing == "", "routing", "form.routing-missing")
	c.need(f.Country != view.CountryIBAN && f.Account == "", "account", "form.account-missing")
	return c.list
}

// add adds a bank account, or asks for the code that this needs. The number
// stays in the form and out of the address, so the page with the code is the
// answer to the form itself.
func (s *server) add(v *visit) (response, error) {
	d := s.addData(methodForm(v))
	if d.Problems = checkMethod(v, d.Form); len(d.Problems) > 0 {
		return refused(view.MethodAdd(v.frame(view.AtPayments), d), errForm), nil
	}
	err := s.addMethod(v, d.Form, "")
	if err == nil {
		return see(route.Methods.URL("done", "added")), nil
	}
	if ch, ok := challengeOf(err); ok {
		return show(view.MethodCode(v.frame(view.AtPayments), view.MethodCodeData{Challenge: ch, Form: d.Form, Masked: masked(d.Form)})), nil
	}
	return s.addRefused(v, d, err)
}

func (s *server) addMethod(v *visit, f view.MethodForm, proof string) error {
	_, _, err := s.Payments.AddMethod(v.r.Context(), payment.MethodRequest{Request: methodRequest(f), Proof: proof, Session: v.session, Client: v.client()})
	return err
}

func (s *server) addRefused(v *visit, d view.MethodAddData, err error) (response, error) {
	var ok bool
	if d.Problems, ok = v.problems(err, methodControls); !ok {
		return response{}, err
	}
	return refused(view.MethodAdd(v.frame(view.AtPayments), d), err), nil
}

// masked is a number as it may be shown: its last four.
func masked(f view.MethodForm) string {
	n := f.Account
	if f.Country == view.CountryIBAN {
		n = f.IBAN
	}
	n = strings.NewReplacer(" ", "", "-", "").Replace(n)
	return "•••• " + n[max(0, len(n)-4):]
}

// addWithCode adds the bank account once the code is right.
func (s *server) addWithCode(v *visit) (response, error) {
	d := s.addData(methodForm(v))
	if passkey, code := v.answered(); len(passkey) == 0 && code == "" {
		return s.addCodeRefused(v, d, fault.InvalidField("body.code", "form.code-missing", "Enter the code."))
	}
	proof, err := s.proveBy(v)
	if err != nil {
		return s.addCodeRefused(v, d, err)
	}
	if err := s.addMethod(v, d.Form, proof); err != nil {
		return s.addRefused(v, d, err)
	}
	return see(route.Methods.URL("done", "added")), nil
}

// addCodeRefused asks again while the challenge stands; after that the form says
// that the code is over, and sending it again brings a new one.
func (s *server) addCodeRefused(v *visit, d view.MethodAddData, cause error) (response, error) {
	list, ok := v.problems(cause, codeControls)
	if !ok {
		return response{}, cause
	}
	ch, err := s.SignIn.Challenge(v.r.Context(), v.value("challenge"), v.client())
	if err != nil {
		list[0].Field = ""
		d.Problems = list
		return refused(view.MethodAdd(v.frame(view.AtPayments), d), cause), nil
	}
	page := view.MethodCodeData{Challenge: ch, Form: d.Form, Masked: masked(d.Form), Code: v.value("code"), Problems: list}
	return refused(view.MethodCode(v.frame(view.AtPayments), page), cause), nil
}

// methodOf is the bank account of the address, in one of the given statuses.
func (s *server) methodOf(v *visit, statuses ...instrument.Status) (instrument.Method, error) {
	m, err := s.Instruments.Get(v.r.Context(), v.member(), v.id())
	if err != nil {
		return m, err
	}
	for _, st := range statuses {
		if m.Status == st {
			return m, nil
		}
	}
	return m, fault.New(fault.NotFound, codeNoPage, "There is no such page.")
}

// confirmPage asks for the two deposits; an account that is confirmed already says so.
func (s *server) confirmPage(v *visit) (response, error) {
	m, err := s.methodOf(v, instrument.New, instrument.Verified)
	if err != nil {
		return response{}, err
	}
	if m.Status == instrument.Verified {
		return see(route.Methods.URL("done", "proved")), nil
	}
	return show(view.MethodConfirm(v.frame(view.AtPayments), view.ConfirmData{Method: m, First: v.value("first"), Second: v.value("second")})), nil
}

// confirm compares the two deposits with what was sent.
func (s *server) confirm(v *visit) (response, error) {
	m, err := s.methodOf(v, instrument.New, instrument.Verified)
	if err != nil {
		return response{}, err
	}
	d := view.ConfirmData{Method: m, First: v.value("first"), Second: v.value("second")}
	a, b, wrong := s.deposits(v, d)
	if d.Problems = wrong; len(wrong) > 0 {
		return refused(view.MethodConfirm(v.frame(view.AtPayments), d), errForm), nil
	}
	if _, err := s.Instruments.ConfirmDeposits(v.r.Context(), v.member(), m.ID, a, b); err != nil {
		return s.confirmRefused(v, d, err)
	}
	return see(route.Methods.URL("done", "proved")), nil
}

// deposits reads both amounts, in minor units.
func (s *server) deposits(v *visit, d view.ConfirmData) (a, b int64, wrong view.Problems) {
	c := checks{v: v}
	minor := func(control, typed string) int64 {
		amount, err := typedAmount(v, typed, s.Cell.Currency)
		if err != nil {
			id := amountID(err)
			if err == errNoAmount {
				id = "form.deposit-missing"
			}
			c.need(true, control, id)
		}
		return amount.Minor
	}
	return minor("first", d.First), minor("second", d.Second), c.list
}

func (s *server) confirmRefused(v *visit, d view.ConfirmData, err error) (response, error) {
	var ok bool
	if d.Problems, ok = v.problems(err, map[string]string{"body.amounts": "first"}); !ok {
		return response{}, err
	}
	m, again := s.Instruments.Get(v.r.Context(), v.member(), d.Method.ID) // a try is gone
	if again == nil && m.Status == instrument.New {
		d.Method = m
		return refused(view.MethodConfirm(v.frame(view.AtPayments), d), err), nil
	}
	return response{}, err
}

func (s *server) removePage(v *visit) (response, error) {
	m, err := s.methodOf(v, instrument.New, instrument.Verified, instrument.Stopped)
	if err != nil {
		return response{}, err
	}
	return show(view.MethodRemove(v.frame(view.AtPayments), m, nil)), nil
}

func (s *server) remove(v *visit) (response, error) {
	m, err := s.Instruments.Get(v.r.Context(), v.member(), v.id())
	if err == nil {
		err = s.Payments.RemoveMethod(v.r.Context(), v.member(), m.ID)
	}
	if err == nil {
		return see(route.Methods.URL("done", "removed")), nil
	}
	list, ok := v.problems(err, nil)
	if !ok || !fault.Is(err, fault.Conflict) {
		return response{}, err
	}
	return refused(view.MethodRemove(v.frame(view.AtPayments), m, list), err), nil
}

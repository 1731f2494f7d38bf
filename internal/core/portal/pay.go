package portal

import (
	"errors"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/payment"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// payControls are the controls that errors about a payment lie at.
var payControls = map[string]string{"body.amount": "amount", "body.payment_method_id": "method", "body.date": "date"}

// payForm reads a payment as filled in so far. A form without a key is a new
// page and gets one: it stays the same through review and reload, so that one
// page never pays twice.
func payForm(v *visit) view.PayForm {
	f := view.PayForm{Account: v.value("account"), Method: v.value("method"), What: v.value("what"), Amount: v.value("amount"),
		When: v.value("when"), Date: v.value("date"), Key: v.value("key")}
	if f.Key == "" {
		f.Key = newKey()
	}
	return f
}

// payPage asks what to pay, from where and when; without a card in the address
// it asks which one first, unless there is only one.
func (s *server) payPage(v *visit) (response, error) {
	f := payForm(v)
	if f.Account == "" {
		return s.payChoose(v)
	}
	d, err := s.payData(v, f)
	if err != nil {
		return response{}, err
	}
	d.Form = preset(d)
	return show(view.Pay(v.frame(view.AtPay), d)), nil
}

func (s *server) payChoose(v *visit) (response, error) {
	tiles, err := s.Accounts.List(v.r.Context(), v.member())
	if err != nil {
		return response{}, err
	}
	var cards []account.Tile
	for _, t := range tiles {
		if t.Kind == account.Card && t.Status != account.Closed {
			cards = append(cards, t)
		}
	}
	if len(cards) == 1 {
		return see(route.Pay.URL("account", cards[0].ID)), nil
	}
	return show(view.PayChoose(v.frame(view.AtPay), cards)), nil
}

// payData gathers what the page offers for a card.
func (s *server) payData(v *visit, f view.PayForm) (d view.PayData, err error) {
	d.Form = f
	if d.Tile, err = s.Accounts.Get(v.r.Context(), v.member(), f.Account); err != nil {
		return d, err
	}
	if d.Tile.Kind != account.Card {
		return d, fault.New(fault.NotFound, codeNoPage, "There is no such page.")
	}
	if d.Options, err = s.Payments.Options(v.r.Context(), v.member(), f.Account); err != nil {
		return d, err
	}
	if d.Methods, err = s.Instruments.List(v.r.Context(), v.member()); err != nil {
		return d, err
	}
	if d.From, err = s.Payments.MethodsPayFrom(v.r.Context(), v.member(), d.Methods); err != nil {
		return d, err
	}
	d.Savings = s.hasSavings(v)
	return d, nil
}

// hasSavings tells whether the member could pay from savings; where that is not
// known, the page does without the hint.
func (s *server) hasSavings(v *visit) bool {
	tiles, err := s.Accounts.List(v.r.Context(), v.member())
	if err != nil {
		return false
	}
	for _, t := range tiles {
		if t.Kind == account.Savings && t.Status == account.Active {
			return true
		}
	}
	return false
}

// preset chooses what most members choose: the statement balance, from the first
// bank account that can pay, today.
func preset(d view.PayData) view.PayForm {
	f := d.Form
	if f.What == "" {
		f.What = usual(d.Options)
	}
	for _, m := range d.Methods {
		if f.Method == "" && m.Status == instrument.Verified && d.From[m.ID].IsZero() {
			f.Method = m.ID
		}
	}
	if f.When == "" {
		f.When = view.WhenToday
	}
	return f
}

func usual(o payment.Options) string {
	switch {
	case o.Statement != nil && o.Statement.Positive():
		return view.WhatStatement
	case o.Remaining != nil && o.Remaining.Positive():
		return view.WhatCurrent
	}
	return view.WhatAmount
}

// order is a form that was read: what is to be paid, exactly.
type order struct {
	Method instrument.Method
	Amount money.Amount
	Date   string // "" for today
}

// read checks a form and gives the order in it. What the rules of payment say of
// it, payment says.
func (s *server) read(v *visit, d view.PayData) (order, view.Problems) {
	c := checks{v: v}
	amount, err := s.amountOf(v, d)
	if err != nil {
		c.need(true, amountControl(d.Form), amountID(err))
	}
	o := s.fromAndWhen(&c, d)
	o.Amount = amount
	return o, c.list
}

// exactly gives the order that the member saw on the review: its amount is the
// one that stood there, whatever the balance has become since.
func (s *server) exactly(v *visit, d view.PayData) (order, view.Problems) {
	c := checks{v: v}
	amount, err := money.Parse(v.value("exact"), d.Options.Currency)
	c.need(err != nil, "what", "form.what-missing")
	o := s.fromAndWhen(&c, d)
	o.Amount = amount
	return o, c.list
}

// fromAndWhen reads the method and the date.
func (s *server) fromAndWhen(c *checks, d view.PayData) (o order) {
	for _, m := range d.Methods {
		if m.ID == d.Form.Method && m.Status == instrument.Verified {
			o.Method = m
		}
	}
	c.need(o.Method.ID == "", "method", "form.method-missing")
	switch d.Form.When {
	case view.WhenToday:
	case view.WhenDate:
		_, ok := account.StartOfDay(d.Form.Date, s.Cell.Zone)
		c.need(d.Form.Date == "", "date", "form.date-missing")
		c.need(!ok, "date", "form.date-syntax")
		o.Date = d.Form.Date
	default:
		c.need(true, "when", "form.when-missing")
	}
	return o
}

var errWhat = errors.New("nothing was chosen")

// amountOf is the amount that a form means.
func (s *server) amountOf(v *visit, d view.PayData) (money.Amount, error) {
	offered := map[string]*money.Amount{view.WhatMinimum: d.Options.Minimum, view.WhatStatement: d.Options.Statement, view.WhatCurrent: d.Options.Remaining}
	if a := offered[d.Form.What]; a != nil && a.Positive() {
		return *a, nil
	}
	if d.Form.What != view.WhatAmount {
		return money.Amount{}, errWhat
	}
	return typedAmount(v, d.Form.Amount, d.Options.Currency)
}

var (
	errNoAmount    = errors.New("no amount was typed")
	errNotPositive = errors.New("the amount is not more than zero")
)

// typedAmount reads an amount as typed by a reader of the visit's language.
func typedAmount(v *visit, s, currency string) (money.Amount, error) {
	if s == "" {
		return money.Amount{}, errNoAmount
	}
	a, err := v.text.ParseAmount(s, currency)
	if err == nil && !a.Positive() {
		err = errNotPositive
	}
	return a, err
}

// amountControl is where an error about the amount lies.
func amountControl(f view.PayForm) string {
	if f.What == view.WhatAmount {
		return "amount"
	}
	return "what"
}

// amountID is the sentence for what is wrong with an amount.
func amountID(err error) string {
	switch err {
	case errWhat:
		return "form.what-missing"
	case errNoAmount:
		return "form.amount-missing"
	case errNotPositive:
		return "form.amount-positive"
	case money.ErrTooPrecise:
		return "form.amount-precise"
	case money.ErrOverflow:
		return "form.amount-large"
	}
	return "form.amount-syntax"
}

// payReview shows the order as it would be carried out. Nothing has happened yet.
func (s *server) payReview(v *visit) (response, error) {
	d, err := s.payData(v, payForm(v))
	if err != nil {
		return response{}, err
	}
	o, wrong := s.read(v, d)
	if d.Problems = wrong; len(wrong) > 0 {
		return refused(view.Pay(v.frame(view.AtPay), d), errForm), nil
	}
	return show(view.PayReview(v.frame(view.AtPay), reviewOf(v, d, o))), nil
}

func reviewOf(v *visit, d view.PayData, o order) view.ReviewData {
	r := view.ReviewData{Tile: d.Tile, Method: o.Method, Amount: o.Amount, Date: o.Date, CreditsOn: d.Options.CreditsOn, Form: d.Form}
	if o.Date == "" {
		r.CutOff = v.text.Time(d.Options.CutOff)
	}
	return r
}

// pay carries out what the review showed.
func (s *server) pay(v *visit) (response, error) {
	d, err := s.payData(v, payForm(v))
	if err != nil {
		return response{}, err
	}
	o, wrong := s.exactly(v, d)
	if d.Problems = wrong; len(wrong) > 0 {
		return refused(view.Pay(v.frame(view.AtPay), d), errForm), nil
	}
	p, err := s.submit(v, d.Form, o, "")
	if err == nil {
		return see(route.PayDone.URL(p.ConfirmationNumber)), nil
	}
	if ch, ok := challengeOf(err); ok {
		return see(d.Form.CodeURL(ch.ID, o.Amount.Value())), nil
	}
	return s.payRefused(v, d, o, err)
}

func (s *server) submit(v *visit, f view.PayForm, o order, proof string) (payment.Payment, error) {
	return s.Payments.Submit(v.r.Context(), payment.Request{Key: f.Key, AccountID: f.Account, MethodID: o.Method.ID, Amount: o.Amount,
		Date: o.Date, Proof: proof, Session: v.session, Client: v.client()})
}

// challengeOf is the challenge that a refusal asks to be answered.
func challengeOf(err error) (signin.Challenge, bool) {
	ch, ok := fault.As(err).Extra["challenge"].(signin.Challenge)
	return ch, ok
}

// payRefused shows the page that the refusal is about: the form where a field of
// it is wrong, else the review, from where it can be sent again. The key stays:
// if the payment was taken after all, sending it again gives that one.
func (s *server) payRefused(v *visit, d view.PayData, o order, err error) (response, error) {
	if fault.As(err).Code == payment.CodeKeyReused {
		return s.payAnother(v, d, o, err)
	}
	list, ok := v.problems(err, payControls)
	if !ok {
		return response{}, err
	}
	if list[0].Field != "" {
		d.Problems = list
		return refused(view.Pay(v.frame(view.AtPay), d), err), nil
	}
	r := reviewOf(v, d, o)
	r.Problems = list
	return refused(view.PayReview(v.frame(view.AtPay), r), err), nil
}

// payAnother is for a page that has paid something else before: the member went
// back and asks for another payment now. The review says what was made already,
// and a press from there makes this one too.
func (s *server) payAnother(v *visit, d view.PayData, o order, cause error) (response, error) {
	first, err := s.Payments.ByKey(v.r.Context(), v.member(), d.Form.Key)
	if err != nil {
		return response{}, err
	}
	d.Form.Key = nextKey(d.Form.Key, d.Form.Account, o.Method.ID, o.Amount.Value(), o.Amount.Currency, o.Date)
	r := reviewOf(v, d, o)
	r.Earlier = &first
	r.Problems = view.EarlierPayment(v.frame(view.AtPay), first)
	return refused(view.PayReview(v.frame(view.AtPay), r), cause), nil
}

// payDone is the receipt. It has an address of its own, to keep and to come back to.
func (s *server) payDone(v *visit) (response, error) {
	p, err := s.Payments.ByConfirmation(v.r.Context(), v.member(), v.id())
	if err != nil {
		return response{}, err
	}
	d := view.DoneData{Payment: p}
	if t, err := s.Accounts.Get(v.r.Context(), v.member(), p.AccountID); err == nil {
		d.AccountName, d.Last4 = t.Name, t.Last4
	}
	return show(view.PayDone(v.frame(view.AtPayments), d)), nil
}

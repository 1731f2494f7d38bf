package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/payment"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

func bank(status instrument.Status) instrument.Method {
	m := instrument.Method{ID: id("bank-" + string(status)), Kind: instrument.KindBankAccount, Country: "US", Display: "•••• 6789", Last4: "6789",
		HolderName: "Ana Example", Status: status, CreatedAt: now.Add(-72 * time.Hour)}
	if status == instrument.New {
		m.Display, m.Last4 = "•••• 4321", "4321"
		m.Proof = &instrument.Deposit{Sent: true, TriesLeft: 3, ExpiresAt: now.Add(240 * time.Hour)}
	}
	return m
}

func options() payment.Options {
	return payment.Options{Currency: "USD", Minimum: some(4000), Statement: some(96215), Current: some(128460), Pending: usd(0), Remaining: some(128460),
		Maximum: usd(1000000), DueOn: "2026-12-05", Today: "2026-11-22", MaxDate: "2027-11-22", CutOff: now.Add(5 * time.Hour), CreditsOn: "2026-11-22"}
}

func payForm() view.PayForm {
	return view.PayForm{Account: id("card"), Method: id("bank-verified"), What: view.WhatStatement, When: view.WhenToday, Key: id("key")}
}

func showPay(change func(*view.PayData)) func(view.Frame) templ.Component {
	return func(f view.Frame) templ.Component {
		d := view.PayData{Tile: card(), Options: options(), Savings: true, Form: payForm(),
			Methods: []instrument.Method{bank(instrument.Verified), bank(instrument.New)}}
		if change != nil {
			change(&d)
		}
		return view.Pay(f, d)
	}
}

func review() view.ReviewData {
	return view.ReviewData{Tile: card(), Method: bank(instrument.Verified), Amount: usd(96215), CreditsOn: "2026-11-22", CutOff: "20:00 ET", Form: payForm()}
}

func paid(status payment.Status) payment.Payment {
	p := payment.Payment{ID: id("payment-" + string(status)), ConfirmationNumber: "7K3M9QXA2TRW", AccountID: id("card"), MethodDisplay: "•••• 6789",
		Amount: usd(96215), Status: status, Date: "2026-11-22", CreditedOn: "2026-11-22", CreatedAt: now}
	p.CanCancel = status == payment.Scheduled || status == payment.Held
	p.Events = []payment.Event{{Status: status, At: now}}
	return p
}

// ended is a payment that came to nothing for a reason: one of its bank's, or one of ours.
func ended(note string) payment.Payment {
	p := paid(payment.Returned)
	if note == "method-stopped" {
		p = paid(payment.Declined)
	}
	p.Events[0].Note = note
	return p
}

// statuses are all that a payment can be.
var statuses = [...]payment.Status{payment.Scheduled, payment.AwaitingStepUp, payment.Held, payment.Submitted, payment.Settled,
	payment.Returned, payment.Declined, payment.Cancelled}

func payEntries() []Entry {
	list := []Entry{
		{Name: "pay", Section: view.AtPay, Page: showPay(nil)},
		{Name: "pay-refused", Section: view.AtPay, Page: func(f view.Frame) templ.Component {
			return showPay(func(d *view.PayData) {
				d.Tile, d.Options.Pending, d.Options.Remaining = stale(card()), usd(25000), some(103460)
				d.Form = view.PayForm{Account: id("card"), What: view.WhatAmount, Amount: "25.001", When: view.WhenDate, Date: "2026-11-01"}
				d.Problems = view.Problems{{Field: "amount", Message: f.T("form.amount-precise")},
					{Field: "method", Message: f.T("form.method-missing")}, {Field: "date", Message: f.T("form.date-syntax")}}
			})(f)
		}},
		{Name: "pay-no-method", Section: view.AtPay, Page: showPay(func(d *view.PayData) {
			d.Methods, d.Options.CreditsOn = nil, "2026-11-23"
		})},
		{Name: "pay-choose", Section: view.AtPay, Page: func(f view.Frame) templ.Component {
			return view.PayChoose(f, []account.Tile{card(), lost(card())})
		}},
		{Name: "pay-no-card", Section: view.AtPay, Page: func(f view.Frame) templ.Component { return view.PayChoose(f, nil) }},
		{Name: "pay-review", Section: view.AtPay, Page: func(f view.Frame) templ.Component { return view.PayReview(f, review()) }},
		{Name: "pay-review-scheduled", Section: view.AtPay, Page: func(f view.Frame) templ.Component {
			r := review()
			r.Date, r.CutOff = "2026-12-01", ""
			r.Problems = view.Problems{{Message: f.T("form.amount-large")}}
			return view.PayReview(f, r)
		}},
		{Name: "pay-review-second", Section: view.AtPay, Page: func(f view.Frame) templ.Component {
			r, first := review(), payment.Payment{Amount: usd(2500), Status: payment.Held, ConfirmationNumber: "7K3M9QXA2TRW"}
			r.Earlier, r.Problems = &first, view.EarlierPayment(f, first)
			return view.PayReview(f, r)
		}},
		{Name: "pay-code", Section: view.AtPay, Page: func(f view.Frame) templ.Component {
			return view.PayCode(f, view.PayCodeData{ReviewData: review(), CodeData: view.CodeData{Challenge: challenge("text")}})
		}},
		{Name: "pay-code-refused", Section: view.AtPay, Page: func(f view.Frame) templ.Component {
			return view.PayCode(f, view.PayCodeData{ReviewData: review(), CodeData: view.CodeData{Challenge: troubled(signin.DeliveryLate, "voice"), Code: "12",
				Problems: view.Problems{{Field: "code", Message: f.T("form.code-shape")}}}})
		}},
		{Name: "pay-code-passkey", Section: view.AtPay, Page: func(f view.Frame) templ.Component {
			return view.PayCode(f, view.PayCodeData{ReviewData: review(), CodeData: view.CodeData{Challenge: byPasskey()}})
		}},
		{Name: "pay-method-waits", Section: view.AtPay, Page: func(f view.Frame) templ.Component {
			d := view.PayData{Tile: card(), Options: options(), Form: payForm(), Methods: []instrument.Method{bank(instrument.Verified)}}
			d.From = map[string]time.Time{d.Methods[0].ID: now.Add(23 * time.Hour)}
			return view.Pay(f, d)
		}},
		{Name: "payments", Section: view.AtPayments, Page: showPayments},
		{Name: "payments-empty", Section: view.AtPayments, Page: func(f view.Frame) templ.Component { return view.Payments(f, view.PaymentsData{}) }},
		{Name: "payments-unavailable", Section: view.AtPayments, Page: func(f view.Frame) templ.Component { return view.Payments(f, view.PaymentsData{Failed: true}) }},
		{Name: "payment-cancel", Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.PaymentCancel(f, paid(payment.Scheduled), "Everyday Card")
		}},
	}
	for _, note := range []string{"insufficient-funds", "method-stopped"} {
		list = append(list, Entry{Name: "pay-done-why-" + note, Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.PayDone(f, view.DoneData{Payment: ended(note), AccountName: "Everyday Card", Last4: "3007"})
		}})
	}
	for _, s := range statuses {
		list = append(list, Entry{Name: "pay-done-" + string(s), Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.PayDone(f, view.DoneData{Payment: paid(s), AccountName: "Everyday Card", Last4: "3007"})
		}})
	}
	return list
}

func showPayments(f view.Frame) templ.Component {
	d := view.PaymentsData{Names: map[string]string{id("card"): "Everyday Card"}, Next: "next", Cursor: "here", Cancelled: true}
	for _, s := range statuses {
		d.Items = append(d.Items, paid(s))
	}
	d.Items = append(d.Items, ended("insufficient-funds"), ended("method-stopped"))
	return view.Payments(f, d)
}

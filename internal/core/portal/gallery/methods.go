package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/instrument"
	"standfast/internal/core/portal/view"
)

func methodEntries() []Entry {
	all := []instrument.Method{bank(instrument.Verified), bank(instrument.New), bank(instrument.Stopped)}
	return []Entry{
		{Name: "methods", Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.Methods(f, view.MethodsData{Items: all, Added: true})
		}},
		{Name: "methods-waits", Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.Methods(f, view.MethodsData{Items: all[:1], From: map[string]time.Time{all[0].ID: now.Add(23 * time.Hour)}, Proved: true})
		}},
		{Name: "add-code-passkey", Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.MethodCode(f, view.MethodCodeData{Challenge: byPasskey(), Masked: "•••• 6789", Form: view.MethodForm{Country: view.CountryUS, Holder: "Ana Example"}})
		}},
		{Name: "methods-empty", Section: view.AtPayments, Page: func(f view.Frame) templ.Component { return view.Methods(f, view.MethodsData{Removed: true}) }},
		{Name: "methods-unavailable", Section: view.AtPayments, Page: func(f view.Frame) templ.Component { return view.Methods(f, view.MethodsData{Failed: true}) }},
		addEntry("add-us", view.MethodForm{Country: view.CountryUS}),
		addEntry("add-gb", view.MethodForm{Country: view.CountryGB}),
		addEntry("add-iban", view.MethodForm{Country: view.CountryIBAN}),
		{Name: "add-refused", Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.MethodAdd(f, view.MethodAddData{Kinds: []string{view.CountryUS, view.CountryGB, view.CountryIBAN}, Form: view.MethodForm{Country: view.CountryUS, Holder: "Ana Example", Routing: "12"},
				Problems: view.Problems{{Field: "routing", Message: f.T("form.routing-missing")}, {Field: "account", Message: f.T("form.account-missing")}}})
		}},
		{Name: "add-code", Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.MethodCode(f, view.MethodCodeData{Challenge: challenge("text"), Masked: "•••• 6789",
				Form: view.MethodForm{Country: view.CountryUS, Holder: "Ana Example", Routing: "011000015", Account: "000123456789"}})
		}},
		{Name: "confirm", Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.MethodConfirm(f, view.ConfirmData{Method: bank(instrument.New)})
		}},
		{Name: "confirm-refused", Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			m := bank(instrument.New)
			m.Proof.TriesLeft, m.Proof.Sent = 1, false
			return view.MethodConfirm(f, view.ConfirmData{Method: m, First: "0.1",
				Problems: view.Problems{{Field: "second", Message: f.T("form.deposit-missing")}}})
		}},
		{Name: "method-remove", Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
			return view.MethodRemove(f, bank(instrument.Verified), nil)
		}},
	}
}

func addEntry(name string, form view.MethodForm) Entry {
	return Entry{Name: name, Section: view.AtPayments, Page: func(f view.Frame) templ.Component {
		return view.MethodAdd(f, view.MethodAddData{Kinds: []string{view.CountryUS, view.CountryGB, view.CountryIBAN}, Form: form})
	}}
}

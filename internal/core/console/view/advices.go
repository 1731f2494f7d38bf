package view

import (
	"standfast/internal/core/advice"
	"standfast/internal/core/advice/desk"
	"standfast/internal/core/payment"
	"standfast/internal/core/staff"
)

// AdvicesPage is a part of the list of advices that were not carried out.
type AdvicesPage struct {
	desk.Page
	Later bool // not the first part
}

// AdvicePage is one of them.
type AdvicePage struct {
	Case                        desk.Case
	Reason, Done, Problem, Note string
}

// waits tells whether it is open for somebody to deal with.
func (d AdvicePage) waits() bool {
	return d.Case.State == advice.Refused && d.Case.Dealt.At.IsZero()
}

func (d AdvicePage) deals(f Frame) bool { return d.waits() && f.Session.May(staff.SettleAdvice) }

// adviceState is an advice's state in words, and the colour that goes with it.
func (f Frame) adviceState(e advice.Entry) (words, class string) {
	switch {
	case !e.Dealt.At.IsZero():
		return f.T("console.advice.dealt"), "good"
	case e.State == advice.Aside:
		return f.T("console.advice.aside"), ""
	}
	return f.T("console.advice.open"), "late"
}

func (f Frame) adviceKind(kind string) string {
	if id := "console.advice-kind." + kind; f.Has(id) {
		return f.T(id)
	}
	return kind
}

// told says what the member knows.
func (f Frame) told(e advice.Entry) string {
	switch {
	case e.State == advice.Aside:
		return f.T("console.advice.told-aside")
	case e.Told():
		return f.T("console.advice.told-payment")
	case e.Kind == advice.KindPayment:
		return f.T("console.advice.told-unread")
	case e.Kind == advice.KindFreeze:
		return f.T("console.advice.told-freeze")
	}
	return f.T("console.advice.told-none")
}

// todo says what is left for somebody to do.
func (f Frame) todo(e advice.Entry) string {
	switch {
	case e.State == advice.Aside:
		return f.T("console.advice.todo-aside")
	case e.Kind == advice.KindPayment:
		return f.T("console.advice.todo-payment")
	case e.Kind == advice.KindFreeze:
		return f.T("console.advice.todo-freeze")
	}
	return f.T("console.advice.todo-session")
}

func confirmation(e advice.Entry) string { return payment.Grouped(e.Confirmation) }

// dealtOnly is the filter as an address carries it.
func (d AdvicesPage) dealtOnly() []string {
	if d.Dealt {
		return []string{"dealt", "1"}
	}
	return nil
}

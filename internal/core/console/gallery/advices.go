package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/advice"
	"standfast/internal/core/advice/desk"
	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/staff"
	"standfast/internal/money"
)

// unfinished is an advice that was not carried out.
func unfinished(n int, kind string, state advice.State, code string) advice.Entry {
	at := now.Add(-time.Duration(40+7*n) * time.Minute)
	e := advice.Entry{Kind: kind, MemberID: id(50 + n), At: at, TakenAt: at.Add(11 * time.Minute)}
	e.Seq, e.ID, e.State, e.Code = int64(n), id(60+n), state, code
	if kind == advice.KindPayment {
		amount := money.New(123456, "USD")
		e.Confirmation, e.Subject.Amount = "7K2M94QXR3TD", &amount
	}
	return e
}

func adviceEntries() []Entry {
	list := []advice.Entry{
		unfinished(1, advice.KindPayment, advice.Aside, "advice.aside"),
		unfinished(2, advice.KindPayment, advice.Refused, "method.not-found"),
		unfinished(3, advice.KindFreeze, advice.Refused, "account.not-found"),
		unfinished(4, advice.KindCounter, advice.Refused, "passkey.not-found"),
		unfinished(5, advice.KindOpened, advice.Refused, "advice.body"),
	}
	dealt := advice.Dealt{By: operator.ID, At: now.Add(-time.Minute), Note: "Called; they paid again on the same day. Late fee given back."}
	over := []advice.Entry{list[1], list[2]}
	for i := range over {
		over[i].Dealt = dealt
	}
	page := func(name string, role staff.Role, d view.AdvicesPage) Entry {
		return Entry{Name: name, Role: role, Section: site.Advices, Page: func(f view.Frame) templ.Component { return view.Advices(f, d) }}
	}
	one := func(name string, role staff.Role, e advice.Entry, d view.AdvicePage, problem string) Entry {
		return Entry{Name: name, Role: role, Section: site.Advices, Page: func(f view.Frame) templ.Component {
			d := d
			d.Case = desk.Case{Entry: e, Username: "maria.antonia.fernandez", Account: "Everyday Card 3007", Dealer: operator.Name}
			d.Reason = f.T("fault." + e.Code)
			if problem != "" {
				d.Problem = f.T(problem)
			}
			return view.Advice(f, d)
		}}
	}
	return []Entry{
		page("advices", staff.Operator, view.AdvicesPage{Page: desk.Page{List: list, Next: id(65)}}),
		page("advices-none", staff.Supervisor, view.AdvicesPage{}),
		page("advices-dealt", staff.Auditor, view.AdvicesPage{Page: desk.Page{List: over, Dealt: true}, Later: true}),
		page("advices-dealt-none", staff.Auditor, view.AdvicesPage{Page: desk.Page{Dealt: true}}),
		page("advices-over", staff.Auditor, view.AdvicesPage{Later: true}),
		one("advice", staff.Operator, list[1], view.AdvicePage{}, ""),
		one("advice-refused", staff.Operator, list[2], view.AdvicePage{}, "fault.advice.note"),
		one("advice-aside", staff.Operator, list[0], view.AdvicePage{}, ""),
		one("advice-supervisor", staff.Supervisor, list[4], view.AdvicePage{}, ""),
		one("advice-dealt", staff.Operator, over[0], view.AdvicePage{Done: "dealt"}, ""),
		one("advice-second", staff.Operator, over[0], view.AdvicePage{Note: "Called; no answer."}, "fault.advice.dealt"),
	}
}

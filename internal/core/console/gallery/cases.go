package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/proofing"
	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
)

var (
	entered = proofing.Content{Reference: "4829157730", Proofs: []proofing.Proof{proofing.DocumentSeen, proofing.CallBack}, Lost: []string{signin.LostApp, signin.LostDevices},
		Phone: "+12025550177", Email: "new.address.of.a.member@example.org"}
	bare = proofing.Content{Reference: "7730482915", Proofs: []proofing.Proof{proofing.DocumentVideo, proofing.Transactions}}
)

// proofed is a case in a state.
func proofed(s proofing.State, c proofing.Content) proofing.Case {
	p := proofing.Case{ID: id(40), Content: c, State: s, SubmittedBy: agent.ID, Submitter: agent.Name, SubmittedAt: now.Add(-time.Hour), ExpiresAt: now.Add(22 * time.Hour)}
	if s != proofing.Submitted && s != proofing.Expired {
		p.DecidedBy, p.Decider, p.DecidedAt = locked.ID, locked.Name, now.Add(-time.Minute)
	}
	if s == proofing.Refused {
		p.Reason = proofing.Suspicion
	}
	return p
}

func caseEntries() []Entry {
	one := func(name string, role staff.Role, d view.CasePage, problem string) Entry {
		return Entry{Name: name, Role: role, Section: site.Cases, Page: func(f view.Frame) templ.Component {
			if problem != "" {
				d.Problem = f.T(problem)
			}
			return view.Case(f, d)
		}}
	}
	var all []proofing.Case
	for _, s := range []proofing.State{proofing.Submitted, proofing.Approved, proofing.Done, proofing.Refused, proofing.Stopped, proofing.Expired} {
		all = append(all, proofed(s, entered))
	}
	return []Entry{
		{Name: "cases", Role: staff.Supervisor, Section: site.Cases, Page: func(f view.Frame) templ.Component { return view.Cases(f, view.CasesPage{List: all}) }},
		{Name: "cases-none", Role: staff.Agent, Section: site.Cases, Page: func(f view.Frame) templ.Component {
			return view.Cases(f, view.CasesPage{Reference: "1234", Problem: f.T("fault.case.reference")})
		}},
		{Name: "case-new", Role: staff.Agent, Section: site.Cases, Page: func(f view.Frame) templ.Component {
			return view.CaseNew(f, view.CaseForm{Content: proofing.Content{Reference: "4829157730"}, Minimum: 2})
		}},
		{Name: "case-new-refused", Role: staff.Agent, Section: site.Cases, Page: func(f view.Frame) templ.Component {
			return view.CaseNew(f, view.CaseForm{Content: entered, Minimum: 3, Problem: f.T("fault.case.too-few")})
		}},
		{Name: "case-review", Role: staff.Agent, Section: site.Cases, Page: func(f view.Frame) templ.Component {
			return view.CaseReview(f, view.CaseForm{Content: entered, Minimum: 2, Prompt: prompt})
		}},
		one("case-submitted", staff.Agent, view.CasePage{Case: proofed(proofing.Submitted, entered), Done: "submitted"}, ""),
		one("case-decide", staff.Supervisor, view.CasePage{Case: proofed(proofing.Submitted, entered), Decides: true, Approve: prompt, Refuse: prompt}, ""),
		one("case-approved", staff.Supervisor, view.CasePage{Case: proofed(proofing.Approved, bare), Done: "approved"}, ""),
		one("case-refused", staff.Auditor, view.CasePage{Case: proofed(proofing.Refused, bare)}, "fault.case.decided"),
	}
}

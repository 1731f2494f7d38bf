package gallery

import (
	"encoding/json"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/staff"
)

var (
	issuer   = staff.Organisation{ID: id(10), Kind: staff.Issuer, Name: "Standfast", CreatedAt: now.AddDate(-1, 0, 0), People: 3}
	supplier = staff.Organisation{ID: id(11), Kind: staff.Supplier, Name: "Northern Call Centre Ltd", CreatedAt: now.AddDate(0, -3, 0), People: 1240}
	gone     = staff.Organisation{ID: id(12), Kind: staff.Supplier, Name: "Old Harbour Services", CreatedAt: now.AddDate(0, -9, 0), EndedAt: now.AddDate(0, -2, 0)}

	operator = staff.Person{ID: id(20), Name: "Olga Bergström-Featherstonehaugh", Role: staff.Operator, Organisation: issuer, CreatedAt: now.AddDate(-1, 0, 0), SetUpAt: now.AddDate(-1, 0, 0)}
	agent    = staff.Person{ID: id(21), Name: "Sam Agyeman", Role: staff.Agent, Organisation: supplier, CreatedAt: now.AddDate(0, -2, 0), SetUpAt: now.AddDate(0, -2, 1), Until: now.AddDate(0, 1, 0)}
	invited  = staff.Person{ID: id(22), Role: staff.Operator, Organisation: issuer, CreatedAt: now.Add(-time.Hour)}
	locked   = staff.Person{ID: id(23), Name: "Ada", Role: staff.Supervisor, Organisation: issuer, CreatedAt: now.AddDate(0, -4, 0), SetUpAt: now.AddDate(0, -4, 0), LockedUntil: now.Add(time.Minute)}
	expired  = staff.Person{ID: id(24), Name: "Ivo", Role: staff.Agent, Organisation: supplier, CreatedAt: now.AddDate(0, -4, 0), SetUpAt: now.AddDate(0, -4, 0), Until: now.AddDate(0, 0, -1)}
	ended    = staff.Person{ID: id(25), Name: "Una", Role: staff.Auditor, Organisation: gone, CreatedAt: now.AddDate(0, -9, 0), SetUpAt: now.AddDate(0, -9, 0), Until: now.AddDate(0, -1, 0)}

	everybody = []staff.Person{operator, agent, invited, locked, expired, ended}
)

// prompt asks for nothing: no browser of a gallery answers it.
var prompt = staff.Prompt{Options: json.RawMessage(`{"publicKey":{}}`), State: "state"}

// doorEntries are the pages before anybody is signed in, and those that say no.
func doorEntries() []Entry {
	return []Entry{
		{Name: "sign-in", Page: func(f view.Frame) templ.Component { return view.SignIn(f, "", "") }},
		{Name: "sign-in-refused", Page: func(f view.Frame) templ.Component { return view.SignIn(f, "/people", f.T("fault.staff.locked")) }},
		{Name: "set-up-first", Page: func(f view.Frame) templ.Component {
			return view.SetUp(f, view.SetUpForm{Link: "x", Asked: staff.SetUpPrompt{Role: staff.Operator, Prompt: prompt}})
		}},
		{Name: "set-up-invited", Page: func(f view.Frame) templ.Component {
			return view.SetUp(f, view.SetUpForm{Link: "x", Problem: f.T("fault.required"), Asked: staff.SetUpPrompt{Name: agent.Name, Role: staff.Agent, Prompt: prompt}})
		}},
		{Name: "link-over", Page: func(f view.Frame) templ.Component {
			return view.Message(f, f.T("console.refused"), f.T("fault.staff.link-over"))
		}},
		{Name: "late", Role: staff.Agent, Page: func(f view.Frame) templ.Component {
			return view.Message(f, f.T("console.late"), f.T("console.late-text"))
		}},
	}
}

func peopleEntries() []Entry {
	people := func(what string) func(view.Frame) templ.Component {
		return func(f view.Frame) templ.Component { return view.People(f, everybody, now, what) }
	}
	one := func(p staff.Person, done, problem string) func(view.Frame) templ.Component {
		return func(f view.Frame) templ.Component {
			d := view.PersonPage{Person: p, Now: now, Done: done}
			if problem != "" {
				d.Problem = f.T(problem)
			}
			return view.Person(f, d)
		}
	}
	return []Entry{
		{Name: "people", Role: staff.Operator, Section: site.People, Page: people("ended")},
		{Name: "people-auditor", Role: staff.Auditor, Section: site.People, Page: people("")},
		{Name: "invite", Role: staff.Operator, Section: site.People, Page: func(f view.Frame) templ.Component {
			return view.Invite(f, view.InviteForm{Role: staff.Agent, Organisations: []staff.Organisation{issuer, supplier}, Problem: f.T("fault.staff.until-missing")})
		}},
		{Name: "link", Role: staff.Operator, Section: site.People, Page: func(f view.Frame) templ.Component {
			return view.Link(f, agent, "https://staff.bank.example/set-up/019a0000-0000-7000-8000-000000000001.ABCDEFGHIJKLMNOPQRSTUVWXYZ")
		}},
		{Name: "person", Role: staff.Operator, Section: site.People, Page: one(agent, "changed", "")},
		{Name: "person-issuer", Role: staff.Operator, Section: site.People, Page: one(locked, "", "fault.staff.last-operator")},
		{Name: "person-invited", Role: staff.Operator, Section: site.People, Page: one(invited, "", "")},
		{Name: "person-ended", Role: staff.Operator, Section: site.People, Page: one(ended, "", "")},
		{Name: "person-auditor", Role: staff.Auditor, Section: site.People, Page: one(agent, "", "")},
		{Name: "end-person", Role: staff.Operator, Section: site.People, Page: func(f view.Frame) templ.Component {
			return view.End(f, view.EndForm{Name: agent.Name, Text: f.T("console.end-person-text", "Name", agent.Name), Action: site.PersonEnd.URL(agent.ID), Back: site.Person.URL(agent.ID)})
		}},
		{Name: "organisations", Role: staff.Operator, Section: site.Organisations, Page: func(f view.Frame) templ.Component {
			return view.Organisations(f, view.OrganisationsPage{List: []staff.Organisation{issuer, supplier, gone}, Done: "added"})
		}},
		{Name: "passkeys", Role: staff.Agent, Section: site.Passkeys, Page: func(f view.Frame) templ.Component {
			return view.Passkeys(f, view.PasskeysPage{Problem: f.T("fault.passkey.last"), List: []staff.Passkey{
				{ID: id(30), Name: "Laptop", CreatedAt: now.AddDate(0, -2, 0), LastUsedAt: now.Add(-time.Minute)},
				{ID: id(31), Name: "Key in the safe", CreatedAt: now.AddDate(0, -1, 0)},
			}})
		}},
		{Name: "passkey-prove", Role: staff.Agent, Section: site.Passkeys, Page: func(f view.Frame) templ.Component {
			return view.PasskeyProve(f, view.PasskeyForm{Prompt: prompt})
		}},
		{Name: "passkey-add", Role: staff.Agent, Section: site.Passkeys, Page: func(f view.Frame) templ.Component {
			return view.PasskeyAdd(f, view.PasskeyForm{Prompt: prompt, Problem: f.T("fault.required")})
		}},
	}
}

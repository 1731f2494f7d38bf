package console

import (
	"time"

	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/staff"
	"standfast/internal/fault"
)

func (s *server) people(v *visit) (response, error) {
	list, err := s.Staff.People(v.r.Context(), v.session, v.client())
	if err != nil {
		return response{}, err
	}
	return show(view.People(v.frame(site.People), list, s.Now(), v.value("done"))), nil
}

func (s *server) invitePage(v *visit) (response, error) {
	return s.showInvite(v, view.InviteForm{Role: staff.Agent}, nil)
}

func (s *server) showInvite(v *visit, d view.InviteForm, cause error) (response, error) {
	list, err := s.Staff.Organisations(v.r.Context(), v.session, v.client())
	if err != nil {
		return response{}, err
	}
	for _, o := range list {
		if o.EndedAt.IsZero() {
			d.Organisations = append(d.Organisations, o)
		}
	}
	page := view.Invite(v.frame(site.People), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

func (s *server) invite(v *visit) (response, error) {
	d := view.InviteForm{Name: v.value("name"), Role: staff.Role(v.value("role")), Organisation: v.value("organisation"), Until: v.value("until")}
	until, err := s.until(d.Until)
	var p staff.Person
	var link string
	if err == nil {
		p, link, err = s.Staff.Invite(v.r.Context(), v.session, v.client(), staff.Invitation{Name: d.Name, Role: d.Role, OrganisationID: d.Organisation, Until: until})
	}
	if err == nil {
		return show(view.Link(v.frame(site.People), p, link)), nil
	}
	var ok bool
	if d.Problem, ok = v.problem(err); !ok {
		return response{}, err
	}
	return s.showInvite(v, d, err)
}

// until reads a last day as a date field sends it: access ends when that day does,
// where the cell is.
func (s *server) until(date string) (time.Time, error) {
	if date == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, date, s.Zone)
	if err != nil {
		return time.Time{}, fault.InvalidField("body.until", "staff.until-unreadable", "This is not a date.")
	}
	return day.AddDate(0, 0, 1).UTC(), nil
}

func (s *server) person(v *visit) (response, error) { return s.showPerson(v, nil) }

// showPerson is the page of one person, after a refusal with what was wrong.
func (s *server) showPerson(v *visit, cause error) (response, error) {
	d := view.PersonPage{Now: s.Now(), Done: v.value("done")}
	if cause != nil {
		var ok bool
		if d.Problem, ok = v.problem(cause); !ok {
			return response{}, cause
		}
	}
	var err error
	if d.Person, err = s.Staff.Person(v.r.Context(), v.session, v.client(), v.id()); err != nil {
		return response{}, err
	}
	page := view.Person(v.frame(site.People), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// changed leads back to a person that was changed, or says why not.
func (s *server) changed(v *visit, err error) (response, error) {
	if err != nil {
		return s.showPerson(v, err)
	}
	return see(site.Person.URL(v.id(), "done", "changed"))
}

func (s *server) changeRole(v *visit) (response, error) {
	return s.changed(v, s.Staff.ChangeRole(v.r.Context(), v.session, v.client(), v.id(), staff.Role(v.value("role"))))
}

func (s *server) renew(v *visit) (response, error) {
	until, err := s.until(v.value("until"))
	if err == nil {
		err = s.Staff.Renew(v.r.Context(), v.session, v.client(), v.id(), until)
	}
	return s.changed(v, err)
}

func (s *server) relink(v *visit) (response, error) {
	p, err := s.Staff.Person(v.r.Context(), v.session, v.client(), v.id())
	if err != nil {
		return response{}, err
	}
	link, err := s.Staff.Relink(v.r.Context(), v.session, v.client(), v.id())
	if err != nil {
		return s.showPerson(v, err)
	}
	return show(view.Link(v.frame(site.People), p, link)), nil
}

func (s *server) endPersonPage(v *visit) (response, error) {
	p, err := s.Staff.Person(v.r.Context(), v.session, v.client(), v.id())
	if err != nil {
		return response{}, err
	}
	return show(view.End(v.frame(site.People), view.EndForm{Name: p.Name, Action: site.PersonEnd.URL(p.ID), Back: site.Person.URL(p.ID), Text: v.text.T("console.end-person-text", "Name", p.Name)})), nil
}

func (s *server) endPerson(v *visit) (response, error) {
	if err := s.Staff.End(v.r.Context(), v.session, v.client(), v.id()); err != nil {
		return s.showPerson(v, err)
	}
	return see(site.People.URL("done", "ended"))
}

func (s *server) organisations(v *visit) (response, error) {
	return s.showOrganisations(v, view.OrganisationsPage{Done: v.value("done")}, nil)
}

func (s *server) showOrganisations(v *visit, d view.OrganisationsPage, cause error) (response, error) {
	var err error
	if d.List, err = s.Staff.Organisations(v.r.Context(), v.session, v.client()); err != nil {
		return response{}, err
	}
	if cause != nil {
		var ok bool
		if d.Problem, ok = v.problem(cause); !ok {
			return response{}, cause
		}
		return refused(view.Organisations(v.frame(site.Organisations), d), cause), nil
	}
	return show(view.Organisations(v.frame(site.Organisations), d)), nil
}

func (s *server) addOrganisation(v *visit) (response, error) {
	d := view.OrganisationsPage{Name: v.value("name")}
	if _, err := s.Staff.AddOrganisation(v.r.Context(), v.session, v.client(), d.Name); err != nil {
		return s.showOrganisations(v, d, err)
	}
	return see(site.Organisations.URL("done", "added"))
}

func (s *server) endOrganisationPage(v *visit) (response, error) {
	list, err := s.Staff.Organisations(v.r.Context(), v.session, v.client())
	if err != nil {
		return response{}, err
	}
	for _, o := range list {
		if o.ID == v.id() && o.Kind == staff.Supplier {
			return show(view.End(v.frame(site.Organisations), view.EndForm{Name: o.Name, Action: site.OrganisationEnd.URL(o.ID), Back: site.Organisations.URL(),
				Text: v.text.T("console.end-organisation-text", "Name", o.Name, "Number", o.People)})), nil
		}
	}
	return s.unknown(v)
}

func (s *server) endOrganisation(v *visit) (response, error) {
	if err := s.Staff.EndOrganisation(v.r.Context(), v.session, v.client(), v.id()); err != nil {
		return s.showOrganisations(v, view.OrganisationsPage{}, err)
	}
	return see(site.Organisations.URL("done", "ended"))
}

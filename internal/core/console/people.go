package console

import (
	"time"

	"standfast/internal/core/staff"
	"standfast/internal/fault"
)

func (s *server) people(v *visit) (response, error) {
	list, err := s.Staff.People(v.r.Context(), v.session, v.client())
	if err != nil {
		return response{}, err
	}
	return show(peopleView(v.frame(people), list, s.Now(), v.value("done"))), nil
}

func (s *server) invitePage(v *visit) (response, error) {
	return s.showInvite(v, inviteData{Role: staff.Agent}, nil)
}

func (s *server) showInvite(v *visit, d inviteData, cause error) (response, error) {
	list, err := s.Staff.Organisations(v.r.Context(), v.session, v.client())
	if err != nil {
		return response{}, err
	}
	for _, o := range list {
		if o.EndedAt.IsZero() {
			d.Organisations = append(d.Organisations, o)
		}
	}
	page := inviteView(v.frame(people), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

func (s *server) invite(v *visit) (response, error) {
	d := inviteData{Name: v.value("name"), Role: staff.Role(v.value("role")), Organisation: v.value("organisation"), Until: v.value("until")}
	until, err := s.until(d.Until)
	var p staff.Person
	var link string
	if err == nil {
		p, link, err = s.Staff.Invite(v.r.Context(), v.session, v.client(), staff.Invitation{Name: d.Name, Role: d.Role, OrganisationID: d.Organisation, Until: until})
	}
	if err == nil {
		return show(linkView(v.frame(people), p, link)), nil
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
	d := personData{Now: s.Now(), Done: v.value("done")}
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
	page := personView(v.frame(people), d)
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
	return see(person.URL(v.id(), "done", "changed"))
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
	return show(linkView(v.frame(people), p, link)), nil
}

func (s *server) endPersonPage(v *visit) (response, error) {
	p, err := s.Staff.Person(v.r.Context(), v.session, v.client(), v.id())
	if err != nil {
		return response{}, err
	}
	return show(endView(v.frame(people), endData{Name: p.Name, Action: personEnd.URL(p.ID), Back: person.URL(p.ID), Text: v.text.T("console.end-person-text", "Name", p.Name)})), nil
}

func (s *server) endPerson(v *visit) (response, error) {
	if err := s.Staff.End(v.r.Context(), v.session, v.client(), v.id()); err != nil {
		return s.showPerson(v, err)
	}
	return see(people.URL("done", "ended"))
}

func (s *server) organisations(v *visit) (response, error) {
	return s.showOrganisations(v, organisationsData{Done: v.value("done")}, nil)
}

func (s *server) showOrganisations(v *visit, d organisationsData, cause error) (response, error) {
	var err error
	if d.List, err = s.Staff.Organisations(v.r.Context(), v.session, v.client()); err != nil {
		return response{}, err
	}
	if cause != nil {
		var ok bool
		if d.Problem, ok = v.problem(cause); !ok {
			return response{}, cause
		}
		return refused(organisationsView(v.frame(organisations), d), cause), nil
	}
	return show(organisationsView(v.frame(organisations), d)), nil
}

func (s *server) addOrganisation(v *visit) (response, error) {
	d := organisationsData{Name: v.value("name")}
	if _, err := s.Staff.AddOrganisation(v.r.Context(), v.session, v.client(), d.Name); err != nil {
		return s.showOrganisations(v, d, err)
	}
	return see(organisations.URL("done", "added"))
}

func (s *server) endOrganisationPage(v *visit) (response, error) {
	list, err := s.Staff.Organisations(v.r.Context(), v.session, v.client())
	if err != nil {
		return response{}, err
	}
	for _, o := range list {
		if o.ID == v.id() && o.Kind == staff.Supplier {
			return show(endView(v.frame(organisations), endData{Name: o.Name, Action: organisation.URL(o.ID), Back: organisations.URL(),
				Text: v.text.T("console.end-organisation-text", "Name", o.Name, "Number", o.People)})), nil
		}
	}
	return s.unknown(v)
}

func (s *server) endOrganisation(v *visit) (response, error) {
	if err := s.Staff.EndOrganisation(v.r.Context(), v.session, v.client(), v.id()); err != nil {
		return s.showOrganisations(v, organisationsData{}, err)
	}
	return see(organisations.URL("done", "ended"))
}

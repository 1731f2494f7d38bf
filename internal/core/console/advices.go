package console

import (
	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/fault"
)

// advices lists what the stand-in did that core could not carry out.
func (s *server) advices(v *visit) (response, error) {
	page, err := s.Advices.List(v.r.Context(), v.session, v.client(), v.value("dealt") != "", v.value("after"))
	if err != nil {
		return response{}, err
	}
	return show(view.Advices(v.frame(site.Advices), view.AdvicesPage{Page: page, Later: v.value("after") != ""})), nil
}

func (s *server) oneAdvice(v *visit) (response, error) { return s.showAdvice(v, nil) }

// showAdvice is the page of one advice, also with why it could not be dealt with and
// the note that was typed.
func (s *server) showAdvice(v *visit, cause error) (response, error) {
	d := view.AdvicePage{Done: v.value("done")}
	var err error
	if d.Case, err = s.Advices.One(v.r.Context(), v.session, v.client(), v.id()); err != nil {
		return response{}, err
	}
	d.Reason = v.words(fault.New(fault.Invalid, d.Case.Code, d.Case.Message))
	if cause == nil {
		return show(view.Advice(v.frame(site.Advices), d)), nil
	}
	var ok bool
	if d.Problem, ok = v.problem(cause); !ok {
		return response{}, cause
	}
	d.Note = v.value("note")
	return refused(view.Advice(v.frame(site.Advices), d), cause), nil
}

func (s *server) dealWithAdvice(v *visit) (response, error) {
	if err := s.Advices.Deal(v.r.Context(), v.session, v.client(), v.id(), v.value("note")); err != nil {
		return s.showAdvice(v, err)
	}
	return see(site.Advice.URL(v.id(), "done", "dealt"))
}

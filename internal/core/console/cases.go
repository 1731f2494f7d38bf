package console

import (
	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/proofing"
	"standfast/internal/fault"
)

func (s *server) cases(v *visit) (response, error) {
	return s.showCases(v, view.CasesPage{Done: v.value("done")}, nil)
}

func (s *server) showCases(v *visit, d view.CasesPage, cause error) (response, error) {
	var err error
	if d.List, err = s.Cases.Cases(v.r.Context(), v.session, v.client()); err != nil {
		return response{}, err
	}
	page := view.Cases(v.frame(site.Cases), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// findCase leads to the case of a reference, or to the form for a new one.
func (s *server) findCase(v *visit) (response, error) {
	d := view.CasesPage{Reference: v.value("reference")}
	id, reference, err := s.Cases.Find(v.r.Context(), v.session, v.client(), d.Reference)
	switch {
	case err == nil && id != "":
		return see(site.Case.URL(id))
	case err == nil:
		return see(site.CaseNew.URL("reference", reference))
	case fault.Is(err, fault.Invalid) || fault.Is(err, fault.NotFound):
		d.Problem = v.words(fault.As(err))
		return s.showCases(v, d, err)
	}
	return response{}, err
}

// content reads a case as its form sends it.
func (v *visit) content() proofing.Content {
	c := proofing.Content{Reference: v.value("reference"), Lost: v.r.Form["lost"], Phone: v.value("phone"), Email: v.value("email")}
	for _, p := range v.r.Form["proofs"] {
		c.Proofs = append(c.Proofs, proofing.Proof(p))
	}
	return c
}

func (s *server) newCasePage(v *visit) (response, error) {
	id, reference, err := s.Cases.Find(v.r.Context(), v.session, v.client(), v.value("reference"))
	if err != nil {
		return response{}, err
	}
	if id != "" {
		return see(site.Case.URL(id))
	}
	return s.showNewCase(v, proofing.Content{Reference: reference}, nil)
}

func (s *server) showNewCase(v *visit, c proofing.Content, cause error) (response, error) {
	d := view.CaseForm{Content: c, Minimum: s.Cases.Minimum()}
	if cause == nil {
		return show(view.CaseNew(v.frame(site.Cases), d)), nil
	}
	var ok bool
	if d.Problem, ok = v.problem(cause); !ok {
		return response{}, cause
	}
	return refused(view.CaseNew(v.frame(site.Cases), d), cause), nil
}

// reviewCase shows what was entered once more, and asks for the passkey.
func (s *server) reviewCase(v *visit) (response, error) { return s.showReview(v, "", nil) }

func (s *server) showReview(v *visit, problem string, cause error) (response, error) {
	d := view.CaseForm{Minimum: s.Cases.Minimum(), Problem: problem}
	typed := v.content()
	var err error
	if d.Content, d.Prompt, err = s.Cases.Review(v.r.Context(), v.session, v.client(), typed); err != nil {
		return s.showNewCase(v, typed, err)
	}
	page := view.CaseReview(v.frame(site.Cases), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

func (s *server) submitCase(v *visit) (response, error) {
	id, err := s.Cases.Submit(v.r.Context(), v.session, v.client(), v.content(), v.proof())
	if err == nil {
		return see(site.Case.URL(id, "done", "submitted"))
	}
	words, ok := v.ceremony(err)
	if !ok {
		return response{}, err
	}
	return s.showReview(v, words, err)
}

func (s *server) oneCase(v *visit) (response, error) { return s.showCase(v, nil) }

// showCase is the page of one case, with the passkey's questions for who may decide it.
func (s *server) showCase(v *visit, cause error) (response, error) {
	d := view.CasePage{Done: v.value("done")}
	if cause != nil {
		var ok bool
		if d.Problem, ok = v.ceremony(cause); !ok {
			return response{}, cause
		}
	}
	var err error
	if d.Case, err = s.Cases.Case(v.r.Context(), v.session, v.client(), v.id()); err != nil {
		return response{}, err
	}
	if d.Decides = d.Case.MayDecide(v.session); d.Decides {
		if d.Approve, err = s.Cases.AskDecision(v.r.Context(), v.session, v.client(), v.id(), true); err != nil {
			return response{}, err
		}
		if d.Refuse, err = s.Cases.AskDecision(v.r.Context(), v.session, v.client(), v.id(), false); err != nil {
			return response{}, err
		}
	}
	page := view.Case(v.frame(site.Cases), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

func (s *server) approveCase(v *visit) (response, error) {
	return s.decided(v, proofing.Decision{CaseID: v.id(), Approve: true}, "approved")
}

func (s *server) refuseCase(v *visit) (response, error) {
	return s.decided(v, proofing.Decision{CaseID: v.id(), Reason: proofing.Reason(v.value("reason"))}, "refused")
}

func (s *server) decided(v *visit, d proofing.Decision, done string) (response, error) {
	if err := s.Cases.Decide(v.r.Context(), v.session, v.client(), d, v.proof()); err != nil {
		return s.showCase(v, err)
	}
	return see(site.Case.URL(v.id(), "done", done))
}

package console

import (
	"standfast/internal/core/console/site"
	"standfast/internal/core/console/view"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/staff"
	"standfast/internal/fault"
)

func (s *server) passkeys(v *visit) (response, error) { return s.showPasskeys(v, nil) }

func (s *server) showPasskeys(v *visit, cause error) (response, error) {
	d := view.PasskeysPage{Done: v.value("done")}
	if cause != nil {
		var ok bool
		if d.Problem, ok = v.problem(cause); !ok {
			return response{}, cause
		}
	}
	var err error
	if d.List, err = s.Staff.Passkeys(v.r.Context(), v.session); err != nil {
		return response{}, err
	}
	if cause != nil {
		return refused(view.Passkeys(v.frame(site.Passkeys), d), cause), nil
	}
	return show(view.Passkeys(v.frame(site.Passkeys), d)), nil
}

func (s *server) addPasskeyPage(v *visit) (response, error) {
	if !v.session.MayChangePasskeys(s.Now()) {
		return see(site.PasskeyProve.URL("next", string(site.PasskeyAdd)))
	}
	return s.askPasskey(v, view.PasskeyForm{}, nil)
}

func (s *server) askPasskey(v *visit, d view.PasskeyForm, cause error) (response, error) {
	var err error
	if d.Prompt, err = s.Staff.BeginAddPasskey(v.r.Context(), v.session, v.client()); err != nil {
		return s.showPasskeys(v, err)
	}
	if cause != nil {
		return refused(view.PasskeyAdd(v.frame(site.Passkeys), d), cause), nil
	}
	return show(view.PasskeyAdd(v.frame(site.Passkeys), d)), nil
}

func (s *server) addPasskey(v *visit) (response, error) {
	d := view.PasskeyForm{Name: v.value("passkey_name")}
	err := s.Staff.AddPasskey(v.r.Context(), v.session, d.Name, v.value("state"), []byte(v.value("passkey")), v.client())
	if err == nil {
		return see(site.Passkeys.URL("done", "added"))
	}
	if proofIsNeeded(err) {
		return see(site.PasskeyProve.URL("next", string(site.PasskeyAdd)))
	}
	var ok bool
	if d.Problem, ok = v.ceremony(err); !ok {
		return response{}, err
	}
	return s.askPasskey(v, d, err)
}

// ceremony is problem, for forms that a passkey answers. An answer that does not
// hold is Unauthenticated too, and signs nobody out.
func (v *visit) ceremony(err error) (words string, ok bool) {
	e := fault.As(err)
	if e.Kind == fault.Unauthenticated && e.Code != "staff.session-over" {
		return v.words(e), true
	}
	return v.problem(err)
}

func proofIsNeeded(err error) bool { return fault.As(err).Code == "staff.proof-needed" }

func (s *server) removePasskey(v *visit) (response, error) {
	err := s.Staff.RemovePasskey(v.r.Context(), v.session, v.id(), v.client())
	switch {
	case err == nil || fault.Is(err, fault.NotFound):
		return see(site.Passkeys.URL("done", "removed"))
	case proofIsNeeded(err):
		return see(site.PasskeyProve.URL("next", string(site.Passkeys)))
	}
	return s.showPasskeys(v, err)
}

// provePage asks who is signed in for a passkey, before they change their own.
func (s *server) provePage(v *visit) (response, error) { return s.askProof(v, "", nil) }

func (s *server) askProof(v *visit, problem string, cause error) (response, error) {
	d := view.PasskeyForm{Next: route.Local(v.value("next")), Problem: problem}
	var err error
	if d.Prompt, err = s.Staff.BeginProve(v.r.Context(), v.session); err != nil {
		return response{}, err
	}
	page := view.PasskeyProve(v.frame(site.Passkeys), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

func (s *server) prove(v *visit) (response, error) {
	err := s.Staff.Prove(v.r.Context(), v.session, v.proof(), v.client())
	if err == nil {
		next := route.Local(v.value("next"))
		if next == "" {
			next = string(site.Passkeys)
		}
		return see(route.Page(next).URL())
	}
	words, ok := v.ceremony(err)
	if !ok {
		return response{}, err
	}
	return s.askProof(v, words, err)
}

// proof is a passkey's answer as passkey.js sends it.
func (v *visit) proof() staff.Proof {
	return staff.Proof{State: v.value("state"), Answer: []byte(v.value("passkey"))}
}

package portal

import (
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
)

// pinPage shows how the member stands with the telephone PIN.
func (s *server) pinPage(v *visit) (response, error) {
	return s.showPIN(v, view.PINData{Done: v.value("done") != ""}, nil)
}

func (s *server) showPIN(v *visit, d view.PINData, cause error) (response, error) {
	var err error
	if d.Info, err = s.SignIn.PIN(v.r.Context(), v.session); err != nil {
		return response{}, err
	}
	d.Asked = !d.Done && s.SignIn.MayChange(v.session)
	page := view.PIN(v.frame(view.AtProfile), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// setPIN takes a new PIN, once it is proved who is there: before that its form
// asks for none.
func (s *server) setPIN(v *visit) (response, error) {
	if err := s.SignIn.MaySetPIN(v.r.Context(), v.changing()); err != nil {
		return proveFirst(err, route.PIN.URL())
	}
	pin := v.secret("pin")
	if pin == "" && !v.r.Form.Has("pin") { // pressed on the page that has no field yet
		return see(route.PIN.URL()), nil
	}
	if pin == "" {
		return s.showPIN(v, view.PINData{Problems: view.Problems{{Field: "pin", Message: v.text.T("form.pin-missing")}}}, errForm)
	}
	err := s.SignIn.SetPIN(v.r.Context(), v.changing(), pin)
	if err == nil {
		return see(route.PIN.URL("done", "set")), nil
	}
	if _, asked := challengeOf(err); asked {
		return proveFirst(err, route.PIN.URL())
	}
	p, ok := v.problems(err, map[string]string{"body.pin": "pin"})
	if !ok {
		return response{}, err
	}
	return s.showPIN(v, view.PINData{Problems: p}, err)
}

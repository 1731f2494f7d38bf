package portal

import (
	"net/http"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/fault"
)

// deviceNonce gives a nonce for a form that was open for longer than the one in
// its page is good.
func (s *server) deviceNonce(v *visit) (response, error) {
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = v.w.Write([]byte(s.SignIn.DeviceNonce(v.client()).Value))
	return response{status: http.StatusOK, written: true}, nil
}

// keyForm is what a form that signs in carries for device.js. A key is made only
// where the browser has an identity that it could be bound to, or gets one now.
func (s *server) keyForm(v *visit, trusting bool) view.KeyForm {
	c := v.client()
	return view.KeyForm{Cell: s.Cookies.Cell, Nonce: s.SignIn.DeviceNonce(c).Value, Bind: trusting || c.DeviceToken != ""}
}

// renameDevice gives a device the name that its member calls it by.
func (s *server) renameDevice(v *visit) (response, error) {
	err := s.SignIn.RenameDevice(v.r.Context(), v.session, v.id(), v.value("name"))
	if err == nil {
		return see(route.Devices.URL("done", "renamed")), nil
	}
	if !fault.Is(err, fault.Invalid) {
		return response{}, err
	}
	list, _ := v.problems(err, map[string]string{"body.name": "name-" + v.id()})
	d, again := s.devicesData(v)
	if again != nil {
		return response{}, again
	}
	d.Problems, d.Renaming, d.Typed = list, v.id(), v.value("name")
	return refused(view.Devices(v.frame(view.AtProfile), d), err), nil
}

// misusePage asks before everything is ended.
func (s *server) misusePage(v *visit) (response, error) {
	return show(view.Misuse(v.frame(view.AtProfile))), nil
}

// misuse takes the report that somebody else used the login: it ends every
// session, this one too, and forgets every device.
func (s *server) misuse(v *visit) (response, error) {
	if err := s.SignIn.ReportMisuse(v.r.Context(), v.session, v.client()); err != nil {
		return response{}, err
	}
	s.Cookies.ClearSession(v.w)
	return see(route.MisuseDone.URL()), nil
}

func (s *server) misuseDone(v *visit) (response, error) {
	return show(view.MisuseDone(v.frame(view.Elsewhere))), nil
}

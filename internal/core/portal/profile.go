package portal

import (
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
)

func (s *server) profile(v *visit) (response, error) {
	m, err := s.Members.ByID(v.r.Context(), v.member())
	if err != nil {
		return response{}, err
	}
	info, err := s.SignIn.Contacts(v.r.Context(), v.session)
	if err != nil {
		return response{}, err
	}
	d := view.ProfileData{Name: m.DisplayName, Username: m.Username, Email: info.Email, Phone: info.Phone, Waiting: info.Waiting}
	if d.Recovery, err = s.SignIn.RecoveryCodes(v.r.Context(), v.session); err != nil {
		return response{}, err
	}
	return show(view.Profile(v.frame(view.AtProfile), d)), nil
}

// username is for password managers, which want to know whose password changes.
func (s *server) username(v *visit) string {
	m, err := s.Members.ByID(v.r.Context(), v.member())
	if err != nil {
		return ""
	}
	return m.Username
}

func (s *server) passwordPage(v *visit) (response, error) {
	return show(view.Password(v.frame(view.AtProfile), s.passwordData(v, nil))), nil
}

func (s *server) passwordData(v *visit, p view.Problems) view.PasswordData {
	return view.PasswordData{Username: s.username(v), Passkey: s.SignIn.ByPasskeyAlone(v.session), Problems: p}
}

// password changes it. Both are typed anew after a refusal: no page ever holds one.
func (s *server) password(v *visit) (response, error) {
	old, new := v.secret("current"), v.secret("new")
	c := checks{v: v}
	c.need(old == "" && !s.SignIn.ByPasskeyAlone(v.session), "current", "form.password-missing")
	c.need(new == "", "new", "form.new-password-missing")
	if len(c.list) > 0 {
		return refused(view.Password(v.frame(view.AtProfile), s.passwordData(v, c.list)), errForm), nil
	}
	out, err := s.SignIn.ChangePassword(v.r.Context(), v.session, old, new, v.client())
	if err == nil {
		s.keep(v, out)
		return see(route.PasswordDone.URL()), nil
	}
	list, ok := v.problems(err, passwordControls)
	if !ok {
		return response{}, err
	}
	return refused(view.Password(v.frame(view.AtProfile), s.passwordData(v, list)), err), nil
}

// passwordControls are the controls that errors about passwords lie at.
var passwordControls = map[string]string{"body.new_password": "new", "password.wrong": "current"}

func (s *server) passwordDone(v *visit) (response, error) {
	return show(view.PasswordDone(v.frame(view.AtProfile))), nil
}

// devices lists where the member is signed in and which devices are remembered.
func (s *server) devices(v *visit) (response, error) {
	d, err := s.devicesData(v)
	if err != nil {
		return response{}, err
	}
	d.Done = v.value("done")
	return show(view.Devices(v.frame(view.AtProfile), d)), nil
}

func (s *server) devicesData(v *visit) (d view.DevicesData, err error) {
	if d.Sessions, err = s.SignIn.Sessions(v.r.Context(), v.session); err != nil {
		return d, err
	}
	d.Devices, err = s.SignIn.Devices(v.r.Context(), v.session)
	return d, err
}

func (s *server) endSession(v *visit) (response, error) {
	if err := s.SignIn.EndSession(v.r.Context(), v.session, v.id()); err != nil {
		return response{}, err
	}
	return see(route.Devices.URL("done", "ended")), nil
}

func (s *server) removeDevice(v *visit) (response, error) {
	if err := s.SignIn.RemoveDevice(v.r.Context(), v.session, v.id()); err != nil {
		return response{}, err
	}
	return see(route.Devices.URL("done", "removed")), nil
}

// signOutEverywhere ends every session of the member, this one too.
func (s *server) signOutEverywhere(v *visit) (response, error) {
	if err := s.SignIn.SignOutEverywhere(v.r.Context(), v.session); err != nil {
		return response{}, err
	}
	s.Cookies.ClearSession(v.w)
	return see(route.SignedOut.URL()), nil
}

package console

import "standfast/internal/fault"

func (s *server) passkeys(v *visit) (response, error) { return s.showPasskeys(v, nil) }

func (s *server) showPasskeys(v *visit, cause error) (response, error) {
	d := passkeysData{Done: v.value("done")}
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
		return refused(passkeysView(v.frame(passkeys), d), cause), nil
	}
	return show(passkeysView(v.frame(passkeys), d)), nil
}

func (s *server) addPasskeyPage(v *visit) (response, error) {
	return s.askPasskey(v, passkeyAddData{}, nil)
}

func (s *server) askPasskey(v *visit, d passkeyAddData, cause error) (response, error) {
	var err error
	if d.Prompt, err = s.Staff.BeginAddPasskey(v.r.Context(), v.session, v.client()); err != nil {
		return s.showPasskeys(v, err)
	}
	if cause != nil {
		return refused(passkeyAddView(v.frame(passkeys), d), cause), nil
	}
	return show(passkeyAddView(v.frame(passkeys), d)), nil
}

func (s *server) addPasskey(v *visit) (response, error) {
	d := passkeyAddData{Name: v.value("passkey_name")}
	err := s.Staff.AddPasskey(v.r.Context(), v.session, d.Name, v.value("state"), []byte(v.value("passkey")), v.client())
	if err == nil {
		return see(passkeys.URL("done", "added"))
	}
	// A ceremony that failed is Unauthenticated too, and signs nobody out.
	e := fault.As(err)
	if e.Kind != fault.Invalid && e.Kind != fault.Conflict && (e.Kind != fault.Unauthenticated || e.Code == "staff.session-over") {
		return response{}, err
	}
	d.Problem = v.words(e)
	return s.askPasskey(v, d, err)
}

func (s *server) removePasskey(v *visit) (response, error) {
	err := s.Staff.RemovePasskey(v.r.Context(), v.session, v.id(), v.client())
	if err != nil && !fault.Is(err, fault.NotFound) {
		return s.showPasskeys(v, err)
	}
	return see(passkeys.URL("done", "removed"))
}

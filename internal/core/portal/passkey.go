package portal

import (
	"cmp"
	"encoding/json"
	"net/http"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
)

// passkeyPrompt gives what a browser is asked so that whoever has a passkey here
// signs in. It names nobody and stores nothing.
func (s *server) passkeyPrompt(v *visit) (response, error) {
	p, err := s.SignIn.BeginPasskey(v.client())
	if err != nil {
		return response{}, err
	}
	var body struct {
		PublicKey json.RawMessage `json:"publicKey"`
		State     string          `json:"state"`
	}
	if err := json.Unmarshal(p.Options, &body); err != nil {
		return response{}, err
	}
	body.State = p.State
	v.w.Header().Set("Content-Type", "application/json")
	return response{status: http.StatusOK, written: true}, json.NewEncoder(v.w).Encode(body)
}

// signInPasskey signs in by passkey alone.
func (s *server) signInPasskey(v *visit) (response, error) {
	d := view.SignInData{Next: route.Local(v.value("next")), Key: s.keyForm(v, false)}
	out, err := s.SignIn.SignInPasskey(v.r.Context(), v.value("state"), []byte(v.value("passkey")), v.value("trust") != "", v.client())
	if err != nil {
		return s.signInRefused(v, d, err)
	}
	s.keep(v, out)
	return see(after(d.Next)), nil
}

// answered gives the way in which the form answers its challenge: by a passkey
// where there is one, else by the code.
func (v *visit) answered() (passkey []byte, code string) {
	return []byte(v.value("passkey")), v.value("code")
}

// proveBy proves the action of the form's challenge by what the form holds.
func (s *server) proveBy(v *visit) (proof string, err error) {
	passkey, code := v.answered()
	if len(passkey) > 0 {
		return s.SignIn.ProvePasskey(v.r.Context(), v.session, v.value("challenge"), passkey, v.client())
	}
	return s.SignIn.Prove(v.r.Context(), v.session, v.value("challenge"), code)
}

func (s *server) passkeys(v *visit) (response, error) {
	list, err := s.SignIn.Passkeys(v.r.Context(), v.session)
	if err != nil {
		return response{}, err
	}
	return show(view.Passkeys(v.frame(view.AtProfile), view.PasskeysData{Items: list, Done: v.value("done")})), nil
}

// addPasskeyPage leads back to the list, where adding begins: the page to add is
// the answer to a form, because it asks for a proof and its prompt is good once.
func (s *server) addPasskeyPage(*visit) (response, error) { return see(route.Passkeys.URL()), nil }

// addPasskey asks the browser for a new passkey, and then takes it.
func (s *server) addPasskey(v *visit) (response, error) {
	d := view.PasskeyAddData{Name: v.value("name")}
	var cause error
	if answer := v.value("passkey"); answer != "" {
		_, err := s.SignIn.AddPasskey(v.r.Context(), v.changing(), d.Name, v.value("state"), []byte(answer))
		if err == nil {
			return see(route.Passkeys.URL("done", "added")), nil
		}
		var ok bool
		if d.Problems, ok = v.problems(err, map[string]string{"body.name": "name"}); !ok {
			return response{}, err
		}
		cause = err
	}
	return s.askForPasskey(v, d, cause)
}

func (s *server) askForPasskey(v *visit, d view.PasskeyAddData, cause error) (response, error) {
	var err error
	if d.Prompt, err = s.SignIn.BeginAddPasskey(v.r.Context(), v.changing()); err != nil {
		return s.passkeysRefused(v, err)
	}
	if d.Name == "" {
		d.Name = s.SignIn.DeviceName(v.client())
	}
	page := view.PasskeyAdd(v.frame(view.AtProfile), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// passkeysRefused asks for a proof, or says on the list why nothing was changed.
func (s *server) passkeysRefused(v *visit, cause error) (response, error) {
	if _, asked := challengeOf(cause); asked || !fault.Is(cause, fault.Conflict) {
		return proveFirst(cause, route.Passkeys.URL())
	}
	list, err := s.SignIn.Passkeys(v.r.Context(), v.session)
	if err != nil {
		return response{}, err
	}
	p, _ := v.problems(cause, nil)
	return refused(view.Passkeys(v.frame(view.AtProfile), view.PasskeysData{Items: list, Problems: p}), cause), nil
}

// passkeyOf is the passkey of the address.
func (s *server) passkeyOf(v *visit) (signin.Passkey, error) {
	list, err := s.SignIn.Passkeys(v.r.Context(), v.session)
	if err != nil {
		return signin.Passkey{}, err
	}
	for _, p := range list {
		if p.ID == v.id() {
			return p, nil
		}
	}
	return signin.Passkey{}, fault.New(fault.NotFound, codeNoPage, "There is no such page.")
}

func (s *server) renamePasskeyPage(v *visit) (response, error) {
	p, err := s.passkeyOf(v)
	if err != nil {
		return response{}, err
	}
	return show(view.PasskeyRename(v.frame(view.AtProfile), p, cmp.Or(v.value("name"), p.Name), nil)), nil
}

func (s *server) renamePasskey(v *visit) (response, error) {
	p, err := s.passkeyOf(v)
	if err != nil {
		return response{}, err
	}
	name := v.value("name")
	if _, err = s.SignIn.RenamePasskey(v.r.Context(), v.session, p.ID, name, v.client()); err == nil {
		return see(route.Passkeys.URL("done", "renamed")), nil
	}
	list, ok := v.problems(err, map[string]string{"body.name": "name"})
	if !ok {
		return response{}, err
	}
	return refused(view.PasskeyRename(v.frame(view.AtProfile), p, name, list), err), nil
}

func (s *server) removePasskeyPage(v *visit) (response, error) {
	p, err := s.passkeyOf(v)
	if err != nil {
		return response{}, err
	}
	return show(view.PasskeyRemove(v.frame(view.AtProfile), p, nil)), nil
}

func (s *server) removePasskey(v *visit) (response, error) {
	p, err := s.passkeyOf(v)
	if err != nil {
		return response{}, err
	}
	err = s.SignIn.RemovePasskey(v.r.Context(), v.changing(), p.ID)
	if err == nil || fault.Is(err, fault.NotFound) {
		return see(route.Passkeys.URL("done", "removed")), nil
	}
	if fault.Is(err, fault.Conflict) {
		list, _ := v.problems(err, nil)
		return refused(view.PasskeyRemove(v.frame(view.AtProfile), p, list), err), nil
	}
	return proveFirst(err, route.PasskeyRemove.URL(p.ID))
}

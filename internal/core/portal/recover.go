package portal

import (
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
)

// recoverPage asks whose password is forgotten. Whoever is signed in changes it
// in the profile.
func (s *server) recoverPage(v *visit) (response, error) {
	if v.signedIn() {
		return see(route.Password.URL()), nil
	}
	return show(view.Recover(v.frame(view.Elsewhere), view.RecoverData{Username: v.value("username")})), nil
}

// recover begins the recovery. Every name is led on to the same page.
func (s *server) recover(v *visit) (response, error) {
	d := view.RecoverData{Username: v.value("username")}
	c := checks{v: v}
	c.need(d.Username == "", "username", "form.username-missing")
	if d.Problems = c.list; len(d.Problems) > 0 {
		return refused(view.Recover(v.frame(view.Elsewhere), d), errForm), nil
	}
	claim, err := s.SignIn.BeginRecovery(v.r.Context(), d.Username, v.value("send") != "", v.client())
	if err == nil {
		return see(route.RecoverProof.URL(claim.ID)), nil
	}
	return s.recoverRefused(v, d, err)
}

func (s *server) recoverRefused(v *visit, d view.RecoverData, err error) (response, error) {
	var ok bool
	if d.Problems, ok = v.problems(err, map[string]string{"body.username": "username"}); !ok {
		return response{}, err
	}
	return refused(view.Recover(v.frame(view.Elsewhere), d), err), nil
}

// recoverProofPage asks for what is still to be proved.
func (s *server) recoverProofPage(v *visit) (response, error) {
	return s.showRecovery(v, view.RecoverProofData{Sent: v.value("sent") != ""}, nil)
}

// showRecovery shows a recovery as it stands; one that is over begins anew.
func (s *server) showRecovery(v *visit, d view.RecoverProofData, cause error) (response, error) {
	claim, err := s.SignIn.Recovery(v.r.Context(), v.id(), v.client())
	if fault.Is(err, fault.NotFound) {
		return s.recoverRefused(v, view.RecoverData{}, err)
	}
	if err != nil {
		return response{}, err
	}
	switch claim.State {
	case signin.ClaimReady:
		return see(route.RecoverPassword.URL(claim.ID)), nil
	case signin.ClaimDone:
		return see(route.RecoverDone.URL()), nil
	}
	d.Claim, d.Key = claim, s.keyForm(v, false)
	page := view.RecoverProof(v.frame(view.Elsewhere), d)
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// recoverProof takes a code, or a passkey's answer.
func (s *server) recoverProof(v *visit) (response, error) {
	passkey, code := v.answered()
	d := view.RecoverProofData{Code: code}
	if len(passkey) == 0 && code == "" {
		d.Problems = view.Problems{{Field: "code", Message: v.text.T("form.code-missing")}}
		return s.showRecovery(v, d, errForm)
	}
	err := s.answerRecovery(v, passkey, code)
	if err == nil {
		return see(route.RecoverProof.URL(v.id())), nil
	}
	return s.recoveryProblems(v, d, err)
}

func (s *server) answerRecovery(v *visit, passkey []byte, code string) (err error) {
	if len(passkey) > 0 {
		_, err = s.SignIn.AnswerRecoveryByPasskey(v.r.Context(), v.id(), passkey, v.client())
	} else {
		_, err = s.SignIn.AnswerRecovery(v.r.Context(), v.id(), code, v.client())
	}
	return err
}

// recoveryProblems says what was wrong, on the page where the recovery stands.
func (s *server) recoveryProblems(v *visit, d view.RecoverProofData, err error) (response, error) {
	if fault.Is(err, fault.NotFound) {
		return s.recoverRefused(v, view.RecoverData{}, err)
	}
	var ok bool
	if d.Problems, ok = v.problems(err, map[string]string{"body.code": "code", "claim.code-wrong": "code"}); !ok {
		return response{}, err
	}
	return s.showRecovery(v, d, err)
}

// recoverSend asks for a code, again or by another channel.
func (s *server) recoverSend(v *visit) (response, error) {
	_, err := s.SignIn.SendRecoveryCode(v.r.Context(), v.id(), v.value("channel"), v.client())
	if err == nil {
		return see(route.RecoverProof.URL(v.id(), "sent", "again")), nil
	}
	return s.recoveryProblems(v, view.RecoverProofData{}, err)
}

// recoverPasswordPage asks for the new password of a recovery that was proved.
func (s *server) recoverPasswordPage(v *visit) (response, error) {
	return s.showNewPassword(v, nil, nil)
}

func (s *server) showNewPassword(v *visit, p view.Problems, cause error) (response, error) {
	claim, err := s.SignIn.Recovery(v.r.Context(), v.id(), v.client())
	if fault.Is(err, fault.NotFound) {
		return s.recoverRefused(v, view.RecoverData{}, err)
	}
	if err != nil {
		return response{}, err
	}
	if claim.State != signin.ClaimReady {
		return see(route.RecoverProof.URL(claim.ID)), nil
	}
	page := view.RecoverPassword(v.frame(view.Elsewhere), view.RecoverPasswordData{ID: claim.ID, Username: claim.Username, Problems: p})
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// recoverPassword sets it. Sent twice, it is done once.
func (s *server) recoverPassword(v *visit) (response, error) {
	password := v.secret("new")
	if password == "" {
		return s.showNewPassword(v, view.Problems{{Field: "new", Message: v.text.T("form.new-password-missing")}}, errForm)
	}
	done, err := s.SignIn.CompleteRecovery(v.r.Context(), v.id(), password, v.client())
	if err == nil {
		return see(route.RecoverDone.URL("same", mark(done.Same), "wait", mark(done.Cautious))), nil
	}
	if fault.Is(err, fault.NotFound) {
		return s.recoverRefused(v, view.RecoverData{}, err)
	}
	p, ok := v.problems(err, passwordControls)
	if !ok {
		return response{}, err
	}
	return s.showNewPassword(v, p, err)
}

func mark(yes bool) string {
	if yes {
		return "yes"
	}
	return ""
}

func (s *server) recoverDone(v *visit) (response, error) {
	return show(view.RecoverDone(v.frame(view.Elsewhere), view.RecoverDoneData{Same: v.value("same") != "", Wait: v.value("wait") != ""})), nil
}

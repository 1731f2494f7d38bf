package portal

import (
	"slices"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
)

// contactControls are the controls that errors about an address lie at.
var contactControls = map[string]string{"body.address": "address"}

// contactPage asks for a new telephone number or e-mail address.
func (s *server) contactPage(v *visit) (response, error) {
	d, err := s.contactData(v, v.id())
	if err != nil {
		return response{}, err
	}
	d.Done = contactState(v.value("done"))
	return show(view.Contact(v.frame(view.AtProfile), d)), nil
}

// contactState is a state that an address names, if it is one.
func contactState(s string) string {
	if slices.Contains([]string{signin.ChangeWaiting, signin.ChangeDone, signin.ChangeStopped, signin.ChangeReplaced, signin.ChangeRefused, "over"}, s) {
		return s
	}
	return ""
}

func (s *server) contactData(v *visit, kind string) (d view.ContactData, err error) {
	if kind != signin.ContactEmail && kind != signin.ContactPhone {
		return d, fault.New(fault.NotFound, codeNoPage, "There is no such page.")
	}
	info, err := s.SignIn.Contacts(v.r.Context(), v.session)
	return view.ContactData{Kind: kind, Now: info.Of(kind), Waiting: info.WaitingFor(kind), Address: v.value("address")}, err
}

// changeContact takes the new address, or that there is to be none.
func (s *server) changeContact(v *visit) (response, error) {
	d, err := s.contactData(v, v.id())
	if err != nil {
		return response{}, err
	}
	if v.value("remove") != "" {
		d.Address = ""
	} else if d.Address == "" {
		d.Problems = view.Problems{{Field: "address", Message: v.text.T("form.address-missing")}}
		return refused(view.Contact(v.frame(view.AtProfile), d), errForm), nil
	}
	return s.contactNext(v, d, "")
}

// contactNext begins a change and leads to what comes next: who is there, the code
// at the new address, or that it is done. The new address stays in the form until
// it is proved who asks, and is in no address of ours.
func (s *server) contactNext(v *visit, d view.ContactData, proof string) (response, error) {
	q := v.changing()
	q.Proof = proof
	c, err := s.SignIn.ChangeContact(v.r.Context(), q, d.Kind, d.Address)
	if err != nil {
		if ch, ok := challengeOf(err); ok {
			return show(view.ContactProve(v.frame(view.AtProfile), view.ContactCodeData{CodeData: view.CodeData{Challenge: ch}, Kind: d.Kind, Address: d.Address})), nil
		}
		return s.contactRefused(v, d, err)
	}
	if c.State == signin.ChangeUnproved {
		return see(route.ContactCode.URL("challenge", c.ID, "kind", c.Kind)), nil
	}
	return see(route.Contact.URL(c.Kind, "done", c.State)), nil
}

func (s *server) contactRefused(v *visit, d view.ContactData, cause error) (response, error) {
	var ok bool
	if d.Problems, ok = v.problems(cause, contactControls); !ok {
		return response{}, cause
	}
	return refused(view.Contact(v.frame(view.AtProfile), d), cause), nil
}

// proveContactChange takes the answer to who is there.
func (s *server) proveContactChange(v *visit) (response, error) {
	d, err := s.contactData(v, v.value("kind"))
	if err != nil {
		return response{}, err
	}
	if passkey, code := v.answered(); len(passkey) == 0 && code == "" {
		return s.contactProveAgain(v, d, fault.InvalidField("body.code", "form.code-missing", "Enter the code."))
	}
	proof, err := s.proveBy(v)
	if err != nil {
		return s.contactProveAgain(v, d, err)
	}
	return s.contactNext(v, d, proof)
}

// proveContactResend sends the code for it again.
func (s *server) proveContactResend(v *visit) (response, error) {
	d, err := s.contactData(v, v.value("kind"))
	if err != nil {
		return response{}, err
	}
	sent, cause := s.askAgain(v)
	if cause != nil {
		return s.contactProveAgain(v, d, cause)
	}
	return s.showContactProve(v, d, view.CodeData{Sent: sent}, nil)
}

func (s *server) contactProveAgain(v *visit, d view.ContactData, cause error) (response, error) {
	list, ok := v.problems(cause, codeControls)
	if !ok {
		return response{}, cause
	}
	return s.showContactProve(v, d, view.CodeData{Code: v.value("code"), Problems: list}, cause)
}

// showContactProve shows the page while its challenge stands; after that the
// change begins anew.
func (s *server) showContactProve(v *visit, d view.ContactData, c view.CodeData, cause error) (response, error) {
	var err error
	c.Challenge, err = s.SignIn.Challenge(v.r.Context(), v.value("challenge"), v.client())
	if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.Forbidden) {
		return s.contactRefused(v, d, err)
	}
	if err != nil {
		return response{}, err
	}
	page := view.ContactProve(v.frame(view.AtProfile), view.ContactCodeData{CodeData: c, Kind: d.Kind, Address: d.Address})
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// contactCodePage asks for the code that went to the new address.
func (s *server) contactCodePage(v *visit) (response, error) {
	return s.showContactCode(v, view.CodeData{Sent: v.value("sent") != ""}, nil)
}

// contactCode takes it.
func (s *server) contactCode(v *visit) (response, error) {
	code := v.value("code")
	if code == "" {
		return s.showContactCode(v, view.CodeData{Problems: view.Problems{{Field: "code", Message: v.text.T("form.code-missing")}}}, errForm)
	}
	c, err := s.SignIn.ProveContact(v.r.Context(), v.changing(), v.value("challenge"), code)
	if err == nil {
		return see(route.Contact.URL(c.Kind, "done", c.State)), nil
	}
	return s.contactCodeRefused(v, code, err)
}

// contactCodeResend sends the code to the new address again.
func (s *server) contactCodeResend(v *visit) (response, error) {
	sent, err := s.askAgain(v)
	if err != nil {
		return s.contactCodeRefused(v, "", err)
	}
	return see(route.ContactCode.URL("challenge", v.value("challenge"), "kind", v.value("kind"), "sent", sentMark(sent))), nil
}

func (s *server) contactCodeRefused(v *visit, code string, cause error) (response, error) {
	list, ok := v.problems(cause, codeControls)
	if !ok {
		return response{}, cause
	}
	return s.showContactCode(v, view.CodeData{Code: code, Problems: list}, cause)
}

// showContactCode shows the page while its code can be typed; after that the
// change begins anew, which sends another one.
func (s *server) showContactCode(v *visit, c view.CodeData, cause error) (response, error) {
	kind := v.value("kind")
	if kind != signin.ContactEmail {
		kind = signin.ContactPhone
	}
	var err error
	c.Challenge, err = s.SignIn.Challenge(v.r.Context(), v.value("challenge"), v.client())
	if fault.Is(err, fault.Unauthenticated) || fault.Is(err, fault.Forbidden) {
		return see(route.Contact.URL(kind, "done", "over")), nil
	}
	if err != nil {
		return response{}, err
	}
	page := view.ContactCode(v.frame(view.AtProfile), view.ContactCodeData{CodeData: c, Kind: kind})
	if cause != nil {
		return refused(page, cause), nil
	}
	return show(page), nil
}

// stopContact stops a change that waits. One that waits no more is on the page.
func (s *server) stopContact(v *visit) (response, error) {
	done := signin.ChangeStopped
	err := s.SignIn.StopContact(v.r.Context(), v.session, v.value("change"), v.client())
	if fault.Is(err, fault.NotFound) {
		done, err = "over", nil
	}
	if err != nil {
		return response{}, err
	}
	kind := v.value("kind")
	if kind != signin.ContactEmail {
		kind = signin.ContactPhone
	}
	return see(route.Contact.URL(kind, "done", done)), nil
}

// contactLinkPage shows what a notice's link is about. It changes nothing: mail
// programs open links by themselves.
func (s *server) contactLinkPage(v *visit) (response, error) {
	c, err := s.SignIn.ContactByLink(v.r.Context(), v.value("token"))
	return contactLinkAnswer(v, c, err)
}

// contactLink stops it.
func (s *server) contactLink(v *visit) (response, error) {
	c, err := s.SignIn.StopContactByLink(v.r.Context(), v.value("token"), v.client())
	return contactLinkAnswer(v, c, err)
}

func contactLinkAnswer(v *visit, c signin.ContactChange, err error) (response, error) {
	page := view.ContactLink(v.frame(view.Elsewhere), view.ContactLinkData{Token: v.value("token"), Change: c})
	switch {
	case fault.Is(err, fault.NotFound):
		return refused(page, err), nil
	case err != nil:
		return response{}, err
	}
	return show(page), nil
}

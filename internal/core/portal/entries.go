package portal

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/signin"
	"standfast/internal/journey"
)

// Limits of one request.
const (
	getTimeout  = 5 * time.Second
	postTimeout = 10 * time.Second
	maxForm     = 64 << 10 // bytes of a form; the largest of ours is below 2 KiB
)

// door says who may come in.
type door int

const (
	anybody door = iota // signed in or not
	look                // members, to see
	pay                 // members, to move money
	change              // members, to change credentials or devices
)

// use is what a session is checked for at a door.
func (d door) use() signin.Use {
	switch d {
	case pay:
		return signin.Pay
	case change:
		return signin.Change
	}
	return signin.Look
}

// entry is one address and method with its handler. What a method owes (a
// deadline; for a POST also the limit of its body, its content type and the
// refusal of other origins) comes with the registration, see serve.
type entry struct {
	method  string
	pattern string
	door    door
	journey journey.Name // empty: counted nowhere
	serve   func(*visit) (response, error)
	keeps   []string // fields of a form that come back when its session had ended
}

// keeping gives the entry with fields that are kept. Passwords, codes and proofs
// are never among them.
func (e entry) keeping(fields ...string) entry {
	e.keeps = fields
	return e
}

func get(pattern string, d door, j journey.Name, h func(*visit) (response, error)) entry {
	return entry{method: http.MethodGet, pattern: pattern, door: d, journey: j, serve: h}
}

func post(pattern string, d door, j journey.Name, h func(*visit) (response, error)) entry {
	return entry{method: http.MethodPost, pattern: pattern, door: d, journey: j, serve: h}
}

// entries is every address that the portal answers.
func (s *server) entries() []entry {
	return slices.Concat(s.publicEntries(), s.moneyEntries(), s.profileEntries())
}

// withPages adds, for each address that only takes a form, a way to the page above
// it. Browsers come to such an address by themselves: they reload the page that a
// refused form was answered with, or sign in again on it.
func (s *server) withPages(list []entry) []entry {
	pages := map[string]bool{}
	for _, e := range list {
		pages[e.pattern] = pages[e.pattern] || e.method == http.MethodGet
	}
	for pattern, has := range pages {
		if has {
			continue
		}
		above := templ.SafeURL(pageAbove(pattern, pages))
		list = append(list, get(pattern, anybody, "", func(*visit) (response, error) { return see(above), nil }))
	}
	return list
}

// pageAbove is the nearest page above an address that is nobody's in particular.
func pageAbove(pattern string, pages map[string]bool) string {
	for {
		cut := strings.LastIndexByte(pattern, '/')
		if cut <= 0 {
			return string(route.Home)
		}
		if pattern = pattern[:cut]; pages[pattern] && !strings.Contains(pattern, "{") {
			return pattern
		}
	}
}

// publicEntries are what visitors see, and the ways in and out.
func (s *server) publicEntries() []entry {
	return []entry{
		get(route.Home.Pattern(), anybody, "", s.home),
		get(route.Help.Pattern(), anybody, "", s.help),
		get(route.Security.Pattern(), anybody, "", s.security),
		post(route.Language.Pattern(), anybody, "", s.language),
		get(route.Regions.Pattern(), anybody, "", s.regions),
		get(route.Region.Pattern(), anybody, "", s.region),
		get(route.Static.Pattern(), anybody, "", s.static),
		get(route.Robots.Pattern(), anybody, "", s.robots),
		get(route.ChangePassword.Pattern(), anybody, "", s.changePasswordAddress),

		get(route.Assisted.Pattern(), anybody, "", s.assistedPage),
		post(route.Assisted.Pattern(), anybody, "", s.assisted),
		get(route.AssistedCase.Pattern(), anybody, "", s.assistedCase),
		get(route.AssistedCode.Pattern(), anybody, "", s.assistedCase),
		post(route.AssistedCode.Pattern(), anybody, "", s.assistedCode),
		post(route.AssistedSend.Pattern(), anybody, "", s.assistedSend),
		get(route.AssistedPassword.Pattern(), anybody, "", s.assistedCase),
		post(route.AssistedPassword.Pattern(), anybody, "", s.assistedPassword),
		get(route.AssistedDone.Pattern(), anybody, "", s.assistedDone),
		get(route.AssistedStop.Pattern(), anybody, "", s.stopPage),
		post(route.AssistedStop.Pattern(), anybody, "", s.stop),
		get(route.SignIn.Pattern(), anybody, journey.SignIn, s.signInPage),
		post(route.SignIn.Pattern(), anybody, journey.SignIn, s.signIn),
		get(route.SignInCode.Pattern(), anybody, journey.SignIn, s.codePage),
		post(route.SignInCode.Pattern(), anybody, journey.SignIn, s.submitCode),
		post(route.SignInResend.Pattern(), anybody, journey.SignIn, s.resend),
		get(route.PasskeyPrompt.Pattern(), anybody, journey.SignIn, s.passkeyPrompt),
		post(route.SignInPasskey.Pattern(), anybody, journey.SignIn, s.signInPasskey),
		get(route.DeviceNonce.Pattern(), anybody, "", s.deviceNonce),
		get(route.Recover.Pattern(), anybody, journey.Recover, s.recoverPage),
		post(route.Recover.Pattern(), anybody, journey.Recover, s.recover),
		get(route.RecoverProof.Pattern(), anybody, journey.Recover, s.recoverProofPage),
		post(route.RecoverProof.Pattern(), anybody, journey.Recover, s.recoverProof),
		post(route.RecoverSend.Pattern(), anybody, journey.Recover, s.recoverSend),
		get(route.RecoverPassword.Pattern(), anybody, journey.Recover, s.recoverPasswordPage),
		post(route.RecoverPassword.Pattern(), anybody, journey.Recover, s.recoverPassword),
		get(route.RecoverDone.Pattern(), anybody, "", s.recoverDone),
		get(route.Enrol.Pattern(), anybody, journey.Enrol, s.enrolPage),
		post(route.Enrol.Pattern(), anybody, journey.Enrol, s.enrol),
		get(route.EnrolCode.Pattern(), anybody, journey.Enrol, s.enrolCodePage),
		post(route.EnrolCode.Pattern(), anybody, journey.Enrol, s.enrolCode),
		post(route.EnrolSend.Pattern(), anybody, journey.Enrol, s.enrolSend),
		get(route.EnrolLogin.Pattern(), anybody, journey.Enrol, s.enrolLoginPage),
		post(route.EnrolLogin.Pattern(), anybody, journey.Enrol, s.enrolLogin),
		get(route.EnrolDone.Pattern(), look, "", s.enrolDone),
		post(route.SignOut.Pattern(), anybody, journey.SignOut, s.signOut),
		get(route.SignedOut.Pattern(), anybody, "", s.signedOut),
	}
}

// moneyEntries are what members come for.
func (s *server) moneyEntries() []entry {
	return []entry{
		get(route.Dashboard.Pattern(), look, journey.Dashboard, s.dashboard),
		get(route.Account.Pattern(), look, journey.History, s.account),
		get(route.AccountCSV.Pattern(), look, journey.History, s.accountCSV),
		get(route.AccountFreeze.Pattern(), look, journey.Freeze, s.freezePage),
		post(route.AccountFreeze.Pattern(), look, journey.Freeze, s.freeze),

		get(route.Pay.Pattern(), look, journey.Pay, s.payPage),
		get(route.PayReview.Pattern(), look, journey.Pay, s.payReview),
		post(route.Pay.Pattern(), pay, journey.Pay, s.pay),
		get(route.PayCode.Pattern(), look, journey.StepUp, s.payCodePage),
		post(route.PayCode.Pattern(), pay, journey.Pay, s.payWithCode),
		post(route.PayCodeAgain.Pattern(), pay, journey.StepUp, s.payCodeAgain),
		get(route.PayDone.Pattern(), look, journey.Payments, s.payDone),

		get(route.Payments.Pattern(), look, journey.Payments, s.payments),
		get(route.PaymentCancel.Pattern(), look, journey.Payments, s.cancelPage),
		post(route.PaymentCancel.Pattern(), pay, journey.Payments, s.cancel),

		get(route.Methods.Pattern(), look, journey.Methods, s.methods),
		get(route.MethodAdd.Pattern(), look, journey.Methods, s.addPage),
		post(route.MethodAdd.Pattern(), pay, journey.Methods, s.add).keeping("country", "holder", "routing", "sort", "account", "iban"),
		post(route.MethodAddCode.Pattern(), pay, journey.Methods, s.addWithCode),
		post(route.MethodAddCodeAgain.Pattern(), pay, journey.StepUp, s.addCodeAgain),
		get(route.MethodConfirm.Pattern(), look, journey.Methods, s.confirmPage),
		post(route.MethodConfirm.Pattern(), pay, journey.Methods, s.confirm).keeping("first", "second"),
		get(route.MethodRemove.Pattern(), look, journey.Methods, s.removePage),
		post(route.MethodRemove.Pattern(), pay, journey.Methods, s.remove),

		get(route.Transfer.Pattern(), look, journey.Transfer, s.transferPage),
		get(route.TransferReview.Pattern(), look, journey.Transfer, s.transferReview),
		post(route.Transfer.Pattern(), pay, journey.Transfer, s.transfer),
		get(route.TransferDone.Pattern(), look, journey.Transfer, s.transferDone),
	}
}

// profileEntries are what members sign in with, and where they are signed in.
func (s *server) profileEntries() []entry {
	return []entry{
		get(route.Profile.Pattern(), look, journey.Session, s.profile),
		get(route.Password.Pattern(), look, journey.Session, s.passwordPage),
		post(route.Password.Pattern(), change, journey.Session, s.password),
		get(route.PasswordDone.Pattern(), look, journey.Session, s.passwordDone),
		get(route.Prove.Pattern(), look, journey.Session, s.provePage),
		post(route.Prove.Pattern(), change, journey.Session, s.prove),
		get(route.Contact.Pattern(), look, journey.Session, s.contactPage),
		post(route.Contact.Pattern(), change, journey.Session, s.changeContact).keeping("address"),
		post(route.ContactProve.Pattern(), change, journey.StepUp, s.proveContactChange),
		post(route.ContactProveAgain.Pattern(), change, journey.StepUp, s.proveContactResend),
		get(route.ContactCode.Pattern(), look, journey.Session, s.contactCodePage),
		post(route.ContactCode.Pattern(), change, journey.Session, s.contactCode),
		post(route.ContactCodeAgain.Pattern(), change, journey.StepUp, s.contactCodeResend),
		post(route.ContactStop.Pattern(), change, journey.Session, s.stopContact),
		get(route.ContactLink.Pattern(), anybody, "", s.contactLinkPage),
		post(route.ContactLink.Pattern(), anybody, "", s.contactLink),
		get(route.Authenticator.Pattern(), look, journey.Session, s.authenticator),
		post(route.Authenticator.Pattern(), change, journey.Session, s.setUpAuthenticator),
		get(route.AuthenticatorSetUp.Pattern(), change, journey.Session, s.authenticatorSetUp),
		post(route.AuthenticatorSetUp.Pattern(), change, journey.Session, s.confirmAuthenticator),
		post(route.AuthenticatorRemove.Pattern(), change, journey.Session, s.removeAuthenticator),
		get(route.Passkeys.Pattern(), look, journey.Devices, s.passkeys),
		get(route.PasskeyAdd.Pattern(), look, journey.Devices, s.addPasskeyPage),
		post(route.PasskeyAdd.Pattern(), change, journey.Devices, s.addPasskey),
		get(route.PasskeyRename.Pattern(), look, journey.Devices, s.renamePasskeyPage),
		post(route.PasskeyRename.Pattern(), change, journey.Devices, s.renamePasskey).keeping("name"),
		get(route.PasskeyRemove.Pattern(), look, journey.Devices, s.removePasskeyPage),
		post(route.PasskeyRemove.Pattern(), change, journey.Devices, s.removePasskey),
		get(route.RecoveryCodes.Pattern(), look, journey.Session, s.recoveryCodes),
		post(route.RecoveryLater.Pattern(), look, journey.Session, s.recoveryLater),
		post(route.RecoveryCodes.Pattern(), change, journey.Session, s.makeRecoveryCodes),
		get(route.PIN.Pattern(), look, journey.Session, s.pinPage),
		post(route.PIN.Pattern(), change, journey.Session, s.setPIN),
		get(route.Codes.Pattern(), look, journey.Session, s.codes),
		post(route.Codes.Pattern(), change, journey.Session, s.setCodes),
		post(route.ProveAgain.Pattern(), change, journey.StepUp, s.proveAgain),
		get(route.Devices.Pattern(), look, journey.Devices, s.devices),
		post(route.DeviceRemove.Pattern(), change, journey.Devices, s.removeDevice),
		post(route.DeviceRename.Pattern(), change, journey.Devices, s.renameDevice).keeping("name"),
		get(route.Misuse.Pattern(), look, journey.Devices, s.misusePage),
		post(route.Misuse.Pattern(), change, journey.SignOut, s.misuse),
		get(route.MisuseDone.Pattern(), anybody, "", s.misuseDone),
		post(route.SessionExtend.Pattern(), look, journey.Session, s.extend),
		post(route.SessionEnd.Pattern(), change, journey.Devices, s.endSession),
		post(route.SignOutAll.Pattern(), change, journey.SignOut, s.signOutEverywhere),
	}
}

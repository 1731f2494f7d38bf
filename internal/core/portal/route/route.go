// Package route is every address of the member portal as a typed value. A link
// is made from the value that its page is registered with, so that a button
// cannot lead anywhere else.
package route

import (
	"net/url"
	"strings"

	"github.com/a-h/templ"
)

// Page is an address without parameters.
type Page string

// Item is an address with one parameter, written {id} in its pattern.
type Item string

// The member's pages, and the addresses that only take forms.
const (
	Home      Page = "/"
	Help      Page = "/help"
	Security  Page = "/security"
	Regions   Page = "/regions"
	Region    Item = "/regions/{id}"
	Language  Page = "/language"
	SignIn    Page = "/sign-in"
	SignOut   Page = "/sign-out"
	SignedOut Page = "/signed-out"

	SignInCode   Page = "/sign-in/code"
	SignInResend Page = "/sign-in/code/resend"
	PayCodeAgain Page = "/pay/code/resend"
	DeviceNonce  Page = "/sign-in/nonce"

	Recover         Page = "/recover"
	RecoverDone     Page = "/recover/done"
	RecoverProof    Item = "/recover/{id}"
	RecoverSend     Item = "/recover/{id}/code"
	RecoverPassword Item = "/recover/{id}/password"

	Assisted         Page = "/recover/help"
	AssistedCase     Item = "/recover-help/{id}"
	AssistedCode     Item = "/recover-help/{id}/code"
	AssistedSend     Item = "/recover-help/{id}/code/resend"
	AssistedPassword Item = "/recover-help/{id}/password"
	AssistedDone     Page = "/recover-help-done"
	AssistedStop     Item = "/stop-help/{id}"

	Enrol      Page = "/enrol"
	EnrolDone  Page = "/enrol/done"
	EnrolCode  Item = "/enrol/{id}"
	EnrolSend  Item = "/enrol/{id}/code"
	EnrolLogin Item = "/enrol/{id}/login"

	Dashboard     Page = "/dashboard"
	Account       Item = "/accounts/{id}"
	AccountCSV    Item = "/accounts/{id}/transactions.csv"
	AccountFreeze Item = "/accounts/{id}/freeze"

	Pay       Page = "/pay"
	PayReview Page = "/pay/review"
	PayCode   Page = "/pay/code"
	PayDone   Item = "/pay/done/{id}"

	Payments      Page = "/payments"
	PaymentCancel Item = "/payments/{id}/cancel"

	Methods            Page = "/payment-methods"
	MethodAdd          Page = "/payment-methods/add-bank-account"
	MethodAddCode      Page = "/payment-methods/add-bank-account/code"
	MethodAddCodeAgain Page = "/payment-methods/add-bank-account/code/resend"
	MethodConfirm      Item = "/payment-methods/{id}/confirm"
	MethodRemove       Item = "/payment-methods/{id}/remove"

	Transfer       Page = "/transfer"
	TransferReview Page = "/transfer/review"
	TransferDone   Item = "/transfer/done/{id}"

	Profile      Page = "/profile"
	Password     Page = "/profile/password"
	PasswordDone Page = "/profile/password/done"
	Prove        Page = "/profile/prove"
	Codes        Page = "/profile/codes"
	ProveAgain   Page = "/profile/prove/resend"

	Contact           Item = "/profile/contact/{id}"
	ContactProve      Page = "/profile/contact/prove"
	ContactProveAgain Page = "/profile/contact/prove/resend"
	ContactCode       Page = "/profile/contact/code"
	ContactCodeAgain  Page = "/profile/contact/code/resend"
	ContactStop       Page = "/profile/contact/stop"
	ContactLink       Page = "/contact/stop"

	Devices       Page = "/profile/devices"
	DeviceRemove  Item = "/profile/devices/{id}/remove"
	DeviceRename  Item = "/profile/devices/{id}/name"
	Misuse        Page = "/profile/misuse"
	MisuseDone    Page = "/misuse-reported"
	SessionExtend Page = "/session/extend"
	SessionEnd    Item = "/profile/sessions/{id}/end"
	SignOutAll    Page = "/profile/sign-out-everywhere"

	Authenticator       Page = "/profile/authenticator"
	AuthenticatorSetUp  Item = "/profile/authenticator/{id}"
	AuthenticatorRemove Item = "/profile/authenticator/{id}/remove"
	RecoveryCodes       Page = "/profile/recovery-codes"
	RecoveryLater       Page = "/profile/recovery-codes/later"
	PIN                 Page = "/profile/pin"

	SignInPasskey Page = "/sign-in/passkey"
	PasskeyPrompt Page = "/sign-in/passkey/prompt"
	Passkeys      Page = "/profile/passkeys"
	PasskeyAdd    Page = "/profile/passkeys/add"
	PasskeyRename Item = "/profile/passkeys/{id}/rename"
	PasskeyRemove Item = "/profile/passkeys/{id}/remove"

	ChangePassword Page = "/.well-known/change-password"

	Static Item = "/static/{id}"
	Robots Page = "/robots.txt"
)

// Pattern is the path as net/http's mux wants it.
func (p Page) Pattern() string {
	if p == Home {
		return "/{$}"
	}
	return string(p)
}

// URL gives the address with the given query, names and values in turn. Empty
// values are left out.
func (p Page) URL(query ...string) templ.SafeURL { return address(string(p), query) }

// Pattern is the path as net/http's mux wants it.
func (i Item) Pattern() string { return string(i) }

// URL gives the address of one item with the given query.
func (i Item) URL(id string, query ...string) templ.SafeURL {
	return address(strings.Replace(string(i), "{id}", url.PathEscape(id), 1), query)
}

func address(path string, query []string) templ.SafeURL {
	v := url.Values{}
	for i := 0; i+1 < len(query); i += 2 {
		if query[i+1] != "" {
			v.Set(query[i], query[i+1])
		}
	}
	if len(v) == 0 {
		return templ.SafeURL(path)
	}
	return templ.SafeURL(path + "?" + v.Encode())
}

// maxReturn bounds a return address; longer ones are dropped.
const maxReturn = 1000

// Local gives s when it is an address of this portal that a visitor may be sent
// back to, else "". Only a path of our own qualifies: no scheme, no host, no
// "//" or backslash that a browser would read as one, no dots that a browser
// would resolve, no control characters.
func Local(s string) string {
	if len(s) > maxReturn || !strings.HasPrefix(s, "/") || strings.HasPrefix(s, "//") {
		return ""
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.Contains(u.Path, "//") || strings.Contains(u.Path, "/.") {
		return ""
	}
	return u.RequestURI()
}

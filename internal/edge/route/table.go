package route

import (
	"slices"

	"standfast/internal/journey"
)

// groups is the table of all addresses.
func groups() []group {
	return slices.Concat(publicGroups(), enteringGroups(), moneyGroups(), profileGroups())
}

// publicGroups are for everybody, and counted nowhere but for status and cash machines.
func publicGroups() []group {
	return []group{
		{Errand{Standin: true}, `GET:/{$} GET:/help GET:/robots.txt POST:/language`},
		{Errand{Standin: true, Either: true}, `GET:/static/{id}`},
		{Errand{}, `GET:/security GET:/regions GET:/regions/{id} GET:/.well-known/change-password
			GET:/api/openapi.json GET:/contact/stop POST:/contact/stop GET:/misuse-reported`},
		shared(journey.Status, `GET:/api/v1/status`),
		apart(journey.Locate, `GET:/api/v1/atms`),
	}
}

// enteringGroups are the ways in and out. What belongs to one ceremony is
// switched as one, so that its second half meets the side that knows its first; a password
// has no second half, and what a hanging core did not say the other side may.
func enteringGroups() []group {
	return []group{
		repeated(journey.SignIn, `POST:/sign-in POST:/api/v1/sign-in`),
		shared(journey.SignIn, `GET:/sign-in GET:/sign-in/passkey/prompt POST:/sign-in/passkey GET:/api/v1/sign-in/nonce POST:/api/v1/sign-in/passkey/options POST:/api/v1/sign-in/passkey`),
		{Errand{With: journey.SignIn, Standin: true}, `GET:/sign-in/nonce`},
		apart(journey.SignIn, `GET:/sign-in/code POST:/sign-in/code POST:/sign-in/code/resend
			POST:/api/v1/sign-in/code POST:/api/v1/sign-in/code/resend GET:/api/v1/sign-in/challenges/{id}`),
		repeated(journey.SignOut, `POST:/sign-out DELETE:/api/v1/session`),
		{Errand{With: journey.SignOut, Standin: true}, `GET:/signed-out`},
		apart(journey.SignOut, `POST:/profile/misuse POST:/profile/sign-out-everywhere
			DELETE:/api/v1/sessions POST:/api/v1/sessions/report-misuse DELETE:/api/v1/sessions/{id}`),
		shared(journey.Session, `GET:/api/v1/session`),

		apart(journey.Recover, `GET:/recover POST:/recover GET:/recover/{id} POST:/recover/{id} POST:/recover/{id}/code
			GET:/recover/{id}/password POST:/recover/{id}/password`),
		{Errand{With: journey.Recover}, `GET:/recover/done GET:/recover/help POST:/recover/help GET:/recover-help/{id}
			GET:/recover-help/{id}/code POST:/recover-help/{id}/code POST:/recover-help/{id}/code/resend
			GET:/recover-help/{id}/password POST:/recover-help/{id}/password GET:/recover-help-done
			GET:/stop-help/{id} POST:/stop-help/{id}`},
		apart(journey.Enrol, `GET:/enrol POST:/enrol GET:/enrol/{id} POST:/enrol/{id} POST:/enrol/{id}/code
			GET:/enrol/{id}/login POST:/enrol/{id}/login`),
		{Errand{With: journey.Enrol}, `GET:/enrol/done`},
	}
}

// moneyGroups are what members come for. A receipt is switched with paying: it is
// asked for where the payment has just been made.
func moneyGroups() []group {
	return []group{
		looking(journey.Dashboard, `GET:/dashboard GET:/api/v1/dashboard`),
		looking(journey.Accounts, `GET:/api/v1/accounts GET:/api/v1/accounts/{id}`),
		looking(journey.History, `GET:/accounts/{id} GET:/api/v1/accounts/{id}/transactions`),
		apart(journey.History, `GET:/accounts/{id}/transactions.csv`),
		shared(journey.Freeze, `GET:/accounts/{id}/freeze`),
		repeated(journey.Freeze, `POST:/accounts/{id}/freeze POST:/api/v1/cards/{account_id}/freeze`),
		apart(journey.Freeze, `POST:/api/v1/cards/{account_id}/unfreeze`),

		shared(journey.Pay, `GET:/pay GET:/pay/review`),
		{Errand{Journey: journey.Pay, With: journey.Pay, Standin: true, Keyed: true}, `POST:/pay POST:/api/v1/payments`},
		apart(journey.Pay, `POST:/pay/code GET:/api/v1/accounts/{id}/payment-options`),
		{Errand{Journey: journey.Payments, With: journey.Pay, Standin: true, Either: true},
			`GET:/pay/done/{id} GET:/api/v1/payments/{id}`},
		shared(journey.Payments, `GET:/payments GET:/api/v1/payments`),
		apart(journey.Payments, `GET:/payments/{id}/cancel POST:/payments/{id}/cancel POST:/api/v1/payments/{id}/cancel`),

		shared(journey.Methods, `GET:/api/v1/payment-methods GET:/api/v1/payment-methods/{id}`),
		apart(journey.Methods, `GET:/payment-methods GET:/payment-methods/add-bank-account POST:/payment-methods/add-bank-account
			POST:/payment-methods/add-bank-account/code GET:/payment-methods/{id}/confirm POST:/payment-methods/{id}/confirm
			GET:/payment-methods/{id}/remove POST:/payment-methods/{id}/remove
			POST:/api/v1/payment-methods DELETE:/api/v1/payment-methods/{id} POST:/api/v1/payment-methods/{id}/confirm`),
		apart(journey.Transfer, `GET:/transfer GET:/transfer/review POST:/transfer GET:/transfer/done/{id} POST:/api/v1/transfers`),
		apart(journey.StepUp, `GET:/pay/code POST:/pay/code/resend POST:/payment-methods/add-bank-account/code/resend
			POST:/profile/prove/resend POST:/profile/contact/prove POST:/profile/contact/prove/resend
			POST:/profile/contact/code/resend POST:/api/v1/step-up POST:/api/v1/contacts/changes/{id}/code`),
	}
}

// profileGroups are what members sign in with, and where they are signed in: core's alone.
func profileGroups() []group {
	return []group{
		apart(journey.Session, `GET:/profile GET:/profile/password POST:/profile/password GET:/profile/password/done
			GET:/profile/prove POST:/profile/prove GET:/profile/contact/{id} POST:/profile/contact/{id}
			GET:/profile/contact/code POST:/profile/contact/code POST:/profile/contact/stop
			GET:/profile/authenticator POST:/profile/authenticator GET:/profile/authenticator/{id}
			POST:/profile/authenticator/{id} POST:/profile/authenticator/{id}/remove
			GET:/profile/recovery-codes POST:/profile/recovery-codes POST:/profile/recovery-codes/later
			GET:/profile/pin POST:/profile/pin GET:/profile/codes POST:/profile/codes POST:/session/extend
			GET:/api/v1/sessions GET:/api/v1/code-preference PUT:/api/v1/code-preference GET:/api/v1/code-requests
			GET:/api/v1/contacts PUT:/api/v1/contacts/{kind} DELETE:/api/v1/contacts/changes/{id}`),
		apart(journey.Devices, `GET:/profile/devices POST:/profile/devices/{id}/remove POST:/profile/devices/{id}/name
			GET:/profile/misuse POST:/profile/sessions/{id}/end
			GET:/profile/passkeys GET:/profile/passkeys/add POST:/profile/passkeys/add
			GET:/profile/passkeys/{id}/rename POST:/profile/passkeys/{id}/rename
			GET:/profile/passkeys/{id}/remove POST:/profile/passkeys/{id}/remove
			GET:/api/v1/devices PATCH:/api/v1/devices/{id} DELETE:/api/v1/devices/{id}
			GET:/api/v1/passkeys POST:/api/v1/passkeys POST:/api/v1/passkeys/options
			PATCH:/api/v1/passkeys/{id} DELETE:/api/v1/passkeys/{id}
			GET:/api/v1/authenticators POST:/api/v1/authenticators POST:/api/v1/authenticators/{id}/confirm
			DELETE:/api/v1/authenticators/{id} GET:/api/v1/recovery-codes POST:/api/v1/recovery-codes`),
	}
}

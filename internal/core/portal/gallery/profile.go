package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

func devices() view.DevicesData {
	return view.DevicesData{
		Sessions: []signin.SessionInfo{
			{ID: id("s1"), DeviceName: "Firefox on Linux", IP: "192.0.2.7", SignedInAt: now.Add(-time.Hour), LastUsedAt: now, Current: true},
			{ID: id("s2"), DeviceName: "", IP: "2001:db8::2", SignedInAt: now.Add(-30 * time.Hour), LastUsedAt: now.Add(-29 * time.Hour)},
		},
		Devices: []signin.DeviceInfo{
			{ID: id("d1"), Name: "Firefox on Linux", IP: "192.0.2.7", TrustedAt: now.Add(-300 * time.Hour), LastUsedAt: now, ExpiresAt: now.Add(4000 * time.Hour), Current: true, HasKey: true, Place: "Albany, New York, United States"},
			{ID: id("d2"), Name: "Safari on iPhone", IP: "192.0.2.9", TrustedAt: now.Add(-900 * time.Hour), LastUsedAt: now.Add(-90 * time.Hour), ExpiresAt: now.Add(3000 * time.Hour)},
		},
	}
}

func profileEntries() []Entry {
	return []Entry{
		{Name: "profile", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Profile(f, view.ProfileData{Name: "Ana Example", Username: "ana", Email: "ana@example.com", Phone: "+1 555 0134"})
		}},
		{Name: "prove-passkey", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Prove(f, view.CodeData{Challenge: byPasskey(signin.WayApp), Next: "/profile/authenticator"})
		}},
		{Name: "profile-contact-waiting", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Profile(f, view.ProfileData{Name: "Ana Example", Username: "ana", Email: "ana@example.com", Phone: "+1 555 0134",
				Recovery: signin.RecoveryInfo{Left: 7, MadeAt: now}, Waiting: []signin.ContactChange{contactChange(signin.ContactPhone, "+12025550199", signin.ChangeWaiting)}})
		}},
		{Name: "password", Section: view.AtProfile, Page: func(f view.Frame) templ.Component { return view.Password(f, view.PasswordData{Username: "ana"}) }},
		{Name: "password-refused", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Password(f, view.PasswordData{Username: "ana", Problems: view.Problems{{Field: "new", Message: f.T("form.new-password-missing")}}})
		}},
		{Name: "password-done", Section: view.AtProfile, Page: view.PasswordDone},
		{Name: "prove", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Prove(f, view.CodeData{Challenge: challenge("text"), Next: "/profile/authenticator"})
		}},
		{Name: "authenticator-none", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Authenticator(f, view.AuthenticatorData{Done: "removed"})
		}},
		{Name: "authenticator", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Authenticator(f, view.AuthenticatorData{Done: "added", App: &signin.AuthenticatorInfo{ID: id("a1"), AddedAt: now.Add(-300 * time.Hour), LastUsedAt: now}})
		}},
		{Name: "authenticator-set-up", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.AuthenticatorSetUp(f, view.AuthenticatorSetUpData{Problems: view.Problems{{Field: "code", Message: f.T("fault.authenticator.code")}},
				SetUp: signin.AuthenticatorSetUp{ID: id("a2"), Secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", ExpiresAt: now.Add(15 * time.Minute),
					URI: "otpauth://totp/Standfast:ana?algorithm=SHA1&digits=6&issuer=Standfast&period=30&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"}})
		}},
		{Name: "pin-none", Section: view.AtProfile, Page: func(f view.Frame) templ.Component { return view.PIN(f, view.PINData{}) }},
		{Name: "pin", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.PIN(f, view.PINData{Done: true, Info: signin.PINInfo{SetAt: now}})
		}},
		{Name: "pin-refused", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.PIN(f, view.PINData{Asked: true, Info: signin.PINInfo{SetAt: now.Add(-900 * time.Hour), Blocked: true},
				Problems: view.Problems{{Field: "pin", Message: f.T("fault.pin.guessable")}}})
		}},
		{Name: "recovery-codes-none", Section: view.AtProfile, Page: func(f view.Frame) templ.Component { return view.RecoveryCodes(f, signin.RecoveryInfo{}) }},
		{Name: "recovery-codes", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.RecoveryCodes(f, signin.RecoveryInfo{Left: 7, MadeAt: now.Add(-900 * time.Hour)})
		}},
		{Name: "recovery-codes-new", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.NewRecoveryCodes(f, []string{"1234 5678 9012", "2345 6789 0123", "3456 7890 1234", "4567 8901 2345", "5678 9012 3456"})
		}},
		{Name: "devices", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			d := devices()
			d.Done = "ended"
			return view.Devices(f, d)
		}},
		{Name: "devices-name-refused", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			d := devices()
			d.Renaming, d.Problems = d.Devices[1].ID, view.Problems{{Field: "name-" + d.Devices[1].ID, Message: f.T("form.device-name-missing")}}
			return view.Devices(f, d)
		}},
		{Name: "misuse", Section: view.AtProfile, Page: view.Misuse},
		{Name: "misuse-done", SignedOut: true, Page: view.MisuseDone},
		{Name: "devices-none", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			d := devices()
			d.Devices, d.Done = nil, "removed"
			return view.Devices(f, d)
		}},
	}
}

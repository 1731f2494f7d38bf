package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

func passkeys() []signin.Passkey {
	return []signin.Passkey{
		{ID: id("k1"), Name: "Safari on iPhone", Synced: true, CreatedAt: now.Add(-900 * time.Hour), LastUsedAt: now.Add(-time.Hour)},
		{ID: id("k2"), Name: "Security key on my key ring, the blue one from work", CreatedAt: now.Add(-90 * time.Hour)},
	}
}

// askedFor is a prompt that no browser is shown.
func askedFor() []byte { return []byte(`{"publicKey":{"challenge":"AA","user":{"id":"AA"}}}`) }

func passkeyEntries() []Entry {
	return []Entry{
		{Name: "passkeys", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Passkeys(f, view.PasskeysData{Items: passkeys(), Done: "added"})
		}},
		{Name: "passkeys-none", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Passkeys(f, view.PasskeysData{Done: "removed"})
		}},
		{Name: "passkeys-full", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Passkeys(f, view.PasskeysData{Items: passkeys(), Problems: view.Problems{{Message: f.T("fault.passkey.too-many")}}})
		}},
		{Name: "passkey-add", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.PasskeyAdd(f, view.PasskeyAddData{Prompt: signin.PasskeyPrompt{Options: askedFor(), State: "state"}, Name: "Firefox on Linux"})
		}},
		{Name: "passkey-add-refused", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.PasskeyAdd(f, view.PasskeyAddData{Prompt: signin.PasskeyPrompt{Options: askedFor(), State: "state"},
				Problems: view.Problems{{Field: "name", Message: f.T("form.passkey-name-missing")}}})
		}},
		{Name: "passkey-rename", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.PasskeyRename(f, passkeys()[0], passkeys()[0].Name, nil)
		}},
		{Name: "passkey-remove", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.PasskeyRemove(f, passkeys()[1], nil)
		}},
		{Name: "passkey-remove-refused", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.PasskeyRemove(f, passkeys()[1], view.Problems{{Message: f.T("fault.passkey.last")}})
		}},
	}
}

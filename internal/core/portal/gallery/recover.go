package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

// claim is a recovery whose code has just been asked for.
func claim() signin.Claim {
	return signin.Claim{ID: id("claim"), Kind: signin.Recovery, State: signin.ClaimOpen, Reference: "4829157730", ExpiresAt: now.Add(28 * time.Minute), TriesLeft: 5,
		Channels: []string{"text", "voice", "email"}, Sends: 1, ResendAt: now.Add(27 * time.Second), Passkey: askedFor()}
}

// proved is one that has come further, with what is left.
func proved(sentTo string, left ...string) signin.Claim {
	c := claim()
	c.State, c.Proved, c.Left, c.SentTo, c.ResendAt = signin.ClaimBegun, []string{"text"}, left, sentTo, now
	return c
}

func recoverEntries() []Entry {
	proof := func(name string, c signin.Claim, d view.RecoverProofData) Entry {
		return Entry{Name: name, SignedOut: true, Page: func(f view.Frame) templ.Component {
			d.Claim = c
			if d.Code != "" {
				d.Problems = view.Problems{{Field: "code", Message: f.N("fault.claim.code-wrong", 3)}}
			}
			return view.RecoverProof(f, d)
		}}
	}
	unsent, late := claim(), claim()
	unsent.Sends, unsent.ResendAt = 0, now
	late.ResendAt = now
	return []Entry{
		{Name: "recover", SignedOut: true, Page: func(f view.Frame) templ.Component { return view.Recover(f, view.RecoverData{}) }},
		{Name: "recover-refused", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.Recover(f, view.RecoverData{Problems: view.Problems{{Message: f.T("fault.claim.over")}}})
		}},
		proof("recover-sent", claim(), view.RecoverProofData{}),
		proof("recover-unsent", unsent, view.RecoverProofData{}),
		proof("recover-wrong", late, view.RecoverProofData{Code: "482 915", Sent: true}),
		proof("recover-more-email", proved("j•••@example.org", "email"), view.RecoverProofData{}),
		proof("recover-more-own", proved("", "app", "passkey", "recovery"), view.RecoverProofData{}),
		proof("recover-more-passkey", proved("", "passkey"), view.RecoverProofData{}),
		proof("recover-stuck", proved(""), view.RecoverProofData{}),
		{Name: "recover-password", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.RecoverPassword(f, view.RecoverPasswordData{ID: id("claim"), Username: "ana"})
		}},
		{Name: "recover-password-refused", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.RecoverPassword(f, view.RecoverPasswordData{ID: id("claim"), Username: "ana", Problems: view.Problems{{Field: "new", Message: f.T("form.new-password-missing")}}})
		}},
		{Name: "recover-done", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.RecoverDone(f, view.RecoverDoneData{Same: true, Wait: true})
		}},
		{Name: "password-by-passkey", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Password(f, view.PasswordData{Username: "ana", Passkey: true})
		}},
	}
}

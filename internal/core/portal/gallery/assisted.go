package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

// assistedEntries are the pages of whoever has lost every way in.
func assistedEntries() []Entry {
	request := func(name string, state signin.ClaimState, d view.AssistedCaseData) Entry {
		return Entry{Name: name, SignedOut: true, Page: func(f view.Frame) templ.Component {
			d.Claim = signin.AssistedClaim{Claim: signin.Claim{ID: id("claim"), Kind: signin.Assisted, State: state, Reference: "4829157730", ExpiresAt: now.Add(23 * time.Hour)}, SentTo: "•••• 0177"}
			if d.Code != "" {
				d.Problems = view.Problems{{Field: "code", Message: f.N("fault.claim.code-wrong", 3)}}
			}
			return view.AssistedCase(f, d)
		}}
	}
	stop := func(can string, just bool) Entry {
		return Entry{Name: "assisted-stop-" + can, SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.AssistedStop(f, view.StopData{Token: "AZvP8wAAcACAAAAAAAAAAQ", Can: can, Now: just})
		}}
	}
	return []Entry{
		{Name: "assisted", SignedOut: true, Page: func(f view.Frame) templ.Component { return view.Assisted(f, view.AssistedData{}) }},
		{Name: "assisted-refused", SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.Assisted(f, view.AssistedData{Problems: view.Problems{{Field: "username", Message: f.T("form.username-missing")}}})
		}},
		request("assisted-waiting", signin.ClaimOpen, view.AssistedCaseData{}),
		request("assisted-code", signin.ClaimBegun, view.AssistedCaseData{Sent: true}),
		request("assisted-code-wrong", signin.ClaimBegun, view.AssistedCaseData{Code: "482 915"}),
		request("assisted-password", signin.ClaimReady, view.AssistedCaseData{}),
		{Name: "assisted-done", SignedOut: true, Page: func(f view.Frame) templ.Component { return view.AssistedDone(f) }},
		stop(signin.StopOpen, false), stop(signin.StopUndo, false), stop(signin.StopDone, true), stop(signin.StopOver, false),
	}
}

package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

// challenge is one whose message has just left.
func challenge(channel string) signin.Challenge {
	return signin.Challenge{ID: id("challenge"), Channel: channel, SentTo: "•••• 34", ExpiresAt: now.Add(8 * time.Minute), TriesLeft: 3,
		Delivery: signin.DeliveryWaiting, Ways: []string{"text", "voice"}, OtherAt: now.Add(12 * time.Second), ResendAt: now.Add(27 * time.Second)}
}

// troubled is one whose message did not arrive; next is offered, or a reference
// where nothing is left.
func troubled(delivery, next string) signin.Challenge {
	c := challenge("text")
	c.Delivery, c.NextChannel, c.OtherAt, c.ResendAt = delivery, next, now.Add(-time.Minute), now.Add(-time.Minute)
	if next == "" {
		c.Ways, c.Reference = []string{"text"}, "7K2M-94QX"
	}
	if next == "email" {
		c.Ways = []string{"text", "voice", "email"}
	}
	return c
}

// byPasskey is one that a passkey answers, so that nothing was sent.
func byPasskey(more ...string) signin.Challenge {
	return signin.Challenge{ID: id("challenge"), Channel: signin.WayPasskey, ExpiresAt: now.Add(8 * time.Minute), TriesLeft: 5,
		Ways: append([]string{"text", "voice", "passkey"}, more...), Passkey: askedFor(), OtherAt: now.Add(-time.Second), ResendAt: now.Add(-time.Second)}
}

func codeEntries() []Entry {
	code := func(name string, c signin.Challenge) Entry {
		return Entry{Name: name, SignedOut: true, Page: func(f view.Frame) templ.Component {
			return view.SignInCode(f, view.CodeData{Challenge: c, Trust: true})
		}}
	}
	asked := []signin.AskedCode{
		{At: now.Add(-time.Hour), Purpose: "sign-in", Device: "Firefox on Linux", IP: "192.0.2.7", Messages: 1, Used: true},
		{At: now.Add(-26 * time.Hour), Purpose: "sign-in", Device: "", IP: "2001:db8::2", Messages: 4},
	}
	return []Entry{
		code("code-late", troubled(signin.DeliveryLate, "voice")),
		code("code-last-resort", troubled(signin.DeliveryFailed, "email")),
		code("code-stranded", troubled(signin.DeliveryLate, "")),
		code("code-delivered", func() signin.Challenge {
			c := troubled(signin.DeliveryDelivered, "voice")
			c.NextChannel = ""
			return c
		}()),
		code("code-by-app", signin.Challenge{ID: id("challenge"), Channel: "app", ExpiresAt: now.Add(8 * time.Minute), TriesLeft: 5, Ways: []string{"text", "voice", "app", "recovery"}}),
		{Name: "codes", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Codes(f, view.CodesData{Preference: signin.CodePreference{Ways: []string{"voice", "text", "email"}, ByItself: true}, Email: true, Asked: asked, Saved: true})
		}},
		{Name: "codes-refused", Section: view.AtProfile, Page: func(f view.Frame) templ.Component {
			return view.Codes(f, view.CodesData{Preference: signin.CodePreference{Ways: []string{"text"}}, Problems: view.Problems{{Field: "first-text", Message: f.T("fault.signin.ways")}}})
		}},
	}
}

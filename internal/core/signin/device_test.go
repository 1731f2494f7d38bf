package signin

import (
	"strings"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

func TestASecondMemberNeverEvictsTheFirst(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		names := []string{"ada", "bob", "cyd"}
		b := browser("f")
		for _, n := range names {
			h.member(n)
			h.enter(n, b, true)
		}
		size := len(b.DeviceToken)
		for _, n := range names {
			out, err := h.SignIn(ctx, n, right, *b)
			if err != nil || out.Session == nil {
				t.Fatalf("%s is asked again: %v", n, err)
			}
			b.keep(out)
			if len(b.DeviceToken) != size {
				t.Fatal("the identity grows with its members")
			}
		}
		for _, n := range names {
			s := h.signedIn(n, b)
			list, err := h.Devices(ctx, s)
			if err != nil || len(list) != 1 || !list[0].Current || list[0].Name != "Firefox on Linux" || list[0].IP != b.IP {
				t.Fatal(list, err)
			}
		}
	})
}

func (h *house) signedIn(name string, c *Client) Session {
	h.t.Helper()
	out, err := h.SignIn(ctx, name, right, *c)
	must(h.t, err)
	if out.Session == nil {
		h.t.Fatal(name, "is asked for a code")
	}
	c.keep(out)
	return h.check(out.Session.Token)
}

func TestARemovedDeviceIsAskedAgainAndSignedOut(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("bob")
		lost, home := browser("1"), browser("2")
		h.enter("bob", lost, true)
		h.enter("ada", lost, true)
		h.wait(time.Second)
		h.enter("ada", home, true)
		thief := *lost
		s := h.check(home.SessionToken)
		list, err := h.Devices(ctx, s)
		if err != nil || len(list) != 2 || !list[0].Current || list[1].Current {
			t.Fatal(list, err)
		}
		for _, id := range []string{"x", "", db.NewID()} {
			h.want(h.RemoveDevice(ctx, s, id), fault.NotFound, "device.not-found")
		}
		h.want(h.RemoveDevice(ctx, h.signedIn("bob", lost), list[1].ID), fault.NotFound, "device.not-found")
		must(t, h.RemoveDevice(ctx, s, list[1].ID))
		h.want(h.RemoveDevice(ctx, s, list[1].ID), fault.NotFound, "device.not-found")
		h.over(h.Service, &thief)
		h.check(home.SessionToken)
		h.signedIn("bob", lost) // whose trust is untouched

		out, err := h.SignIn(ctx, "ada", right, thief)
		if err != nil || out.Challenge == nil {
			t.Fatal("a removed device was let in:", err)
		}
		// The browser is found and trusted again; the copy stays worthless.
		h.wait(time.Minute)
		h.enter("ada", lost, true)
		h.signedIn("ada", lost)
		thief.FlowID = "thief"
		if out, err = h.SignIn(ctx, "ada", right, thief); err != nil || out.Challenge == nil {
			t.Fatal("a copy came back to life:", err)
		}
	})
}

// Whoever used a browser before a member did may have kept a copy of its identity.
func TestACopyOfABrowsersIdentityIsNotTrustedByWhoComesLater(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("eve")
		shared := browser("1")
		h.enter("eve", shared, true)
		planted := *shared
		planted.FlowID = "eve"
		h.wait(time.Minute)
		h.enter("ada", shared, true)
		h.signedIn("ada", shared)
		h.signedIn("eve", shared)
		if out, err := h.SignIn(ctx, "ada", right, planted); err != nil || out.Challenge == nil {
			t.Fatal("a copy from before ada trusted the browser was let in:", err)
		}
		h.signedIn("eve", &planted)
	})
}

// Two windows of one browser that sign in at once: whichever token it keeps, it is
// not asked again.
func TestTwoWindowsDoNotEndEachOthersTrust(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, false)
		b.DeviceToken, _ = h.deviceToken(db.NewID(), h.clock.Now()) // an identity that another member left
		one, two := *b, *b
		one.FlowID, two.FlowID = "one", "two"
		first, err := h.SignIn(ctx, "ada", right, one)
		must(t, err)
		second, err := h.SignIn(ctx, "ada", right, two)
		must(t, err)
		h.wait(time.Second)
		got, err := h.SubmitCode(ctx, first.Challenge.ID, h.codeOf(first.Challenge.ID), true, one)
		must(t, err)
		one.keep(got)
		h.wait(time.Second)
		got, err = h.SubmitCode(ctx, second.Challenge.ID, h.codeOf(second.Challenge.ID), true, two)
		must(t, err)
		two.keep(got)
		h.signedIn("ada", &one)
		h.signedIn("ada", &two)
	})
}

func TestAgentNames(t *testing.T) {
	for agent, want := range map[string]string{
		"": "Unknown device",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0":   "Edge on Windows",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 (KHTML, like Gecko) Version/18 Mobile Safari/604": "Safari on iPhone",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36":                "Chrome on Android",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605 (KHTML, like Gecko) Version/18 Safari/605":               "Safari on Mac",
		"curl/8.5.0":                     "curl",
		"<script>alert(1)</script>\x00/": "scriptalert",
		"Call +1 900 555 0100 now":       "Callnow",
		"\u202e\u200b []/1":              "Unknown device",
	} {
		if got := agentName(agent); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}

func TestMembersNameTheirDevices(t *testing.T) {
	places := func(ip string) string { return map[string]string{"192.0.2.7": "Albany"}[ip] }
	eachWith(t, Config{Place: places}, func(t *testing.T, h *house) {
		h.member("ada")
		h.member("eve")
		b, other := browser("1"), browser("2")
		h.enter("ada", b, true)
		h.enter("eve", other, true)
		s := h.check(b.SessionToken)
		list, err := h.Devices(ctx, s)
		if err != nil || list[0].Place != "Albany" || list[0].HasKey {
			t.Fatal(list, err)
		}
		for _, bad := range []string{"", "  ", strings.Repeat("a", 41), "a\u202eb", "a\x00", "\xff"} {
			h.want(h.RenameDevice(ctx, s, list[0].ID, bad), fault.Invalid, "invalid")
		}
		for _, id := range []string{"", "x", db.NewID()} {
			h.want(h.RenameDevice(ctx, s, id, "Mine"), fault.NotFound, "device.not-found")
		}
		h.want(h.RenameDevice(ctx, h.check(other.SessionToken), list[0].ID, "Mine"), fault.NotFound, "device.not-found")
		must(t, h.RenameDevice(ctx, s, list[0].ID, "  The old   laptop "))
		b.FlowID = "again" // trusted once more, the name stays
		h.wait(200 * 24 * time.Hour)
		h.enter("ada", b, true)
		list, err = h.Devices(ctx, h.check(b.SessionToken))
		if err != nil || len(list) != 1 || list[0].Name != "The old laptop" {
			t.Fatal(list, err)
		}
	})
}

package signin

import (
	"time"

	"standfast/internal/fault"
)

// badCredentials is the one answer to a wrong user name and to a wrong password.
func badCredentials() error {
	return fault.New(fault.Unauthenticated, "signin.refused", "This username and password do not match. Please check both.")
}

// signedOut is the answer to a token that is known to be worth nothing.
func signedOut() error {
	return fault.New(fault.Unauthenticated, "session.over", "You are signed out. Please sign in.")
}

// unknown is the answer where it cannot be told whether a session still holds.
func unknown() error {
	return fault.New(fault.Unavailable, "session.unknown", "We cannot check your session just now. You are still signed in. Please try again in a moment.").After(3 * time.Second)
}

// codeOver is the answer to every code whose challenge cannot be used from
// here: unknown, of another flow, used, dead or expired.
func codeOver(p purpose) error {
	if p.signedIn() {
		return fault.New(fault.Forbidden, "step-up.code-over", "This code no longer works. Please confirm once more to get a new one.")
	}
	return fault.New(fault.Unauthenticated, "signin.code-over", "This code no longer works. Please sign in again to get a new one.")
}

func codeWrong(p purpose, left int) error {
	if left == 0 {
		return codeOver(p)
	}
	e := fault.New(fault.Unauthenticated, "signin.code-wrong", "This code is not right.")
	if p.signedIn() { // the member stays signed in, so it is no 401
		e = fault.New(fault.Forbidden, "step-up.code-wrong", "This code is not right.")
	}
	e.Extra = map[string]any{"tries_left": left}
	return e.With("Count", left)
}

// Refusal is the answer to an action that has to be proved first.
func Refusal(c Challenge) *fault.Error {
	e := fault.New(fault.Forbidden, "step-up-required", "Please confirm this first.")
	e.Extra = map[string]any{"challenge": c}
	return e
}

func proofRefused() error {
	return fault.New(fault.Forbidden, "step-up-refused", "This confirmation is not for what you are doing now, or was used before. Please confirm once more.")
}

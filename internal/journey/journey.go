// Package journey names what a member comes to do and records how each attempt
// ended, as the member would judge it. Whoever answers for a process puts the
// record on its answers; the edge counts and strips it.
package journey

import (
	"errors"
	"net/http"
	"strings"
)

// Header carries a record between our own processes, as "pay; outcome=done".
const Header = "Journey"

// Name is one thing that a member comes to do.
type Name string

// The journeys.
const (
	SignIn    Name = "sign-in"
	Recover   Name = "recover" // a forgotten password
	Enrol     Name = "enrol"   // the first claim of a login
	SignOut   Name = "sign-out"
	Session   Name = "session"
	Devices   Name = "devices"
	StepUp    Name = "step-up"
	Dashboard Name = "dashboard"
	Accounts  Name = "accounts"
	History   Name = "history"
	Methods   Name = "payment-methods"
	Pay       Name = "pay"
	Payments  Name = "payments"
	Transfer  Name = "transfer"
	Freeze    Name = "freeze"
	Locate    Name = "locate"
	Status    Name = "status"
)

// Names lists all journeys, in the order in which a report shows them.
func Names() []Name {
	return []Name{SignIn, Recover, Enrol, SignOut, Session, Devices, StepUp, Dashboard, Accounts, History,
		Methods, Pay, Payments, Transfer, Freeze, Locate, Status}
}

// Outcome is how one attempt ended for the member.
type Outcome string

// The outcomes. Only Failed and Partial count against us: a member who mistypes a
// password is refused, and rightly so.
const (
	Done    Outcome = "done"    // the member got what they came for, or the next step towards it
	Partial Outcome = "partial" // they got an answer that lacks something or is old
	Refused Outcome = "refused" // a rule, or what they sent, stood against it
	Failed  Outcome = "failed"  // it should have worked and did not
)

// Outcomes lists all outcomes.
func Outcomes() []Outcome { return []Outcome{Done, Partial, Refused, Failed} }

// ErrHeader means that a text is no record.
var ErrHeader = errors.New(`a journey's record reads "name; outcome=done"`)

// Of judges an answer by its HTTP status alone: a server's errors and a shed
// request (429) are failures to the member, other refusals are not.
func Of(status int) Outcome {
	switch {
	case status >= 500 || status == http.StatusTooManyRequests:
		return Failed
	case status >= 400:
		return Refused
	}
	return Done
}

// Set puts a record on an answer, in place of any earlier one.
func Set(h http.Header, n Name, o Outcome) {
	h.Set(Header, string(n)+"; outcome="+string(o))
}

// Parse reads what Set wrote.
func Parse(s string) (Name, Outcome, error) {
	name, outcome, ok := strings.Cut(s, "; outcome=")
	if !ok || !known(Name(name)) || !judged(Outcome(outcome)) {
		return "", "", ErrHeader
	}
	return Name(name), Outcome(outcome), nil
}

func known(n Name) bool {
	for _, k := range Names() {
		if k == n {
			return true
		}
	}
	return false
}

func judged(o Outcome) bool {
	return o == Done || o == Partial || o == Refused || o == Failed
}

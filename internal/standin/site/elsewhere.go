package site

import (
	"net/http"
	"strings"

	"standfast/internal/fault"
)

// elsewhere marks a refusal that comes of what is not known or not possible here:
// nothing was done, and while core lives the edge asks it before the member reads
// of a limit that only we have. A session that was ended here is not among them,
// nor is a wrong password: core may not have heard of it yet.
func elsewhere(h http.Header, e *fault.Error) {
	code := e.Code
	if len(e.Fields) == 1 {
		code = e.Fields[0].Code
	}
	switch {
	case code == "busy": // core, which is ill, is not given what is too much for us
	case e.Kind == fault.NotFound, e.Kind == fault.Unavailable, strings.HasPrefix(code, "standin."),
		code == "passkey.over", // the prompt may be one of core's
		code == "payment.account", code == "payment.method", code == "account.closed":
		h.Set("Standfast-Elsewhere", "1")
	}
}

// untold marks an answer to what was done here and core hears nothing of: while core
// lives, the edge has it do the same.
func (v *visit) untold() {
	if v.silenced() {
		v.w.Header().Set("Standfast-Elsewhere", "1")
	}
}

// silenced tells whether core would hear nothing of what is promised here.
func (v *visit) silenced() bool {
	e := v.Halted()
	return e != nil && strings.HasPrefix(e.Code, "advice.")
}

package staff

import (
	"time"

	"standfast/internal/fault"
)

// signInAgain is the answer to a session that is over, whatever ended it.
func signInAgain() *fault.Error {
	return fault.New(fault.Unauthenticated, "staff.session-over", "Please sign in.")
}

// over is the one answer to a link that was used, is too old, or never was.
func over() *fault.Error {
	return fault.New(fault.NotFound, "staff.link-over", "This link does not work any more. Ask an operator for a new one.")
}

// ended is what somebody hears who proved who they are and may not come in.
func ended() *fault.Error {
	return fault.New(fault.Forbidden, "staff.ended", "Your access has ended. Ask an operator.")
}

func locked(left time.Duration) *fault.Error {
	return fault.New(fault.TooMany, "staff.locked", "There were too many wrong tries. Please wait 30 minutes, or ask an operator.").After(left)
}

func forbidden() *fault.Error {
	return fault.New(fault.Forbidden, "staff.forbidden", "Your role does not allow this.")
}

// proofOver is the answer to a proof that was not asked for here, now, or for this.
func proofOver(cause error) *fault.Error {
	return fault.Wrap(fault.Unauthenticated, "passkey.over", "This took too long or was used before. Please try again.", cause)
}

// proofNeeded asks for a fresh passkey before a change of one's own passkeys.
func proofNeeded() *fault.Error {
	return fault.New(fault.Forbidden, "staff.proof-needed", "Please confirm with your passkey first.")
}

func noPerson() *fault.Error {
	return fault.New(fault.NotFound, "staff.no-person", "There is no such person.")
}

func noOrganisation() *fault.Error {
	return fault.New(fault.NotFound, "staff.no-organisation", "There is no such organisation.")
}

func lastOperator() *fault.Error {
	return fault.New(fault.Conflict, "staff.last-operator", "This is the last operator who can sign in. Make another one first.")
}

// unlessOver drops the error of a session that is over.
func unlessOver(err error) error {
	if fault.Is(err, fault.Unauthenticated) {
		return nil
	}
	return err
}

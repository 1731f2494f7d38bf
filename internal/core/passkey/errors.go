package passkey

import (
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"

	"standfast/internal/fault"
)

// refused is the one answer to every assertion that does not hold, whatever is
// wrong with it: a caller learns nothing about which passkeys exist.
func refused(cause error) *fault.Error {
	return fault.Wrap(fault.Unauthenticated, "passkey.refused", "We could not accept this passkey. Please try again, or use another way.", told(cause))
}

// over is the answer to a prompt that is too old, of another flow, or answered.
func over(cause error) *fault.Error {
	return fault.Wrap(fault.Unauthenticated, "passkey.over", "This took too long or was used before. Please try again.", cause)
}

// unreadable is the answer to what no browser sends.
func unreadable(location string, cause error) *fault.Error {
	e := fault.InvalidField(location, "passkey.unreadable", "This is not a passkey's answer that we can read.")
	e.Cause = told(cause)
	return e
}

func notFound() *fault.Error {
	return fault.New(fault.NotFound, "passkey.not-found", "We could not find this passkey. It may have been removed.")
}

// told adds what the library keeps for developers, which tells an operator which
// check failed. It holds origins and flags, no key material.
func told(err error) error {
	if e, ok := errors.AsType[*protocol.Error](err); ok && e.DevInfo != "" {
		return fmt.Errorf("%w (%s)", err, e.DevInfo)
	}
	return err
}

package ledger

import (
	"strconv"

	"standfast/internal/fault"
)

func errNoAccount() error {
	return fault.New(fault.NotFound, "account.not-found", "There is no such account.")
}

func errNoTransfer() error {
	return fault.New(fault.NotFound, "ledger.transfer-not-found", "There is no such transfer.")
}

// errFunds says that a floor would be broken.
func errFunds() error {
	return fault.New(fault.Conflict, "ledger.funds", "There is not enough money available in this account.")
}

// errLimit says that a ceiling, or what a balance can hold at all, would be exceeded.
func errLimit() error {
	return fault.New(fault.Conflict, "ledger.limit", "This amount would exceed the limit of the account.")
}

func errCurrency(account string) error {
	return fault.New(fault.Invalid, "ledger.currency", "The currency of the amount is not the currency of the account.").With("currency", account)
}

func errKeyReused() error {
	return fault.New(fault.Conflict, "ledger.key-reused", "This key was used before for something else.")
}

// CodeResolved is the code of a refusal because another transfer has ended this one.
const CodeResolved = "ledger.already-resolved"

func errResolved() error {
	return fault.New(fault.Conflict, CodeResolved, "This transfer was already settled, cancelled or returned.")
}

func errPhase() error {
	return fault.New(fault.Conflict, "ledger.phase", "This transfer is not in a state that allows this.")
}

func errBusy() error {
	return fault.New(fault.Unavailable, "ledger.busy", "Too much is going on just now. Nothing was changed. Please try again in a moment.")
}

// errWithdrawn says that the caller's time ended before its entry was picked up.
func errWithdrawn(cause error) error {
	return fault.Wrap(fault.Unavailable, "ledger.late", "We could not do this in time. Nothing was changed. Please try again.", cause)
}

// errUnknown says that an entry was picked up and nobody heard how it ended. The
// same key again tells.
func errUnknown(cause error) error {
	return fault.Wrap(fault.Unavailable, "ledger.unknown", "We do not know yet whether this was done. Please try again: it will not be done twice.", cause)
}

// errStorage says that a batch was not recorded.
func errStorage(cause error) error {
	return fault.Wrap(fault.Unavailable, "storage.unavailable", "We cannot reach our records just now. Nothing was changed. Please try again in a moment.", cause)
}

func errTooLong(field string, limit int) error {
	return fault.InvalidField(field, "ledger.too-long", "This may have at most "+strconv.Itoa(limit)+" bytes.")
}

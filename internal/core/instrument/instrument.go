// Package instrument holds the accounts that members pay from: which numbers
// exist at all, which belong to the member, and the vault that keeps them.
//
// A whole number leaves this package only as a Number, for a rail.
package instrument

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"
)

// Status is where a method stands. docs/payments.md draws the ways between them.
type Status string

// The statuses of a method.
const (
	New      Status = "new"      // its owner is not proved yet; it pays nothing
	Verified Status = "verified" // proved by micro-deposits, or imported as proved
	Stopped  Status = "stopped"  // too many wrong tries, or the bank says that the debit was not authorized
	Removed  Status = "removed"  // by the member; kept for returns that are still to come
)

// KindBankAccount is the kind of method that this release takes.
const KindBankAccount = "bank_account"

// Method is a member's way to pay, as far as it may be shown.
type Method struct {
	ID          string
	MemberID    string
	Kind        string // KindBankAccount
	Country     string // ISO 3166-1 alpha-2
	Display     string // "•••• 6789": never more than the last four
	Last4       string
	HolderName  string
	Status      Status
	StopCode    string   // why it was stopped: "tries", or a rail's return code as "R10"
	Checked     bool     // everything that its scheme can check was checked; false for a GB account that no loaded modulus rule covers
	AddedProved bool     // added under a code or passkey, or imported as proved
	Proof       *Deposit // the micro-deposits of a new method; nil otherwise
	CreatedAt   time.Time
	Version     int64
}

// Deposit is what may be told about the micro-deposits that prove a method.
type Deposit struct {
	Sent      bool      // the rail took them
	TriesLeft int       // wrong answers that are still allowed
	ExpiresAt time.Time // after that the method must be removed and added again
}

// Request is a method as a person typed it. Which fields count depends on
// Country: US wants RoutingNumber and AccountNumber, GB SortCode and
// AccountNumber, every other country IBAN alone (Country may then be empty).
type Request struct {
	Kind          string // KindBankAccount
	Country       string
	RoutingNumber string
	SortCode      string
	AccountNumber string
	IBAN          string
	HolderName    string
}

// Number is a whole account number on its way to a rail. It prints as its last
// four whatever prints it, so that it cannot reach a log by accident.
type Number struct {
	Country string
	Routing string // US: ABA routing number. GB: sort code, six digits
	Account string // US, GB
	IBAN    string // elsewhere, electronic format
	Holder  string
}

// last4 gives what may be shown.
func (n Number) last4() string {
	s := n.Account
	if s == "" {
		s = n.IBAN
	}
	return s[max(0, len(s)-4):]
}

// Format writes the last four for every verb.
func (n Number) Format(f fmt.State, _ rune) { _, _ = fmt.Fprintf(f, "•••• %s", n.last4()) }

// MarshalJSON gives the last four.
func (n Number) MarshalJSON() ([]byte, error) { return json.Marshal("•••• " + n.last4()) }

// LogValue gives the last four.
func (n Number) LogValue() slog.Value { return slog.StringValue("•••• " + n.last4()) }

// Vault encrypts numbers. The issuer's master key satisfies it, or a key
// management service.
type Vault interface {
	// Seal encrypts plain, bound to context.
	Seal(plain, context []byte) ([]byte, error)
	// Open reverses Seal for the same context.
	Open(sealed, context []byte) ([]byte, error)
	// Fingerprint gives 32 bytes that are equal for equal data and tell nothing else.
	Fingerprint(context string, data []byte) []byte
}

// Credits are the two small amounts that prove who reads the account's statement.
type Credits struct {
	MethodID string // the key: the same method is credited once, however often it is asked
	MemberID string
	To       Number
	Minor    [2]int64 // minor units of Currency, 1 to 99, different
	Currency string
}

// Depositor sends micro-deposits; a rail satisfies it. An error means that the
// outcome is not known, and the same call is made again.
type Depositor interface {
	Deposit(ctx context.Context, c Credits) error
}

// Addition is a method to be added.
type Addition struct {
	Request
	MemberID  string
	From      string // address that asks, for the audit log
	Synthetic bool   // the member is one of ours: no rail hears of the method, so it stays new
}

// Config is what an issuer decides about methods. Zero fields take the default.
type Config struct {
	Currency   string        // of micro-deposits: the cell's
	MaxMethods int           // methods of one member that are not removed; 20
	MaxPerDay  int           // methods that one member may add in 24 hours; 10
	ProofLasts time.Duration // life of micro-deposits; 10 days
}

func (c Config) withDefaults() Config {
	if c.MaxMethods == 0 {
		c.MaxMethods = 20
	}
	if c.MaxPerDay == 0 {
		c.MaxPerDay = 10
	}
	if c.ProofLasts == 0 {
		c.ProofLasts = 10 * 24 * time.Hour
	}
	return c
}

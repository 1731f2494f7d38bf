// Package account knows the products that members hold: cards and savings
// accounts. Where an account's money is kept is a Source's business, in our own
// ledger or in the issuer's system; this package asks, checks the answers,
// remembers the last good one, and never lets one source's trouble reach the
// accounts of another.
package account

import (
	"context"
	"time"

	"standfast/internal/money"
)

// The products, as Account.Kind says.
const (
	Card    = "card"
	Savings = "savings"
)

// What may be done with an account, as Account.Status says. A frozen card spends
// nothing but can be paid; a closed account takes part in nothing.
const (
	Active = "active"
	Frozen = "frozen"
	Closed = "closed"
)

// Requested is what freezing a card answers while it cannot be done yet: it is
// stored and will be.
const Requested = "requested"

// LedgerSource names the source of accounts that our own ledger keeps.
const LedgerSource = "ledger"

// Account is the part of an account that is known without asking its source.
type Account struct {
	ID       string
	Ref      string // the issuer's reference, unique in the cell, and the source's name for it
	Kind     string // Card or Savings
	Currency string
	Name     string
	Last4    string // last four of the card or account number, or ""
	Status   string // Active, Frozen or Closed
	Source   string // LedgerSource, or a name of the cell's configuration

	CreditLimit      *money.Amount // cards
	StatementBalance *money.Amount // what was owed at the last statement, positive
	MinimumDue       *money.Amount
	DueOn            string // business date YYYY-MM-DD, as the dates below; "" when nothing is due
	OpenedOn         string
	ExpiresOn        string // last day on which the card is good
	RateBP           *int64 // interest a year in basis points
	Version          int64
}

// Balance is what a source says about an account. A card's Balance is negative
// while its holder owes; Available is what can be spent or moved, never negative.
type Balance struct {
	Balance    money.Amount
	Available  money.Amount
	PendingOut money.Amount // held and about to leave, not negative
	PendingIn  money.Amount // announced and about to arrive, not negative
	AsOf       time.Time
}

// Transaction is one movement on an account. Amount is negative when money left it.
type Transaction struct {
	ID           string
	AccountID    string
	PostedAt     time.Time
	Amount       money.Amount
	Kind         string // as "purchase", "payment", "interest", "transfer"
	Description  string
	Status       string        // pending, posted or voided
	BalanceAfter *money.Amount // nil where the source does not say
}

// Query selects transactions, newest first.
type Query struct {
	Cursor      string    // Next of the page before
	Limit       int       // 1 to MaxPage; DefaultPage when 0
	From, Until time.Time // from the first up to and without the second; zero is open
	Text        string    // part of the description, any case
	Kinds       []string  // any of these
}

// Sizes of pages.
const (
	DefaultPage = 50
	MaxPage     = 200
)

// Page is some transactions and how to get the next ones. State is Stale when
// the source did not answer and these are the last known ones, known at AsOf.
type Page struct {
	Items []Transaction
	Next  string // "" at the end
	State State
	AsOf  time.Time
}

// Source is where accounts of one origin are kept. Its answers are not trusted:
// what it says is checked before it is shown. It must be safe for concurrent
// use. An error means that the answer is not known now.
type Source interface {
	Balance(ctx context.Context, a Account) (Balance, error)
	Transactions(ctx context.Context, a Account, q Query) (Page, error)
}

// Batch is a Source that answers for many accounts in one go. Accounts that it
// leaves out of its answer count as not answered.
type Batch interface {
	Source
	Balances(ctx context.Context, accounts []Account) (map[string]Balance, error)
	// Recent gives the newest transactions over all these accounts, newest first.
	Recent(ctx context.Context, accounts []Account, limit int) ([]Transaction, error)
}

// InterestSource is a Source that can say what interest accounts earned since an instant.
type InterestSource interface {
	InterestSince(ctx context.Context, accounts []Account, since time.Time) (map[string]money.Amount, error)
}

// State says how far a shown value can be trusted.
type State string

// The states. Unavailable shows no value at all.
const (
	Current     State = "current"
	Stale       State = "stale"
	Unavailable State = "unavailable"
)

// Tile is one account as a member sees it now.
type Tile struct {
	Account
	Role             string // owner, joint or authorized
	State            State
	Balance          *Balance      // nil when Unavailable
	AsOf             time.Time     // of Balance
	InterestThisYear *money.Amount // savings, where the source says
	FreezeAskedAt    time.Time     // since when a freeze of the card waits to be carried out; zero: none does
}

// Dashboard is all of a member's accounts. State is Stale when the list itself
// is the last known one, and Unavailable when not even that is known; it says
// nothing about the tiles, which have their own.
type Dashboard struct {
	AsOf          time.Time
	State         State
	Tiles         []Tile
	Activity      []Transaction // newest first, over all accounts
	ActivityState State         // Stale when some account's part is old or missing
}

// Spec is an account to be opened. Dates are YYYY-MM-DD or "".
type Spec struct {
	Ref, Name, Last4 string // a Name is given by Kind where it is empty
	Kind             string
	Currency         string
	Source           string // LedgerSource when empty
	CreditLimit      *money.Amount
	StatementBalance *money.Amount
	MinimumDue       *money.Amount
	DueOn            string
	OpenedOn         string
	ExpiresOn        string
	RateBP           *int64
}

// TransferRequest moves money between two accounts of one member.
type TransferRequest struct {
	Key      string // idempotency key, the member's own
	From, To string // account ids
	Amount   money.Amount
}

// Transfer is a transfer that was made. A repeated key gives the same one.
type Transfer struct {
	ID         string
	Status     string // posted
	From, To   string
	Amount     money.Amount
	RecordedAt time.Time
}

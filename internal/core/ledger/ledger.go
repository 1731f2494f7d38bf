// Package ledger keeps money: double entry, holds, floors and ceilings, balances
// now and at any past instant, and a record that cannot be changed unnoticed.
//
// A transfer is one immutable row with both legs: its debit account loses, its
// credit account gains. An account's balance is the money it holds, so a card is
// negative while its holder owes. Nothing is ever updated or deleted: a hold is
// followed by a settlement or a void, a mistake by a reversal.
//
// There are two doors with the same rules and the same rows. Post owns its
// transaction: requests that arrive together go into one commit, each with a
// verdict of its own. PostTx and its sisters join the caller's transaction, all
// or nothing. Both take the same steps:
//
//  1. lock the balance rows of the accounts involved, in order of id, and read
//     what is already recorded under the same keys (load),
//  2. decide, in order of arrival, in memory (decide, a pure function),
//  3. write the new rows and balances (save).
//
// Accounts that everybody touches are opened Folded. They have no floor and no
// ceiling, are never locked, and their movements are appended and added up later.
package ledger

import (
	"log/slog"
	"time"

	"standfast/internal/core/gather"
	"standfast/internal/db"
	"standfast/internal/money"
)

// Batches is the chained table of batches; an outbox.Sequencer numbers it.
const Batches db.Chained = "ledger_batch"

// Options changes how a Ledger works. The zero value is ready for production.
type Options struct {
	Log      *slog.Logger  // slog.Default when nil
	MaxBatch int           // entries of Post in one commit; 512 when 0
	MaxQueue int           // entries that may wait for a commit before Post refuses more; 8192 when 0
	Writers  int           // most commits of Post under way at once; 2 when 0, always 1 on SQLite
	Timeout  time.Duration // of one commit of Post; 10 s when 0
}

// Ledger is safe for use by many goroutines and, on PostgreSQL, by many processes.
type Ledger struct {
	db      *db.DB
	log     *slog.Logger
	timeout time.Duration
	queue   *gather.Queue[request, verdict]
}

// New makes a Ledger on a migrated database. It can post at once; Run does the
// background work.
func New(d *db.DB, o Options) *Ledger {
	l := &Ledger{db: d, log: o.Log, timeout: o.Timeout}
	if l.log == nil {
		l.log = slog.Default()
	}
	if l.timeout <= 0 {
		l.timeout = 10 * time.Second
	}
	l.queue = newQueue(o, d.Engine(), l.commit)
	return l
}

// AccountSpec says what account to open.
type AccountSpec struct {
	ID       string // db.NewID, or SystemID for an account of the issuer's own
	Currency string // ISO 4217
	Book     string // which set of accounts it belongs to, as "cards"
	// Floor is the least that posted balance less open holds may fall to,
	// and Ceiling the most that posted balance plus expected credits may rise
	// to, in minor units; nil for none. Counting open holds on the bad side of
	// each means that settling never has to be refused.
	Floor, Ceiling *int64
	Folded         bool // everybody touches it: appended, added up later; no floor or ceiling
}

// Entry is a transfer that somebody wants made.
type Entry struct {
	Key           string // at most 200 bytes, unique in the whole ledger: the same key again gives the first answer
	Debit, Credit string // ids of accounts: the amount moves from Debit to Credit
	Amount        money.Amount
	Kind          string    // at most 40 bytes, as "transfer", "purchase"
	Description   string    // at most 500 bytes
	Ref           string    // at most 200 bytes, the caller's own
	EffectiveAt   time.Time // when it counts; zero for now
	Pending       bool      // a hold: reserves the amount until it is settled or voided
	ExpiresAt     time.Time // of a hold; zero for none
	Fact          bool      // has happened elsewhere: floors and ceilings do not apply
}

// Phase says what a transfer does.
type Phase string

// The phases. Settle and Void end a Pending transfer; Reverse undoes a Posted or
// Settle one, with its legs exchanged.
const (
	Posted  Phase = "posted"
	Pending Phase = "pending"
	Settle  Phase = "settle"
	Void    Phase = "void"
	Reverse Phase = "reverse"
)

// Transfer is a recorded transfer. It never changes.
type Transfer struct {
	ID, Key          string
	Debit, Credit    string
	Amount           money.Amount
	Phase            Phase
	Resolves         string // the transfer that a Settle, Void or Reverse ends
	Kind             string
	Description, Ref string
	Fact             bool
	EffectiveAt      time.Time
	RecordedAt       time.Time
	ExpiresAt        time.Time // of a hold; zero for none
}

// Result is what became of one Entry of PostAll.
type Result struct {
	Transfer Transfer
	Replayed bool  // the key was known: Transfer is the first answer
	Err      error // why nothing was recorded
}

// Balance is an account's money at an instant.
type Balance struct {
	Posted     money.Amount
	PendingIn  money.Amount // open holds in its favour
	PendingOut money.Amount // open holds against it
	Available  money.Amount // Posted less PendingOut
	Count      int64        // movements of Posted
	AsOf       time.Time
}

// Status says how a posting stands.
type Status string

// The statuses of a posting.
const (
	StatusPending Status = "pending"
	StatusPosted  Status = "posted"
	StatusVoided  Status = "voided"
)

// Posting is a transfer as one of its accounts sees it.
type Posting struct {
	Transfer
	Amount       money.Amount // signed: negative when money leaves the account
	Status       Status
	BalanceAfter money.Amount // posted balance of the account after it
	Other        string       // the other account
}

// PostingQuery narrows Postings. The zero value means the newest 50.
type PostingQuery struct {
	Cursor      string    // next of the page before
	Limit       int       // 1 to 500; 50 when 0
	From, Until time.Time // by EffectiveAt, From inclusive, Until exclusive; zero for open
	Text        string    // part of description, kind or ref, in any case
	Kinds       []string  // any of these; all when empty
}

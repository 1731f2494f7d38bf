package account

import (
	"context"

	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/fault"
)

// Kinds of transactions that a transfer makes.
const (
	KindTransfer = "transfer" // between savings
	KindPayment  = "payment"  // from savings to a card
)

// maxKey is the longest idempotency key of a member, in bytes: with the member's
// id it fits into the ledger's key.
const maxKey = 128

// maxTitle is how much of an account's name a transaction's description carries, in characters.
const maxTitle = 40

// Locations of the fields of a transfer, as the API names them.
const (
	atKey    = "header.Idempotency-Key"
	atFrom   = "body.from_account_id"
	atTo     = "body.to_account_id"
	atAmount = "body.amount"
)

// Transfer moves money between two of the member's accounts at once. Moving
// savings to a card pays the card; moving from a card is refused, because that
// is a cash advance and has terms of its own.
//
// It is the hottest path of all: who holds what and what the accounts are comes
// from caches, and the one commit is the ledger's, which alone decides whether
// there is enough money.
func (s *Service) Transfer(ctx context.Context, memberID string, r TransferRequest) (Transfer, error) {
	if err := checkRequest(r); err != nil {
		return Transfer{}, err
	}
	from, to, err := s.ends(ctx, memberID, r)
	if err != nil {
		return Transfer{}, err
	}
	if bad := checkEnds(from, to, r); bad != nil {
		return s.repeated(ctx, memberID, r, fault.InvalidFields(bad...))
	}
	t, err := s.ledger.Post(ctx, ledger.Entry{Key: ledgerKey(memberID, r), Debit: r.From, Credit: r.To, Amount: r.Amount,
		Kind: kindOf(to.Account), Description: from.title() + " → " + to.title()})
	if err != nil && fault.As(err).Code == "ledger.key-reused" {
		return s.repeated(ctx, memberID, r, refusal(err))
	}
	if err != nil {
		return Transfer{}, refusal(err)
	}
	return made(t), nil
}

// CodeKeyReused is the code of a refusal because another transfer stands under the
// request's key; TransferByKey gives that one.
const CodeKeyReused = "idempotency-key-reused"

// TransferByKey gives the transfer that stands under a member's idempotency key.
func (s *Service) TransferByKey(ctx context.Context, memberID, key string) (Transfer, error) {
	t, err := s.ledger.ByKey(ctx, ledgerKey(memberID, TransferRequest{Key: key}))
	return made(t), err
}

// ledgerKey is a member's idempotency key as the ledger knows it.
func ledgerKey(memberID string, r TransferRequest) string {
	return "transfer:" + memberID + ":" + r.Key
}

func made(t ledger.Transfer) Transfer {
	return Transfer{ID: t.ID, Status: string(t.Phase), From: t.Debit, To: t.Credit, Amount: t.Amount, RecordedAt: t.RecordedAt}
}

// repeated answers a request that is refused now: where it was carried out before,
// with what was made then. An account may have been frozen, closed or renamed
// since, and whoever lost the first answer must not be told that nothing happened.
func (s *Service) repeated(ctx context.Context, memberID string, r TransferRequest, refused error) (Transfer, error) {
	t, err := s.ledger.ByKey(ctx, ledgerKey(memberID, r))
	if fault.Is(err, fault.NotFound) {
		return Transfer{}, refused
	}
	if err != nil {
		return Transfer{}, err
	}
	if t.Debit != r.From || t.Credit != r.To || t.Amount != r.Amount {
		return Transfer{}, refused
	}
	return made(t), nil
}

func checkRequest(r TransferRequest) error {
	var bad []fault.Field
	if !plain(r.Key, 1, maxKey) || len(r.Key) > maxKey {
		bad = append(bad, fault.Field{Location: atKey, Code: "idempotency-key", Message: "An idempotency key has 1 to 128 characters."})
	}
	if r.From == r.To {
		bad = append(bad, fault.Field{Location: atTo, Code: "transfer.same-account", Message: "Choose two different accounts."})
	}
	if !r.Amount.Positive() {
		bad = append(bad, fault.Field{Location: atAmount, Code: "amount.not-positive", Message: "Enter an amount of more than zero."})
	}
	if r.Amount.Minor > maxMinor {
		bad = append(bad, fault.Field{Location: atAmount, Code: "amount.too-large", Message: "The amount is too large."})
	}
	if bad == nil {
		return nil
	}
	return fault.InvalidFields(bad...)
}

// ends gives both accounts of a transfer, or NotFound where the member does not hold one.
func (s *Service) ends(ctx context.Context, memberID string, r TransferRequest) (from, to held, err error) {
	if from, err = s.one(ctx, memberID, r.From); err == nil {
		to, err = s.one(ctx, memberID, r.To)
	}
	return from, to, err
}

// checkEnds gives what rules a transfer out.
func checkEnds(from, to held, r TransferRequest) (bad []fault.Field) {
	rule := func(ok bool, location, code, message string) {
		if !ok {
			bad = append(bad, fault.Field{Location: location, Code: code, Message: message})
		}
	}
	rule(from.Kind != Card, atFrom, "transfer.from-card", "Money cannot be moved from a card. Choose a savings account.")
	rule(from.role != member.Authorized, atFrom, "transfer.not-owner", "Only an owner can move money from this account.")
	rule(from.Status == Active, atFrom, "transfer.from-"+from.Status, "Money cannot be moved from this account at present.")
	rule(to.Status != Closed, atTo, "transfer.to-closed", "This account is closed.")
	rule(from.Source == LedgerSource, atFrom, "transfer.elsewhere", "Money cannot be moved from this account here.")
	rule(to.Source == LedgerSource, atTo, "transfer.elsewhere", "Money cannot be moved to this account here.")
	rule(from.Currency == r.Amount.Currency, atAmount, "amount.currency", "The amount must be in the currency of both accounts.")
	rule(to.Currency == r.Amount.Currency || from.Currency != r.Amount.Currency, atTo, "transfer.currency", "Both accounts must have the same currency.")
	return bad
}

func kindOf(to Account) string {
	if to.Kind == Card {
		return KindPayment
	}
	return KindTransfer
}

// title names an account in the other one's transactions, in no language.
func (a Account) title() string {
	name := []rune(a.Name)
	title := string(name[:min(len(name), maxTitle)])
	if a.Last4 != "" {
		title += " ··" + a.Last4
	}
	return title
}

// refusal says in the member's words why the ledger recorded nothing.
func refusal(err error) error {
	e := fault.As(err)
	switch e.Code {
	case "ledger.funds":
		f := fault.InvalidField(atAmount, "transfer.insufficient-funds", "There is not enough money in the account for this.")
		f.Code, f.Cause = "transfer.insufficient-funds", err
		return f
	case "ledger.limit":
		f := fault.InvalidField(atAmount, "transfer.limit", "This would go beyond what the account may hold.")
		f.Code, f.Cause = "transfer.limit", err
		return f
	case "ledger.key-reused":
		return fault.Wrap(fault.Conflict, CodeKeyReused, "This key was used for a different transfer. Nothing was changed.", err)
	}
	return err
}

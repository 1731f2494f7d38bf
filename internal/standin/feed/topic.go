package feed

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"standfast/internal/money"
	"standfast/internal/standin/store"
)

// The topics that are kept. Others are left out: a later core may send more.
const (
	SigningKey     = "signing-key"
	SessionRevoked = "session-revoked"
	MemberCutOff   = "member-cutoff"
	Member         = "member"
	Verifier       = "verifier"
	Device         = "device"
	Passkey        = "passkey"
	Account        = "account"
	Holder         = "holder"
	Balance        = "balance"
	Transaction    = "transaction"
	PaymentMethod  = "payment-method"
	Payment        = "payment"
	Failures       = "failures"
)

// SigningKeyBody is a key that core signs sessions and devices with.
type SigningKeyBody struct {
	PublicKey string `json:"public_key"` // base64url or base64 of 32 bytes
	Retired   bool   `json:"retired"`    // signs nothing new; what it has signed still holds
}

// SessionRevokedBody ends one session.
type SessionRevokedBody struct {
	MemberID string    `json:"member_id"`
	Until    time.Time `json:"until"` // no token of it is good after then
}

// MemberCutOffBody ends what a member began before an instant.
type MemberCutOffBody struct {
	At time.Time `json:"at"`
}

// MemberBody is whom we talk to.
type MemberBody struct {
	Username    string `json:"username"`
	DisplayName string `json:"display_name"`
	Locale      string `json:"locale"`
	Region      string `json:"region"`
	Synthetic   bool   `json:"synthetic"`
}

// VerifierBody is a password's hash, sealed to the stand-in's key.
type VerifierBody struct {
	Sealed string `json:"sealed"` // base64
}

// DeviceBody is a member's trust in a browser.
type DeviceBody struct {
	MemberID     string     `json:"member_id"`
	DeviceID     string     `json:"device_id"`
	TrustedFrom  time.Time  `json:"trusted_from"` // tokens of the device from before then do not count
	TrustedUntil time.Time  `json:"trusted_until"`
	GrantedAt    *time.Time `json:"granted_at"` // of the last code; RTS Art 10 counts from there
	PublicKey    []byte     `json:"public_key"` // SubjectPublicKeyInfo; where it stands, its proof is wanted
}

// PasskeyBody is a passkey's public half.
type PasskeyBody struct {
	ID             string `json:"id"`
	Kind           string `json:"kind"` // "member" or "staff"
	OwnerID        string `json:"owner_id"`
	CredentialID   []byte `json:"credential_id"`
	PublicKey      []byte `json:"public_key"`
	Handle         []byte `json:"handle"`
	SignCount      uint32 `json:"sign_count"`
	BackupEligible bool   `json:"backup_eligible"`
}

// AccountBody is an account as it was last known.
type AccountBody struct {
	Kind             string        `json:"kind"`
	Name             string        `json:"name"`
	Last4            string        `json:"last4"`
	Currency         string        `json:"currency"`
	CreditLimit      *money.Amount `json:"credit_limit"`
	StatementBalance *money.Amount `json:"statement_balance"`
	MinimumDue       *money.Amount `json:"minimum_due"`
	DueOn            string        `json:"due_on"`
	Status           string        `json:"status"`
	Local            bool          `json:"local"`
}

// HolderBody says who may see an account.
type HolderBody struct {
	MemberID  string `json:"member_id"`
	AccountID string `json:"account_id"`
	Role      string `json:"role"`
}

// BalanceBody is an account's balance.
type BalanceBody struct {
	Posted    *money.Amount `json:"posted"`
	Pending   *money.Amount `json:"pending"`
	Available *money.Amount `json:"available"`
	AsOf      time.Time     `json:"as_of"`
}

// TransactionBody is one movement.
type TransactionBody struct {
	AccountID    string        `json:"account_id"`
	PostedAt     time.Time     `json:"posted_at"`
	Amount       money.Amount  `json:"amount"`
	Kind         string        `json:"kind"`
	Description  string        `json:"description"`
	Status       string        `json:"status"`
	BalanceAfter *money.Amount `json:"balance_after"`
}

// PaymentMethodBody is a bank account or card that a member pays from.
type PaymentMethodBody struct {
	MemberID   string     `json:"member_id"`
	Kind       string     `json:"kind"`
	Display    string     `json:"display"`
	Status     string     `json:"status"`
	UsableFrom *time.Time `json:"usable_from"`
}

// PaymentBody is a payment that core has taken.
type PaymentBody struct {
	MemberID           string       `json:"member_id"`
	AccountID          string       `json:"account_id"`
	PaymentMethodID    string       `json:"payment_method_id"`
	Amount             money.Amount `json:"amount"`
	Status             string       `json:"status"`
	ConfirmationNumber string       `json:"confirmation_number"`
	CreditedOn         string       `json:"credited_on"`
	MadeAt             time.Time    `json:"made_at"`
	KeyHash            string       `json:"key_hash"`
	Proved             bool         `json:"proved"` // by a step-up
}

// FailuresBody is what core has counted of wrong passwords in a row.
type FailuresBody struct {
	Count     int64     `json:"count"`     // on browsers that the member trusts
	Strangers int64     `json:"strangers"` // elsewhere
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
}

// NameKey is the form in which a username is looked up: NFKC, lower case.
func NameKey(username string) string { return strings.ToLower(norm.NFKC.String(username)) }

// CredentialKey is the form in which a passkey is looked up by its credential id.
func CredentialKey(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

// timeKey writes an instant so that texts are ordered as instants are.
func timeKey(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000") }

// index says whose an item is and what it is looked up by. An item that is gone
// keeps neither. ok is false for a topic that is not kept.
func index(i item) (owner, key string, ok bool, err error) {
	read, kept := topics[i.Topic]
	if !kept || i.Gone {
		return "", "", kept, nil
	}
	owner, key, err = read(i.Body)
	return owner, key, true, err
}

// by makes the index of a topic with bodies of type T.
func by[T any](of func(T) (owner, key string)) func(json.RawMessage) (string, string, error) {
	return func(raw json.RawMessage) (string, string, error) {
		var body T
		if err := json.Unmarshal(raw, &body); err != nil {
			return "", "", err
		}
		owner, key := of(body)
		return owner, key, nil
	}
}

// topics are those that are kept; read only.
var topics = map[string]func(json.RawMessage) (owner, key string, err error){
	SigningKey:     by(func(SigningKeyBody) (string, string) { return "", "" }),
	SessionRevoked: by(func(b SessionRevokedBody) (string, string) { return b.MemberID, "" }),
	MemberCutOff:   by(func(MemberCutOffBody) (string, string) { return "", "" }),
	Member:         by(func(b MemberBody) (string, string) { return "", NameKey(b.Username) }),
	Verifier:       by(func(VerifierBody) (string, string) { return "", "" }),
	Device:         by(func(b DeviceBody) (string, string) { return b.MemberID, b.DeviceID }),
	Passkey:        by(func(b PasskeyBody) (string, string) { return b.OwnerID, CredentialKey(b.CredentialID) }),
	Account:        by(func(AccountBody) (string, string) { return "", "" }),
	Holder:         by(func(b HolderBody) (string, string) { return b.MemberID, b.AccountID }),
	Balance:        by(func(BalanceBody) (string, string) { return "", "" }),
	Transaction:    by(func(b TransactionBody) (string, string) { return b.AccountID, timeKey(b.PostedAt) }),
	PaymentMethod:  by(func(b PaymentMethodBody) (string, string) { return b.MemberID, "" }),
	Payment:        by(func(b PaymentBody) (string, string) { return b.AccountID, b.KeyHash }),
	Failures:       by(func(FailuresBody) (string, string) { return "", "" }),
}

// records gives items in the form in which they are stored.
func records(items []item) ([]store.Record, error) {
	list := make([]store.Record, 0, len(items))
	for _, i := range items {
		owner, key, kept, err := index(i)
		if err != nil {
			return nil, refuse(CodeShape, "The feed has a body that cannot be read: "+i.Topic)
		}
		if !kept {
			continue
		}
		if i.Body == nil {
			i.Body = json.RawMessage("{}")
		}
		list = append(list, store.Record{Topic: i.Topic, ID: i.ID, Version: i.Version, At: i.At, Gone: i.Gone, Owner: owner, Key: key, Body: i.Body})
	}
	return list, nil
}

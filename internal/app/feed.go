package app

import (
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"standfast/internal/core/feed"
	"standfast/internal/core/outbox"
	"standfast/internal/core/passkey"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/masterkey"
)

// The topics of the feed (docs/formats/feed.md).
const (
	topicKey         = "signing-key"
	topicEnd         = "session-revoked"
	topicCutOff      = "member-cutoff"
	topicMember      = "member"
	topicVerifier    = "verifier"
	topicDevice      = "device"
	topicPasskey     = "passkey"
	topicAccount     = "account"
	topicHolder      = "holder"
	topicBalance     = "balance"
	topicTransaction = "transaction"
	topicMethod      = "payment-method"
	topicPayment     = "payment"
	topicFailures    = "failures"
)

// feedKey gives the key under which a cell's feed is signed. It follows from the
// master key, so every core of the cell has the same one.
func feedKey(k *masterkey.Key) (id string, key ed25519.PrivateKey) {
	key = ed25519.NewKeyFromSeed(k.Fingerprint("feed.key", nil))
	sum := sha256.Sum256(key.Public().(ed25519.PublicKey))
	return "feed-" + hex.EncodeToString(sum[:])[:16], key
}

// FeedKey gives the public half of that key as a stand-in's configuration has it.
func FeedKey(k *masterkey.Key) string {
	id, key := feedKey(k)
	return id + ":" + base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

// newFeed wires the feed to the rooms whose things it carries.
func (r *Rooms) newFeed(c Config) (*feed.Service, error) {
	id, key := feedKey(r.Key)
	seal, err := newSeal(c.Cell.Name, c.StandIn.SealKey)
	if err != nil {
		return nil, err
	}
	return feed.New(r.DB, feed.Config{Cell: c.Cell.Name, KeyID: id, Key: key, Topics: r.topics(seal), Touches: r.touches(seal != nil), Batches: r.batches}), nil
}

// loader and lister are how rooms give their things.
type (
	loader func(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error)
	lister func(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error)
)

func topic(name string, load loader, list lister) feed.Topic {
	return feed.Topic{Name: name,
		Load: func(ctx context.Context, r feed.Reading, ids []string) (map[string]any, error) {
			return load(ctx, r.Tx, ids)
		},
		After: func(ctx context.Context, r feed.Reading, id string, limit int) ([]string, error) {
			return list(ctx, r.Tx, id, limit)
		}}
}

// topics lists them in the order of a snapshot: what others refer to comes first.
func (r *Rooms) topics(seal sealer) []feed.Topic {
	ends := topic(topicEnd, r.SignIn.PublishedEndsTx, r.SignIn.EndIDsTx)
	ends.Sparse = true
	all := []feed.Topic{
		topic(topicKey, r.SignIn.PublishedKeysTx, r.SignIn.KeyIDsTx), topic(topicCutOff, r.SignIn.PublishedCutOffsTx, r.SignIn.CutOffIDsTx), ends,
		topic(topicMember, r.Members.PublishedTx, r.Members.IDsTx),
		topic(topicDevice, r.SignIn.PublishedDevicesTx, r.SignIn.DeviceIDsTx),
		topic(topicPasskey, func(ctx context.Context, tx *db.Tx, ids []string) (map[string]any, error) {
			return passkey.PublishedTx(ctx, tx, passkey.Member, ids)
		}, func(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
			return passkey.IDsTx(ctx, tx, passkey.Member, after, limit)
		}),
		topic(topicFailures, r.SignIn.PublishedFailuresTx, r.SignIn.FailureIDsTx),
		topic(topicAccount, r.publishedAccounts, r.Accounts.IDsTx), topic(topicHolder, r.Members.PublishedSharesTx, r.Members.ShareIDsTx),
		topic(topicBalance, r.publishedBalances, r.Accounts.IDsTx), topic(topicTransaction, r.publishedTransactions, r.transactionIDs),
		topic(topicMethod, r.publishedMethods, r.Instruments.IDsTx), topic(topicPayment, r.Payments.PublishedTx, r.Payments.IDsTx),
	}
	if seal != nil {
		all = append(all, r.verifiers(seal))
	}
	return all
}

// verifiers is the topic of sealed password verifiers.
func (r *Rooms) verifiers(seal sealer) feed.Topic {
	return feed.Topic{Name: topicVerifier,
		Load: func(ctx context.Context, at feed.Reading, ids []string) (map[string]any, error) {
			plain, err := r.SignIn.VerifiersTx(ctx, at.Tx, ids)
			all := make(map[string]any, len(plain))
			for id, phc := range plain {
				sealed, err := seal(id, at.Version, phc)
				if err != nil {
					return nil, err
				}
				all[id] = map[string]any{"sealed": sealed}
			}
			return all, err
		},
		After: func(ctx context.Context, at feed.Reading, id string, limit int) ([]string, error) {
			return r.SignIn.VerifierIDsTx(ctx, at.Tx, id, limit)
		}}
}

// sealer seals a member's verifier to the stand-in.
type sealer func(memberID string, version int64, phc string) ([]byte, error)

// newSeal gives the sealer to a public key (HPKE, RFC 9180); nil without a key.
func newSeal(cell, publicKey string) (sealer, error) {
	if publicKey == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(publicKey)
	if err != nil {
		return nil, err
	}
	point, err := ecdh.X25519().NewPublicKey(raw)
	if err != nil {
		return nil, err
	}
	to, err := hpke.NewDHKEMPublicKey(point)
	if err != nil {
		return nil, err
	}
	return func(memberID string, version int64, phc string) ([]byte, error) {
		info := fmt.Sprintf("standfast-verifier-1|%s|%s|%d", cell, memberID, version)
		return hpke.Seal(to, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), []byte(info), []byte(phc))
	}, nil
}

type toucher = func(ctx context.Context, r feed.Reading, row outbox.Record) ([]feed.Ref, error)

// same says that a row changes the things of its own id in some topics.
func same(topics ...string) toucher {
	return func(_ context.Context, _ feed.Reading, row outbox.Record) ([]feed.Ref, error) {
		refs := make([]feed.Ref, len(topics))
		for i, t := range topics {
			refs[i] = feed.Ref{Topic: t, ID: row.EntityID}
		}
		return refs, nil
	}
}

// touches says what the outbox's rows change, by their entity.
func (r *Rooms) touches(verifiers bool) map[string]toucher {
	all := map[string]toucher{
		"signing-key": same(topicKey), "session": same(topicEnd), "member-cutoff": same(topicCutOff), "member": same(topicMember),
		"device": touchedDevice, "passkey": touchedPasskey, "failures": same(topicFailures),
		"account": same(topicAccount, topicBalance), "holder": same(topicHolder), "last-known": r.touchedElsewhere,
		"payment_method": same(topicMethod), "caution": r.touchedMethods, "payment": same(topicPayment),
	}
	if verifiers {
		all["credential"] = same(topicVerifier)
	}
	return all
}

// touchedDevice names a device as readers do: by member and device.
func touchedDevice(_ context.Context, _ feed.Reading, row outbox.Record) ([]feed.Ref, error) {
	var d signin.DeviceChange
	err := json.Unmarshal(row.Payload, &d)
	return []feed.Ref{{Topic: topicDevice, ID: d.MemberID + "/" + d.DeviceID}}, err
}

// touchedPasskey leaves staff's passkeys out.
func touchedPasskey(_ context.Context, _ feed.Reading, row outbox.Record) ([]feed.Ref, error) {
	var k passkey.Key
	if err := json.Unmarshal(row.Payload, &k); err != nil || k.Kind != passkey.Member {
		return nil, err
	}
	return []feed.Ref{{Topic: topicPasskey, ID: row.EntityID}}, nil
}

// touchedMethods: a caution changes from when on its member's methods pay.
func (r *Rooms) touchedMethods(ctx context.Context, at feed.Reading, row outbox.Record) ([]feed.Ref, error) {
	ids, err := r.Instruments.IDsOfTx(ctx, at.Tx, row.EntityID)
	return refsOf(topicMethod, ids), err
}

func refsOf(topic string, ids []string) []feed.Ref {
	refs := make([]feed.Ref, len(ids))
	for i, id := range ids {
		refs[i] = feed.Ref{Topic: topic, ID: id}
	}
	return refs
}

// accountOf gives the account in a transaction's id of the feed, ACCOUNT/TRANSACTION.
func accountOf(id string) string {
	account, _, _ := strings.Cut(id, "/")
	return account
}

package passkey

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// BeginLogin makes the prompt for whoever has a passkey here: no owner is named,
// so it tells nobody which passkeys exist, and no database is asked.
func (s *Service) BeginLogin(flow string) (Prompt, error) {
	st := s.newState(signingIn, flow)
	options, err := s.request(st.Challenge, nil)
	if err != nil {
		return Prompt{}, err
	}
	return s.prompt(options, st)
}

func (s *Service) request(challenge []byte, allowed []protocol.CredentialDescriptor) (*protocol.CredentialAssertion, error) {
	opts := []webauthn.LoginOption{
		webauthn.WithChallenge(challenge), webauthn.WithUserVerification(protocol.VerificationRequired),
		func(p *protocol.PublicKeyCredentialRequestOptions) error {
			p.Timeout = int(promptFor.Milliseconds())
			return nil
		},
	}
	if allowed != nil {
		opts = append(opts, webauthn.WithAllowedCredentials(allowed))
	}
	options, _, err := s.rp.BeginDiscoverableLogin(opts...)
	if err != nil {
		return nil, fault.As(err)
	}
	return options, nil
}

// Bound is what one answer is for, and nothing else: the digest of an action, and
// random bytes that make the challenge of each asking another one. Whoever keeps
// them keeps the ceremony; nothing travels with the browser.
type Bound struct {
	Hash  [sha256.Size]byte
	Nonce []byte // at least 16 bytes
}

// challenge is what the authenticator signs: SHA-256 of hash and nonce. An
// auditor computes it again from the action's text (see Evidence).
func (b Bound) challenge() []byte {
	d := sha256.Sum256(append(b.Hash[:], b.Nonce...))
	return d[:]
}

// BeginBound makes the options of an answer that one owner gives for one action.
// It gives nil where the owner has no passkey.
func (s *Service) BeginBound(ctx context.Context, tx *db.Tx, owner string, b Bound) (json.RawMessage, error) {
	list, err := s.owned(ctx, tx, owner)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	options, err := s.request(b.challenge(), descriptors(list))
	if err != nil {
		return nil, err
	}
	return json.Marshal(options)
}

// BeginBoundUnnamed is BeginBound for whoever has a passkey here: no owner is
// named, so it tells nobody who has one, and no database is asked. VerifyBound
// then wants the one owner's.
func (s *Service) BeginBoundUnnamed(b Bound) (json.RawMessage, error) {
	options, err := s.request(b.challenge(), nil)
	if err != nil {
		return nil, err
	}
	return json.Marshal(options)
}

// Verified is an assertion that holds by itself: the signature is right, of a key
// that is known. Accept decides whether it counts.
type Verified struct {
	key       Key
	count     uint32
	backedUp  bool
	challenge []byte
	evidence  Evidence
}

// OwnerID says whose passkey it is.
func (v Verified) OwnerID() string { return v.key.OwnerID }

// Finder gives the key of a credential, or db.ErrNoRows.
type Finder func(ctx context.Context, credentialID []byte) (Key, error)

// VerifyLogin checks an answer to BeginLogin's prompt (WebAuthn §7.2). Errors:
// Unauthenticated passkey.over for a prompt that cannot be answered any more, or
// from here; passkey.refused for an answer that does not hold; Invalid for one
// that cannot be read; Unavailable while the answer is not known.
func (s *Service) VerifyLogin(ctx context.Context, sealed, flow string, response []byte) (Verified, error) {
	return s.VerifyWith(ctx, s.Find, sealed, flow, response)
}

// VerifyWith is VerifyLogin with keys from elsewhere, as from a replica of the
// outbox's entity "passkey" while the database is away.
func (s *Service) VerifyWith(ctx context.Context, find Finder, sealed, flow string, response []byte) (Verified, error) {
	st, err := s.open(sealed, signingIn, flow)
	if err != nil {
		return Verified{}, err
	}
	answer, err := parseAssertion(response)
	if err != nil {
		return Verified{}, err
	}
	if len(answer.Response.UserHandle) == 0 {
		return Verified{}, refused(errors.New("no user handle"))
	}
	return s.verify(ctx, find, answer, st.Challenge, Bound{})
}

// VerifyBound checks an answer to BeginBound's options. Errors as of VerifyLogin.
func (s *Service) VerifyBound(ctx context.Context, owner string, b Bound, response []byte) (Verified, error) {
	answer, err := parseAssertion(response)
	if err != nil {
		return Verified{}, err
	}
	v, err := s.verify(ctx, s.Find, answer, b.challenge(), b)
	if err == nil && v.key.OwnerID != owner {
		return Verified{}, refused(errors.New("another owner's passkey"))
	}
	return v, err
}

func (s *Service) verify(ctx context.Context, find Finder, answer *protocol.ParsedCredentialAssertionData, challenge []byte, b Bound) (Verified, error) {
	key, err := find(ctx, answer.RawID)
	if errors.Is(err, db.ErrNoRows) {
		return Verified{}, refused(errors.New("no such passkey"))
	}
	if err != nil {
		return Verified{}, err
	}
	if key.Kind != s.conf.Kind || !bytes.Equal(key.CredentialID, answer.RawID) {
		return Verified{}, refused(errors.New("a passkey of another kind of owner"))
	}
	if err := s.exactOrigin(answer.Response.CollectedClientData); err != nil {
		return Verified{}, err
	}
	who := user{handle: key.Handle, keys: []webauthn.Credential{key.credential()}}
	c, err := s.rp.ValidateLogin(who, s.session(challenge, key.Handle), answer)
	if err != nil {
		return Verified{}, refused(err)
	}
	raw := answer.Raw.AssertionResponse
	return Verified{
		key: key, count: answer.Response.AuthenticatorData.Counter, backedUp: c.Flags.BackupState, challenge: challenge,
		evidence: Evidence{
			PasskeyID: key.ID, CredentialID: key.CredentialID, PublicKey: key.PublicKey, RPID: s.conf.RPID, Origin: answer.Response.CollectedClientData.Origin,
			Hash: b.Hash[:], Nonce: b.Nonce, ClientData: raw.ClientDataJSON, AuthenticatorData: raw.AuthenticatorData, Signature: raw.Signature,
		},
	}, nil
}

// credential is a key as the library sees one.
func (k Key) credential() webauthn.Credential {
	return webauthn.Credential{
		ID: k.CredentialID, PublicKey: k.PublicKey, Transport: transports(k.Transports),
		Flags:         webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: k.BackupEligible},
		Authenticator: webauthn.Authenticator{SignCount: k.SignCount},
	}
}

// Accept makes an assertion count: once, and only while its passkey still stands
// and its counter goes on (WebAuthn §6.1.1). A refusal is what the caller answers
// after it has committed, because a counter that goes back is stored.
func (s *Service) Accept(ctx context.Context, tx *db.Tx, v Verified, ip string) (a Assertion, refusal, err error) {
	if _, err := s.lockOwner(ctx, tx, v.key.OwnerID); err != nil && err != db.ErrNoRows {
		return a, nil, err
	}
	fresh, err := spend(ctx, tx, v.challenge)
	if err != nil {
		return a, nil, err
	}
	if !fresh {
		return a, over(errors.New("the challenge was answered before")), nil
	}
	r, err := s.one(ctx, tx, `p.id`, v.key.ID)
	if err == db.ErrNoRows || err == nil && !bytes.Equal(r.PublicKey, v.key.PublicKey) {
		return a, refused(errors.New("the passkey was removed meanwhile")), nil
	}
	if err != nil {
		return a, nil, err
	}
	if (v.count != 0 || r.SignCount != 0) && v.count <= r.SignCount {
		a = Assertion{OwnerID: r.OwnerID, PasskeyID: r.ID, Name: r.Name, WentBack: r.regressions + 1}
		return a, refused(errors.New("the sign counter went back")), s.regress(ctx, tx, r, v, ip)
	}
	if err := r.used(ctx, tx, v); err != nil {
		return a, nil, err
	}
	return Assertion{OwnerID: r.OwnerID, PasskeyID: r.ID, Name: r.Name, Methods: r.methods(), Evidence: v.evidence}, nil, nil
}

// methods are the values of RFC 8176: a key bound to a device counts as hardware.
func (r row) methods() []string {
	if r.BackupEligible {
		return []string{"swk", "user"}
	}
	return []string{"hwk", "user"}
}

// regress stores that an authenticator signed with a count that it had passed
// before: two copies of its key may be in use.
func (s *Service) regress(ctx context.Context, tx *db.Tx, r row, v Verified, ip string) error {
	if _, err := tx.Exec(ctx, `UPDATE passkey SET regressions = regressions + 1 WHERE id = $1`, r.ID); err != nil {
		return err
	}
	return r.record(ctx, tx, "passkey.counter-back", audit.Refused, ip, map[string]string{
		"stored": fmt.Sprint(r.SignCount), "came": fmt.Sprint(v.count),
	})
}

// used stores an accepted assertion. Followers hear of it where the count went on.
func (r row) used(ctx context.Context, tx *db.Tx, v Verified) error {
	counted := v.count != r.SignCount
	if counted {
		r.version++
	}
	r.SignCount = v.count
	_, err := tx.Exec(ctx, `UPDATE passkey SET sign_count = $2, backed_up = $3, last_used_at = $4, version = $5 WHERE id = $1`,
		r.ID, int64(v.count), v.backedUp, db.Micros(tx.Now), r.version)
	if err != nil || !counted {
		return err
	}
	return r.changed(ctx, tx, "used")
}

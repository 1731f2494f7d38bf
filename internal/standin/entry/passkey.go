package entry

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"standfast/internal/fault"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
)

// A passkey signs in by itself, on any browser, as at core: it is what its member
// has, and what they know or are. The passkeys are those that the feed has brought;
// none is added or removed here.
const (
	promptFor     = 5 * time.Minute // for which a browser waits for its user
	challengeSize = 32              // bytes
	stateHead     = 8               // bytes: when it was made, in microseconds
	stateSize     = stateHead + challengeSize
	maxAnswer     = 32 * 1024 // bytes of a browser's answer
)

// byStandIn marks a session that a passkey opened here, by what was known here.
// Core takes it for signing in, and not for choosing a password without the old one.
const byStandIn = "standin"

// Prompt is what a browser is asked. State comes back with its answer.
type Prompt struct {
	Options json.RawMessage // {"publicKey": {…}}, for navigator.credentials
	State   string          // good once, in the same flow, for five minutes
}

// BeginPasskey makes the prompt for whoever has a passkey of this site. It names
// nobody and stores nothing. Errors: NotFound where passkeys are not offered.
func (d *Desk) BeginPasskey(flow string) (Prompt, error) {
	if d.Party == nil {
		return Prompt{}, fault.New(fault.NotFound, "passkey.none", "Passkeys are not offered here.")
	}
	body := binary.BigEndian.AppendUint64(nil, uint64(d.Now().UnixMicro()))
	body = append(body, make([]byte, challengeSize)...)
	_, _ = rand.Read(body[stateHead:]) // never fails (crypto/rand)
	options, _, err := d.Party.rp.BeginDiscoverableLogin(webauthn.WithChallenge(body[stateHead:]), webauthn.WithUserVerification(protocol.VerificationRequired),
		func(o *protocol.PublicKeyCredentialRequestOptions) error {
			o.Timeout = int(promptFor.Milliseconds())
			return nil
		})
	if err != nil {
		return Prompt{}, err
	}
	raw, err := json.Marshal(options)
	return Prompt{raw, base64.RawURLEncoding.EncodeToString(append(body, d.mac("passkey", body, flow)...))}, err
}

// challenge gives what a state was made for, while it can be answered in its flow.
func (d *Desk) challenge(state, flow string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(state)
	if err != nil || len(raw) != stateSize+nonceMAC || !hmac.Equal(raw[stateSize:], d.mac("passkey", raw[:stateSize], flow)) {
		return nil, passkeyOver(errors.New("the state is none of this flow"))
	}
	if d.Now().Sub(time.UnixMicro(int64(binary.BigEndian.Uint64(raw)))).Abs() > promptFor {
		return nil, passkeyOver(errors.New("the state is too old, or from the future"))
	}
	return raw[stateHead:stateSize], nil
}

// SignInPasskey lets in whoever's passkey answered BeginPasskey's prompt.
//
// Errors: Unauthenticated for an answer that does not hold, or a prompt that is
// over; Invalid for what cannot be read; Unavailable when it is not known, as of a
// passkey that the feed has not brought; TooMany while too many are tried.
func (d *Desk) SignInPasskey(ctx context.Context, state string, answer []byte, c Client) (Issued, error) {
	switch {
	case d.Party == nil:
		return Issued{}, fault.New(fault.NotFound, "passkey.none", "Passkeys are not offered here.")
	case !d.MayLook():
		return Issued{}, unknown()
	case !d.tries.Allow():
		return Issued{}, busy(nil)
	}
	challenge, err := d.challenge(state, c.FlowID)
	if err != nil {
		return Issued{}, err
	}
	key, count, err := d.assertion(ctx, challenge, answer)
	if err != nil {
		return Issued{}, err
	}
	_, ok, err := d.Known.Get(ctx, feed.Member, key.OwnerID)
	if err == nil && !ok {
		err = passkeyUnknown() // it came before its member
	}
	if err != nil {
		return Issued{}, err
	}
	return d.openByPasskey(ctx, key, store.Use{PasskeyID: key.ID, Challenge: base64.RawURLEncoding.EncodeToString(challenge), Count: count, Known: key.SignCount}, c)
}

// assertion checks a browser's answer (WebAuthn §7.2) with the key that core has told.
func (d *Desk) assertion(ctx context.Context, challenge, answer []byte) (key feed.PasskeyBody, count uint32, err error) {
	a, err := parseAnswer(answer)
	if err != nil {
		return key, 0, err
	}
	if key, err = d.passkey(ctx, a.RawID); err != nil {
		return key, 0, err
	}
	// The library compares scheme and host of whatever it can read as an address.
	if origin := a.Response.CollectedClientData.Origin; origin != d.Party.origin {
		return key, 0, passkeyRefused(fmt.Errorf("made at another origin: %.100q", origin))
	}
	if len(a.Response.UserHandle) == 0 {
		return key, 0, passkeyRefused(errors.New("no user handle"))
	}
	who := holder{key.Handle, webauthn.Credential{ID: key.CredentialID, PublicKey: key.PublicKey, Authenticator: webauthn.Authenticator{SignCount: key.SignCount},
		Flags: webauthn.CredentialFlags{UserPresent: true, UserVerified: true, BackupEligible: key.BackupEligible}}}
	_, err = d.Party.rp.ValidateLogin(who, webauthn.SessionData{Challenge: protocol.URLEncodedBase64(challenge).String(), RelyingPartyID: d.Party.id,
		UserID: key.Handle, UserVerification: protocol.VerificationRequired}, a)
	if err != nil {
		return key, 0, passkeyRefused(err)
	}
	return key, a.Response.AuthenticatorData.Counter, nil
}

func parseAnswer(raw []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(raw) > maxAnswer {
		return nil, passkeyUnreadable(errors.New("the answer is too large"))
	}
	a, err := protocol.ParseCredentialRequestResponseBytes(raw)
	if err != nil {
		return nil, passkeyUnreadable(err)
	}
	return a, nil
}

// passkey gives a member's passkey by its credential id. One that is not there may
// be newer than what we know: that is no refusal.
func (d *Desk) passkey(ctx context.Context, credential []byte) (b feed.PasskeyBody, err error) {
	list, err := d.Known.ByKey(ctx, feed.Passkey, feed.CredentialKey(credential))
	if err != nil {
		return b, err
	}
	if len(list) != 1 {
		return b, passkeyUnknown()
	}
	if err := json.Unmarshal(list[0].Body, &b); err != nil {
		return b, err
	}
	if b.Kind != "member" || !bytes.Equal(b.CredentialID, credential) {
		return b, passkeyRefused(errors.New("a passkey of another kind of owner"))
	}
	b.ID = list[0].ID
	return b, nil
}

// openByPasskey opens the session, where the challenge was not answered before and
// the counter has gone on. A browser that the member trusts keeps its identity;
// any other gets one that nobody trusts.
func (d *Desk) openByPasskey(ctx context.Context, key feed.PasskeyBody, u store.Use, c Client) (Issued, error) {
	t, trusted, err := d.trust(ctx, key.OwnerID, c)
	if err != nil {
		return Issued{}, err
	}
	if !trusted {
		t.deviceID = store.NewID()
	}
	kind := "hwk" // values of RFC 8176: a key bound to a device counts as hardware
	if key.BackupEligible {
		kind = "swk"
	}
	now := d.Now()
	s := store.Session{ID: store.NewID(), MemberID: key.OwnerID, DeviceID: t.deviceID, Methods: []string{kind, "user", byStandIn},
		CreatedAt: now, ExpiresAt: now.Add(d.Max), IP: c.IP, UserAgent: c.UserAgent}
	verdict, err := d.Own.OpenByPasskey(ctx, s, u)
	if err != nil {
		return Issued{}, err
	}
	switch verdict {
	case store.Spent:
		return Issued{}, passkeyOver(errors.New("the challenge was answered before"))
	case store.WentBack:
		return Issued{}, passkeyRefused(errors.New("the sign counter went back"))
	}
	return d.issue(s, now)
}

// passkeyRefused is the one answer to every assertion that does not hold.
func passkeyRefused(cause error) error {
	if e, ok := errors.AsType[*protocol.Error](cause); ok && e.DevInfo != "" { // what the library keeps for developers; no key material
		cause = fmt.Errorf("%w (%s)", cause, e.DevInfo)
	}
	return fault.Wrap(fault.Unauthenticated, "passkey.refused", "We could not accept this passkey. Please try again, or use another way.", cause)
}

func passkeyOver(cause error) error {
	return fault.Wrap(fault.Unauthenticated, "passkey.over", "This took too long or was used before. Please try again.", cause)
}

func passkeyUnreadable(cause error) error {
	e := fault.InvalidField("body.assertion", "passkey.unreadable", "This is not a passkey's answer that we can read.")
	e.Cause = cause
	return e
}

// CodePasskey is the answer to a passkey that the feed has not brought.
const CodePasskey = "standin.passkey"

func passkeyUnknown() error {
	return fault.New(fault.Unavailable, CodePasskey, "We cannot check this passkey just now. Please try another way, try again later, or call us.").After(time.Minute)
}

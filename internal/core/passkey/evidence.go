package passkey

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
)

// Evidence is all that somebody needs to verify, years later and without us, that
// the holder of a key agreed to one action: the key, what was signed, and the
// signature over it.
type Evidence struct {
	PasskeyID         string
	CredentialID      []byte
	PublicKey         []byte // COSE_Key
	RPID              string
	Origin            string
	Hash              []byte // SHA-256 of the action's text
	Nonce             []byte
	ClientData        []byte // JSON, as the browser signed it
	AuthenticatorData []byte
	Signature         []byte
}

// VerifyEvidence tells whether the signature is the key's, made with its user
// verified, at the origin, for exactly this action. nil is yes.
func VerifyEvidence(e Evidence) error {
	if len(e.Hash) != sha256.Size {
		return errors.New("passkey: evidence without an action")
	}
	b := Bound{Hash: [sha256.Size]byte(e.Hash), Nonce: e.Nonce}
	answer := protocol.CredentialAssertionResponse{AssertionResponse: protocol.AuthenticatorAssertionResponse{
		AuthenticatorResponse: protocol.AuthenticatorResponse{ClientDataJSON: e.ClientData},
		AuthenticatorData:     e.AuthenticatorData, Signature: e.Signature,
	}}
	id := protocol.URLEncodedBase64(e.CredentialID)
	answer.ID, answer.RawID, answer.Type = id.String(), id, string(protocol.PublicKeyCredentialType)
	parsed, err := answer.Parse()
	if err != nil {
		return fmt.Errorf("passkey: evidence that cannot be read: %w", told(err))
	}
	if subtle.ConstantTimeCompare([]byte(parsed.Response.CollectedClientData.Origin), []byte(e.Origin)) != 1 {
		return errors.New("passkey: evidence of another origin")
	}
	err = parsed.Verify(protocol.URLEncodedBase64(b.challenge()).String(), e.RPID, "", []string{e.Origin}, nil, nil,
		protocol.TopOriginExplicitVerificationMode, false, true, true, e.PublicKey, protocol.SignaturePolicy{})
	if err != nil {
		return fmt.Errorf("passkey: evidence that does not hold: %w", told(err))
	}
	return nil
}

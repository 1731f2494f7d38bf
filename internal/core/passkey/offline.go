package passkey

import "bytes"

// What somebody may ask of an assertion that was verified with keys from
// elsewhere (see VerifyWith) and cannot be accepted, because the database is away.

// CountsOn tells whether the authenticator's counter is past the one that was
// known with the key (WebAuthn §6.1.1).
func (v Verified) CountsOn() bool {
	return v.count == 0 && v.key.SignCount == 0 || v.count > v.key.SignCount
}

// Challenge is what was signed, by which a second answer is known.
func (v Verified) Challenge() []byte { return bytes.Clone(v.challenge) }

// PasskeyID names the passkey.
func (v Verified) PasskeyID() string { return v.key.ID }

// Methods are those of the session that it leads to, in the values of RFC 8176.
func (v Verified) Methods() []string { return row{Key: v.key}.methods() }

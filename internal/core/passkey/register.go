package passkey

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
)

const handleSize = 32 // bytes of an owner's handle; random (WebAuthn §14.6.1 advises up to 64)

// algorithms are those that every authenticator has one of, the preferred first.
func algorithms() []protocol.CredentialParameter {
	param := func(a webauthncose.COSEAlgorithmIdentifier) protocol.CredentialParameter {
		return protocol.CredentialParameter{Type: protocol.PublicKeyCredentialType, Algorithm: a}
	}
	return []protocol.CredentialParameter{param(webauthncose.AlgEdDSA), param(webauthncose.AlgES256), param(webauthncose.AlgRS256)}
}

// user is an owner as the library sees one.
type user struct {
	Owner
	handle []byte
	keys   []webauthn.Credential
}

func (u user) WebAuthnID() []byte                         { return u.handle }
func (u user) WebAuthnName() string                       { return u.Name }
func (u user) WebAuthnDisplayName() string                { return u.DisplayName }
func (u user) WebAuthnCredentials() []webauthn.Credential { return u.keys }

// BeginRegistration makes the prompt for a new passkey of an owner. Authenticators
// that have one already decline. Errors: Conflict when the owner has as many as
// can be kept.
func (s *Service) BeginRegistration(ctx context.Context, o Owner, flow string) (Prompt, error) {
	list, handle, err := s.before(ctx, o.ID)
	if err != nil {
		return Prompt{}, err
	}
	if len(list) >= maxPerOwner {
		return Prompt{}, tooMany()
	}
	creation, _, err := s.rp.BeginRegistration(user{Owner: o, handle: handle},
		webauthn.WithExclusions(descriptors(list)), webauthn.WithCredentialParameters(algorithms()),
		func(p *protocol.PublicKeyCredentialCreationOptions) error {
			p.Timeout = int(promptFor.Milliseconds())
			return nil
		})
	if err != nil {
		return Prompt{}, fault.As(err)
	}
	st := s.newState(registering, flow)
	creation.Response.Challenge, st.Owner, st.Handle = st.Challenge, o.ID, handle
	return s.prompt(creation, st)
}

// before reads an owner's passkeys and handle; for an owner without one, a new
// handle that Add will store.
func (s *Service) before(ctx context.Context, owner string) (list []row, handle []byte, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		if list, err = s.owned(ctx, tx, owner); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `SELECT handle FROM passkey_owner WHERE kind = $1 AND owner_id = $2`, string(s.conf.Kind), owner).Scan(&handle)
		if err == db.ErrNoRows {
			handle, err = make([]byte, handleSize), nil
			_, _ = rand.Read(handle) // never fails (crypto/rand)
		}
		return err
	})
	return list, handle, err
}

func (s *Service) prompt(options any, st state) (Prompt, error) {
	raw, err := json.Marshal(options)
	if err != nil {
		return Prompt{}, fault.As(err)
	}
	sealed, err := s.seal(st)
	return Prompt{Options: raw, State: sealed}, err
}

// Registered is a passkey whose registration was verified, to be stored by Add.
type Registered struct {
	row       row
	challenge []byte
}

// OwnerID says whose it is.
func (r Registered) OwnerID() string { return r.row.OwnerID }

// VerifyRegistration checks a browser's answer to BeginRegistration's prompt
// (WebAuthn §7.1). Errors: Unauthenticated when the prompt is over, is another
// owner's, or the answer does not hold; Invalid for an answer or a name that
// cannot be read.
func (s *Service) VerifyRegistration(ctx context.Context, owner, name, sealed, flow string, response []byte) (Registered, error) {
	name, err := readName(name)
	if err != nil {
		return Registered{}, err
	}
	st, err := s.open(sealed, registering, flow)
	if err != nil {
		return Registered{}, err
	}
	if st.Owner != owner {
		return Registered{}, over(errors.New("the state is another owner's"))
	}
	answer, err := parseCreation(response)
	if err != nil {
		return Registered{}, err
	}
	if err := s.exactOrigin(answer.Response.CollectedClientData); err != nil {
		return Registered{}, err
	}
	c, err := s.rp.CreateCredential(user{Owner: Owner{ID: owner}, handle: st.Handle}, s.session(st.Challenge, st.Handle), answer)
	if err != nil {
		return Registered{}, refused(err)
	}
	return Registered{row: s.rowOf(c, st, name), challenge: st.Challenge}, nil
}

// session is the library's record of a ceremony, made again from what was sealed.
// Its clock is not asked for the end of it: open has decided that by ours.
func (s *Service) session(challenge, handle []byte) webauthn.SessionData {
	return webauthn.SessionData{
		Challenge: protocol.URLEncodedBase64(challenge).String(), RelyingPartyID: s.conf.RPID, UserID: handle,
		UserVerification: protocol.VerificationRequired, CredParams: algorithms(),
	}
}

func (s *Service) rowOf(c *webauthn.Credential, st state, name string) row {
	return row{
		Key: Key{
			V: 1, Kind: s.conf.Kind, OwnerID: st.Owner, Handle: st.Handle, CredentialID: c.ID, PublicKey: c.PublicKey, Name: name,
			SignCount: c.Authenticator.SignCount, BackupEligible: c.Flags.BackupEligible, Transports: knownTransports(c.Transport),
		},
		backedUp: c.Flags.BackupState, aaguid: c.Authenticator.AAGUID, version: 1,
	}
}

// knownTransports keeps what a later prompt repeats to browsers.
func knownTransports(all []protocol.AuthenticatorTransport) []string {
	var list []string
	for _, t := range []protocol.AuthenticatorTransport{protocol.USB, protocol.NFC, protocol.BLE, protocol.SmartCard, protocol.Hybrid, protocol.Internal} {
		if slices.Contains(all, t) {
			list = append(list, string(t))
		}
	}
	return list
}

// Add stores a verified passkey. The caller has made sure, in this transaction,
// that its owner may add one. Errors: Conflict when it is somebody's already, or
// the owner has as many as can be kept.
func (s *Service) Add(ctx context.Context, tx *db.Tx, n Registered, ip string) (Passkey, error) {
	if err := s.claimHandle(ctx, tx, n.row); err != nil {
		return Passkey{}, err
	}
	fresh, err := spend(ctx, tx, n.challenge)
	if err != nil {
		return Passkey{}, err
	}
	if !fresh {
		return Passkey{}, over(errors.New("the challenge was answered before"))
	}
	list, err := s.owned(ctx, tx, n.row.OwnerID)
	if err != nil {
		return Passkey{}, err
	}
	if len(list) >= maxPerOwner {
		return Passkey{}, tooMany()
	}
	if err := unknownCredential(ctx, tx, n.row.CredentialID); err != nil {
		return Passkey{}, err
	}
	r := n.row
	r.ID, r.created = db.NewID(), tx.Now
	if err := r.insert(ctx, tx); err != nil {
		return Passkey{}, err
	}
	if err := r.changed(ctx, tx, "added"); err != nil {
		return Passkey{}, err
	}
	return r.public(), r.record(ctx, tx, "passkey.add", audit.OK, ip, map[string]string{"synced": fmt.Sprint(r.BackupEligible)})
}

// claimHandle makes the owner's row, or finds it, and locks it. Of two first
// registrations at once one comes too late: its authenticator has another handle.
func (s *Service) claimHandle(ctx context.Context, tx *db.Tx, r row) error {
	_, err := tx.Exec(ctx, `INSERT INTO passkey_owner (kind, owner_id, handle) VALUES ($1, $2, $3) ON CONFLICT (kind, owner_id) DO NOTHING`,
		string(r.Kind), r.OwnerID, r.Handle)
	if err != nil {
		return err
	}
	handle, err := s.lockOwner(ctx, tx, r.OwnerID)
	if err == nil && !bytes.Equal(handle, r.Handle) {
		return over(errors.New("another first passkey was added meanwhile"))
	}
	return err
}

// unknownCredential refuses a credential that is registered, whoever has it
// (WebAuthn §7.1, step 26). Of two at once the table's constraint stops one.
func unknownCredential(ctx context.Context, tx *db.Tx, id []byte) error {
	var n int
	if err := tx.QueryRow(ctx, `SELECT count(*) FROM passkey WHERE credential_id = $1`, id).Scan(&n); err != nil {
		return err
	}
	if n > 0 {
		return fault.New(fault.Conflict, "passkey.known", "This passkey was added before.")
	}
	return nil
}

func tooMany() error {
	return fault.New(fault.Conflict, "passkey.too-many", "You have as many passkeys as we can keep. Please remove one first.")
}

// readName takes a name as people type it.
func readName(name string) (string, error) {
	name = strings.TrimSpace(name)
	bad := !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return "", fault.InvalidField("body.name", "required", "This is required.")
	case n > MaxName:
		e := fault.InvalidField("body.name", "too-long", "This is too long.")
		e.Fields[0].Args = map[string]any{"Limit": MaxName}
		return "", e
	case bad:
		return "", fault.InvalidField("body.name", "not-text", "This is not readable text.")
	}
	return name, nil
}

func (r row) public() Passkey {
	return Passkey{ID: r.ID, Name: r.Name, Synced: r.BackupEligible, CreatedAt: r.created, LastUsedAt: r.lastAt}
}

// Package passkey runs WebAuthn ceremonies (https://www.w3.org/TR/webauthn-3/)
// and keeps the public keys that they register.
//
// A ceremony has two halves. The first makes a Prompt and stores nothing: what
// has to be remembered travels with the browser, sealed, bound to its flow and
// short-lived. The second verifies the browser's answer outside any transaction,
// and then accepts it inside one, where each challenge counts once.
//
// Owners are of two kinds that never mix. A Service knows one of them: it neither
// finds nor opens anything of the other.
package passkey

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Kind is whose passkeys a Service keeps.
type Kind string

// The kinds of owners.
const (
	Member Kind = "member"
	Staff  Kind = "staff"
)

// Limits.
const (
	MaxName     = 60        // characters of a passkey's name
	maxPerOwner = 20        // passkeys
	maxResponse = 32 * 1024 // bytes of a browser's answer; one with a large key has about 3,000

	promptFor = 5 * time.Minute // for which a browser waits for its user
	skew      = 5 * time.Minute // by which clocks of two processes may differ
)

// Sealer keeps what travels with the browser shut; *masterkey.Key implements it.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
}

// Config says for whom ceremonies are held.
type Config struct {
	Kind        Kind
	RPID        string   // the cell's public host name, chosen once: every passkey is bound to it
	Origins     []string // of the pages, exactly as browsers write them: "https://example.org"
	DisplayName string   // of the issuer, for the browser's dialog
	Now         func() time.Time
}

// Service holds the ceremonies of one kind of owner. It is safe for use by many
// goroutines.
type Service struct {
	db   *db.DB
	key  Sealer
	conf Config
	rp   *webauthn.WebAuthn
}

// Owner is whose passkeys are meant, as the browser's dialog shows them.
type Owner struct {
	ID          string
	Name        string // what the owner signs in as
	DisplayName string
}

// Prompt is what a browser is asked. State comes back with its answer.
type Prompt struct {
	Options json.RawMessage // {"publicKey": {…}}, for navigator.credentials
	State   string          // sealed; good once, in the same flow, for five minutes
}

// Passkey is one passkey in its owner's list.
type Passkey struct {
	ID         string
	Name       string
	Synced     bool // is on several devices of its owner, not bound to one
	CreatedAt  time.Time
	LastUsedAt time.Time // zero: never
}

// Assertion is a passkey that was used and accepted.
type Assertion struct {
	OwnerID   string
	PasskeyID string
	Name      string
	Methods   []string // hwk or swk (bound to a device or not), and user: values of RFC 8176
	Evidence  Evidence // that it was
	// WentBack is how often the passkey was refused because its counter had not gone
	// on, where that is the refusal; else 0.
	WentBack int64
}

// New makes the service of one kind of owner. Errors: Invalid for a relying-party
// id or an origin that no browser would accept.
func New(d *db.DB, key Sealer, c Config) (*Service, error) {
	if err := c.check(); err != nil {
		return nil, fault.Wrap(fault.Invalid, "passkey.config", "Passkeys cannot work with this host name.", err)
	}
	if c.Now == nil {
		c.Now = d.Now
	}
	rp, err := webauthn.New(&webauthn.Config{
		RPID: c.RPID, RPDisplayName: c.DisplayName, RPOrigins: c.Origins,
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
		// Some password managers add outputs that nobody asked for. They are not
		// signed and nothing here reads them (WebAuthn §9.4).
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "passkey.config", "Passkeys cannot work with this host name.", err)
	}
	return &Service{db: d, key: key, conf: c, rp: rp}, nil
}

// check holds what the library leaves open: an origin has to be in the form that
// browsers report, because it is compared exactly, and within the relying party.
func (c Config) check() error {
	if c.Kind != Member && c.Kind != Staff {
		return fmt.Errorf("owners of kind %q", c.Kind)
	}
	if len(c.Origins) == 0 {
		return fmt.Errorf("no origin")
	}
	for _, o := range c.Origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme+"://"+u.Host != o || u.Scheme != "https" && !thisMachine(u.Hostname()) {
			return fmt.Errorf("origin %q is not in the form https://host", o)
		}
		if u.Hostname() != c.RPID && !strings.HasSuffix(u.Hostname(), "."+c.RPID) {
			return fmt.Errorf("origin %q is not within %q", o, c.RPID)
		}
	}
	return nil
}

// thisMachine tells whether browsers take a name for the machine itself, and so for
// safe without TLS: localhost and all names under it (RFC 6761 section 6.3).
func thisMachine(host string) bool {
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

func (s *Service) now() time.Time { return s.conf.Now().UTC().Truncate(time.Microsecond) }

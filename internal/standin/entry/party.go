package entry

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"standfast/internal/fault"
)

// Party is for whom passkeys are: the cell's public host name, which every one of
// them is bound to, and the origin of its pages.
type Party struct {
	id     string
	origin string // exactly as browsers write it: "https://example.org"
	rp     *webauthn.WebAuthn
}

// NewParty makes the party of a public address, as core makes its own. Errors:
// Invalid for one at which no browser makes passkeys (a site without TLS).
func NewParty(publicURL, name string) (*Party, error) {
	p, err := newParty(publicURL, name)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "passkey.config", "Passkeys cannot work with this host name.", err)
	}
	return p, nil
}

func newParty(publicURL, name string) (*Party, error) {
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil, err
	}
	if u.Hostname() == "" || u.Scheme != "https" && u.Hostname() != "localhost" && !strings.HasSuffix(u.Hostname(), ".localhost") {
		return nil, fmt.Errorf("%q is not in the form https://host", publicURL)
	}
	p := &Party{id: strings.ToLower(u.Hostname()), origin: originOf(u)}
	p.rp, err = webauthn.New(&webauthn.Config{
		RPID: p.id, RPDisplayName: name, RPOrigins: []string{p.origin}, AttestationPreference: protocol.PreferNoAttestation,
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore, // some password managers add what is not signed
	})
	return p, err
}

// originOf is the origin as browsers write it: in lower case, and without the
// scheme's own port (RFC 6454 §6.2).
func originOf(u *url.URL) string {
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"https": ":443", "http": ":80"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + host
}

// holder is a passkey's owner as the library sees one.
type holder struct {
	handle []byte
	key    webauthn.Credential
}

func (h holder) WebAuthnID() []byte                         { return h.handle }
func (h holder) WebAuthnName() string                       { return "" }
func (h holder) WebAuthnDisplayName() string                { return "" }
func (h holder) WebAuthnCredentials() []webauthn.Credential { return []webauthn.Credential{h.key} }

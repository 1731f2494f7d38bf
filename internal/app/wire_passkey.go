package app

import (
	"net/url"
	"strings"

	"standfast/internal/core/passkey"
)

// newPasskeys gives the members' passkeys, bound to the cell's public host name.
// Under a name at which no browser makes passkeys (a bare address, a site without
// TLS) members sign in as they would without them.
func (r *Rooms) newPasskeys(c cell) *passkey.Service {
	s, err := passkey.New(r.DB, r.Key, passkey.Config{
		Kind: passkey.Member, RPID: strings.ToLower(c.host), Origins: []string{originOf(c.PublicURL)}, DisplayName: brand,
	})
	if err != nil {
		r.log.Warn("no passkeys: browsers make none at cell.public_url", "err", err)
		return nil
	}
	return s
}

// originOf gives an address's origin as browsers write it: in lower case, and
// without the scheme's own port (RFC 6454 §6.2).
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := strings.ToLower(u.Host)
	for scheme, port := range map[string]string{"https": ":443", "http": ":80"} {
		if u.Scheme == scheme {
			host = strings.TrimSuffix(host, port)
		}
	}
	return u.Scheme + "://" + host
}

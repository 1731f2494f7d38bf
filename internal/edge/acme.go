package edge

import (
	"crypto/tls"
	"net/http"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// ACME gets certificates from an authority by itself (RFC 8555).
type ACME struct{ manager *autocert.Manager }

// NewACME makes one for exactly these hosts. folder keeps the account's key and
// the certificates; directory is the authority's address, empty for Let's Encrypt.
func NewACME(folder, directory, email string, hosts []string) ACME {
	m := &autocert.Manager{Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(folder), HostPolicy: autocert.HostWhitelist(hosts...), Email: email}
	if directory != "" {
		m.Client = &acme.Client{DirectoryURL: directory}
	}
	return ACME{m}
}

// TLS gives the configuration of a public listener, which also answers the
// authority's tls-alpn-01 challenge (RFC 8737).
func (a ACME) TLS() *tls.Config {
	c := public(a.manager.GetCertificate)
	c.NextProtos = append(c.NextProtos, acme.ALPNProto)
	return c
}

// Challenges answers the authority's http-01 challenges on the plain listener,
// and leaves everything else to next.
func (a ACME) Challenges(next http.Handler) http.Handler { return a.manager.HTTPHandler(next) }

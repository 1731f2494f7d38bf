package pki

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"slices"
)

// Server gives the configuration of a listener that only processes of our own
// reach: TLS 1.3, a certificate of the authority, one of the roles, and the cell
// of the listener's own certificate or of all. Files that change are read again.
// (A test's httptest.Server adds a certificate of its own and is not to be used with it.)
func Server(caFile, certFile, keyFile string, roles ...Role) (*tls.Config, error) {
	f, err := open(caFile, certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS13,
		ClientAuth:     tls.RequireAnyClientCert, // and VerifyConnection decides, by the authority of this moment
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current().pair, nil },
		VerifyConnection: func(s tls.ConnectionState) error {
			now := f.current()
			return now.verify(s, x509.ExtKeyUsageClientAuth, now.cell, roles)
		},
	}, nil
}

// Client gives the configuration for calling a server of a cell and role. A
// transport that uses it needs ForceAttemptHTTP2 to speak HTTP/2.
func Client(caFile, certFile, keyFile, cell string, role Role) (*tls.Config, error) {
	f, err := open(caFile, certFile, keyFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{
		MinVersion:           tls.VersionTLS13,
		InsecureSkipVerify:   true, // of host names; VerifyConnection demands the authority, the cell and the role
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return f.current().pair, nil },
		VerifyConnection: func(s tls.ConnectionState) error {
			return f.current().verify(s, x509.ExtKeyUsageServerAuth, cell, []Role{role})
		},
	}, nil
}

// verify holds the other end's certificate against the authority, its dates, the
// cell and the roles. It runs for resumed connections too.
func (s *set) verify(c tls.ConnectionState, use x509.ExtKeyUsage, cell string, roles []Role) error {
	if len(c.PeerCertificates) == 0 {
		return fmt.Errorf("pki: no certificate")
	}
	peer := c.PeerCertificates[0]
	if _, err := peer.Verify(x509.VerifyOptions{Roots: s.authority, KeyUsages: []x509.ExtKeyUsage{use}}); err != nil {
		return fmt.Errorf("pki: %w", err)
	}
	theirs, role, ok := identityOf(peer)
	if !ok || !slices.Contains(roles, role) || !sameCell(theirs, cell) {
		return fmt.Errorf("pki: a certificate of %q in %q is not meant here", role, theirs)
	}
	return nil
}

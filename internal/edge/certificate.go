package edge

import (
	"crypto/tls"
	"log/slog"
	"os"
	"sync"
	"time"

	"standfast/internal/fault"
)

// Certificate is the pair of files that members' browsers see. It is read again
// when a file changes; while the new ones do not fit each other, the old ones hold.
type Certificate struct {
	certFile, keyFile string
	log               *slog.Logger
	mu                sync.Mutex
	looked            time.Time
	seen              [2]stamp
	pair              *tls.Certificate
}

// stamp tells a file's versions apart.
type stamp struct {
	changed time.Time
	size    int64
}

// lookEvery is how long a handshake goes by what the last one saw.
const lookEvery = time.Second

// LoadCertificate reads the pair.
func LoadCertificate(certFile, keyFile string, log *slog.Logger) (*Certificate, error) {
	c := &Certificate{certFile: certFile, keyFile: keyFile, log: log}
	seen, err := c.stamps()
	if err == nil {
		err = c.read()
	}
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "edge.certificate", "The certificate or its key cannot be read: "+certFile, err)
	}
	c.seen = seen
	return c, nil
}

// TLS gives the configuration of a public listener with this certificate.
func (c *Certificate) TLS() *tls.Config {
	return public(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current(time.Now()), nil })
}

// public is what the public listener demands of a connection: TLS 1.2 with
// forward secrecy and authenticated encryption at least (RFC 9325).
func public(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: get,
		NextProtos:     []string{"h2", "http/1.1"},
		CipherSuites: []uint16{ // of TLS 1.2; those of 1.3 are not to be chosen
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// current gives what holds now.
func (c *Certificate) current(now time.Time) *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Sub(c.looked) < lookEvery {
		return c.pair
	}
	c.looked = now
	seen, err := c.stamps()
	if err != nil || seen == c.seen {
		return c.pair
	}
	if err := c.read(); err != nil {
		c.log.Warn("the new certificate cannot be used; the old one holds", "file", c.certFile, "error", err)
		return c.pair
	}
	c.seen = seen
	c.log.Info("the certificate was read again", "file", c.certFile, "until", c.pair.Leaf.NotAfter)
	return c.pair
}

func (c *Certificate) stamps() (s [2]stamp, err error) {
	for i, p := range []string{c.certFile, c.keyFile} {
		st, err := os.Stat(p)
		if err != nil {
			return s, err
		}
		s[i] = stamp{st.ModTime(), st.Size()}
	}
	return s, nil
}

func (c *Certificate) read() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err == nil {
		c.pair = &pair
	}
	return err
}

package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"
)

// The names of the authority's files. ca.key signs new certificates and is needed
// for nothing else: it belongs where no process of ours runs.
const (
	AuthorityFile    = "ca.pem"
	authorityKeyFile = "ca.key"
)

// How long what is made holds. A certificate is made anew well before its end;
// see docs/operations.md.
const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 365 * 24 * time.Hour
	clockSkew       = 5 * time.Minute // of the machine that reads it
)

// CertificateFile names a role's certificate in a folder.
func CertificateFile(dir string, r Role) string { return filepath.Join(dir, string(r)+".pem") }

// KeyFile names a role's private key in a folder.
func KeyFile(dir string, r Role) string { return filepath.Join(dir, string(r)+".key") }

// Create makes an authority in a folder, unless one is there, and new pairs for
// every role of the cell beside it.
func Create(dir, cell string) error {
	if err := CreateAuthority(dir); err != nil {
		return err
	}
	return Issue(dir, dir, cell, Roles()...)
}

// CreateAuthority makes a certificate authority in a folder, unless one is there.
func CreateAuthority(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, authorityKeyFile)); err == nil {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unreadable(dir, err)
	}
	return writeAuthority(dir, time.Now())
}

func writeAuthority(dir string, now time.Time) error {
	t := &x509.Certificate{
		Subject: pkix.Name{CommonName: "Standfast internal authority"}, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:  x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(authorityLife),
	}
	return writePair(t, nil, filepath.Join(dir, AuthorityFile), filepath.Join(dir, authorityKeyFile))
}

// Issue makes new pairs for roles of a cell under the authority in caDir, and puts
// them and the authority's certificate into dir. Files of the same names are
// replaced; processes that use them read the new ones by themselves.
func Issue(caDir, dir, cell string, roles ...Role) error {
	return issue(caDir, dir, cell, time.Now(), roles...)
}

func issue(caDir, dir, cell string, now time.Time, roles ...Role) error {
	ca, err := readAuthority(caDir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return unreadable(dir, err)
	}
	if err := write(filepath.Join(dir, AuthorityFile), 0o644, "CERTIFICATE", ca.cert.Raw); err != nil {
		return err
	}
	for _, r := range roles {
		if err := writePair(leaf(cellOf(cell, r), r, now), ca, CertificateFile(dir, r), KeyFile(dir, r)); err != nil {
			return err
		}
	}
	return nil
}

func leaf(cell string, r Role, now time.Time) *x509.Certificate {
	return &x509.Certificate{
		Subject:  pkix.Name{CommonName: cell + " " + string(r)},
		URIs:     []*url.URL{identity(cell, r)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		NotBefore: now.Add(-clockSkew), NotAfter: now.Add(certificateLife),
	}
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func readAuthority(dir string) (*authority, error) {
	path := filepath.Join(dir, authorityKeyFile)
	der, err := readBlock(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, unreadable(path, err)
	}
	signer, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, unreadable(path, errors.New("is no ECDSA key"))
	}
	path = filepath.Join(dir, AuthorityFile)
	if der, err = readBlock(path, "CERTIFICATE"); err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, unreadable(path, err)
	}
	return &authority{cert: cert, key: signer}, nil
}

func readBlock(path, kind string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != kind {
		return nil, unreadable(path, errors.New("holds no "+kind))
	}
	return block.Bytes, nil
}

// writePair makes a key and its certificate, signed by ca or, without one, by
// itself. The key comes first: who reads in between finds two that do not fit
// and keeps what it had.
func writePair(t *x509.Certificate, ca *authority, certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return err
	}
	if ca == nil {
		ca = &authority{cert: t, key: key}
	}
	cert, err := x509.CreateCertificate(rand.Reader, t, ca.cert, &key.PublicKey, ca.key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := write(keyFile, 0o600, "PRIVATE KEY", secret); err != nil {
		return err
	}
	return write(certFile, 0o644, "CERTIFICATE", cert)
}

// write replaces a file at once: nobody reads half of one.
func write(path string, mode os.FileMode, kind string, der []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".pki-*")
	if err != nil {
		return unreadable(path, err)
	}
	defer os.Remove(f.Name())
	err = errors.Join(f.Chmod(mode), pem.Encode(f, &pem.Block{Type: kind, Bytes: der}), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return unreadable(path, err)
	}
	return nil
}

package pki

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"sync"
	"time"
)

// set is what the three files said when they were read.
type set struct {
	authority *x509.CertPool
	pair      *tls.Certificate
	cell      string // of the pair
}

// files reads the three again once one has changed. While they cannot be read, or
// do not fit each other, what was read before holds.
type files struct {
	paths [3]string // authority, certificate, key
	mu    sync.Mutex
	seen  [3]stamp
	now   *set
}

// stamp tells a file's versions apart.
type stamp struct {
	changed time.Time
	size    int64
}

func open(caFile, certFile, keyFile string) (*files, error) {
	f := &files{paths: [3]string{caFile, certFile, keyFile}}
	seen, err := f.stamps()
	if err != nil {
		return nil, err
	}
	if f.now, err = f.read(); err != nil {
		return nil, err
	}
	f.seen = seen
	return f, nil
}

// current gives what holds now. Looking costs three stats a handshake.
func (f *files) current() *set {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen, err := f.stamps()
	if err != nil || seen == f.seen {
		return f.now
	}
	if now, err := f.read(); err == nil {
		f.now, f.seen = now, seen
	}
	return f.now
}

func (f *files) stamps() (s [3]stamp, err error) {
	for i, p := range f.paths {
		st, err := os.Stat(p)
		if err != nil {
			return s, unreadable(p, err)
		}
		s[i] = stamp{st.ModTime(), st.Size()}
	}
	return s, nil
}

func (f *files) read() (*set, error) {
	b, err := os.ReadFile(f.paths[0])
	if err != nil {
		return nil, unreadable(f.paths[0], err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, unreadable(f.paths[0], errors.New("holds no certificate"))
	}
	pair, err := tls.LoadX509KeyPair(f.paths[1], f.paths[2])
	if err != nil {
		return nil, unreadable(f.paths[1], err)
	}
	cell, _, ok := identityOf(pair.Leaf)
	if !ok {
		return nil, unreadable(f.paths[1], errors.New("names no cell and role"))
	}
	return &set{authority: pool, pair: &pair, cell: cell}, nil
}

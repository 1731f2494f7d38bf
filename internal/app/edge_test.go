package app

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"standfast/internal/journey"
	"standfast/internal/pki"
)

func TestTheExampleOfAnEdgeIsOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "edge.toml")
	if err := os.WriteFile(path, edgeExample, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := LoadEdgeConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newRouting(c, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
}

func TestAnEdgesConfigurationSaysWhatCannotWork(t *testing.T) {
	const cell = "[[cells]]\nname = \"us\"\nhosts = [\"my.example.com\"]\ntelephone = \"1\"\n"
	for _, c := range []struct{ name, file, want string }{
		{"no cell", "", "cells"},
		{"a key without its certificate", cell + "[[cells.builds]]\nname = \"a\"\nurl = \"http://localhost:1\"\n[tls]\nkey = \"k\"\n", "tls"},
		{"in the clear to another machine", cell + "[[cells.builds]]\nname = \"a\"\nurl = \"http://core.internal:1\"\n", "cells[0]"},
		{"TLS without certificates", cell + "[[cells.builds]]\nname = \"a\"\nurl = \"https://core.internal:1\"\n", "cells[0]"},
		{"a host with a port", strings.Replace(cell, "my.example.com", "my.example.com:443", 1) + "[[cells.builds]]\nname = \"a\"\nurl = \"http://localhost:1\"\n", "cells[0].hosts"},
		{"no build", cell, "cells[0].builds"},
		{"a share beyond all", cell + "[[cells.builds]]\nname = \"a\"\nurl = \"http://localhost:1\"\nshare = 10001\n", "cells[0].builds"},
	} {
		path := filepath.Join(t.TempDir(), "edge.toml")
		if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadEdgeConfig(path); err == nil || !strings.Contains(fmt.Sprintf("%v", err), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// edgeStand is an edge before a target of one cell, each on sockets of its own.
type edgeStand struct {
	t      *testing.T
	config EdgeConfig
	at     edgeSockets
	stop   context.CancelFunc
	done   chan error
}

func startEdge(t *testing.T, target http.Handler) *edgeStand {
	t.Helper()
	dir := t.TempDir()
	if err := pki.Create(dir, "us"); err != nil {
		t.Fatal(err)
	}
	conf, err := pki.Server(filepath.Join(dir, pki.AuthorityFile), pki.CertificateFile(dir, pki.Core), pki.KeyFile(dir, pki.Core), pki.Edge)
	if err != nil {
		t.Fatal(err)
	}
	l := loopbackSocket(t)
	srv := &http.Server{Handler: target, TLSConfig: conf, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go srv.ServeTLS(l, "", "")
	t.Cleanup(func() { srv.Close() })
	c := EdgeDefaults()
	c.Listen = EdgeListenConfig{Public: "localhost:0"}
	c.TLS = EdgeTLSConfig{Certificate: filepath.Join(dir, "public.pem"), Key: filepath.Join(dir, "public.key")}
	selfSigned(t, c.TLS, 1)
	c.Internal = EdgeInternalConfig{CA: filepath.Join(dir, pki.AuthorityFile), Certificate: pki.CertificateFile(dir, pki.Edge), Key: pki.KeyFile(dir, pki.Edge)}
	c.Cells = []EdgeCellConfig{{Name: "us", Hosts: []string{"my.example.com"}, Brand: brand, Telephone: "1 800 555 0100", Locales: []string{"en-US"},
		Builds: []EdgeBuildConfig{{Name: "one", URL: "https://" + l.Addr().String()}}}}
	if err := c.Check(); err != nil {
		t.Fatal(err)
	}
	e, err := openEdge(c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := &edgeStand{t: t, config: c, at: edgeSockets{public: loopbackSocket(t), admin: loopbackSocket(t), plain: loopbackSocket(t)}, done: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	go func() { s.done <- e.run(ctx, s.at) }()
	t.Cleanup(func() {
		cancel()
		if err := <-s.done; err != nil {
			t.Error("the edge ended with", err)
		}
	})
	return s
}

func loopbackSocket(t *testing.T) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// selfSigned writes a certificate with a number that a test knows it by.
func selfSigned(t *testing.T, at EdgeTLSConfig, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{"my.example.com"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, b := range map[string]*pem.Block{at.Certificate: {Type: "CERTIFICATE", Bytes: der}, at.Key: {Type: "PRIVATE KEY", Bytes: raw}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// get asks the edge over TLS, HTTP/2 where it can, and never over an old connection.
func (s *edgeStand) get(path string) (*http.Response, string) {
	s.t.Helper()
	tr := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: "my.example.com"}}
	defer tr.CloseIdleConnections()
	return fetch(s.t, tr, "https://"+s.at.public.Addr().String()+path)
}

func fetch(t *testing.T, tr *http.Transport, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "my.example.com"
	a, err := tr.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return a, string(b)
}

func TestAnEdgeCarriesMembersToCoreAndBack(t *testing.T) {
	s := startEdge(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(buildHeader, "one")
		if r.URL.Path == "/internal/v1/ready" {
			io.WriteString(w, `{"ready":true,"build":"one","reasons":[]}`)
			return
		}
		_, role := pki.RoleOf(r)
		journey.Set(w.Header(), journey.Dashboard, journey.Done)
		fmt.Fprint(w, role, " ", r.Header.Get("X-Forwarded-For"), " ", r.Header.Get("X-Forwarded-Proto"))
	}))
	if a, got := s.get("/dashboard"); got != "edge 127.0.0.1 https" || a.ProtoMajor != 2 || a.Header.Get(journey.Header) != "" {
		t.Errorf("%q by %s, %v", got, a.Proto, a.Header)
	}
	plain := &http.Transport{DisableKeepAlives: true}
	if a, _ := fetch(t, plain, "http://"+s.at.plain.Addr().String()+"/pay?x=1"); a.StatusCode != 308 || a.Header.Get("Location") != "https://my.example.com:0/pay?x=1" {
		t.Errorf("by http: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	if a, _ := fetch(t, plain, "http://"+s.at.admin.Addr().String()+"/readyz"); a.StatusCode != 200 {
		t.Errorf("ready: %d", a.StatusCode)
	}
	_, metrics := fetch(t, plain, "http://"+s.at.admin.Addr().String()+"/metrics")
	for _, want := range []string{`build="one"`, `cell="us"`, `journey="dashboard"`, `outcome="done"`, `side="core"`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

func TestAnEdgeTakesANewCertificateWithoutAStop(t *testing.T) {
	s := startEdge(t, http.NotFoundHandler())
	if a, _ := s.get("/edge-static/none"); a.TLS.PeerCertificates[0].SerialNumber.Int64() != 1 {
		t.Error("another certificate at the start")
	}
	if err := os.WriteFile(s.config.TLS.Certificate, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if a, _ := s.get("/edge-static/none"); a.TLS.PeerCertificates[0].SerialNumber.Int64() != 1 {
		t.Error("a broken file took the place of a good one")
	}
	selfSigned(t, s.config.TLS, 2)
	deadline, tick := time.After(30*time.Second), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	for {
		if a, _ := s.get("/edge-static/none"); a.TLS.PeerCertificates[0].SerialNumber.Int64() == 2 {
			return
		}
		select {
		case <-deadline:
			t.Fatal("the new certificate is not taken")
		case <-tick.C:
		}
	}
}

// A request under way when the edge stops is answered; the edge waits for it.
func TestAStoppingEdgeFinishesWhatItBegan(t *testing.T) {
	arrived, release := make(chan bool), make(chan bool)
	s := startEdge(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(buildHeader, "one")
		if r.URL.Path != "/dashboard" {
			return
		}
		arrived <- true
		<-release
		io.WriteString(w, "served")
	}))
	got := make(chan string, 1)
	go func() { _, b := s.get("/dashboard"); got <- b }()
	<-arrived
	s.stop()
	release <- true
	if b := <-got; b != "served" {
		t.Errorf("got %q", b)
	}
}

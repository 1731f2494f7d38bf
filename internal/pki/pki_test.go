package pki

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// made gives a folder with an authority and the pairs of cell "us".
func made(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := Create(dir, "us"); err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve starts core's listener of a folder and gives its address; the answer is
// who asked. (httptest would put a certificate of its own beside ours.)
func serve(t *testing.T, dir string, roles ...Role) string {
	t.Helper()
	conf, err := Server(filepath.Join(dir, AuthorityFile), CertificateFile(dir, Core), KeyFile(dir, Core), roles...)
	must(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := &http.Server{TLSConfig: conf, ErrorLog: log.New(io.Discard, "", 0), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cell, role := RoleOf(r)
		_, _ = io.WriteString(w, cell+"/"+string(role)+" "+r.Proto)
	})}
	go func() { _ = s.ServeTLS(l, "", "") }()
	t.Cleanup(func() { s.Close() })
	return "https://" + l.Addr().String()
}

func client(t *testing.T, dir string, as Role, cell string, of Role) *tls.Config {
	t.Helper()
	conf, err := Client(filepath.Join(dir, AuthorityFile), CertificateFile(dir, as), KeyFile(dir, as), cell, of)
	if err != nil {
		t.Fatal(err)
	}
	return conf
}

// ask sends one request over a connection of its own.
func ask(t *testing.T, url string, conf *tls.Config) (string, error) {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr}).Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func TestTheServerLearnsWhoAsks(t *testing.T) {
	dir := made(t)
	s := serve(t, dir, Edge, StandIn)
	for as, want := range map[Role]string{Edge: "*/edge HTTP/2.0", StandIn: "us/standin HTTP/2.0"} {
		if got, err := ask(t, s, client(t, dir, as, "us", Core)); err != nil || got != want {
			t.Errorf("%s was seen as %q (%v), want %q", as, got, err, want)
		}
	}
	if cell, role := RoleOf(httptest.NewRequest(http.MethodGet, "/", nil)); cell != "" || role != "" {
		t.Error("a plain request has a role:", cell, role)
	}
}

func TestOthersAreRefused(t *testing.T) {
	dir, foreign := made(t), made(t)
	s := serve(t, dir, Edge, StandIn)
	other, expired, early := t.TempDir(), t.TempDir(), t.TempDir()
	must(t, Issue(dir, other, "gb", StandIn))
	must(t, issue(dir, expired, "us", time.Now().Add(-certificateLife-time.Hour), Edge))
	must(t, issue(dir, early, "us", time.Now().Add(time.Hour), Edge))
	mixed := client(t, foreign, Edge, "us", Core) // trusts this authority, and shows the other's certificate
	mixed.VerifyConnection = client(t, dir, Edge, "us", Core).VerifyConnection
	old := client(t, dir, Edge, "us", Core)
	old.MinVersion, old.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
	silent := client(t, dir, Edge, "us", Core)
	silent.GetClientCertificate = nil
	for name, conf := range map[string]*tls.Config{
		"a certificate of a foreign authority": mixed,
		"a server of a foreign authority":      client(t, foreign, Edge, "us", Core),
		"a role that is not meant":             client(t, dir, Phone, "us", Core),
		"core itself":                          client(t, dir, Core, "us", Core),
		"the stand-in of another cell":         client(t, other, StandIn, "us", Core),
		"a server of another cell":             client(t, dir, Edge, "gb", Core),
		"a server of another role":             client(t, dir, Edge, "us", StandIn),
		"an expired certificate":               client(t, expired, Edge, "us", Core),
		"a certificate of tomorrow":            client(t, early, Edge, "us", Core),
		"TLS 1.2":                              old,
		"no certificate":                       silent,
	} {
		if got, err := ask(t, s, conf); err == nil {
			t.Errorf("%s was let in as %q", name, got)
		}
	}
}

func TestNewFilesAreReadWithoutARestart(t *testing.T) {
	dir := made(t)
	s := serve(t, dir, Edge)
	before := client(t, dir, Edge, "us", Core)
	if _, err := ask(t, s, before); err != nil {
		t.Fatal(err)
	}
	must(t, os.Remove(filepath.Join(dir, authorityKeyFile)))
	must(t, Create(dir, "us")) // a new authority, and all pairs under it
	if got, err := ask(t, s, before); err != nil || got != "*/edge HTTP/2.0" {
		t.Errorf("after a change of all files: %q, %v", got, err)
	}
}

func TestBrokenFilesChangeNothing(t *testing.T) {
	dir := made(t)
	s := serve(t, dir, Edge)
	conf := client(t, dir, Edge, "us", Core)
	must(t, os.WriteFile(KeyFile(dir, Core), []byte("half of a k"), 0o600))
	must(t, os.Remove(filepath.Join(dir, AuthorityFile)))
	if _, err := ask(t, s, conf); err != nil {
		t.Error("a broken file ended what worked:", err)
	}
	if _, err := Server(filepath.Join(dir, AuthorityFile), CertificateFile(dir, Core), KeyFile(dir, Core), Edge); err == nil {
		t.Error("a server started on broken files")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreForTheirOwnerAlone(t *testing.T) {
	dir := made(t)
	for _, path := range []string{KeyFile(dir, Core), filepath.Join(dir, authorityKeyFile)} {
		if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, st.Mode(), err)
		}
	}
}

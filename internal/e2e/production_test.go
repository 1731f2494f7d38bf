package e2e

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"standfast/internal/dbtest"
)

// From an empty machine to a member who signs in, by the steps of
// docs/operations.md: init, edit, import, doctor, core with TLS, PostgreSQL and
// SMTP; then keys are rotated under the running core, and it is stopped.
func TestProductionFromInitToSignIn(t *testing.T) {
	p := newProduction(t)
	must(t, "import", "--database", p.database, "--master-key", p.file("master.key"),
		"--members", p.write("members.csv", fmt.Sprintf("member_ref,username,display_name,email,phone,locale,region,password_hash\nm1,ada,Ada Example,ada@example.com,,en-US,us,\"%s\"\n", phc("tall-ship-44"))),
		"--accounts", p.write("accounts.csv", "account_ref,member_ref,kind,currency,opened_on,credit_limit\na1,m1,card,USD,2024-01-02,5000.00\na2,m1,savings,USD,2024-01-02,\n"),
		"--payment-methods", p.write("methods.csv", "member_ref,country,holder_name,routing_number,account_number\nm1,US,Ada Example,011000015,000123456789\n"),
		"--transactions", p.write("transactions.csv", "account_ref,transaction_ref,posted_on,amount,kind,description\na1,t1,2026-01-05,-120.00,purchase,Bookshop\na2,t2,2026-01-05,900.00,deposit,Opening\n"))
	t.Log(must(t, "doctor", "--config", p.file("standfast.toml")))
	stop := p.startCore()
	c := p.signIn("ada", "tall-ship-44", "flow-1")
	if paid := c.pay(t, "20.00", "k1"); paid.ConfirmationNumber == "" {
		t.Error(paid)
	}
	signedBy := keyOf(c.token)
	must(t, "keys", "rotate", "--config", p.file("standfast.toml"))
	stop() // a running core takes the new key up within a minute; the next one at once
	stop = p.startCore()
	if status, a := c.do(t, "GET", "/session", nil, nil); status != http.StatusOK {
		t.Errorf("the session under the old key: %d %v", status, a)
	}
	status, a := c.do(t, "POST", "/sign-in", map[string]any{"username": "ada", "password": "tall-ship-44"}, nil)
	if status != http.StatusOK || a["status"] != "signed_in" {
		t.Fatalf("the device remembered under the old key: %d %v", status, a)
	}
	if keyOf(a["session"].(map[string]any)["token"].(string)) == signedBy {
		t.Error("the old key still signs")
	}
	stop()
	must(t, "verify", "--database", p.database)
}

// keyOf gives the footer of a token, which names its key.
func keyOf(token string) string { return token[strings.LastIndexByte(token, '.')+1:] }

// phc hashes a password as an issuer's old system would have.
func phc(password string) string {
	salt := []byte("sixteen bytes ok")
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=19$m=19456,t=2,p=1$%s$%s", b64.EncodeToString(salt), b64.EncodeToString(argon2.IDKey([]byte(password), salt, 2, 19456, 1, 32)))
}

// production is a folder as an operator sets it up.
type production struct {
	t             testing.TB
	dir, database string
	public, admin string
	authorities   *x509.CertPool
	codes         <-chan string
	said          *limited
}

func newProduction(t testing.TB) *production {
	p := &production{t: t, dir: t.TempDir(), database: dbtest.PostgreSQLURL(t), said: &limited{}}
	p.public, p.admin = fmt.Sprintf("localhost:%d", freePort(t)), fmt.Sprintf("localhost:%d", freePort(t))
	p.certificate()
	relay, codes := mailRelay(t)
	p.codes = codes
	must(t, "init", "--config", p.file("standfast.toml"))
	p.edit(map[string]string{
		"database": p.database, "public": p.public, "admin": p.admin, "cell.public_url": "https://" + p.public,
		"tls.certificate": "tls.crt", "tls.key": "tls.key", "server": relay, "tls": "none",
	})
	return p
}

func (p *production) file(name string) string { return filepath.Join(p.dir, name) }

func (p *production) write(name, text string) string {
	p.t.Helper()
	if err := os.WriteFile(p.file(name), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return p.file(name)
}

// edit sets keys of the file that init wrote, as an operator with an editor would.
// A key that stands in several sections is written with its own, as cell.public_url.
func (p *production) edit(values map[string]string) {
	p.t.Helper()
	text, err := os.ReadFile(p.file("standfast.toml"))
	if err != nil {
		p.t.Fatal(err)
	}
	for key, value := range values {
		section := `(?m)^()`
		if head, tail, ok := strings.Cut(key, "."); ok {
			section, key = `(?m)(^\[`+head+`\]\n(?:[^\[].*\n|\n)*?)`, tail
		}
		line := regexp.MustCompile(section + key + ` = ".*"$`)
		if n := len(line.FindAll(text, -1)); n != 1 {
			p.t.Fatalf("%s stands %d times in the example", key, n)
		}
		text = line.ReplaceAllFunc(text, func(old []byte) []byte {
			return fmt.Appendf(nil, "%s%s = %q", line.FindSubmatch(old)[1], key, value)
		})
	}
	p.write("standfast.toml", string(text))
}

// certificate makes a self-signed one for localhost.
func (p *production) certificate() {
	p.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		p.t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		p.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		p.t.Fatal(err)
	}
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	p.write("tls.crt", string(certificate))
	p.write("tls.key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	p.authorities = x509.NewCertPool()
	p.authorities.AppendCertsFromPEM(certificate)
}

// startCore runs core until the returned func stops it as a service manager would.
func (p *production) startCore() (stop func()) {
	p.t.Helper()
	cmd := exec.Command(program(p.t), "core", "--config", p.file("standfast.toml"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Stderr = p.said
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			p.t.Errorf("core ended with %v\n%s", err, p.said)
		}
	}
	p.t.Cleanup(stop)
	eventually(p.t, startLimit, "readiness", func() bool {
		a, err := http.Get("http://" + p.admin + "/readyz")
		if err != nil {
			return false
		}
		a.Body.Close()
		return a.StatusCode == http.StatusOK
	})
	return stop
}

func (p *production) signIn(username, password, flow string) *client {
	p.t.Helper()
	c := newClient("https://"+p.public+"/api/v1", flow)
	c.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.authorities}}
	status, a := c.do(p.t, "POST", "/sign-in", map[string]any{"username": username, "password": password}, nil)
	if status != http.StatusOK || a["status"] != "code_required" {
		p.t.Fatalf("sign-in: %d %v\n%s", status, a, p.said)
	}
	var code string
	select {
	case code = <-p.codes:
	case <-time.After(2 * time.Minute):
		p.t.Fatalf("no code was mailed\n%s", p.said)
	}
	status, a = c.do(p.t, "POST", "/sign-in/code", map[string]any{"challenge_id": a["challenge"].(map[string]any)["id"], "code": code, "trust_device": true}, nil)
	if status != http.StatusOK {
		p.t.Fatalf("code: %d %v", status, a)
	}
	c.token = a["session"].(map[string]any)["token"].(string)
	c.device = a["device"].(map[string]any)["token"].(string)
	c.look(p.t)
	return c
}

var sixDigits = regexp.MustCompile(`\b[0-9]{6}\b`)

// mailRelay takes mail (RFC 5321) and gives the codes that it reads in it.
func mailRelay(t testing.TB) (address string, codes <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	found := make(chan string, 100)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go takeMail(conn, found)
		}
	}()
	return l.Addr().String(), found
}

func takeMail(conn net.Conn, found chan<- string) {
	defer conn.Close()
	fmt.Fprint(conn, "220 relay\r\n")
	data := false
	for in := bufio.NewScanner(conn); in.Scan(); {
		line := in.Text()
		switch {
		case data && line == ".":
			data = false
			fmt.Fprint(conn, "250 taken\r\n")
		case data:
			if code := sixDigits.FindString(line); code != "" {
				found <- code
			}
		case line == "DATA":
			data = true
			fmt.Fprint(conn, "354 go on\r\n")
		case line == "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 fine\r\n")
		}
	}
}

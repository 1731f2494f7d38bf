package doctor_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/doctor"
	"standfast/internal/masterkey"
)

var ctx = context.Background()

// state gives how the check came out; a missing check is a failure of the test.
func state(t *testing.T, list []doctor.Finding, check string) doctor.State {
	t.Helper()
	for _, f := range list {
		if f.State != doctor.OK && f.Do == "" {
			t.Errorf("%s is wrong and nobody says what to do", f.Check)
		}
		if f.Check == check {
			t.Log(f)
			return f.State
		}
	}
	t.Fatalf("no check %q in %v", check, list)
	return ""
}

func healthy(t *testing.T, target string) doctor.Params {
	t.Helper()
	key := filepath.Join(t.TempDir(), "master.key")
	if _, err := masterkey.Create(key); err != nil {
		t.Fatal(err)
	}
	return doctor.Params{Database: target, MasterKey: key, PublicURL: "http://localhost:1", TimeZone: "Europe/Berlin", Public: "localhost:0", Admin: "localhost:0"}
}

func TestAHealthyDatabasePasses(t *testing.T) {
	check := func(t *testing.T, target string) {
		d, err := db.Open(ctx, target, db.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		list := doctor.Examine(ctx, healthy(t, target))
		for _, name := range []string{"database version", "schema", "database writable", "durability", "master key", "time zone", "public address", "TLS certificate"} {
			if s := state(t, list, name); s != doctor.OK {
				t.Errorf("%s: %s", name, s)
			}
		}
		left := d.View(ctx, func(tx *db.Tx) error { _, err := tx.Query(ctx, `SELECT * FROM doctor_was_here`); return err })
		if left == nil {
			t.Error("the doctor left a table behind")
		}
	}
	t.Run("sqlite", func(t *testing.T) { check(t, filepath.Join(t.TempDir(), "x.db")) })
	t.Run("postgresql", func(t *testing.T) {
		target := dbtest.PostgreSQLURL(t)
		check(t, target)
		list := doctor.Examine(ctx, healthy(t, target))
		for name, want := range map[string]doctor.State{"clock against database": doctor.OK, "way to the database": doctor.OK, "database user": doctor.Warn} {
			if s := state(t, list, name); s != want {
				t.Errorf("%s: %s", name, s)
			}
		}
	})
}

func TestTroublesOfTheDatabaseAreNamed(t *testing.T) {
	dir := t.TempDir()
	junk := filepath.Join(dir, "junk.db")
	if err := os.WriteFile(junk, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for target, want := range map[string]doctor.State{
		filepath.Join(dir, "new.db"):          doctor.Warn,
		filepath.Join(dir, "no", "folder.db"): doctor.Fail,
		junk:                                  doctor.Fail,
		"postgres://nobody@127.0.0.1:1/x?sslmode=disable": doctor.Fail,
	} {
		if s := state(t, doctor.Examine(ctx, healthy(t, target)), "database"); s != want {
			t.Errorf("%s: %s", target, s)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new.db")); !errors.Is(err, os.ErrNotExist) {
		t.Error("the doctor made a database")
	}
}

func TestASlowClockAndLooseDurabilityAreFound(t *testing.T) {
	target := dbtest.PostgreSQLURL(t)
	p := healthy(t, target)
	p.Now = func() time.Time { return time.Now().Add(-time.Minute) }
	if s := state(t, doctor.Examine(ctx, p), "clock against database"); s != doctor.Fail {
		t.Error(s)
	}
	d, err := db.Open(ctx, target, db.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Pool().Exec(ctx, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$`); err != nil {
		t.Fatal(err)
	}
	if s := state(t, doctor.Examine(ctx, p), "durability"); s != doctor.Fail {
		t.Error(s)
	}
}

func TestMasterKey(t *testing.T) {
	p := healthy(t, filepath.Join(t.TempDir(), "x.db"))
	if err := os.Chmod(p.MasterKey, 0o644); err != nil {
		t.Fatal(err)
	}
	if s := state(t, doctor.Examine(ctx, p), "master key"); s != doctor.Fail {
		t.Error("others may read it:", s)
	}
	p.MasterKey += ".gone"
	if s := state(t, doctor.Examine(ctx, p), "master key"); s != doctor.Fail {
		t.Error("missing:", s)
	}
}

// selfSigned writes a certificate for host that is valid between the two times.
func selfSigned(t *testing.T, host string, from, until time.Time) doctor.TLS {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, NotBefore: from, NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, c, c, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	files := doctor.TLS{Certificate: filepath.Join(dir, "c.pem"), Key: filepath.Join(dir, "k.pem")}
	for path, block := range map[string]*pem.Block{files.Certificate: {Type: "CERTIFICATE", Bytes: der}, files.Key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestCertificates(t *testing.T) {
	now, day := time.Now(), 24*time.Hour
	good := selfSigned(t, "my.example.com", now.Add(-day), now.Add(60*day))
	other := selfSigned(t, "my.example.com", now.Add(-day), now.Add(60*day))
	for name, c := range map[string]struct {
		files doctor.TLS
		check string
		want  doctor.State
	}{
		"good":         {good, "TLS certificate", doctor.OK},
		"runs out":     {selfSigned(t, "my.example.com", now.Add(-day), now.Add(5*day)), "TLS certificate", doctor.Warn},
		"ran out":      {selfSigned(t, "my.example.com", now.Add(-9*day), now.Add(-day)), "TLS certificate", doctor.Fail},
		"other name":   {selfSigned(t, "example.org", now.Add(-day), now.Add(60*day)), "TLS name", doctor.Fail},
		"other key":    {doctor.TLS{Certificate: good.Certificate, Key: other.Key}, "TLS certificate", doctor.Fail},
		"missing file": {doctor.TLS{Certificate: "nowhere.pem", Key: good.Key}, "TLS certificate", doctor.Fail},
	} {
		p := healthy(t, filepath.Join(t.TempDir(), "x.db"))
		p.TLS, p.PublicURL = c.files, "https://my.example.com"
		if s := state(t, doctor.Examine(ctx, p), c.check); s != c.want {
			t.Errorf("%s: %s", name, s)
		}
	}
}

// relay speaks just enough SMTP to be greeted (RFC 5321 section 4.1.1).
func relay(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "220 relay\r\n")
			for in := bufio.NewScanner(c); in.Scan(); {
				answer := map[string]string{"QUIT": "221 bye", "STARTTLS": "502 not here"}[in.Text()]
				if answer == "" {
					answer = "250 fine"
				}
				fmt.Fprint(c, answer+"\r\n")
			}
			c.Close()
		}
	}()
	return l.Addr().String()
}

func TestMailRelay(t *testing.T) {
	at := relay(t)
	for name, c := range map[string]struct {
		mail doctor.Mail
		want doctor.State
	}{
		"none":        {doctor.Mail{}, doctor.Warn},
		"plain":       {doctor.Mail{Server: at, Mode: "none"}, doctor.OK},
		"no starttls": {doctor.Mail{Server: at, Mode: "starttls"}, doctor.Fail},
		"nobody":      {doctor.Mail{Server: "127.0.0.1:1", Mode: "none"}, doctor.Fail},
	} {
		p := healthy(t, filepath.Join(t.TempDir(), "x.db"))
		p.Mail = c.mail
		if s := state(t, doctor.Examine(ctx, p), "mail relay"); s != c.want {
			t.Errorf("%s: %s", name, s)
		}
	}
}

func TestPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	p := healthy(t, filepath.Join(t.TempDir(), "x.db"))
	p.Public = taken.Addr().String()
	if s := state(t, doctor.Examine(ctx, p), "public address"); s != doctor.Fail {
		t.Error("another program has it:", s)
	}
	core := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") }))
	defer core.Close()
	p.Admin = core.Listener.Addr().String()
	if s := state(t, doctor.Examine(ctx, p), "public address"); s != doctor.OK {
		t.Error("a core of ours has it:", s)
	}
}

func TestProbesOfTheCaller(t *testing.T) {
	p := healthy(t, filepath.Join(t.TempDir(), "x.db"))
	p.Probes = []doctor.Probe{
		{Check: "source a", Run: func(context.Context) (string, error) { return "answers", nil }},
		{Check: "source b", Do: "Call them.", Run: func(context.Context) (string, error) { return "", errors.New("refused") }},
	}
	list := doctor.Examine(ctx, p)
	if state(t, list, "source a") != doctor.OK || state(t, list, "source b") != doctor.Fail || doctor.Worst(list) != doctor.Fail {
		t.Error(list)
	}
}

package notify_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailServer is a small real SMTP server (RFC 5321) with TLS and AUTH PLAIN.
type mailServer struct {
	t        *testing.T
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	implicit bool
	over     chan struct{} // closed with the test

	mu     sync.Mutex
	answer map[string]string // what to answer to a verb instead of the usual
	mails  []string          // data of accepted messages
	rcpts  []string
	auth   string // decoded AUTH PLAIN
	secure bool   // the last message came over TLS
	hang   bool   // say nothing at all
}

func newMailServer(t *testing.T, implicit bool) *mailServer {
	t.Helper()
	s := &mailServer{t: t, implicit: implicit, over: make(chan struct{}), answer: map[string]string{}}
	s.tls, s.roots = certificate(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.listener = l
	t.Cleanup(func() { l.Close(); close(s.over) })
	go s.accept()
	return s
}

func (s *mailServer) addr() string { return s.listener.Addr().String() }

func (s *mailServer) set(verb, answer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer[verb] = answer
}

func (s *mailServer) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		go s.serve(conn)
	}
}

func (s *mailServer) serve(conn net.Conn) {
	defer conn.Close()
	if s.implicit {
		conn = tls.Server(conn, s.tls)
	}
	s.mu.Lock()
	hang := s.hang
	s.mu.Unlock()
	if hang {
		<-s.over
		return
	}
	secure := s.implicit
	in := bufio.NewReader(conn)
	say := func(line string) { fmt.Fprintf(conn, "%s\r\n", line) }
	say("220 test ready")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.SplitN(strings.TrimSpace(line), " ", 2)[0])
		s.mu.Lock()
		other := s.answer[verb]
		s.mu.Unlock()
		switch {
		case other != "":
			say(other)
		case verb == "EHLO":
			say("250-test\r\n250-STARTTLS\r\n250-8BITMIME\r\n250 AUTH PLAIN")
		case verb == "STARTTLS":
			say("220 go ahead")
			conn = tls.Server(conn, s.tls)
			in, secure = bufio.NewReader(conn), true
		case verb == "AUTH":
			plain, _ := base64.StdEncoding.DecodeString(strings.Fields(line)[2])
			s.mu.Lock()
			s.auth = string(plain)
			s.mu.Unlock()
			say("235 welcome")
		case verb == "RCPT":
			s.mu.Lock()
			s.rcpts = append(s.rcpts, strings.TrimSpace(line))
			s.mu.Unlock()
			say("250 ok")
		case verb == "DATA":
			say("354 go on")
			data := readData(in)
			s.mu.Lock()
			s.mails, s.secure = append(s.mails, data), secure
			s.mu.Unlock()
			say("250 taken")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func readData(in *bufio.Reader) string {
	var b strings.Builder
	for {
		line, err := in.ReadString('\n')
		if err != nil || line == ".\r\n" {
			return b.String()
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}

// certificate makes one for 127.0.0.1 that the given roots trust.
func certificate(t *testing.T) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, roots
}

package notify

import (
	"bytes"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// mimeMessage writes an e-mail (RFC 5322, RFC 2045). Its Message-ID comes from the
// message's id, so that a repeat is recognized as one.
func mimeMessage(from mail.Address, m Outgoing) []byte {
	var b bytes.Buffer
	_, domain, _ := strings.Cut(from.Address, "@")
	to := mail.Address{Address: m.To}
	for _, h := range [][2]string{
		{"From", from.String()},
		{"To", to.String()},
		{"Subject", mime.QEncoding.Encode("utf-8", oneLine(m.Subject))},
		{"Date", m.SentAt.Format(time.RFC1123Z)},
		{"Message-ID", "<" + m.ID + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834: no out-of-office replies
		{"Content-Language", m.Locale},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b) // writes line ends as CRLF
	_, _ = w.Write([]byte(m.Text))     // into memory: cannot fail
	_ = w.Close()
	return b.Bytes()
}

// oneLine keeps a header in its line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

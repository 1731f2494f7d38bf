package gateway

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"standfast/internal/fault"
)

// Proofs of who sends a receipt.
const (
	Signed = "hmac"   // SignatureHeader over time and body
	Shared = "secret" // a header that holds the secret itself, for gateways that cannot sign
)

// SignatureHeader carries t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.body">.
const SignatureHeader = "Standfast-Signature"

// replayWindow is how far a signature's time may be from ours. Within it a
// receipt may be repeated: it says nothing new then.
const replayWindow = 5 * time.Minute

// minSecret is the least length of a receipt's secret, in bytes.
const minSecret = 16

// Sign gives the header's value for a body.
func Sign(secret string, at time.Time, body []byte) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(secret, t, body))
}

func mac(secret, t string, body []byte) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(t + "."))
	h.Write(body)
	return h.Sum(nil)
}

// proved tells whether a request comes from who knows the secret. All refusals
// are alike.
func (c ReceiptConfig) proved(r *http.Request, body []byte) bool {
	if c.Proof == Shared {
		given := r.Header.Get(cmp.Or(c.Header, "Authorization"))
		return subtle.ConstantTimeCompare([]byte(given), []byte(c.Secret)) == 1
	}
	t, sum, ok := readSignature(r.Header.Get(cmp.Or(c.Header, SignatureHeader)))
	if !ok || subtle.ConstantTimeCompare(sum, mac(c.Secret, t, body)) != 1 {
		return false
	}
	seconds, err := strconv.ParseInt(t, 10, 64)
	return err == nil && c.Now().Sub(time.Unix(seconds, 0)).Abs() <= replayWindow
}

// readSignature takes a header's value apart; t stays as it was written, since
// that is what was signed.
func readSignature(s string) (t string, sum []byte, ok bool) {
	if len(s) > 256 {
		return "", nil, false
	}
	for part := range strings.SplitSeq(s, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			t = value
		case "v1":
			sum, _ = hex.DecodeString(value)
		}
	}
	return t, sum, t != "" && len(t) <= 12 && len(sum) == sha256.Size
}

func (c ReceiptConfig) checkProof() error {
	if c.Proof != Signed && c.Proof != Shared {
		return fault.InvalidField("proof", "gateway.proof", "A receipt's proof is hmac or secret.")
	}
	if len(c.Secret) < minSecret {
		return fault.InvalidField("secret", "gateway.receipt-secret", "The secret of receipts has at least 16 characters.")
	}
	return nil
}

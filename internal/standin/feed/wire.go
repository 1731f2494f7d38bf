// Package feed follows core's changes: it takes pages and snapshots exactly as
// they are signed, and refuses whatever does not fit. What it refuses changes
// nothing; how old the knowledge is then only grows, and others decide by that.
package feed

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"standfast/internal/fault"
)

// version is the only form of the feed that this release reads.
const version = 1

// page is one answer of the feed.
type page struct {
	Version  int       `json:"version"`
	Cell     string    `json:"cell"`
	After    string    `json:"after"`
	Next     string    `json:"next"`
	Complete time.Time `json:"complete_to"`
	At       time.Time `json:"at"`
	Items    []item    `json:"items"`
}

// item is one version of one entity.
type item struct {
	Topic   string          `json:"topic"`
	ID      string          `json:"id"`
	Version int64           `json:"version"`
	At      time.Time       `json:"at"`
	Gone    bool            `json:"gone"`
	Body    json.RawMessage `json:"body"`
}

// Refusals. Their codes are what /readyz and the metrics say.
const (
	CodeForged  = "feed.forged"  // not signed by the key that is pinned
	CodeForeign = "feed.foreign" // of another cell
	CodeVersion = "feed.version" // a form that this release does not read
	CodeCursor  = "feed.cursor"  // not the page that was asked for, or one that goes back
	CodeShape   = "feed.shape"   // not what a feed looks like
	CodeCut     = "feed.cut"     // a snapshot without its end
	CodeGone    = "feed.gone"    // core no longer has what follows our cursor
	CodeAway    = "feed.away"    // core does not answer
)

func refuse(code, message string) *fault.Error { return fault.New(fault.Unavailable, code, message) }

// Key is the public key that the feed must be signed by.
type Key struct {
	ID     string // "": under whatever name
	Public ed25519.PublicKey
}

// ParseKey reads "<key id>:<base64url of 32 bytes>", or the latter alone.
func ParseKey(s string) (Key, error) {
	id, raw, named := strings.Cut(s, ":")
	if !named {
		id, raw = "", s
	}
	b, err := base64.RawURLEncoding.DecodeString(raw)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return Key{}, fault.Wrap(fault.Invalid, "config.feed-key", "core.feed_key is \"<key id>:<base64url of 32 bytes>\", as core's init prints it.", err)
	}
	return Key{ID: id, Public: b}, nil
}

// verify checks a signature as the headers carry it: "<key id>:<base64url>".
func (k Key) verify(text, signature string) error {
	id, raw, _ := strings.Cut(signature, ":")
	sig, err := base64.RawURLEncoding.DecodeString(raw)
	if err != nil || k.ID != "" && id != k.ID || !ed25519.Verify(k.Public, []byte(text), sig) {
		return refuse(CodeForged, "The feed is not signed by the key that is pinned in core.feed_key.")
	}
	return nil
}

// readPage verifies and reads a page that was asked for after a cursor.
func (k Key) readPage(cell, after, signature string, body []byte) (p page, err error) {
	sum := sha256.Sum256(body)
	if err := k.verify("standfast-feed-1\n"+cell+"\n"+after+"\n"+hex.EncodeToString(sum[:]), signature); err != nil {
		return p, k.whose(cell, after, signature, body, err)
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return p, fault.Wrap(fault.Unavailable, CodeShape, "A page of the feed cannot be read.", err)
	}
	return p, p.check(cell, after)
}

// whose says more exactly what is wrong with a page whose signature does not fit
// what was asked: a page that core did sign, of another cell or another cursor.
func (k Key) whose(cell, after, signature string, body []byte, forged error) error {
	var p page
	if json.Unmarshal(body, &p) != nil {
		return forged
	}
	sum := sha256.Sum256(body)
	if k.verify("standfast-feed-1\n"+p.Cell+"\n"+p.After+"\n"+hex.EncodeToString(sum[:]), signature) != nil {
		return forged
	}
	return p.check(cell, after)
}

func (p page) check(cell, after string) error {
	switch {
	case p.Version != version:
		return refuse(CodeVersion, "The feed has a form that this release does not read.")
	case p.Cell != cell:
		return refuse(CodeForeign, "The feed is another cell's.")
	case p.After != after:
		return refuse(CodeCursor, "The page is not the one that was asked for.")
	case len(p.Items) > 0 && p.Next == p.After, p.Next == "" && after != "":
		return refuse(CodeCursor, "The page leads back to where it began.")
	case p.Complete.After(p.At.Add(maxSkew)):
		return refuse(CodeShape, "The page claims to know the future.")
	}
	for _, i := range p.Items {
		if err := i.check(); err != nil {
			return err
		}
	}
	return nil
}

// maxSkew is how far the clocks of core's processes may differ.
const maxSkew = 5 * time.Minute

// maxID bounds an id, in bytes; the longest has two UUIDs.
const maxID = 200

func (i item) check() error {
	if i.Topic == "" || i.ID == "" || len(i.ID) > maxID || i.Version < 1 || !i.Gone && !bytes.HasPrefix(bytes.TrimSpace(i.Body), []byte("{")) {
		return refuse(CodeShape, "The feed has an item without topic, id, version or body.")
	}
	return nil
}

// head and tail are the first and the last line of a snapshot.
type head struct {
	Version int       `json:"version"`
	Cell    string    `json:"cell"`
	Cursor  string    `json:"cursor"`
	At      time.Time `json:"at"`
}

type tail struct {
	End       bool   `json:"end"`
	Items     int    `json:"items"`
	Digest    string `json:"digest"`
	Signature string `json:"signature"`
}

func (h head) check(cell string) error {
	switch {
	case h.Version != version:
		return refuse(CodeVersion, "The snapshot has a form that this release does not read.")
	case h.Cell != cell:
		return refuse(CodeForeign, "The snapshot is another cell's.")
	case h.Cursor == "" || h.At.IsZero():
		return refuse(CodeShape, "The snapshot does not say where it ends.")
	}
	return nil
}

package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed files
var files embed.FS

// folder is where these files are served; nothing behind the edge uses it.
const folder = "/edge-static/"

// asset is one file as pages link to it, named by its content.
type asset struct {
	url, integrity, mime string
	plain, packed        []byte
}

// load reads an embedded file. It is part of the binary: one that cannot be read
// is a fault of the build, and panics.
func (p *Pages) load(name string) asset {
	content, err := files.ReadFile("files/" + name)
	if err != nil {
		panic(err)
	}
	ext := path.Ext(name)
	sum, strong := sha256.Sum256(content), sha512.Sum384(content)
	a := asset{
		url:       folder + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext,
		integrity: "sha384-" + base64.StdEncoding.EncodeToString(strong[:]),
		mime:      map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}[ext],
		plain:     content,
		packed:    pack(content),
	}
	p.assets[a.url] = a
	return a
}

func pack(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(content)                               // a buffer takes every write
	_ = w.Close()
	return b.Bytes()
}

// Serve answers for the files of these pages; it is false for every other path.
func (p *Pages) Serve(w http.ResponseWriter, r *http.Request) bool {
	if !strings.HasPrefix(r.URL.Path, folder) {
		return false
	}
	a, ok := p.assets[r.URL.Path]
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return true
	}
	h := w.Header()
	h.Set("Content-Type", a.mime)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	h.Set("X-Content-Type-Options", "nosniff")
	body := a.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
	return true
}

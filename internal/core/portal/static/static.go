// Package static is the style sheet, the scripts and the mark of the member
// portal: embedded, named by their content, compressed once.
package static

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

	"standfast/internal/core/portal/route"
)

//go:embed files
var files embed.FS

// contentTypes of what may be served; anything else in the folder is refused by Load.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// File is one file as pages link to it.
type File struct {
	URL       string // with the content's hash in its name
	Integrity string // for the integrity attribute
	plain     []byte
	packed    []byte
	mime      string
}

// Files are all files; read only after Load.
type Files struct {
	byName map[string]File // as in the folder: "app.css"
	byHash map[string]File // as served: "app.0123456789ab.css"
}

// Load reads, names and compresses the embedded files. They are part of the
// binary: one that cannot be read is a fault of the build, and panics.
func Load() *Files {
	entries, err := files.ReadDir("files")
	if err != nil {
		panic(err)
	}
	s := &Files{byName: map[string]File{}, byHash: map[string]File{}}
	for _, e := range entries {
		content, err := files.ReadFile("files/" + e.Name())
		if err != nil {
			panic(err)
		}
		s.add(e.Name(), content)
	}
	return s
}

func (s *Files) add(name string, content []byte) {
	ext := path.Ext(name)
	sum := sha256.Sum256(content)
	hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
	strong := sha512.Sum384(content)
	f := File{
		URL:       string(route.Static.URL(hashed)),
		Integrity: "sha384-" + base64.StdEncoding.EncodeToString(strong[:]),
		plain:     content,
		packed:    pack(content),
		mime:      contentTypes[ext],
	}
	s.byName[name], s.byHash[hashed] = f, f
}

// pack compresses once, as hard as possible: the files live as long as the process.
func pack(content []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	_, _ = w.Write(content)                               // a buffer takes every write
	_ = w.Close()
	return b.Bytes()
}

// Get gives a file by its name in the folder. A name that is not there gives an
// empty address, which the tests refuse.
func (s *Files) Get(name string) File { return s.byName[name] }

// Serve answers for route.Static. A name carries the content's hash, so it may be
// kept for ever. It is false, with nothing written, for a name that is not ours.
func (s *Files) Serve(w http.ResponseWriter, r *http.Request) bool {
	f, ok := s.byHash[r.PathValue("id")]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Content-Type", f.mime)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if AcceptsGzip(r) && len(f.packed) < len(f.plain) {
		h.Set("Content-Encoding", "gzip")
		body = f.packed
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
	return true
}

// AcceptsGzip tells whether the reader takes gzip. "gzip;q=0" is a refusal.
func AcceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(strings.TrimSpace(name), "gzip") {
			return strings.Trim(strings.TrimPrefix(strings.TrimSpace(q), "q="), "0.") != "" || q == ""
		}
	}
	return false
}

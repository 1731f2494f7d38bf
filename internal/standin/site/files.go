package site

import (
	"crypto/sha256"
	"crypto/sha512"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
)

//go:embed files
var embedded embed.FS

// file is one static file as pages link to it: named by its content.
type file struct {
	URL, Integrity string
	content        []byte
	mime           string
}

type files map[string]file // by name in the folder, and by name as served

// loadFiles reads the embedded files. One that cannot be read is a fault of the
// build, and panics.
func loadFiles() files {
	const script = "text/javascript; charset=utf-8"
	all := files{}
	for name, mime := range map[string]string{"standin.css": "text/css; charset=utf-8", "device.js": script, "form.js": script, "passkey.js": script, "mark.svg": "image/svg+xml"} {
		content, err := embedded.ReadFile("files/" + name)
		if err != nil {
			panic(err)
		}
		sum, strong := sha256.Sum256(content), sha512.Sum384(content)
		ext := path.Ext(name)
		served := strings.TrimSuffix(name, ext) + ".s" + hex.EncodeToString(sum[:6]) + ext
		f := file{"/static/" + served, "sha384-" + base64.StdEncoding.EncodeToString(strong[:]), content, mime}
		all[name], all[served] = f, f
	}
	return all
}

func (f files) serve(w http.ResponseWriter, r *http.Request) {
	one, ok := f[r.PathValue("name")]
	if !ok || path.Base(one.URL) != r.PathValue("name") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", one.mime)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(one.content)
}

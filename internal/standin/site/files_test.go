package site

import (
	"os"
	"regexp"
	"testing"
)

// The two sides have files of their own, so that a bad one never takes both; but
// they look alike, and their scripts prove the same.
func TestFilesAreThePortals(t *testing.T) {
	const portal = "../../core/portal/static/files/"
	read := func(path string) []byte {
		t.Helper()
		b, err := os.ReadFile(path)
		must(t, err)
		return b
	}
	for _, name := range []string{"device.js", "form.js", "passkey.js", "mark.svg"} {
		if string(read("files/"+name)) != string(read(portal+name)) {
			t.Errorf("%s is another one than the portal's", name)
		}
	}
	tokens := regexp.MustCompile(`(?s):root \{.*?\n\}`)
	ours, theirs := tokens.Find(read("files/standin.css")), tokens.Find(read(portal+"app.css"))
	if len(ours) == 0 || string(ours) != string(theirs) {
		t.Error("standin.css has other tokens than app.css")
	}
}

package house

import (
	"bytes"
	"regexp"
	"testing"
	"unicode/utf8"
)

// The patterns are glued together so that this file does not break its own rule.
var forbidden = []struct {
	what    string
	pattern *regexp.Regexp
}{
	{"the host of a package registry", regexp.MustCompile(`(?i)(registry\.npm` + `js|registry\.yarn` + `pkg|proxy\.go` + `lang|sum\.go` + `lang|deb\.deb` + `ian\.org|archive\.ub` + `untu|pypi\.` + `org|pythonhosted\.` + `org|crates\.` + `io|registry-1\.dock` + `er)`)},
	{"a path of one machine", regexp.MustCompile("(^|[\\s\"'`(=:,])/(work|ro" + "ot)(/|[\\s\"'`),]|$)")},
	{"a path of one person's home", regexp.MustCompile(`/(home|Use` + `rs)/[a-z]`)},
	{"words about who or what wrote this", regexp.MustCompile(`(?i)\b(chat` + `gpt|open` + `ai|anthro` + `pic|clau` + `de|gemi` + `ni pro|co` + `pilot|\bLL` + `Ms?\b|language mo` + `del|AI[- ](assist|gen|agent|model|session|helper))`)},
}

func TestNoFileNamesMachinesRegistriesOrTools(t *testing.T) {
	for _, path := range tracked(t) {
		text := read(t, path)
		if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
			continue // a picture, a font
		}
		for i, line := range bytes.Split(text, []byte("\n")) {
			for _, f := range forbidden {
				if found := f.pattern.Find(line); found != nil {
					t.Errorf("%s:%d: %s: %q", path, i+1, f.what, found)
				}
			}
		}
	}
}

func TestForbiddenPatternsFindWhatTheyShould(t *testing.T) {
	for text, want := range map[string]bool{
		"see https://registry.npm" + "js.org/x": true,
		`cp "/wo` + `rk/main" x`:                true,
		"cd /ro" + "ot/go":                      true,
		"written by an AI" + " assistant":       true,
		"network/work/paths":                    false,
		"the root of trust":                     false,
		"AI: Anguilla":                          false,
		"GET /workflows":                        false,
	} {
		found := false
		for _, f := range forbidden {
			found = found || f.pattern.MatchString(text)
		}
		if found != want {
			t.Errorf("%q: found %v", text, found)
		}
	}
}

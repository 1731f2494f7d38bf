package portal

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"standfast/internal/core/portal/gallery"
)

// node walks a document.
type node struct{ *html.Node }

func (n node) each(f func(node)) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode {
			f(node{d})
		}
	}
}

func (n node) attr(name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func (n node) get(name string) string { v, _ := n.attr(name); return v }

func (n node) words() string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

// TestEveryPageInEveryStateIsSound walks through the gallery in both languages.
func TestEveryPageInEveryStateIsSound(t *testing.T) {
	g, err := gallery.New()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range gallery.Entries() {
		if seen[e.Name] {
			t.Errorf("two entries are called %s", e.Name)
		}
		seen[e.Name] = true
		for _, l := range g.Locales() {
			t.Run(e.Name+"/"+l, func(t *testing.T) {
				page, err := g.Render(e, l)
				if err != nil {
					t.Fatal(err)
				}
				doc, err := html.Parse(bytes.NewReader(page))
				if err != nil {
					t.Fatal(err)
				}
				checkPage(t, node{doc}, l)
				if len(page) > 60_000 {
					t.Errorf("the page has %d bytes", len(page))
				}
			})
		}
	}
}

func checkPage(t *testing.T, doc node, locale string) {
	ids, count := map[string]node{}, map[string]int{}
	doc.each(func(n node) {
		count[n.Data]++
		if id := n.get("id"); id != "" {
			if _, twice := ids[id]; twice {
				t.Errorf("id %q stands twice", id)
			}
			ids[id] = n
		}
		checkInert(t, n)
		checkFilled(t, n)
	})
	if count["h1"] != 1 || count["title"] != 1 || count["main"] != 1 {
		t.Errorf("h1 %d, title %d, main %d: one of each is right", count["h1"], count["title"], count["main"])
	}
	doc.each(func(n node) {
		checkReferences(t, n, ids)
		checkAddress(t, n, ids)
		if n.Data == "html" && n.get("lang") != locale {
			t.Errorf("lang is %q", n.get("lang"))
		}
	})
	checkLabels(t, doc)
}

// checkInert refuses what the policy would: inline script, style and handlers.
func checkInert(t *testing.T, n node) {
	if n.Data == "style" || n.Data == "script" && n.get("src") == "" {
		t.Errorf("inline %s", n.Data)
	}
	for _, a := range n.Attr {
		if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
			t.Errorf("<%s %s>", n.Data, a.Key)
		}
	}
	if n.Data == "script" || n.Data == "link" && n.get("rel") == "stylesheet" {
		if n.get("integrity") == "" || n.get("src")+n.get("href") == "" {
			t.Errorf("<%s> lacks its address or its integrity", n.Data)
		}
	}
}

// checkFilled refuses blanks and catalogue ids where words belong.
func checkFilled(t *testing.T, n node) {
	if slices.Contains([]string{"h1", "h2", "h3", "a", "button", "label", "legend", "title", "option", "dt", "dd"}, n.Data) {
		if s := n.words(); s == "" || strings.Contains(s, "<no value>") || strings.Contains(s, "{{") {
			t.Errorf("<%s> says %q", n.Data, s)
		}
	}
}

// checkReferences follows labels, descriptions and error links to what they name.
func checkReferences(t *testing.T, n node, ids map[string]node) {
	for _, name := range []string{"for", "aria-describedby", "aria-labelledby", "data-filters"} {
		for id := range strings.FieldsSeq(n.get(name)) {
			if _, ok := ids[id]; !ok && name != "data-filters" {
				t.Errorf("<%s %s=%q> names nothing", n.Data, name, id)
			}
		}
	}
}

// checkAddress follows every link and form to an entry of the portal.
func checkAddress(t *testing.T, n node, ids map[string]node) {
	address, method := n.get("href"), http.MethodGet
	switch n.Data {
	case "a", "link":
	case "form":
		address = n.get("action")
		if strings.EqualFold(n.get("method"), "post") {
			method = http.MethodPost
		}
	default:
		return
	}
	if id, ok := strings.CutPrefix(address, "#"); ok {
		if _, there := ids[id]; !there {
			t.Errorf("%s leads nowhere", address)
		}
		return
	}
	if strings.HasPrefix(address, "tel:") || strings.HasPrefix(address, "otpauth:") { // for another program
		return
	}
	if u, err := url.Parse(address); err != nil || !strings.HasPrefix(address, "/") || !answered(method, u.Path) {
		t.Errorf("no entry answers %s %q", method, address)
	}
}

// answered tells whether some entry has this method and path.
func answered(method, path string) bool {
	mux := http.NewServeMux()
	for _, e := range (&server{}).entries() {
		mux.HandleFunc(e.method+" "+e.pattern, func(http.ResponseWriter, *http.Request) {})
	}
	_, pattern := mux.Handler(httptest.NewRequest(method, path, nil))
	return pattern != ""
}

// checkLabels wants a label on every control, and the sentence of a problem tied to it.
func checkLabels(t *testing.T, doc node) {
	labelled := map[string]bool{}
	doc.each(func(n node) {
		if n.Data == "label" {
			labelled[n.get("for")] = true
		}
	})
	doc.each(func(n node) {
		kind := n.get("type")
		if n.Data != "input" && n.Data != "select" || kind == "hidden" || n.get("aria-hidden") == "true" {
			return
		}
		if !labelled[n.get("id")] {
			t.Errorf("%s %q has no label", n.Data, n.get("id"))
		}
		if n.get("aria-invalid") == "true" && !strings.Contains(n.get("aria-describedby"), n.get("id")+"-problem") {
			t.Errorf("%q is marked wrong without a word", n.get("id"))
		}
	})
}

package site

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"standfast/internal/standin/feed"
)

// Lists come in pages, the newest first, each item once (API.md); what only core
// has is not known here, and never an empty page.
func TestListsAreReadInPages(t *testing.T) {
	h := newHouse(t)
	for i := range 7 {
		at := noon.Add(time.Duration(i) * time.Minute)
		h.core.item(feed.Transaction, fmt.Sprintf("%s/m%d", card, i), 40+i, map[string]any{"id": fmt.Sprint("m", i), "account_id": card, "posted_at": at,
			"amount": usd(int64(-i)), "kind": "purchase", "description": "shop", "status": "posted"})
		h.core.item(feed.Payment, fmt.Sprint("p", i), 60+i, feed.PaymentBody{MemberID: member, AccountID: card, Amount: usd(100), Status: "settled", MadeAt: at, KeyHash: fmt.Sprint("h", i)})
	}
	h.core.item(feed.Payment, "p9", 90, feed.PaymentBody{MemberID: "another holder", AccountID: card, Amount: usd(100), Status: "settled", MadeAt: noon, KeyHash: "h9"})
	h.follow()
	for path, want := range map[string][]string{
		"/api/v1/accounts/" + card + "/transactions": {"m6", "m5", "m4", "m3", "m2", "m1", "t1", "m0"},
		"/api/v1/payments":                           {"p6", "p5", "p4", "p3", "p2", "p1", "p0"},
		"/api/v1/payments?account_id=" + card:        {"p6", "p5", "p4", "p3", "p2", "p1", "p0"},
	} {
		var got []string
		for cursor := ""; ; {
			var page struct {
				Items []struct{ ID string }
				Next  string `json:"next_cursor"`
			}
			w := h.do("GET", path+map[bool]string{true: "&", false: "?"}[strings.Contains(path, "?")]+"limit=3&cursor="+cursor, "", "Authorization", "Bearer "+h.session())
			h.want(w, 200)
			must(t, json.Unmarshal(w.Body.Bytes(), &page))
			for _, i := range page.Items {
				got = append(got, i.ID)
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		slices.Sort(got[len(got)-2:]) // two of the same time
		slices.Sort(want[len(want)-2:])
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", path, got)
		}
	}
	for query, status := range map[string]int{"limit=0": 422, "limit=101": 422, "limit=x": 422, "cursor=of-core": 503, "text=shop": 503, "from=2026-01-01": 503} {
		h.want(h.do("GET", "/api/v1/accounts/"+card+"/transactions?"+query, "", "Authorization", "Bearer "+h.session()), status)
	}
	h.want(h.do("GET", "/api/v1/payments?account_id="+bank, "", "Authorization", "Bearer "+h.session()), 404)
	h.want(h.do("GET", "/api/v1/dashboard", "", "Authorization", "Bearer "+h.session()), 200, `"activity":[{"account_id"`, `"id":"m6"`)
}

// A language is chosen as at core, and holds on both sides.
func TestTheLanguageIsRemembered(t *testing.T) {
	h := newHouse(t)
	h.follow()
	h.want(h.do("GET", "/sign-in?next=%2Fpay", ""), 200, `action="/language"`, `value="/sign-in?next=%2Fpay"`, "Deutsch")
	w := h.do("POST", "/language", url.Values{"locale": {"de-DE"}, "return": {"/sign-in"}}.Encode())
	h.want(w, 303)
	c := w.Result().Cookies()[0]
	if c.Name != "sf_us_locale_v1" || w.Header().Get("Location") != "/sign-in" {
		t.Fatal(w.Header())
	}
	h.want(h.do("GET", "/sign-in", "", "Cookie", c.Name+"="+c.Value), 200, "Anmelden", `lang="de-DE"`, "English")
	if w := h.do("POST", "/language", url.Values{"locale": {"en-US"}, "return": {"//evil.example"}}.Encode()); w.Header().Get("Location") != "/dashboard" {
		t.Fatal(w.Header())
	}
	h.want(h.do("POST", "/language", "locale=xx"), 400)
}

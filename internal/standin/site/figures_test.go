package site

import (
	"net/http"
	"testing"

	"standfast/internal/journey"
	"standfast/internal/standin/feed"
)

// What is shown is said in the form in which core says it: of accounts that core's
// own ledger keeps, and on the dashboard without closed ones.
func TestFiguresAreSaidAsCoreSaysThem(t *testing.T) {
	h := newHouse(t)
	closed, elsewhere := usd(-500), usd(-700)
	for id, b := range map[string]feed.AccountBody{"c": {Kind: "card", Currency: "USD", Status: "closed", Local: true}, "e": {Kind: "card", Currency: "USD", Status: "active"}} {
		h.core.item(feed.Account, id, 30, b)
		h.core.item(feed.Holder, member+"/"+id, 31, feed.HolderBody{MemberID: member, AccountID: id, Role: "owner"})
	}
	h.core.item(feed.Balance, "c", 32, feed.BalanceBody{Posted: &closed, AsOf: noon})
	h.core.item(feed.Balance, "e", 33, feed.BalanceBody{Posted: &elsewhere, AsOf: noon})
	h.follow()
	for path, want := range map[string]journey.Figures{
		"/api/v1/dashboard": {card: -12345}, "/dashboard": {card: -12345}, "/accounts/" + card: {card: -12345}, "/api/v1/accounts/" + card: {card: -12345},
		"/api/v1/accounts": {card: -12345, "c": -500}, "/api/v1/accounts/e": {},
	} {
		expected := http.Header{}
		want.Set(expected, noon)
		w := h.do("GET", path, "", "Cookie", "sf_us_session_v1="+h.session())
		if got := w.Header().Get(journey.FiguresHeader); w.Code != 200 || got != expected.Get(journey.FiguresHeader) {
			t.Errorf("%s: %d %q, want %q", path, w.Code, got, expected.Get(journey.FiguresHeader))
		}
	}
}

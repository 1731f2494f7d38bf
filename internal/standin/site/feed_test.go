package site

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"standfast/internal/fault"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
)

// A snapshot that is not whole and signed for this cell is thrown away, and the
// next good one is taken.
func TestOnlyAWholeSignedSnapshotIsTaken(t *testing.T) {
	line := func(all string, n int, edit func(string) string) string {
		lines := strings.SplitAfter(strings.TrimSuffix(all, "\n"), "\n")
		if n < 0 {
			n += len(lines)
		}
		lines[n] = edit(lines[n])
		return strings.Join(lines, "")
	}
	replace := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	for name, c := range map[string]struct {
		spoil func(string) string
		code  string
	}{
		"cut after its first line":     {func(s string) string { return s[:strings.Index(s, "\n")+1] }, feed.CodeCut},
		"cut in a line":                {func(s string) string { return s[:len(s)/2] }, ""},
		"without its end":              {func(s string) string { return line(s, -1, func(string) string { return "" }) }, feed.CodeCut},
		"an item changed":              {func(s string) string { return line(s, 7, replace("-123.45", "-1.00")) }, feed.CodeForged},
		"an item left out":             {func(s string) string { return line(s, 7, func(string) string { return "" }) }, feed.CodeForged},
		"an item twice":                {func(s string) string { return line(s, 7, func(l string) string { return l + l }) }, feed.CodeForged},
		"another signature":            {func(s string) string { return line(s, -1, replace(`"signature":"feed-1:`, `"signature":"feed-1:A`)) }, feed.CodeForged},
		"another cell's":               {func(s string) string { return line(s, 0, replace(`"cell":"us"`, `"cell":"gb"`)) }, feed.CodeForeign},
		"a later form":                 {func(s string) string { return line(s, 0, replace(`"version":1`, `"version":2`)) }, feed.CodeVersion},
		"a body that cannot be read":   {func(s string) string { return line(s, 2, replace(`"username":"Ada"`, `"username":7`)) }, feed.CodeShape},
		"nothing":                      {func(string) string { return "" }, feed.CodeCut},
		"a page of somebody else":      {func(string) string { return "<html>\n" }, feed.CodeShape},
		"a line that is without limit": {func(s string) string { return s[:strings.Index(s, "\n")+1] + strings.Repeat("x", 2<<20) }, feed.CodeShape},
	} {
		h := newHouse(t)
		h.core.spoil = c.spoil
		err := h.consumer.Pass(context.Background(), 0)
		if e := fault.As(err); err == nil || c.code != "" && e.Code != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
		if n, err := h.known.Count(context.Background()); err != nil || n != 0 || h.desk.MayLook() {
			t.Errorf("%s: %d items are known, %v", name, n, err)
		}
		h.core.spoil = nil
		h.follow()
		if !h.desk.MayPay() {
			t.Errorf("%s: the next one is not taken", name)
		}
	}
}

// A copy that is lost, or cannot be read, comes anew from a snapshot and says since
// when; what happened here is in the other file and stays.
func TestALostCopyComesAnew(t *testing.T) {
	h := newHouse(t)
	h.follow()
	if err := h.own.Freeze(context.Background(), card, member, noon); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "known.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	known, err := store.OpenKnown(context.Background(), path)
	must(t, err)
	defer known.Close()
	if _, err := os.Stat(path + ".broken"); err != nil {
		t.Error("what could not be read is not put away:", err)
	}
	h.now = noon.Add(time.Minute)
	h.consumer.Known = known
	h.follow()
	if at := known.Position(); !at.Since.Equal(h.now) || !at.Complete.Equal(noon) || at.Cursor != "c1" {
		t.Errorf("%+v", at)
	}
	h.want(h.do("GET", "/accounts/"+card, "", "Cookie", "sf_us_session_v1="+h.session()), 200, "Freeze requested")
}

// How old the knowledge is, is told by the clock. Wherever that jumps, more than an
// hour's, no more is allowed than by the true time, and no cookie is taken.
func TestAJumpingClockAllowsNothing(t *testing.T) {
	h := newHouse(t)
	h.follow()
	cookie := "sf_us_session_v1=" + h.session()
	look := func(at time.Time, status int, why string) {
		t.Helper()
		h.now = at
		w := h.do("GET", "/dashboard", "", "Cookie", cookie)
		if w.Code != status || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: %d %v", why, w.Code, w.Result().Cookies())
		}
	}
	pay := func(at time.Time, may bool, why string) {
		t.Helper()
		h.now = at
		if h.desk.MayPay() != may {
			t.Errorf("%s: may pay %v", why, !may)
		}
	}
	look(noon.Add(time.Hour), 200, "an hour later")
	look(noon.Add(-time.Hour), 503, "before what core has said")
	look(noon.Add(time.Hour), 200, "and right again")
	pay(noon.Add(23*time.Hour), true, "23 hours later")
	pay(noon.Add(2*time.Hour), false, "put back to where it would be young")
	must(t, h.desk.Tick(context.Background()))
	again, err := entry.New(context.Background(), h.desk.Config)
	must(t, err)
	if again.MayPay() {
		t.Error("a start forgets how late it was")
	}
	h.now = noon.Add(time.Minute) // to where the last page, which our own file has kept, was new
	again, err = entry.New(context.Background(), h.desk.Config)
	must(t, err)
	if again.MayPay() || again.MayLook() {
		t.Error("a start takes its own file for core's clock")
	}
	h.want(h.do("POST", "/api/v1/cards/"+card+"/freeze", "", "Authorization", "Bearer "+h.session()), 200, "requested")
	look(noon.Add(23*time.Hour), 200, "and right again")
	look(noon.Add(400*time.Hour), 503, "far ahead: also the session's end is not believed")
	pay(noon.Add(2*time.Hour), false, "put right, as nobody can know here")
	h.core.pages["c1"] = strings.ReplaceAll(h.core.page("us", "c1", "c2", 1, ""), noon.Add(time.Minute).Format(time.RFC3339Nano), h.now.Format(time.RFC3339Nano))
	h.follow()
	pay(h.now, true, "and core's clock says the same")
}

// Gaps, repeats and older versions leave what is newest.
func TestTheFeedMayRepeatItself(t *testing.T) {
	h := newHouse(t)
	h.follow()
	balance := func(version int, minor int64) string {
		return fmt.Sprintf(`{"topic":"balance","id":%q,"version":%d,"at":"2026-03-02T12:00:30Z","body":{"posted":{"value":"%d.00","currency":"USD"},"as_of":"2026-03-02T12:00:30Z"}}`, card, version, minor)
	}
	for i, items := range []string{balance(50, -50), balance(49, -49), balance(50, -1), balance(1000, -60) + "," + balance(900, -59), ""} {
		h.core.pages[fmt.Sprint("c", i+1)] = h.core.page("us", fmt.Sprint("c", i+1), fmt.Sprint("c", i+2), 1, items)
		h.follow()
	}
	h.want(h.do("GET", "/api/v1/accounts/"+card, "", "Authorization", "Bearer "+h.session()), 200, `"-60.00"`)
	for _, back := range []string{"", "c6"} { // a next that leads nowhere
		h.core.pages["c6"] = h.core.page("us", "c6", back, 1, balance(2000, -70))
		if err := h.consumer.Pass(context.Background(), 0); fault.As(err) == nil || fault.As(err).Code != feed.CodeCursor {
			t.Errorf("next %q: %v", back, err)
		}
	}
	h.want(h.do("GET", "/api/v1/accounts/"+card, "", "Authorization", "Bearer "+h.session()), 200, `"-60.00"`)
}

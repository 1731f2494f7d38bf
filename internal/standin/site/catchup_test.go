package site

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// While the feed catches up, its pages are complete to a time that is long past. A clock
// that was put there is not right for that, and one that has run ahead is not either: only
// when core said so tells.
func TestCatchingUpConfirmsNoWrongClock(t *testing.T) {
	right := noon.Add(50 * time.Hour) // core's clock all the time
	for _, c := range []struct {
		name string
		ours time.Time
		may  bool
	}{
		{"right", right, true},
		{"put back to what the page is complete to", right.Add(-20 * time.Hour), false},
		{"put back a little more than clocks may differ", right.Add(-6 * time.Minute), false},
		{"ahead, so that what is known looks too old", right.Add(20 * time.Hour), false},
	} {
		h := newHouse(t)
		h.follow()
		h.now = right
		h.desk.MayPay() // it has seen how late it is
		h.now = c.ours
		complete, at := right.Add(-20*time.Hour).Format(time.RFC3339Nano), right.Format(time.RFC3339Nano)
		page := h.core.page("us", "c1", "c2", 1, "")
		said := fmt.Sprintf("%q", noon.Add(time.Minute).Format(time.RFC3339Nano))
		page = strings.Replace(page, said, fmt.Sprintf("%q", complete), 1)
		h.core.pages["c1"] = strings.Replace(page, said, fmt.Sprintf("%q", at), 1)
		h.follow()
		if h.desk.MayPay() != c.may {
			t.Errorf("%s: may pay %v", c.name, !c.may)
		}
		h.now = right
		if want := !c.ours.After(right); h.desk.MayPay() != want {
			t.Errorf("%s, then right again: may pay %v", c.name, !want)
		}
		h.core.pages["c2"] = strings.ReplaceAll(h.core.page("us", "c2", "c3", 1, ""), said, fmt.Sprintf("%q", at))
		h.follow()
		if !h.desk.MayPay() {
			t.Errorf("%s: core confirms the right time, and it is not believed", c.name)
		}
	}
}

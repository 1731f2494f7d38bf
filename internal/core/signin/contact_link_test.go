package signin

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"standfast/internal/fault"
)

// TestTheLinkOfANoticeStopsItsChangeOnce: replayed it says so and tells nobody
// again; truncated, foreign or changed in any character it is none.
func TestTheLinkOfANoticeStopsItsChangeOnce(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q, eve := h.changing("ada"), h.changing("eve")
		c, hers := h.moved(q, ContactPhone, newPhone), h.moved(eve, ContactPhone, newPhone)
		link := h.stopToken(c.ID)
		seen, err := h.ContactByLink(ctx, link)
		if err != nil || seen.State != ChangeWaiting || seen.Address != masked(newPhone) {
			t.Fatalf("%+v %v", seen, err)
		}
		for _, forged := range forgeries(link, h.stopToken(hers.ID)) {
			_, err := h.StopContactByLink(ctx, forged, *browser("x"))
			h.want(err, fault.NotFound, "contact.no-change")
			_, err = h.ContactByLink(ctx, forged)
			h.want(err, fault.NotFound, "contact.no-change")
		}
		h.mailed("")
		for range 2 {
			done, err := h.StopContactByLink(ctx, link, *browser("x"))
			if err != nil || done.State != ChangeStopped {
				t.Fatalf("%+v %v", done, err)
			}
		}
		h.mailedTo("was stopped", oldPhone, oldMail)
		if h.contacts(q.Session).WaitingFor(ContactPhone) != nil || h.contacts(eve.Session).WaitingFor(ContactPhone) == nil {
			t.Error("not this change alone was stopped")
		}
		h.wait(24 * time.Hour)
		must(t, h.settleContacts(ctx))
		if info := h.contacts(q.Session); info.Phone != oldPhone {
			t.Errorf("a stopped change holds: %+v", info)
		}
	})
}

// forgeries are links that are like a genuine one: every single character another,
// every length but the right one, and this change with the proof of another.
func forgeries(link, other string) []string {
	list := []string{"", " ", link + "A", link + "=", link[:22] + other[22:], strings.Repeat("A", len(link)), base64.StdEncoding.EncodeToString([]byte(link))}
	for i := range link {
		list = append(list, link[:i])
		swapped := byte('A')
		if link[i] == 'A' {
			swapped = 'B'
		}
		list = append(list, link[:i]+string(swapped)+link[i+1:])
	}
	return list
}

// TestALinkEndsWithItsChange: once the change holds it undoes nothing and says so.
func TestALinkEndsWithItsChange(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q := h.changing("ada")
		first := h.moved(q, ContactPhone, "+12025550150")
		c := h.moved(q, ContactPhone, newPhone)
		if seen, err := h.StopContactByLink(ctx, h.stopToken(first.ID), *browser("x")); err != nil || seen.State != ChangeReplaced {
			t.Fatalf("the link of the change before: %+v %v", seen, err)
		}
		h.wait(24 * time.Hour)
		must(t, h.settleContacts(ctx))
		h.mailed("")
		done, err := h.StopContactByLink(ctx, h.stopToken(c.ID), *browser("x"))
		if err != nil || done.State != ChangeDone {
			t.Fatalf("%+v %v", done, err)
		}
		if info := h.contacts(q.Session); info.Phone != newPhone {
			t.Errorf("%+v", info)
		}
		h.mailedTo("was stopped")
	})
}

// TestAnothersChangeDoesNotExist: nobody stops or sees it who only knows its id.
func TestAnothersChangeDoesNotExist(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q, eve := h.changing("ada"), h.changing("eve")
		c := h.moved(q, ContactPhone, newPhone)
		for _, id := range []string{c.ID, "x", "", "00000000-0000-7000-8000-000000000000"} {
			h.want(h.StopContact(ctx, eve.Session, id, eve.Client), fault.NotFound, "contact.no-change")
		}
		must(t, h.StopContact(ctx, q.Session, c.ID, q.Client))
		h.want(h.StopContact(ctx, q.Session, c.ID, q.Client), fault.NotFound, "contact.no-change")
	})
}

package console

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"standfast/internal/core/advice"
	"standfast/internal/db"
)

// refuse stores an advice of a stand-in's as core's intake leaves it, and gives its id.
func (h *house) refuse(seq int, kind, state, code, body string) string {
	h.Helper()
	id := db.NewID()
	h.must(h.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO advice (standin, seq, id, kind, member_id, at, contents, body, confirmation, state, code, message, result, taken_at)
			VALUES ('s', $1, $2, $3, $4, $5, $6, $7, '', $8, $9, 'In English.', '{}', $5)`, seq, id, kind, db.NewID(), db.Micros(tx.Now), []byte{1}, body, state, code)
		return err
	}))
	return id
}

func (h *house) audited(action, outcome string) (n int) {
	h.Helper()
	h.must(h.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM audit WHERE action = $1 AND outcome = $2`, action, outcome).Scan(&n)
	}))
	return n
}

func TestAnOperatorDealsWithWhatCoreRefused(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	b.want(b.get("/advices"), 200, "Nothing is open")
	paid := h.refuse(1, advice.KindPayment, "refused", "method.not-found", `{"amount":{"value":"12.34","currency":"USD"},"account_id":"x"}`)
	waits := h.refuse(2, advice.KindPayment, "aside", "advice.aside", `{}`)
	odd := h.refuse(3, "something-new", "refused", "advice.body", `no JSON`)
	applied := h.refuse(4, advice.KindFreeze, "applied", "", `{}`)
	list := b.want(b.get("/advices"), 200, "Tried again by itself").body
	if !strings.Contains(list, paid) || !strings.Contains(list, waits) || !strings.Contains(list, odd) || strings.Contains(list, applied) {
		t.Error(list)
	}
	b.want(b.get("/advices/"+paid), 200, "$12.34")
	b.want(b.get("/advices/"+odd), 200, "cannot be read")
	for _, id := range []string{applied, db.NewID(), "x"} {
		b.want(b.get("/advices/"+id), 404, "")
		b.want(b.post("/advices/"+id+"/deal", "note", "n"), 404, "")
	}
	b.want(b.post("/advices/"+paid+"/deal", "note", " "), 422, "Say what was done")
	b.want(b.post("/advices/"+paid+"/deal", "note", strings.Repeat("n", 301)), 422, "too long")
	b.want(b.post("/advices/"+waits+"/deal", "note", "n"), 409, "tried again by itself")
	b.want(b.post("/advices/"+paid+"/deal", "note", "Called, paid again."), 303, "done=dealt")
	b.want(b.post("/advices/"+paid+"/deal", "note", "Me too."), 409, "“Me too.”")
	if strings.Contains(b.get("/advices").body, paid) || !strings.Contains(b.get("/advices?dealt=1").body, paid) {
		t.Error("what is dealt with stands in the wrong list")
	}
	b.want(b.get("/advices/"+paid), 200, "Called, paid again.")
	if n := h.audited("advice.settle", "ok"); n != 1 {
		t.Errorf("%d lines say that it was dealt with", n)
	}
	if h.audited("advice.see", "ok") == 0 {
		t.Error("nobody knows who looked")
	}
}

// Two operators at once: one note stands, and the other is told so.
func TestAnAdviceIsDealtWithOnce(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	id := h.refuse(1, advice.KindFreeze, "refused", "account.not-found", `{}`)
	codes := make([]int, 4)
	var all sync.WaitGroup
	for i := range codes {
		one := &browser{house: h, cookies: b.cookies, key: b.key, lang: b.lang}
		all.Go(func() { codes[i] = one.do(posting("/advices/"+id+"/deal", "note", fmt.Sprint("note ", i))).status })
	}
	all.Wait()
	won := 0
	for _, code := range codes {
		if code == 303 {
			won++
		} else if code != 409 {
			t.Error("answered", code)
		}
	}
	if won != 1 || h.audited("advice.settle", "ok") != 1 {
		t.Errorf("%v: %d of them have dealt with it", codes, won)
	}
}

var older = regexp.MustCompile(`href="(/advices\?[^"]*after=[^"]*)"`)

// Pages show each once, also those that were taken at the same instant.
func TestAdvicesComeInPages(t *testing.T) {
	h := newHouse(t)
	b := h.operator()
	want := map[string]int{}
	for i := range 120 {
		want[h.refuse(i+1, advice.KindEnded, "refused", "x", `{}`)]++
	}
	item := regexp.MustCompile(`href="/advices/([0-9a-f-]{36})"`)
	pages := 0
	for next := "/advices"; next != ""; pages++ {
		a := b.want(b.get(next), 200, "Advices")
		for _, m := range item.FindAllStringSubmatch(a.body, -1) {
			want[m[1]]--
		}
		next = ""
		if m := older.FindStringSubmatch(a.body); m != nil {
			next = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	for id, n := range want {
		if n != 0 {
			t.Errorf("%s came %d times", id, 1-n)
		}
	}
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	b.want(b.get("/advices?after=x"), 404, "")
}

func TestWhoSeesAndDealsWithAdvices(t *testing.T) {
	h := newHouse(t)
	chief := h.operator()
	own := chief.session().Person.Organisation.ID
	id := h.refuse(1, advice.KindFreeze, "refused", "account.not-found", `{}`)
	agent := chief.hire("Ann", "agent", own, "")
	agent.want(agent.get("/advices"), 403, "role")
	agent.want(agent.get("/advices/"+id), 403, "role")
	for _, role := range []string{"supervisor", "auditor"} {
		b := chief.hire("Al", role, own, "")
		if strings.Contains(b.want(b.get("/advices/"+id), 200, "Operators mark this").body, "/deal") {
			t.Errorf("the form is offered to a %s", role)
		}
		b.want(b.post("/advices/"+id+"/deal", "note", "n"), 403, "role")
	}
}

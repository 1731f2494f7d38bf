package payment

import (
	"testing"
	"time"

	"standfast/internal/core/instrument"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// cautious puts a member under caution for a day.
func (h *house) cautious(p person) signin.Caution {
	h.Helper()
	must(h, h.db.WithTx(ctx, func(tx *db.Tx) error {
		return h.SignIn.CautionTx(ctx, tx, p.ID, tx.Now.Add(24*time.Hour), "recovery")
	}))
	c, err := h.SignIn.Caution(ctx, p.ID)
	must(h, err)
	return c
}

// added gives a person a second method that is proved at once.
func (h *house) added(p person) (m instrument.Method) {
	h.Helper()
	must(h, h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		m, _, err = h.Instruments.ImportVerified(ctx, tx, p.ID, instrument.Request{Kind: instrument.KindBankAccount, Country: "US",
			RoutingNumber: "021000021", AccountNumber: "000987654321", HolderName: "Ada Lovelace"})
		return err
	}))
	return m
}

// TestAMethodOfACautionPaysAtItsEnd: at the last microsecond it is refused, with a
// date for later too and however it is proved, and at the end it pays. The method
// from before pays all the time.
func TestAMethodOfACautionPaysAtItsEnd(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		h.clock.Advance(time.Microsecond)
		c := h.cautious(ada)
		old, recent := h.request(ada, 10_00), h.request(ada, 20_00)
		recent.MethodID = h.added(ada).ID
		later, large := recent, recent
		later.Key, later.Date = db.NewID(), "2026-03-20"
		large.Key, large.Amount = db.NewID(), usd(600_00) // would need a proof, and none is asked for
		for _, wait := range []time.Duration{0, 24*time.Hour - time.Microsecond} {
			h.clock.Advance(wait)
			for _, q := range []Request{recent, later, large} {
				_, err := h.Submit(ctx, q)
				refused(h, err, fault.Conflict, CodeMethodWaits)
				if from := fault.As(err).Extra["pays_from"]; from != c.Until.Format(time.RFC3339) {
					t.Errorf("it pays from %v, says the refusal; want %v", from, c.Until)
				}
			}
		}
		h.drain()
		if _, err := h.Submit(ctx, old); err != nil {
			t.Errorf("the method from before: %v", err)
		}
		h.clock.Advance(time.Microsecond)
		if _, err := h.Submit(ctx, recent); err != nil {
			t.Errorf("at the end of the caution: %v", err)
		}
		if n := len(h.box.mail); n != 0 {
			t.Errorf("%d messages went out for payments that could not be made", n)
		}
	})
}

// TestACautionIsItsMembersAlone: of payments that are taken together only those of
// its member are refused, and only from methods of the caution.
func TestACautionIsItsMembersAlone(t *testing.T) {
	each(t, func(h *house) {
		ada, ben := h.person("ada"), h.person("ben")
		h.clock.Advance(time.Microsecond)
		h.cautious(ada)
		hers, his := h.request(ada, 10_00), h.request(ben, 10_00)
		hers.MethodID, his.MethodID = h.added(ada).ID, h.added(ben).ID
		var orders []*order
		for _, q := range []Request{hers, his, h.request(ada, 11_00), h.request(ben, 11_00)} {
			o, err := h.newOrder(ctx, q)
			must(h, err)
			orders = append(orders, o)
		}
		verdicts := h.takeTogether(orders)
		refused(h, verdicts[0].err, fault.Conflict, CodeMethodWaits)
		for _, v := range verdicts[1:] {
			if v.err != nil {
				t.Error(v.err)
			}
		}
		waits, err := h.MethodsPayFrom(ctx, ada.ID, []instrument.Method{ada.method, {ID: hers.MethodID, CreatedAt: h.clock.Now()}})
		if err != nil || len(waits) != 1 || waits[hers.MethodID].IsZero() {
			t.Errorf("what is shown: %v %v", waits, err)
		}
	})
}

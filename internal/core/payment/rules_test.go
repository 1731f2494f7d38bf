package payment

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/core/instrument"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// signIn signs a person in by password and code.
func (h *house) signIn(p *person) {
	h.Helper()
	const password = "an owl reads by lamplight"
	c := signin.Client{IP: "192.0.2.1", UserAgent: "test", FlowID: "flow-" + p.Username}
	must(h, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.SignIn.SetPassword(ctx, tx, p.ID, password) }))
	out, err := h.SignIn.SignIn(ctx, p.Username, password, c)
	must(h, err)
	out, err = h.SignIn.SubmitCode(ctx, out.Challenge.ID, h.told("sign in").Code, true, c)
	must(h, err)
	p.session, err = h.SignIn.Check(ctx, out.Session.Token, signin.Pay)
	must(h, err)
}

// prove answers the challenge of a refusal with the code of the message that names
// what is to be done.
func (h *house) prove(p person, err error, named string) string {
	h.Helper()
	refused(h, err, fault.Forbidden, "step-up-required")
	proof, err := h.SignIn.Prove(ctx, p.session, fault.As(err).Extra["challenge"].(signin.Challenge).ID, h.told("code to", named).Code)
	must(h, err)
	return proof
}

func TestAPaymentAboveTheLimitNeedsAProofOfExactlyIt(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		h.signIn(&ada)
		if p, err := h.Submit(ctx, h.request(ada, 500_00)); err != nil || p.Status != Held {
			h.Fatal("500.00 needs none", p, err)
		}
		q := h.request(ada, 500_01)
		_, err := h.Submit(ctx, q)
		proof := h.prove(ada, err, "$500.01")
		h.told("code to pay", "$500.01", "Everyday •••• 4242")
		for _, change := range []func(*Request){
			func(q *Request) { q.Amount = usd(500_02) },
			func(q *Request) { q.Date = "2026-03-09" },
		} {
			other := q
			other.Key, other.Proof = db.NewID(), proof
			change(&other)
			_, err := h.Submit(ctx, other)
			refused(h, err, fault.Forbidden, "step-up-refused")
		}
		q.Proof = proof
		p, err := h.Submit(ctx, q) // the refusal was not recorded under the key
		must(h, err)
		if again, err := h.Submit(ctx, q); err != nil || again.ID != p.ID {
			h.Fatal("a repeat with the used proof", again, err)
		}
		q.Proof = ""
		if again, err := h.Submit(ctx, q); err != nil || again.ID != p.ID {
			h.Fatal("a repeat without a proof", again, err)
		}
		other := q
		other.Key, other.Proof = db.NewID(), proof
		_, err = h.Submit(ctx, other)
		refused(h, err, fault.Forbidden, "step-up-refused")
		h.drain()
		h.wants(p, Settled, 1, 0)
		h.clean()
	})
}

// A repeated message must still name amount and payee.
func TestTheCodeOfAPaymentCanBeSentAgain(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		h.signIn(&ada)
		q := h.request(ada, 600_00)
		_, err := h.Submit(ctx, q)
		refused(h, err, fault.Forbidden, "step-up-required")
		ch := fault.As(err).Extra["challenge"].(signin.Challenge)
		h.drain()
		sent := len(h.box.mail)
		h.clock.Advance(time.Minute)
		if _, err := h.SignIn.Resend(ctx, ch.ID, ch.Channel, q.Client); err != nil {
			h.Fatal(err)
		}
		h.drain()
		if h.told("code to pay", "600.00", "Everyday •••• 4242"); len(h.box.mail) != sent+1 {
			h.Fatal("it was not sent again", h.box.mail)
		}
	})
}

// RTS (EU) 2018/389 Article 16: 30 euro each, 100 euro or five payments in a row.
func TestLowValueExemptionInEurope(t *testing.T) {
	rules := EURules()
	eachWith(t, Config{Rules: rules}, func(h *house) {
		ada := h.person("ada")
		h.signIn(&ada)
		_, err := h.Submit(ctx, h.request(ada, 30_01))
		refused(h, err, fault.Forbidden, "step-up-required")
		for range 3 {
			h.pay(ada, 30_00)
		}
		q := h.request(ada, 10_01) // 100.01 in all
		_, err = h.Submit(ctx, q)
		h.clock.Advance(time.Minute)
		q.Proof = h.prove(ada, err, "$10.01")
		_, err = h.Submit(ctx, q)
		must(h, err)
		h.clock.Advance(time.Second)
		for range 5 {
			h.pay(ada, 1_00)
		}
		_, err = h.Submit(ctx, h.request(ada, 1))
		refused(h, err, fault.Forbidden, "step-up-required")
	})
}

// addMethod adds a bank account in the United States.
func (h *house) addMethod(p person, account, proof string) (instrument.Method, bool, error) {
	return h.AddMethod(ctx, MethodRequest{Session: p.session, Client: signin.Client{IP: "192.0.2.1", FlowID: "flow"}, Proof: proof, Request: instrument.Request{
		Kind: instrument.KindBankAccount, Country: "US", RoutingNumber: "021000021", AccountNumber: account, HolderName: "Ada"}})
}

func TestAddingAMethodNeedsAFreshCodeOrAProof(t *testing.T) {
	each(t, func(h *house) {
		ada := h.person("ada")
		h.signIn(&ada)
		m, created, err := h.addMethod(ada, "11112222", "")
		if err != nil || !created || m.Status != instrument.New {
			h.Fatal(m, created, err)
		}
		h.told("was added", "•••• 2222")
		h.clock.Advance(11 * time.Minute)
		if again, created, err := h.addMethod(ada, "11112222", ""); err != nil || created || again.ID != m.ID {
			h.Fatal("a duplicate needs none", again, created, err)
		}
		_, _, err = h.addMethod(ada, "33334444", "")
		refused(h, err, fault.Forbidden, "step-up-required")
		if list, _ := h.Instruments.List(ctx, ada.ID); len(list) != 2 {
			h.Fatal("it was stored all the same", list)
		}
		if m, created, err = h.addMethod(ada, "33334444", h.prove(ada, err, "•••• 4444")); err != nil || !created {
			h.Fatal(m, created, err)
		}
		_, _, err = h.addMethod(ada, "x", "")
		refused(h, err, fault.Invalid, "account-number.us-digits")
	})
}

// Where a fresh code is not enough, a proof is good for the number that it was asked for.
func TestAProofIsForOneMethod(t *testing.T) {
	eachWith(t, Config{Rules: EURules()}, func(h *house) {
		ada := h.person("ada")
		h.signIn(&ada)
		_, _, err := h.addMethod(ada, "33334444", "")
		proof := h.prove(ada, err, "•••• 4444")
		_, _, err = h.addMethod(ada, "55554444", proof)
		refused(h, err, fault.Forbidden, "step-up-refused")
		if _, created, err := h.addMethod(ada, "33334444", proof); err != nil || !created {
			h.Fatal(created, err)
		}
	})
}

func TestRemovingAMethod(t *testing.T) {
	each(t, func(h *house) {
		ada, bob := h.person("ada"), h.person("bob")
		refused(h, h.RemoveMethod(ctx, bob.ID, ada.method.ID), fault.NotFound, "method.not-found")
		refused(h, h.RemoveMethod(ctx, ada.ID, "x"), fault.NotFound, "method.not-found")
		p := h.pay(ada, 1_00)
		refused(h, h.RemoveMethod(ctx, ada.ID, ada.method.ID), fault.Conflict, "method.in-use")
		h.bank.mute = true
		h.drain()
		must(h, h.RemoveMethod(ctx, ada.ID, ada.method.ID))
		must(h, h.RemoveMethod(ctx, ada.ID, ada.method.ID))
		h.bank.mute = false
		h.clock.Advance(time.Hour)
		h.drain()
		h.wants(p, Settled, -999_00, 0) // what the bank already has goes on
		_, err := h.Submit(ctx, h.request(ada, 1_00))
		refused(h, err, fault.NotFound, "method.not-found")
	})
}

func TestConfigurationThatCannotBe(t *testing.T) {
	one := map[string]Rail{"bank": &bank{}}
	for _, c := range []struct {
		conf  Config
		rails map[string]Rail
	}{
		{Config{CutOff: 16 * time.Hour}, one},
		{Config{CutOff: 24 * time.Hour}, one},
		{Config{}, nil},
		{Config{}, map[string]Rail{"a": &bank{}, "b": &bank{}}},
		{Config{}, map[string]Rail{syntheticRail: &bank{}}},
	} {
		if err := c.conf.complete(c.rails); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}

// Payments that are made at the same moment, through two processes, count as if
// they were made one after the other: the last free one is one.
func TestTheLastFreePaymentIsOneHoweverManyAskAtOnce(t *testing.T) {
	eachWith(t, Config{Rules: EURules()}, func(h *house) {
		ada := h.person("ada")
		h.signIn(&ada)
		for range 4 {
			h.pay(ada, 1_00)
		}
		var wg sync.WaitGroup
		var free, asked atomic.Int32
		for _, s := range []*Service{h.Service, h.replica(h.db)} {
			for range 5 {
				q := h.request(ada, 1_00)
				wg.Go(func() {
					switch _, err := s.Submit(ctx, q); {
					case err == nil:
						free.Add(1)
					case fault.As(err).Code == "step-up-required" || fault.As(err).Code == "signin.too-many":
						asked.Add(1)
					default:
						h.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if free.Load() != 1 || asked.Load() != 9 {
			h.Errorf("%d payments went without a proof and %d were asked for one, want 1 and 9", free.Load(), asked.Load())
		}
	})
}

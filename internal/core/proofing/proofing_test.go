package proofing

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// The whole way: reference, agent, second person, code to the new number, new
// password. Before the approval nothing works; afterwards everything is told.
func TestTwoPeopleLetAMemberBackIn(t *testing.T) {
	each(t, func(h *house) {
		m := h.member("mira")
		agent, boss := h.hire("Ann", staff.Agent), h.hire("Bo", staff.Supervisor)
		claim := h.asks("mira")
		c := content(claim.Reference)
		c.Phone, c.Email, c.Lost = "+1 202 555 0177", "new@example.org", []string{signin.LostApp, signin.LostDevices}
		id, err := h.submit(agent, c)
		h.must(err)
		h.want(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")), "claim.over")
		h.want(h.in.AnswerAssisted(ctx, claim.ID, "123456", browser("mira")), "claim.over")
		h.drain()
		if n := len(h.box.mail); n > 0 {
			t.Fatalf("%d messages before anybody approved", n)
		}
		h.must(h.approve(boss, id))
		h.drain()
		for _, to := range []string{phone, "mira@example.org"} {
			if got := h.box.to(to); len(got) != 1 || !strings.Contains(got[0].Text, "https://bank.example/stop/") || got[0].Code != "" {
				t.Fatalf("%s was told %+v", to, got)
			}
		}
		sent := h.box.to(newTel)
		if len(sent) != 1 || sent[0].Code == "" || !strings.Contains(sent[0].Text, "Tell it to nobody") {
			t.Fatalf("the new number was sent %+v", sent)
		}
		h.want(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")), "claim.over") // the code comes first
		h.want(h.in.AnswerAssisted(ctx, claim.ID, sent[0].Code, browser("other")), "claim.over")
		h.must(h.in.AnswerAssisted(ctx, claim.ID, sent[0].Code, browser("mira")))
		h.must(h.in.AnswerAssisted(ctx, claim.ID, sent[0].Code, browser("mira"))) // a double click
		if !h.signsIn("mira", old) {
			t.Fatal("the old password ended before there was a new one")
		}
		h.want(h.in.CompleteAssisted(ctx, claim.ID, "mira", browser("mira")), "password.too-short")
		h.must(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")))
		h.must(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")))
		if h.signsIn("mira", old) || !h.signsIn("mira", fresh) {
			t.Fatal("the password is not the new one")
		}
		caution, err := h.in.Caution(ctx, m.ID)
		h.must(err)
		if !caution.Until.Equal(h.in24()) {
			t.Errorf("caution until %v", caution.Until)
		}
		h.drain()
		for _, to := range []string{phone, "mira@example.org", newTel, "new@example.org"} {
			if list := h.box.to(to); len(list) == 0 {
				t.Errorf("%s heard nothing", to)
			}
		}
		found, err := h.Case(ctx, h.session(boss), desk, id)
		h.must(err)
		if found.State != Done || found.Submitter != "Ann" || found.Decider != "Bo" {
			t.Errorf("%+v", found)
		}
		h.evident(id, agent, boss)
	})
}

// evident holds what two people signed to be verifiable without us.
func (h *house) evident(id string, agent, boss worker) {
	h.Helper()
	first, second, err := h.Evidence(ctx, id)
	h.must(err)
	if first.By != agent.id || second.By != boss.id || first.Verify() != nil || second.Verify() != nil {
		h.Errorf("%v %v", first.Verify(), second.Verify())
	}
	first.Text += "x"
	if first.Verify() == nil {
		h.Error("another text is signed, too")
	}
	if n := h.number(`SELECT count(*) FROM audit WHERE object = 'case' AND object_id = $1 AND outcome = 'ok'`, id); n != 2 {
		h.Errorf("%d entries in the audit log", n)
	}
}

func TestWhoSubmittedDoesNotDecide(t *testing.T) {
	each(t, func(h *house) {
		h.member("mira")
		boss, other := h.hire("Bo", staff.Supervisor), h.hire("Cy", staff.Supervisor)
		id, err := h.submit(boss, content(h.asks("mira").Reference))
		h.must(err)
		h.want(h.approve(boss, id), "case.decided") // no page offers it
		// A page of somebody else's, forged: the answer is the submitter's own, for the right act.
		sess := h.session(boss)
		found, err := h.Case(ctx, sess, desk, id)
		h.must(err)
		for _, approve := range []bool{true, false} {
			p, err := h.staff.AskProof(ctx, sess, found.text(approve))
			h.must(err)
			h.want(h.Decide(ctx, sess, desk, Decision{CaseID: id, Approve: approve, Reason: Mistake}, h.answer(boss, p)), "case.same-person")
		}
		h.must(h.approve(other, id))
	})
}

// Every role and everything there is to do, written out.
func TestCasesByRole(t *testing.T) {
	each(t, func(h *house) {
		h.member("mira")
		claim := h.asks("mira")
		id, err := h.submit(h.hire("Ann", staff.Agent), content(claim.Reference))
		h.must(err)
		for role, may := range map[staff.Role]string{staff.Agent: "see submit", staff.Supervisor: "see submit decide", staff.Auditor: "see", staff.Operator: ""} {
			w := h.hire("W", role)
			sess := h.session(w)
			_, see := h.Cases(ctx, sess, desk)
			c, err := h.check(content(claim.Reference))
			h.must(err)
			p, err := h.staff.AskProof(ctx, sess, c.text())
			h.must(err)
			_, submit := h.Submit(ctx, sess, desk, c, h.answer(w, p))
			decide := h.approveAnyway(w, id)
			for what, err := range map[string]error{"see": see, "submit": submit, "decide": decide} {
				if fault.Is(err, fault.Forbidden) == strings.Contains(may, what) {
					t.Errorf("%s %s: %v", role, what, err)
				}
			}
		}
	})
}

// approveAnyway approves without asking whether a page would offer it, and takes it
// back for the next one.
func (h *house) approveAnyway(w worker, id string) error {
	h.Helper()
	c := Case{ID: id}
	h.must(h.db.View(ctx, func(tx *db.Tx) (err error) { c, err = read(ctx, tx, `id = $1`, id); return err }))
	p, err := h.staff.AskProof(ctx, h.session(w), c.text(true))
	h.must(err)
	return h.Decide(ctx, h.session(w), desk, Decision{CaseID: id, Approve: true}, h.answer(w, p))
}

func TestWhatIsNotEnough(t *testing.T) {
	each(t, func(h *house) {
		h.member("mira")
		agent := h.hire("Ann", staff.Agent)
		claim := h.asks("mira")
		for code, change := range map[string]func(*Content){
			"case.no-document":      func(c *Content) { c.Proofs = []Proof{CallBack, Transactions, Letter} },
			"case.too-few":          func(c *Content) { c.Proofs = []Proof{DocumentSeen, DocumentVideo} },
			"case.no-proof":         func(c *Content) { c.Proofs = append(c.Proofs, "charm") },
			"case.reference":        func(c *Content) { c.Reference = "12345678901" },
			"assisted.no-reference": func(c *Content) { c.Reference = "0000000000" },
			"assisted.lost":         func(c *Content) { c.Lost = []string{"password"} },
			"member.phone":          func(c *Content) { c.Phone = "call me" },
			"member.email":          func(c *Content) { c.Email = "a\nb@example.org" },
		} {
			c := content(claim.Reference)
			change(&c)
			if _, err := h.submit(agent, c); err == nil {
				t.Errorf("%s was taken", code)
			} else if e := fault.As(err); e.Code != code && (len(e.Fields) == 0 || !strings.HasPrefix(code, "member.") && e.Fields[0].Code != code) {
				t.Errorf("%v, want %s", err, code)
			}
		}
		_, err := h.submit(agent, content(claim.Reference))
		h.must(err)
		_, err = h.submit(agent, content(claim.Reference))
		h.want(err, "case.open-already")
	})
}

// A passkey's answer is for exactly what was on the page.
func TestAProofIsForExactlyThisCase(t *testing.T) {
	each(t, func(h *house) {
		h.member("mira")
		agent, boss := h.hire("Ann", staff.Agent), h.hire("Bo", staff.Supervisor)
		c, sess := content(h.asks("mira").Reference), h.session(agent)
		c, prompt, err := h.Review(ctx, sess, desk, c)
		h.must(err)
		other := c
		other.Phone = newTel // between the page and the answer
		_, err = h.Submit(ctx, sess, desk, other, h.answer(agent, prompt))
		h.want(err, "passkey.over")
		_, err = h.Submit(ctx, h.session(boss), desk, c, h.answer(agent, prompt)) // another session
		h.want(err, "passkey.over")
		h.clock.Advance(6 * time.Minute)
		_, err = h.Submit(ctx, h.session(agent), desk, c, h.answer(agent, prompt)) // too late
		h.want(err, "passkey.over")
		c, prompt, err = h.Review(ctx, h.session(agent), desk, c)
		h.must(err)
		boss.key, agent.key = agent.key, boss.key
		_, theirs, err := h.Review(ctx, h.session(boss), desk, c)
		h.must(err)
		stolen := h.answer(agent, theirs) // the right person's question, another person's passkey
		boss.key, agent.key = agent.key, boss.key
		_, err = h.Submit(ctx, h.session(agent), desk, c, staff.Proof{State: prompt.State, Answer: stolen.Answer})
		h.want(err, "passkey.refused")
		id, err := h.Submit(ctx, h.session(agent), desk, c, h.answer(agent, prompt))
		h.must(err)
		refusal, err := h.AskDecision(ctx, h.session(boss), desk, id, false)
		h.must(err)
		h.want(h.Decide(ctx, h.session(boss), desk, Decision{CaseID: id, Approve: true}, h.answer(boss, refusal)), "passkey.over")
	})
}

// What somebody leaves behind whose access has ended is approved by nobody, and
// who has ended decides nothing.
func TestWhoHasEndedCountsNoMore(t *testing.T) {
	each(t, func(h *house) {
		h.member("mira")
		firm, err := h.staff.AddOrganisation(ctx, h.session(h.chief), desk, "Call Centre")
		h.must(err)
		_, link, err := h.staff.Invite(ctx, h.session(h.chief), desk, staff.Invitation{Name: "Sam", Role: staff.Agent, OrganisationID: firm.ID, Until: h.in24()})
		h.must(err)
		sam, boss, second := h.setUp(link, ""), h.hire("Bo", staff.Supervisor), h.hire("Cy", staff.Supervisor)
		id, err := h.submit(sam, content(h.asks("mira").Reference))
		h.must(err)
		prompt, err := h.AskDecision(ctx, h.session(boss), desk, id, true)
		h.must(err)
		gone := h.session(boss)
		answer := h.answer(boss, prompt)
		h.must(h.staff.End(ctx, h.session(h.chief), desk, boss.id))
		if err := h.Decide(ctx, gone, desk, Decision{CaseID: id, Approve: true}, answer); err == nil {
			t.Fatal("somebody who has ended approved")
		}
		h.must(h.staff.EndOrganisation(ctx, h.session(h.chief), desk, firm.ID))
		h.want(h.approve(second, id), "staff.has-ended")
		h.must(h.decide(second, Decision{CaseID: id, Reason: Mistake}))
	})
}

func TestADecisionFallsOnce(t *testing.T) {
	each(t, func(h *house) {
		h.member("mira")
		agent, boss, other := h.hire("Ann", staff.Agent), h.hire("Bo", staff.Supervisor), h.hire("Cy", staff.Supervisor)
		id, err := h.submit(agent, content(h.asks("mira").Reference))
		h.must(err)
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, w := range []worker{boss, other} {
			sess := h.session(w)
			prompt, err := h.AskDecision(ctx, sess, desk, id, i == 0)
			h.must(err)
			proof := h.answer(w, prompt)
			wg.Go(func() {
				errs[i] = h.Decide(ctx, sess, desk, Decision{CaseID: id, Approve: i == 0, Reason: TooLittle}, proof)
			})
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatal(errs)
		}
		for _, err := range errs {
			if err != nil {
				h.want(err, "case.decided")
			}
		}
		if n := h.number(`SELECT count(*) FROM assistance`); n != 0 && errs[0] != nil || n != 1 && errs[0] == nil {
			t.Errorf("%d approvals after %v", n, errs)
		}
		h.want(h.approve(other, id), "case.decided")
	})
}

func TestARefusedOrExpiredCaseLeadsNowhere(t *testing.T) {
	each(t, func(h *house) {
		h.member("mira")
		agent, boss := h.hire("Ann", staff.Agent), h.hire("Bo", staff.Supervisor)
		claim := h.asks("mira")
		id, err := h.submit(agent, content(claim.Reference))
		h.must(err)
		h.want(h.decide(boss, Decision{CaseID: id, Reason: "because"}), "case.no-reason")
		h.must(h.decide(boss, Decision{CaseID: id, Reason: Suspicion}))
		_, err = h.in.AssistedClaim(ctx, claim.ID, browser("mira"))
		h.want(err, "claim.over")
		h.want(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("mira")), "claim.over")

		claim = h.asks("mira") // begun anew
		id, err = h.submit(agent, content(claim.Reference))
		h.must(err)
		for range 24*5 + 1 { // both stay at work
			h.clock.Advance(12 * time.Minute)
		}
		again := h.comesBack(boss)
		h.want(h.approve(again, id), "case.decided")
		found, err := h.Case(ctx, h.session(again), desk, id)
		h.must(err)
		if found.State != Expired {
			t.Error(found.State)
		}
		h.drain()
		if len(h.box.mail) > 0 {
			t.Errorf("%d messages", len(h.box.mail))
		}
	})
}

// comesBack signs somebody in whose session is over.
func (h *house) comesBack(w worker) worker {
	h.Helper()
	p, err := h.staff.BeginSignIn(desk)
	h.must(err)
	answer, err := w.key.Get(p.Options, origin)
	h.must(err)
	w.token, err = h.staff.SignIn(ctx, p.State, answer, desk)
	h.must(err)
	return w
}

// Nobody stands behind the claim, and neither its browser nor staff can tell.
func TestADecoyIsLikeAnyOther(t *testing.T) {
	each(t, func(h *house) {
		h.member("mira")
		agent, boss := h.hire("Ann", staff.Agent), h.hire("Bo", staff.Supervisor)
		var seen []string
		for _, name := range []string{"mira", "nobody"} {
			claim := h.asks(name)
			c := content(claim.Reference)
			c.Phone = newTel
			id, err := h.submit(agent, c)
			h.must(err)
			waiting, err := h.in.AssistedClaim(ctx, claim.ID, browser(name))
			h.must(err)
			h.must(h.approve(boss, id))
			approved, err := h.in.AssistedClaim(ctx, claim.ID, browser(name))
			h.must(err)
			h.want(h.in.AnswerAssisted(ctx, claim.ID, "000000", browser(name)), "claim.code-wrong")
			found, err := h.Case(ctx, h.session(boss), desk, id)
			h.must(err)
			seen = append(seen, alike(t, claim, waiting, approved, found))
		}
		if seen[0] != seen[1] {
			t.Errorf("a member's: %s\na decoy's:  %s", seen[0], seen[1])
		}
		h.drain()
		if n := len(h.box.to(newTel)); n != 1 {
			t.Errorf("%d codes", n) // the member's alone
		}
	})
}

// alike writes what can be seen, less what is another for every claim.
func alike(t *testing.T, list ...any) string {
	t.Helper()
	for i, v := range list {
		switch x := v.(type) {
		case signin.AssistedClaim:
			x.ID, x.Reference, x.Passkey = "", "", nil
			list[i] = x
		case Case:
			x.ID, x.Reference, x.claimID = "", "", ""
			list[i] = x
		}
	}
	b, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Without a new number the same browser goes on at once; a decoy's browser comes as
// far as a password, and no further.
func TestADecoySetsNoPassword(t *testing.T) {
	each(t, func(h *house) {
		agent, boss := h.hire("Ann", staff.Agent), h.hire("Bo", staff.Supervisor)
		claim := h.asks("nobody")
		id, err := h.submit(agent, content(claim.Reference))
		h.must(err)
		h.must(h.approve(boss, id))
		h.want(h.in.CompleteAssisted(ctx, claim.ID, fresh, browser("nobody")), "claim.over")
	})
}

// Nothing of the member is in what staff can see.
func TestACaseHasNothingOfTheMember(t *testing.T) {
	each(t, func(h *house) {
		m := h.member("mira")
		agent, boss := h.hire("Ann", staff.Agent), h.hire("Bo", staff.Supervisor)
		id, err := h.submit(agent, content(h.asks("mira").Reference))
		h.must(err)
		h.must(h.approve(boss, id))
		found, err := h.Case(ctx, h.session(agent), desk, id)
		h.must(err)
		b, err := json.Marshal(found)
		h.must(err)
		for _, of := range []string{m.ID, "mira", m.Email, m.Phone, "example.org", "198.51.100.9", "Firefox"} {
			if strings.Contains(string(b), of) {
				t.Errorf("%s is in %s", of, b)
			}
		}
	})
}

package signin

import (
	"testing"
	"time"

	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// eachClaim runs a test on both engines in a house whose jobs send claims' codes.
func eachClaim(t *testing.T, c Config, test func(t *testing.T, h *house)) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		test(t, newClaimHouse(t, d, clock, c))
	})
}

func newClaimHouse(t *testing.T, d *db.DB, clock *dbtest.Clock, c Config) *house {
	t.Helper()
	h := newHouse(t, d, clock, c)
	h.conf.Jobs = h.jobs
	h.Service = h.replica()
	h.conf.Jobs = nil // a kind of job has one handler
	return h
}

// claims makes a claim, as the kinds of claims do.
func (h *house) claims(kind ClaimKind, memberID, named string, from *Client) (c claim, err error) {
	h.t.Helper()
	b, err := h.arrival(ctx, false, *from)
	must(h.t, err)
	err = h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		if c, err = h.beginClaim(ctx, tx, claimed{kind: kind, memberID: memberID, named: named, from: *from, browser: b}); err != nil || c.sends > 0 {
			return err
		}
		return h.claimCode(ctx, tx, &c, "")
	})
	if err == nil {
		must(h.t, h.jobs.Drain(ctx))
	}
	return c, err
}

// answers types something into a claim.
func (h *house) answers(kind ClaimKind, id, typed string, from *Client) (c claim, err error) {
	h.t.Helper()
	b, err := h.arrival(ctx, false, *from)
	must(h.t, err)
	var refusal error
	err = h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		if c, err = h.openClaim(ctx, tx, kind, id, *from); err == nil {
			refusal, err = h.tryClaim(ctx, tx, &c, typed, b)
		}
		return err
	})
	if err == nil {
		err = refusal
	}
	return c, err
}

// lastCode is the code of the last message that was made for a channel. (Workers
// send those that wait together in any order; ids are in that of making.)
func (b *mailbox) lastCode(ch notify.Channel) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var last notify.Outgoing
	for _, m := range b.mail {
		if m.Channel == ch && m.Code != "" && m.ID >= last.ID {
			last = m
		}
	}
	return last.Code
}

// about counts the messages whose code somebody was sent, or that carry none.
func (b *mailbox) without(code bool) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, m := range b.mail {
		if (m.Code == "") == code {
			n++
		}
	}
	return n
}

// A claim lets its member in anew once, from its own browser, and then every
// contact is told and whatever was open is over.
func TestAClaimIsCompletedOnceAndEverybodyIsTold(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		m, b := h.member("ada"), browser("f")
		before := h.enter("ada", browser("old"), true)
		c, err := h.claims(Recovery, m.ID, "ada", b)
		must(t, err)
		again, err := h.claims(Recovery, m.ID, "ada", b)
		if err != nil || again.id != c.id {
			t.Fatal("begun twice in one flow:", again.id, err)
		}
		code := h.box.lastCode(notify.Text)
		for name, from := range map[string]*Client{"another flow": browser("g"), "no flow": browser("")} {
			if _, err := h.answers(Recovery, c.id, code, from); !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err = h.answers(Enrolment, c.id, code, b)
		h.want(err, fault.NotFound, "claim.over")
		for range 2 { // typed twice: a double click
			if c, err = h.answers(Recovery, c.id, code, b); err != nil || len(c.proved) != 1 || c.proved[0] != "text" {
				t.Fatal(c.proved, err)
			}
		}
		hash, err := h.hashes.hash(ctx, "a new owl for the old lamp")
		must(t, err)
		complete := func() error {
			return h.db.WithTx(ctx, func(tx *db.Tx) error {
				c, err := h.openClaim(ctx, tx, Recovery, c.id, *b)
				if err != nil {
					return err
				}
				return h.completeClaim(ctx, tx, &c, completion{password: hash, notice: "password-recovered", forget: true, caution: time.Hour, from: *b}, nil)
			})
		}
		h.want(complete(), fault.NotFound, "claim.over") // nobody has said that it is enough
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
			c, err := h.openClaim(ctx, tx, Recovery, c.id, *b)
			must(t, err)
			return h.readyClaim(ctx, tx, &c)
		}))
		must(t, complete())
		h.want(complete(), fault.NotFound, "claim.over")
		must(t, h.jobs.Drain(ctx))
		if n := h.box.without(true); n != 3 { // of the new device, and of this by e-mail and by text
			t.Errorf("%d notices", n)
		}
		_, err = h.Check(ctx, before.Session.Token, Look)
		h.want(err, fault.Unauthenticated, "session.over")
		held, err := h.Caution(ctx, m.ID)
		must(t, err)
		e, err := h.EvidenceFor(ctx, c.id)
		must(t, err)
		if must(t, e.Verify()); e.Way != "text" || e.MemberID != m.ID || !held.At(h.clock.Now()) {
			t.Errorf("%+v %+v", e, held)
		}
	})
}

// Whatever is asked of a claim that nobody stands behind, the answer is as of one
// with a member.
func TestADecoyIsAnsweredLikeAMembersClaim(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		m := h.member("ada")
		for name, id := range map[string]string{"ada": m.ID, "nobody": ""} {
			b := browser(name)
			c, err := h.claims(Recovery, id, name, b)
			must(t, err)
			must(t, h.mayBegin())
			if p := h.publicClaim(c); p.State != ClaimOpen || p.SentTo != "" || len(p.Proved) > 0 || len(p.Channels) != 2 || len(InGroups(p.Reference)) != 12 {
				t.Errorf("%s: %+v", name, p)
			}
			if c.bound().Hash == [32]byte{} {
				t.Error("a passkey could not answer")
			}
			for left := claimTries - 1; left > 0; left-- {
				_, err := h.answers(Recovery, c.id, "000000", b)
				h.want(err, fault.Invalid, "claim.code-wrong")
			}
			_, err = h.answers(Recovery, c.id, "000000", b)
			h.want(err, fault.NotFound, "claim.over")
			_, err = h.answers(Recovery, c.id, "000000", b)
			h.want(err, fault.NotFound, "claim.over")
		}
		if h.box.lastCode(notify.Text) == "000000" {
			t.Skip("the one code in a million that was guessed")
		}
	})
}

package signin

import (
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// imported makes a member without a login, as an import does.
func (h *house) imported(s member.Spec, accounts ...account.Spec) (m member.Member) {
	h.t.Helper()
	s.DisplayName = s.Ref
	if s.Username == "" {
		s.Username = s.Ref
	}
	must(h.t, h.db.WithTx(ctx, func(tx *db.Tx) (err error) {
		m, err = h.members.Create(ctx, tx, s)
		return err
	}))
	for _, a := range accounts {
		h.holds(m.ID, a)
	}
	return m
}

// robin has a card and savings, sam savings only.
func (h *house) robin() member.Member {
	return h.imported(member.Spec{Ref: "cust-7781", Username: "robin", Email: "Robin@example.org", Phone: "+12025550199", BirthDate: "1985-03-24"},
		account.Spec{Ref: "card-1", Kind: account.Card, Last4: "4417", ExpiresOn: "2027-08-31"},
		account.Spec{Ref: "sav-1", Kind: account.Savings, Last4: "9902"})
}

func (h *house) sam() member.Member {
	return h.imported(member.Spec{Ref: "cust-7782", Username: "sam", Email: "sam@example.org", BirthDate: "1990-12-01"},
		account.Spec{Ref: "acct-000731", Kind: account.Savings})
}

func byCard(who, last4, expires string) Enrolling {
	return Enrolling{Who: who, By: EnrolByCard, Last4: last4, Expires: expires}
}

func bySavings(who, end, born string) Enrolling {
	return Enrolling{Who: who, By: EnrolBySavings, End: end, BirthDate: born}
}

// begins makes an enrolment and lets its job run.
func (h *house) begins(q Enrolling, c *Client) Claim {
	h.t.Helper()
	cl, err := h.BeginEnrolment(ctx, q, *c)
	must(h.t, err)
	must(h.t, h.jobs.Drain(ctx))
	return cl
}

func (h *house) proves(q Enrolling, ch notify.Channel, c *Client) Claim {
	h.t.Helper()
	cl := h.begins(q, c)
	cl, err := h.AnswerEnrolment(ctx, cl.ID, h.box.lastCode(ch), *c)
	must(h.t, err)
	return cl
}

// since forgets what is in the mailbox.
func (b *mailbox) empty() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mail = nil
}

func login(name string) NewLogin {
	return NewLogin{Username: name, Password: "a heron counts eleven boats", PIN: "739152", Trust: true}
}

// Whoever knows their card, or their savings where they have nothing else, and
// reads the code gets a login, a PIN, and a session, once.
func TestAnImportedMemberEnrols(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		for name, q := range map[string]struct {
			member member.Member
			shown  Enrolling
			by     notify.Channel
		}{
			"robin": {h.robin(), byCard("robin@EXAMPLE.org", "4417", "8/27"), notify.Text},
			"sam":   {h.sam(), bySavings("cust-7782", "•••• 0731", "1990-12-01"), notify.Email},
		} {
			h.box.empty()
			b := browser(name)
			cl := h.proves(q.shown, q.by, b)
			if cl.State != ClaimReady || cl.Username != name {
				t.Fatalf("%s: %+v", name, cl)
			}
			out, err := h.CompleteEnrolment(ctx, cl.ID, login(name+".new"), *b)
			must(t, err)
			again, err := h.CompleteEnrolment(ctx, cl.ID, login(name+".new"), *b) // pressed twice
			if must(t, err); again.Session.ID != out.Session.ID || again.DeviceToken == "" {
				t.Error("a second press gives another session, or no device")
			}
			sess := h.check(out.Session.Token)
			if sess.MemberID != q.member.ID || !h.Fresh(sess, time.Minute) {
				t.Errorf("%s: %+v", name, sess)
			}
			must(t, h.VerifyPIN(ctx, q.member.ID, "739152", caller))
			must(t, h.jobs.Drain(ctx))
			told := 1 + strings.Count(q.member.Phone, "+") // every contact on file
			if n := h.box.without(true); n != told {
				t.Errorf("%s: %d notices, want %d", name, n, told)
			}
			b.keep(out)
			if in, err := h.SignIn(ctx, name+".NEW", "a heron counts eleven boats", *b); err != nil || in.Session == nil {
				t.Error(name, "cannot sign in, or is asked on the device:", err)
			}
			h.wait(replayWindow + time.Second)
			_, err = h.CompleteEnrolment(ctx, cl.ID, login(name), *b)
			h.want(err, fault.NotFound, "claim.over")
		}
	})
}

// Nothing that can be seen tells who is a member, who has a login, or what was
// wrong: the same bytes, for the same statements and rows, from the first page to
// the last refusal.
func TestEnrolmentsAreAnsweredAlike(t *testing.T) {
	clock, tr := dbtest.NewClock(), &traced{}
	dbtest.EachAt(t, db.Options{Now: clock.Now, Trace: tr.trace}, func(t *testing.T, d *db.DB) {
		h := tr
		h.house = newClaimHouse(t, d, clock, Config{})
		var first []string
		for i, q := range h.lookingAlike() {
			got := h.enrolTranscript(q, fmt.Sprintf("198.51.100.%d", i))
			if first == nil {
				first = got
			}
			if !reflect.DeepEqual(got, first) {
				tell(t, fmt.Sprintf("%+v", q), got, first)
			}
		}
		must(t, h.jobs.Drain(ctx))
		codes, notices := 0, 0
		for _, m := range h.box.mail {
			switch {
			case m.Code != "":
				codes++
			case strings.Contains(m.Text, "already"):
				notices++
			}
		}
		if codes != 1 || notices != 2 { // the one member's code; ada's notice, by e-mail and by text
			t.Errorf("%d codes, %d notices", codes, notices)
		}
	})
}

// lookingAlike are attempts that a guesser wants to tell apart; only the first is
// of a member to whom all fits.
func (h *house) lookingAlike() []Enrolling {
	cards := func(ref string) string {
		h.imported(member.Spec{Ref: ref, BirthDate: "1985-03-24", Email: ref + "@example.org", Phone: "+12025550199"},
			account.Spec{Ref: "card-" + ref, Kind: account.Card, Last4: "4417", ExpiresOn: "2027-08-31"},
			account.Spec{Ref: "savings-" + ref, Kind: account.Savings, Last4: "9902"})
		return ref
	}
	ada := h.member("ada")
	h.holds(ada.ID, account.Spec{Ref: "card-ada", Kind: account.Card, Last4: "1111", ExpiresOn: "2028-01-31"})
	return []Enrolling{
		byCard(cards("one"), "4417", "08/27"),
		byCard(cards("two"), "4418", "08/27"),
		byCard(cards("three")+"@example.org", "4417", "09/27"),
		bySavings(cards("four"), "9902", "1985-03-24"),
		byCard("+1 202 555 0199", "4417", "08/27"), // of all of them
		byCard("ada@example.org", "1111", "01/28"), // has a login
		byCard("cust-9999", "4417", "08/27"),       // is nobody
	}
}

// enrolTranscript is a whole attempt of somebody who reads no codes.
func (h *traced) enrolTranscript(q Enrolling, ip string) (said []string) {
	b := browser("alike-" + ip)
	b.IP = ip
	var id string
	step := func(do func() (Claim, error)) { said = append(said, h.answered(do)) }
	step(func() (Claim, error) {
		c, err := h.BeginEnrolment(ctx, q, *b)
		id = c.ID
		return c, err
	})
	must(h.t, h.jobs.Drain(ctx)) // the code arrives, or does not
	step(func() (Claim, error) { return h.BeginEnrolment(ctx, q, *b) })
	step(func() (Claim, error) { return h.Enrolment(ctx, id, *b) })
	step(func() (Claim, error) { return h.SendEnrolmentCode(ctx, id, "email", *b) })
	step(func() (Claim, error) {
		_, err := h.CompleteEnrolment(ctx, id, login("mallory"), *b)
		return Claim{}, err
	})
	for range claimTries + 1 {
		step(func() (Claim, error) { return h.AnswerEnrolment(ctx, id, "000000", *b) })
	}
	return said
}

// Two who share an address are told apart by what they show; what fits both, as a
// card they share, fits nobody.
func TestMembersWhoShareAnAddress(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		spec := func(ref string) member.Spec {
			return member.Spec{Ref: ref, Email: "both@example.org", BirthDate: "1970-01-02"}
		}
		card := account.Spec{Ref: "card-b", Kind: account.Card, Last4: "5005", ExpiresOn: "2029-05-31"}
		h.imported(spec("one"), account.Spec{Ref: "card-a", Kind: account.Card, Last4: "4004", ExpiresOn: "2029-04-30"})
		two := h.imported(spec("two"), card)
		if cl := h.proves(byCard("both@example.org", "5005", "05/29"), notify.Email, browser("f")); cl.Username != "two" {
			t.Errorf("%+v", cl)
		}
		three := h.imported(spec("three"))
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
			shares, err := h.members.SharesTx(ctx, tx, []string{two.ID})
			must(t, err)
			return h.members.AddHolder(ctx, tx, three.ID, shares[0].AccountID, member.Joint)
		}))
		h.box.empty()
		h.begins(byCard("both@example.org", "5005", "05/29"), browser("g"))
		if h.box.lastCode(notify.Email) != "" {
			t.Error("a code went to one of two whom all fits")
		}
		if cl := h.proves(byCard("three", "5005", "05/29"), notify.Email, browser("h")); cl.Username != "three" {
			t.Errorf("the member number tells them apart: %+v", cl)
		}
	})
}

// Last fours cannot be walked through: not for one member, not from one address,
// not over all members; and who is stopped is not told whether there is a member.
func TestEvidenceIsNotWalkedThrough(t *testing.T) {
	eachClaim(t, Config{EnrolmentsPerSecond: 1000}, func(t *testing.T, h *house) {
		h.robin()
		walk := func(who string, each func(i int) *Client) (n int, err error) {
			for i := range 200 {
				c := each(i)
				if _, err = h.BeginEnrolment(ctx, byCard(who, fmt.Sprintf("%04d", i), "08/27"), *c); err != nil {
					return n, err
				}
				n++
			}
			return n, nil
		}
		for _, who := range []string{"cust-7781", "nobody-there"} {
			n, err := walk(who, func(i int) *Client {
				c := browser(fmt.Sprint(who, i))
				c.IP = fmt.Sprintf("198.51.%d.%d", 100+len(who), i)
				return c
			})
			if h.want(err, fault.TooMany, "signin.too-many"); n != 5 {
				t.Errorf("%s: %d guesses", who, n)
			}
		}
		h.wait(25 * time.Hour)
		tried := 0
		for day := h.clock.Now(); h.clock.Now().Sub(day) < 24*time.Hour; h.wait(10 * time.Minute) {
			n, _ := walk("cust-7781", func(i int) *Client {
				c := browser(fmt.Sprint(h.clock.Now(), i))
				c.IP = fmt.Sprintf("203.0.113.%d", i)
				return c
			})
			tried += n
		}
		if tried > 15 {
			t.Errorf("%d guesses at one member in a day", tried)
		}
		others, err := 0, error(nil)
		for ; err == nil && others < 200; others++ {
			_, err = h.BeginEnrolment(ctx, byCard(fmt.Sprint("cust-", others), "4417", "08/27"), *browser(fmt.Sprint("o", others)))
		}
		if h.want(err, fault.TooMany, "signin.too-many"); others > 31 {
			t.Errorf("%d guesses from one address", others)
		}
	})
}

func TestEnrolmentsInAllAreBounded(t *testing.T) {
	eachClaim(t, Config{EnrolmentsPerSecond: 0.5}, func(t *testing.T, h *house) {
		var err error
		n := 0
		for ; err == nil && n < 50; n++ {
			c := browser(fmt.Sprint(n))
			c.IP = fmt.Sprintf("198.51.100.%d", n)
			_, err = h.BeginEnrolment(ctx, byCard(fmt.Sprint("cust-", n), "4417", "08/27"), *c)
		}
		if h.want(err, fault.Unavailable, "claim.busy"); n != 6 {
			t.Errorf("%d at once", n-1)
		}
		must(t, h.mayBegin()) // recovering goes on
	})
}

// A mistyped last four is put right in the same window.
func TestWhatWasMistypedIsPutRight(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		h.robin()
		b := browser("f")
		wrong := h.begins(byCard("cust-7781", "4471", "08/27"), b)
		if cl := h.proves(byCard("cust-7781", "4417", "08/27"), notify.Text, b); cl.State != ClaimReady || cl.ID == wrong.ID {
			t.Errorf("%+v", cl)
		}
	})
}

// Codes of enrolments and of sign-ins are not taken for each other, nor in another
// flow, nor twice.
func TestAnEnrolmentsCodeIsForNothingElse(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		h.robin()
		b := browser("f")
		cl := h.begins(byCard("cust-7781", "4417", "08/27"), b)
		code := h.box.lastCode(notify.Text)
		_, err := h.AnswerEnrolment(ctx, cl.ID, code, *browser("g"))
		h.want(err, fault.NotFound, "claim.over")
		_, err = h.CompleteEnrolment(ctx, cl.ID, login("robin"), *b)
		h.want(err, fault.NotFound, "claim.over")
		var challengeID string
		must(t, h.db.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, `SELECT id FROM challenge`).Scan(&challengeID) }))
		_, err = h.SubmitCode(ctx, challengeID, code, true, *b)
		h.want(err, fault.Unauthenticated, "signin.code-over")
		cl, err = h.AnswerEnrolment(ctx, cl.ID, code, *b)
		must(t, err)
		_, err = h.CompleteEnrolment(ctx, cl.ID, login("robin"), *browser("g"))
		h.want(err, fault.NotFound, "claim.over")
	})
}

// What is chosen is held to the rules, all of them at once; that a username is
// taken shows only to whoever had the right code.
func TestTheNewLoginIsHeldToTheRules(t *testing.T) {
	eachClaim(t, Config{Breached: &stolen{list: []string{"two owls read by starlight"}}}, func(t *testing.T, h *house) {
		h.robin()
		h.member("ada")
		b := browser("f")
		cl := h.proves(byCard("cust-7781", "4417", "08/27"), notify.Text, b)
		for want, q := range map[string]NewLogin{
			"body.username member.username-taken":                                                 {"ADA", right, "739152", false},
			"body.username member.username body.new_password password.too-short body.pin pin.own": {"a b", "short", "554417", false},
			"body.pin pin.guessable":                                                              {"robin", right, "123456", false},
			"body.pin pin.length":                                                                 {"robin", right, "1234", false},
			"body.new_password password.guessable":                                                {"robin", "robin robin", "739152", false},
			"body.new_password password.breached":                                                 {"robin", "two owls read by starlight", "739152", false},
		} {
			_, err := h.CompleteEnrolment(ctx, cl.ID, q, *b)
			var got []string
			for _, f := range fault.As(err).Fields {
				got = append(got, f.Location, f.Code)
			}
			if strings.Join(got, " ") != want {
				t.Errorf("got %v, want %s", got, want)
			}
		}
		out, err := h.CompleteEnrolment(ctx, cl.ID, login("robin"), *b) // keeps the one on file
		must(t, err)
		h.check(out.Session.Token)
	})
}

// Of enrolments of one member that are completed at once, one is.
func TestAMemberEnrolsOnce(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		m := h.robin()
		const windows = 4
		var claims [windows]Claim
		for i := range windows {
			claims[i] = h.proves(byCard("cust-7781", "4417", "08/27"), notify.Text, browser(fmt.Sprint(i)))
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		var done []Outcome
		for i := range windows {
			wg.Go(func() {
				q := login(fmt.Sprint("robin", i))
				out, err := h.CompleteEnrolment(ctx, claims[i].ID, q, *browser(fmt.Sprint(i)))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					done = append(done, out)
				} else if e := fault.As(err); e.Code != "claim.over" {
					t.Error(e)
				}
			})
		}
		wg.Wait()
		if len(done) != 1 || h.check(done[0].Session.Token).MemberID != m.ID {
			t.Fatalf("%d were", len(done))
		}
		if n := h.number(`SELECT version FROM credential`); n != 1 {
			t.Errorf("the password was set %d times", n)
		}
	})
}

// In gb and eu no code goes by e-mail, so who has no telephone on file calls.
func TestNoCodeByEmailWhereTheLawForbidsIt(t *testing.T) {
	eachClaim(t, Config{NoEmailCode: true}, func(t *testing.T, h *house) {
		h.sam()
		cl := h.begins(bySavings("sam@example.org", "0731", "1990-12-01"), browser("f"))
		if len(h.box.mail) != 0 || len(cl.Channels) != 1 || cl.Channels[0] != "text" {
			t.Errorf("%d messages, %v", len(h.box.mail), cl.Channels)
		}
	})
}

func TestReadExpiry(t *testing.T) {
	for typed, want := range map[string]string{"08/27": "2027-08", "8/27": "2027-08", "0827": "2027-08", "08 / 2027": "2027-08", "08-27": "2027-08",
		"13/27": "", "00/27": "", "8": "", "": "", "082": "", "08/27/01": "", "082027": "", "ab/cd": ""} {
		got, ok := readExpiry(typed)
		if !ok {
			got = ""
		}
		if got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func FuzzEnrolling(f *testing.F) {
	f.Add("cust-1", "card", "4417", "08/27", "", "")
	f.Add("+1 202 555 0199", "savings", "", "", "••• 0731", "1990-12-01")
	f.Fuzz(func(t *testing.T, who, by, last4, expires, end, born string) {
		e, err := Enrolling{who, EnrolBy(by), last4, expires, end, born}.read()
		if err == nil && (e.what == "" || e.who.Key() == "") {
			t.Error("nothing is shown, or nobody")
		}
		if e := fault.As(err); err != nil && (e.Kind != fault.Invalid || len(e.Fields) == 0) {
			t.Error(err)
		}
	})
}

// A login that came from elsewhere meanwhile, as by an import, is not replaced.
func TestALoginFromElsewhereIsNotReplaced(t *testing.T) {
	eachClaim(t, Config{}, func(t *testing.T, h *house) {
		m, b := h.robin(), browser("f")
		cl := h.proves(byCard("cust-7781", "4417", "08/27"), notify.Text, b)
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.SetPassword(ctx, tx, m.ID, right) }))
		_, err := h.CompleteEnrolment(ctx, cl.ID, login("robin"), *b)
		h.want(err, fault.NotFound, "claim.over")
		h.enter("robin", browser("g"), false)
	})
}

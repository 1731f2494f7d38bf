package signin

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

const (
	oldPhone, newPhone = "+12025550142", "+12025550199"
	oldMail, newMail   = "ada@example.org", "ada@post.example"
)

func stopLink(token string) string { return origin + "/contact/stop?token=" + token }

func eachContact(t *testing.T, test func(t *testing.T, h *house)) {
	eachWith(t, Config{StopLink: stopLink}, test)
}

// prove answers the challenge of a refusal by the code of its message.
func (h *house) prove(s Session, err error) string {
	h.t.Helper()
	h.want(err, fault.Forbidden, "step-up-required")
	id := fault.As(err).Extra["challenge"].(Challenge).ID
	proof, err := h.Prove(ctx, s, id, h.codeOf(id))
	must(h.t, err)
	return proof
}

// begin begins a change, proving it by message where that is asked for.
func (h *house) begin(q ChangeRequest, kind, address string) ContactChange {
	h.t.Helper()
	c, err := h.ChangeContact(ctx, q, kind, address)
	if fault.Is(err, fault.Forbidden) {
		q.Proof = h.prove(q.Session, err)
		c, err = h.ChangeContact(ctx, q, kind, address)
	}
	must(h.t, err)
	return c
}

// moved begins a change and proves its new address.
func (h *house) moved(q ChangeRequest, kind, address string) ContactChange {
	h.t.Helper()
	c := h.begin(q, kind, address)
	if address == "" {
		return c
	}
	c, err := h.ProveContact(ctx, q, c.ID, h.codeOf(c.ID))
	must(h.t, err)
	return c
}

func (h *house) contacts(s Session) ContactInfo {
	h.t.Helper()
	info, err := h.Contacts(ctx, s)
	must(h.t, err)
	return info
}

// mailed gives the addresses that messages with a text went to since the last call.
func (h *house) mailed(part string) (to []string) {
	h.t.Helper()
	must(h.t, h.jobs.Drain(ctx))
	h.box.mu.Lock()
	defer h.box.mu.Unlock()
	for _, m := range h.box.mail {
		if strings.Contains(m.Text, part) {
			to = append(to, m.To)
		}
	}
	h.box.mail = nil
	slices.Sort(to)
	return to
}

func (h *house) mailedTo(part string, want ...string) {
	h.t.Helper()
	if to := h.mailed(part); !slices.Equal(to, want) {
		h.t.Errorf("%q went to %v, want %v", part, to, want)
	}
}

func (h *house) changing(name string) ChangeRequest {
	h.t.Helper()
	s, b := h.stepped(name)
	return ChangeRequest{Session: s, Client: *b}
}

// TestAProofIsForOneNewAddress: of another address, even one character away, or of
// the other contact point, it is worth nothing; the same number written with signs
// is the same.
func TestAProofIsForOneNewAddress(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q := h.changing("ada")
		_, err := h.ChangeContact(ctx, q, ContactPhone, newPhone)
		q.Proof = h.prove(q.Session, err)
		for _, other := range []struct{ kind, address string }{
			{ContactPhone, "+12025550198"}, {ContactPhone, "+442025550199"}, {ContactEmail, newMail}, {ContactPhone, ""}, {ContactEmail, ""},
		} {
			_, err := h.ChangeContact(ctx, q, other.kind, other.address)
			h.want(err, fault.Forbidden, "step-up-refused")
		}
		first, err := h.ChangeContact(ctx, q, ContactPhone, " +1 (202) 555-0199 ")
		must(t, err)
		again, err := h.ChangeContact(ctx, q, ContactPhone, newPhone) // its answer was lost: the proof is used, the change stands
		if err != nil || again.ID != first.ID {
			t.Fatalf("the same request again: %+v %v", again, err)
		}
		h.mailedTo("reach you here", newPhone)
		_, err = h.ChangeContact(ctx, q, ContactPhone, "+12025550198")
		h.want(err, fault.Forbidden, "step-up-refused")
	})
}

// TestTheCodeOfANewAddressIsForItsChangeAlone: it signs nobody in, proves no step-up
// and no other change, and is counted; of another session it does not exist.
func TestTheCodeOfANewAddressIsForItsChangeAlone(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q, eve := h.changing("ada"), h.changing("eve")
		c := h.begin(q, ContactPhone, newPhone)
		other := h.begin(q, ContactEmail, newMail)
		code := h.codeOf(c.ID)
		_, err := h.SubmitCode(ctx, c.ID, code, false, q.Client)
		h.want(err, fault.Unauthenticated, "signin.code-over")
		_, err = h.Prove(ctx, q.Session, c.ID, code)
		h.want(err, fault.Forbidden, "step-up.code-over")
		_, err = h.ProveContact(ctx, eve, c.ID, code)
		h.want(err, fault.Forbidden, "step-up.code-over")
		_, err = h.ProveContact(ctx, q, "no id", code)
		h.want(err, fault.Forbidden, "step-up.code-over")
		_, err = h.ProveContact(ctx, q, other.ID, h.badCode(other.ID))
		h.want(err, fault.Forbidden, "step-up.code-wrong")
		if n := h.number(`SELECT count(*) FROM contact_change WHERE state <> 'unproved'`); n != 0 {
			t.Fatalf("%d changes were taken", n)
		}
		for range h.conf.withDefaults(nil).CodeTries - 1 {
			_, err = h.ProveContact(ctx, q, other.ID, h.badCode(other.ID))
		}
		h.want(err, fault.Forbidden, "step-up.code-over")
		_, err = h.ProveContact(ctx, q, other.ID, h.codeOf(other.ID))
		h.want(err, fault.Forbidden, "step-up.code-over")
		done, err := h.ProveContact(ctx, q, c.ID, code)
		must(t, err)
		twice, err := h.ProveContact(ctx, q, c.ID, code)
		if err != nil || twice.State != done.State || !twice.From.Equal(done.From) {
			t.Errorf("a double click: %+v %v", twice, err)
		}
		h.wait(11 * time.Minute)
		late := h.begin(q, ContactEmail, newMail)
		h.wait(11 * time.Minute)
		_, err = h.ProveContact(ctx, q, late.ID, h.codeOf(late.ID))
		h.want(err, fault.Forbidden, "step-up.code-over")
	})
}

// TestAChangeProvedByMessageWaits: for a day codes go where they went, all old
// addresses are told at once and can stop it; then it holds, to the microsecond.
func TestAChangeProvedByMessageWaits(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q := h.changing("ada")
		h.mailed("")
		c := h.moved(q, ContactPhone, newPhone)
		if c.State != ChangeWaiting || !c.From.Equal(h.clock.Now().Add(24*time.Hour)) {
			t.Fatalf("%+v", c)
		}
		h.mailedTo(stopLink(h.stopToken(c.ID)), oldPhone, oldMail)
		h.wait(24*time.Hour - time.Microsecond)
		must(t, h.settleContacts(ctx))
		if info := h.contacts(q.Session); info.Phone != oldPhone || info.WaitingFor(ContactPhone) == nil {
			t.Fatalf("too early: %+v", info)
		}
		h.codeGoesTo("ada", oldPhone)
		h.wait(time.Microsecond)
		open, err := h.SignIn(ctx, "ada", right, *browser("on its way"))
		must(t, err)
		must(t, h.settleContacts(ctx))
		if info := h.contacts(q.Session); info.Phone != newPhone || len(info.Waiting) > 0 {
			t.Fatalf("%+v", info)
		}
		_, err = h.SubmitCode(ctx, open.Challenge.ID, h.codeOf(open.Challenge.ID), false, *browser("on its way"))
		h.want(err, fault.Unauthenticated, "signin.code-over") // it went to the old telephone
		h.mailedTo("was changed to", oldPhone, oldMail)
		h.codeGoesTo("ada", newPhone)
		must(t, h.settleContacts(ctx))
		h.mailedTo("was changed to")
	})
}

// codeGoesTo signs in from elsewhere and looks where the code goes.
func (h *house) codeGoesTo(name, to string) {
	h.t.Helper()
	h.mailed("")
	b := browser(db.NewID())
	_, err := h.SignIn(ctx, name, right, *b)
	must(h.t, err)
	h.mailedTo("code to sign in", to)
}

// TestMoreThanAMessageChangesAtOnce: a passkey, an app or a recovery code that the
// member has had for a day; one that was added just now could be anybody's who
// reads the codes.
func TestMoreThanAMessageChangesAtOnce(t *testing.T) {
	key := &softkey.Authenticator{Counts: true}
	for name, prove := range map[string]func(h *house, b *Client, q ChangeRequest, codes []string, a app) ChangeRequest{
		"passkey": func(h *house, b *Client, q ChangeRequest, _ []string, _ app) ChangeRequest {
			_, err := h.byPasskey(b, key, false)
			must(h.t, err)
			q.Session, q.Client = h.check(b.SessionToken), *b
			return q
		},
		"passkey for this change": func(h *house, b *Client, q ChangeRequest, _ []string, _ app) ChangeRequest {
			_, err := h.ChangeContact(ctx, q, ContactPhone, newPhone)
			h.want(err, fault.Forbidden, "step-up-required")
			ch := fault.As(err).Extra["challenge"].(Challenge)
			answer, err := key.Get(ch.Passkey, origin)
			must(h.t, err)
			q.Proof, err = h.ProvePasskey(ctx, q.Session, ch.ID, answer, q.Client)
			must(h.t, err)
			return q
		},
		"app": func(h *house, _ *Client, q ChangeRequest, _ []string, a app) ChangeRequest {
			_, err := h.ChangeContact(ctx, q, ContactPhone, newPhone)
			q.Proof = h.proveWith(q, err, h.shows(a))
			return q
		},
		"recovery code": func(h *house, _ *Client, q ChangeRequest, codes []string, _ app) ChangeRequest {
			_, err := h.ChangeContact(ctx, q, ContactPhone, newPhone)
			q.Proof = h.proveWith(q, err, codes[0])
			return q
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachContact(t, func(t *testing.T, h *house) {
				a, b := h.withApp("ada", 0)
				h.hold(b, key)
				codes, err := h.MakeRecoveryCodes(ctx, ChangeRequest{Session: h.check(b.SessionToken), Client: *b})
				must(t, err)
				for _, later := range []struct {
					wait  time.Duration
					state string
				}{{23 * time.Hour, ChangeWaiting}, {2 * time.Hour, ChangeDone}} {
					h.wait(later.wait)
					q := h.oldSession("ada", b, a)
					q = prove(h, b, q, codes, a)
					if c := h.moved(q, ContactPhone, newPhone); c.State != later.state {
						t.Fatalf("%v later: %+v", later.wait, c)
					}
					codes = codes[1:]
					h.wait(time.Minute)
				}
				h.mailedTo("was changed to", oldPhone, oldMail)
			})
		})
	}
}

// proveWith answers the challenge of a refusal with digits.
func (h *house) proveWith(q ChangeRequest, err error, digits string) string {
	h.t.Helper()
	h.want(err, fault.Forbidden, "step-up-required")
	proof, err := h.Prove(ctx, q.Session, fault.As(err).Extra["challenge"].(Challenge).ID, digits)
	must(h.t, err)
	return proof
}

// oldSession is a session of a known device, whose last proof is too long ago.
func (h *house) oldSession(name string, b *Client, a app) ChangeRequest {
	h.t.Helper()
	out, err := h.SignIn(ctx, name, right, *b)
	must(h.t, err)
	if out.Challenge != nil {
		out, err = h.SubmitCode(ctx, out.Challenge.ID, h.shows(a), true, *b)
		must(h.t, err)
	}
	b.keep(out)
	h.wait(11 * time.Minute)
	return ChangeRequest{Session: h.check(b.SessionToken), Client: *b}
}

// TestACodeIsNotEnoughWhereThereIsMore: right after a code by message, a member who
// has a passkey is asked for it; the code of a message will do, and then it waits.
func TestACodeIsNotEnoughWhereThereIsMore(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, false)
		h.hold(b, &softkey.Authenticator{Counts: true})
		h.wait(25 * time.Hour)
		out, err := h.SignIn(ctx, "ada", right, *b)
		must(t, err)
		out, err = h.SubmitCode(ctx, out.Challenge.ID, h.codeOf(out.Challenge.ID), false, *b)
		must(t, err)
		b.keep(out)
		q := ChangeRequest{Session: h.check(b.SessionToken), Client: *b}
		_, err = h.ChangeContact(ctx, q, ContactPhone, newPhone)
		h.want(err, fault.Forbidden, "step-up-required")
		if ch := fault.As(err).Extra["challenge"].(Challenge); !slices.Contains(ch.Ways, WayPasskey) {
			t.Fatalf("%+v", ch)
		}
	})
}

// TestContactChangesWaitForACaution: one that began before, and one that begins
// while the change waits.
func TestContactChangesWaitForACaution(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		a, b := h.withApp("ada", 0)
		h.wait(25 * time.Hour)
		q := h.oldSession("ada", b, a)
		h.caution(q.Session.MemberID, 30*time.Hour)
		until := h.clock.Now().Add(30 * time.Hour)
		_, err := h.ChangeContact(ctx, q, ContactPhone, newPhone)
		q.Proof = h.proveWith(q, err, h.shows(a))
		c := h.moved(q, ContactPhone, newPhone)
		if c.State != ChangeWaiting || !c.From.Equal(until) {
			t.Fatalf("strongly proved, in a caution: %+v, want %v", c, until)
		}
		h.wait(time.Hour)
		h.caution(q.Session.MemberID, 48*time.Hour)
		h.wait(29 * time.Hour)
		must(t, h.settleContacts(ctx))
		if w := h.contacts(q.Session).WaitingFor(ContactPhone); w == nil || !w.From.Equal(until.Add(19*time.Hour)) {
			t.Fatalf("it was put off: %+v", w)
		}
		h.wait(19 * time.Hour)
		must(t, h.settleContacts(ctx))
		if info := h.contacts(q.Session); info.Phone != newPhone {
			t.Fatalf("%+v", info)
		}
	})
}

// TestTheLastWayToSendCodesStays, whatever is taken away in whatever order, with
// what waits already counted, and by the law of the cell.
func TestTheLastWayToSendCodesStays(t *testing.T) {
	for _, c := range []struct {
		name   string
		conf   Config
		prefer []string
		steps  []string // kind to be taken away, "!" before one that is refused
	}{
		{"us", Config{}, nil, []string{ContactPhone, "!" + ContactEmail}},
		{"us, the other way round", Config{}, nil, []string{ContactEmail, "!" + ContactPhone}},
		{"us, never by e-mail", Config{}, []string{"text"}, []string{"!" + ContactPhone, ContactEmail}},
		{"eu", Config{NoEmailCode: true}, nil, []string{"!" + ContactPhone, ContactEmail, "!" + ContactPhone}},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachWith(t, c.conf, func(t *testing.T, h *house) {
				q := h.changing("ada")
				if c.prefer != nil {
					must(t, h.SetCodePreference(ctx, q.Session, CodePreference{Ways: c.prefer}, q.Client))
				}
				for _, step := range c.steps {
					kind, refuse := strings.CutPrefix(step, "!")
					if refuse {
						_, err := h.ChangeContact(ctx, q, kind, "")
						h.want(err, fault.Conflict, "contact.last")
						continue
					}
					if got := h.moved(q, kind, ""); got.State != ChangeWaiting {
						t.Fatalf("%+v", got)
					}
				}
				h.wait(24 * time.Hour)
				must(t, h.settleContacts(ctx))
				m := h.contacts(q.Session)
				if ok, err := h.reachableNow(q.Session.MemberID); err != nil || !ok {
					t.Fatalf("no code reaches %+v: %v", m, err)
				}
			})
		})
	}
}

func (h *house) reachableNow(memberID string) (ok bool, err error) {
	err = h.db.View(ctx, func(tx *db.Tx) error {
		m, err := h.memberIn(ctx, tx, memberID)
		if err != nil {
			return err
		}
		ok, err = h.reachable(ctx, tx, m)
		return err
	})
	return ok, err
}

// TestAChangeThatWouldLeaveNoWayEndsWithoutEffect: what was allowed when it was
// asked for is looked at again when it is to hold.
func TestAChangeThatWouldLeaveNoWayEndsWithoutEffect(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q := h.changing("ada")
		h.moved(q, ContactPhone, "")
		must(t, h.SetCodePreference(ctx, q.Session, CodePreference{Ways: []string{"text"}}, q.Client))
		h.wait(24 * time.Hour)
		h.mailed("")
		must(t, h.settleContacts(ctx))
		if info := h.contacts(q.Session); info.Phone != oldPhone || len(info.Waiting) > 0 {
			t.Fatalf("%+v", info)
		}
		h.mailedTo("was stopped", oldPhone, oldMail)
	})
}

// TestAddressesThatAreNoneAreRefused: nothing of a header, a list or another
// direction of writing gets through, and nothing is stored or sent.
func TestAddressesThatAreNoneAreRefused(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q := h.changing("ada")
		h.mailed("")
		for _, a := range []string{
			"ada@post.example\r\nBcc: eve@evil.example", "ada@post.example\nBcc:eve@evil.example", "ada@post.example\r\n\r\nHello", "ada@post.example\x00",
			"Ada <ada@post.example>", "<ada@post.example>", "ada@post.example,eve@evil.example", "ada@post.example;eve@evil.example", "ada@post.example eve@evil.example",
			"\"a b\"@post.example", "ada(x)@post.example", "ada@post.example\u202e", "ada@\u2028post.example", "ada", "@post.example", "ada@", strings.Repeat("a", 250) + "@x.de",
			"=?utf-8?q?ada=40post.example?=", "mailto:ada@post.example", "ada@post.example\u0085x",
		} {
			_, err := h.ChangeContact(ctx, q, ContactEmail, a)
			h.wantAddress(err, "member.email", a)
		}
		for _, a := range []string{
			"+1202555019\n9", "+12025550199\r\nX: y", "2025550199", "+0201234567", "+1202555019900000", "+12025550199;ext=1", "tel:+12025550199", "+1202555O199", "＋12025550199",
			"+12025550199,+12025550198", "+٤٩٣٠٩٠١٨٢٠",
		} {
			_, err := h.ChangeContact(ctx, q, ContactPhone, a)
			h.wantAddress(err, "member.phone", a)
		}
		_, err := h.ChangeContact(ctx, q, "fax", newPhone)
		h.want(err, fault.NotFound, "contact.kind")
		_, err = h.ChangeContact(ctx, q, ContactPhone, oldPhone)
		h.wantAddress(err, "contact.same", oldPhone)
		if to := h.mailed(""); len(to) != 0 || h.number(`SELECT count(*) FROM contact_change`) != 0 {
			t.Errorf("messages to %v", to)
		}
	})
}

func (h *house) wantAddress(err error, code, typed string) {
	h.t.Helper()
	e := fault.As(err)
	if e == nil || e.Kind != fault.Invalid || len(e.Fields) != 1 || e.Fields[0].Location != "body.address" || e.Fields[0].Code != code {
		h.t.Errorf("%q: %v, want %s", typed, err, code)
	}
}

// FuzzContact: what is accepted is one address on one line, and stays what it is.
func FuzzContact(f *testing.F) {
	for _, s := range []string{newMail, newPhone, "+1 (202) 555-0199", "a@b\r\nBcc: c@d", "ä@ö.example", "a@[127.0.0.1]"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, phone bool) {
		kind := ContactEmail
		if phone {
			kind = ContactPhone
		}
		a, err := normalContact(kind, s)
		if err != nil || a == "" {
			return
		}
		if strings.ContainsAny(a, "\r\n\x00,;<> ") || len(a) > 254 {
			t.Errorf("%q was taken as %q", s, a)
		}
		if again, err := normalContact(kind, a); err != nil || again != a {
			t.Errorf("%q is %q the second time: %v", a, again, err)
		}
	})
}

// TestNewAddressesGetFewCodes: right ones too are counted, so that nobody has
// dear numbers called for ever.
func TestNewAddressesGetFewCodes(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("1")
		h.enter("ada", b, false)
		q := ChangeRequest{Session: h.check(b.SessionToken), Client: *b}
		for i := range 6 {
			h.moved(q, ContactPhone, newPhone[:11]+string(rune('0'+i)))
		}
		_, err := h.ChangeContact(ctx, q, ContactPhone, "+12025550177")
		h.want(err, fault.TooMany, "signin.too-many")
	})
}

// TestParallelChangesLeaveOne: of changes that are proved at the same moment one
// waits, and of stopping it and its taking effect one happens.
func TestParallelChangesLeaveOne(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q := h.changing("ada")
		var begun []ContactChange
		for i := range 4 {
			begun = append(begun, h.begin(q, ContactPhone, newPhone[:11]+string(rune('0'+i))))
		}
		h.mailed("")
		atOnce(len(begun), func(i int) {
			if _, err := h.ProveContact(ctx, q, begun[i].ID, h.codeOf(begun[i].ID)); err != nil {
				t.Error(err)
			}
		})
		if n, r := h.number(`SELECT count(*) FROM contact_change WHERE state = 'waiting'`), h.number(`SELECT count(*) FROM contact_change WHERE state = 'replaced'`); n != 1 || r != 3 {
			t.Fatalf("%d wait, %d were replaced", n, r)
		}
		waiting := h.contacts(q.Session).WaitingFor(ContactPhone)
		h.wait(24 * time.Hour)
		h.mailed("")
		var stopped [4]error
		atOnce(8, func(i int) {
			if i%2 == 0 {
				if err := h.settleContacts(ctx); err != nil {
					t.Error(err)
				}
				return
			}
			stopped[i/2] = h.StopContact(ctx, q.Session, waiting.ID, q.Client)
		})
		h.oneEnd(q.Session, waiting.Address, stopped[:])
	})
}

// oneEnd wants a change to have been stopped once, or to hold.
func (h *house) oneEnd(s Session, address string, stopped []error) {
	h.t.Helper()
	wins := 0
	for _, err := range stopped {
		if err == nil {
			wins++
		} else if !fault.Is(err, fault.NotFound) {
			h.t.Error(err)
		}
	}
	info := h.contacts(s)
	holds := info.Phone == address
	if wins > 1 || (wins == 1) == holds || len(info.Waiting) > 0 {
		h.t.Fatalf("stopped %d times, and the telephone is %s", wins, info.Phone)
	}
}

func atOnce(n int, do func(i int)) {
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { do(i) })
	}
	all.Wait()
}

// TestOtherwiseChangedContactsWin: a change that waits does not undo what an agent
// has set meanwhile.
func TestOtherwiseChangedContactsWin(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q := h.changing("ada")
		c := h.moved(q, ContactPhone, newPhone)
		const byAgent = "+12025550123"
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE member SET phone = $2 WHERE id = $1`, q.Session.MemberID, byAgent)
			return err
		}))
		h.wait(24 * time.Hour)
		must(t, h.settleContacts(ctx))
		if info := h.contacts(q.Session); info.Phone != byAgent || len(info.Waiting) > 0 {
			t.Fatalf("%+v", info)
		}
		if n := h.number(`SELECT count(*) FROM contact_change WHERE id = $1 AND state = 'replaced'`, c.ID); n != 1 {
			t.Error("the change did not end")
		}
	})
}

// TestReportedMisuseStopsChanges that wait, and codes that are on their way.
func TestReportedMisuseStopsChanges(t *testing.T) {
	eachContact(t, func(t *testing.T, h *house) {
		q := h.changing("ada")
		h.moved(q, ContactPhone, newPhone)
		open := h.begin(q, ContactEmail, newMail)
		h.mailed("")
		must(t, h.ReportMisuse(ctx, q.Session, q.Client))
		h.mailedTo("was stopped", oldPhone, oldMail)
		if _, err := h.ProveContact(ctx, q, open.ID, h.codeOf(open.ID)); !fault.Is(err, fault.Forbidden) {
			t.Errorf("a code after that: %v", err)
		}
		h.wait(24 * time.Hour)
		must(t, h.settleContacts(ctx))
		if n := h.number(`SELECT count(*) FROM member WHERE phone = $1`, oldPhone); n != 1 {
			t.Error("the change took effect")
		}
	})
}

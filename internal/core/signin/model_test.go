package signin

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// TestSignInAgainstAModel plays random members on random browsers. The model
// knows only what a member would: which browsers I had remembered and have not
// removed, whether a browser still has the key that it had then, which code is
// still good, who is signed in where.
func TestSignInAgainstAModel(t *testing.T) {
	for name, c := range map[string]Config{"us": {}, "gb": {DeviceNeedsKey: true, CodeEvery: 90 * 24 * time.Hour}} {
		t.Run(name, func(t *testing.T) { againstAModel(t, c) })
	}
}

func againstAModel(t *testing.T, c Config) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d, clock, c)
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			h.clock.Advance(24 * time.Hour) // limits of the run before are over
			w := newWorld(rt, h, n)
			rt.Repeat(map[string]func(*rapid.T){
				"sign in": w.signIn, "wrong password": w.wrongPassword, "code": w.code, "wrong code": w.wrongCode, "again": w.again,
				"sign out": w.signOut, "everywhere": w.everywhere, "misuse": w.misuse, "remove device": w.remove, "lose the key": w.lose,
				"time": w.pass, "": w.invariants,
			})
		})
	})
}

type place struct{ member, browser int }

type world struct {
	h        *house
	names    []string
	ids      []string
	browsers []*Client
	trusted  map[place]time.Time // since when
	keys     []*deviceWith       // of each browser; nil where scripts are off
	bound    map[place]string    // public key that the trust is bound to
	open     map[place]*asked
	used     map[place]usedCode
	sessions map[string]place // by token
	over     []string         // tokens that were ended
}

type asked struct {
	id    string
	until time.Time
	tries int
}

type usedCode struct {
	id, session string
	at          time.Time
}

func newWorld(rt *rapid.T, h *house, n int) *world {
	w := &world{h: h, trusted: map[place]time.Time{}, bound: map[place]string{}, open: map[place]*asked{}, used: map[place]usedCode{}, sessions: map[string]place{}}
	for i := range 2 {
		name := fmt.Sprintf("member-%d-%d", n, i)
		w.names = append(w.names, name)
		w.ids = append(w.ids, h.member(name).ID)
	}
	for i := range 3 {
		b := browser(fmt.Sprintf("flow-%d-%d", n, i))
		b.IP = fmt.Sprintf("10.%d.%d.%d", n/250, n%250, i)
		w.browsers = append(w.browsers, b)
		w.keys = append(w.keys, nil)
		w.lose(rt)
	}
	return w
}

func (w *world) somewhere(rt *rapid.T) (place, *Client) {
	p := place{rapid.IntRange(0, len(w.names)-1).Draw(rt, "member"), rapid.IntRange(0, len(w.browsers)-1).Draw(rt, "browser")}
	return p, w.browsers[p.browser]
}

func (w *world) now() time.Time { return w.h.clock.Now() }

// lose gives a browser another key, or none: its storage was cleared, its scripts
// were turned off or on.
func (w *world) lose(rt *rapid.T) {
	i := rapid.IntRange(0, len(w.browsers)-1).Draw(rt, "browser that changes")
	w.keys[i] = nil
	if rapid.Bool().Draw(rt, "has a key") {
		d := newDevice(w.h.t)
		w.keys[i] = &d
	}
}

// shown is the browser as its next request looks.
func (w *world) shown(p place) *Client {
	c := *w.browsers[p.browser]
	c.DeviceKey, c.DeviceProof = "", ""
	if d := w.keys[p.browser]; d != nil {
		w.h.with(*d, &c)
	}
	return &c
}

// key is the browser's public key, or "".
func (w *world) key(p place) string {
	if d := w.keys[p.browser]; d != nil {
		return d.public
	}
	return ""
}

// known is what the member expects: remembered, for as long as the rules have it,
// with the key that was there then.
func (w *world) known(p place) bool {
	since, remembered := w.trusted[p]
	age, c := w.now().Sub(since), w.h.conf
	if !remembered || age >= 180*24*time.Hour || c.CodeEvery > 0 && age >= c.CodeEvery {
		return false
	}
	if w.bound[p] == "" {
		return !c.DeviceNeedsKey
	}
	return w.key(p) == w.bound[p]
}

func (w *world) signIn(rt *rapid.T) {
	p, _ := w.somewhere(rt)
	known := w.known(p)
	out, err := w.h.SignIn(ctx, w.names[p.member], right, *w.shown(p))
	if fault.Is(err, fault.TooMany) && !known {
		return // strangers, and browsers that cost too many codes, have to wait
	}
	if err != nil {
		rt.Fatalf("known %v: %v", known, err)
	}
	if known != (out.Session != nil) || known == (out.Challenge != nil) {
		rt.Fatalf("a device that is known (%v) was asked: %v", known, out.Challenge != nil)
	}
	if known {
		if w.bound[p] == "" && w.key(p) != "" {
			w.bound[p] = w.key(p)
		}
		w.began(p, out)
		return
	}
	if o := w.open[p]; o != nil && w.now().Before(o.until) && o.tries > 0 {
		if o.id != out.Challenge.ID || o.tries != out.Challenge.TriesLeft {
			rt.Fatal("a second code in one flow")
		}
		return
	}
	w.open[p] = &asked{out.Challenge.ID, out.Challenge.ExpiresAt, out.Challenge.TriesLeft}
}

// began notes a new session, which ends the one that the browser had.
func (w *world) began(p place, out Outcome) {
	b := w.browsers[p.browser]
	if b.SessionToken != "" {
		w.end(b.SessionToken)
	}
	b.keep(out)
	w.sessions[b.SessionToken] = p
}

func (w *world) end(tok string) {
	if _, ok := w.sessions[tok]; ok {
		delete(w.sessions, tok)
		w.over = append(w.over, tok)
	}
}

func (w *world) wrongPassword(rt *rapid.T) {
	p, _ := w.somewhere(rt)
	if out, err := w.h.SignIn(ctx, w.names[p.member], wrong, *w.shown(p)); err == nil {
		rt.Fatal("a wrong password gave", out)
	}
	w.h.clock.Advance(20 * time.Minute) // longer than anybody has to wait
	w.forgetIdle()
}

func (w *world) code(rt *rapid.T) {
	p, _ := w.somewhere(rt)
	o := w.open[p]
	if o == nil {
		return
	}
	trust := rapid.Bool().Draw(rt, "trust")
	out, err := w.h.SubmitCode(ctx, o.id, w.h.codeOf(o.id), trust, *w.shown(p))
	if good := w.now().Before(o.until) && o.tries > 0; good != (err == nil) {
		rt.Fatalf("a code that is good (%v) gave %v", good, err)
	}
	delete(w.open, p)
	if err != nil {
		return
	}
	if trust {
		w.trusted[p] = w.now()
		if w.key(p) != "" {
			w.bound[p] = w.key(p)
		}
	}
	w.began(p, out)
	w.used[p] = usedCode{o.id, out.Session.ID, w.now()}
}

func (w *world) wrongCode(rt *rapid.T) {
	p, b := w.somewhere(rt)
	o := w.open[p]
	if o == nil {
		return
	}
	_, err := w.h.SubmitCode(ctx, o.id, w.h.badCode(o.id), true, *b)
	if err == nil {
		rt.Fatal("a wrong code was taken")
	}
	o.tries--
	if o.tries <= 0 {
		w.h.clock.Advance(20 * time.Minute)
		w.forgetIdle()
	}
}

// again repeats a code that was taken, here and elsewhere.
func (w *world) again(rt *rapid.T) {
	p, _ := w.somewhere(rt)
	u, ok := w.used[p]
	if !ok {
		return
	}
	where := rapid.IntRange(0, len(w.browsers)-1).Draw(rt, "where")
	out, err := w.h.SubmitCode(ctx, u.id, w.h.codeOf(u.id), true, *w.browsers[where])
	alive := w.h.number(`SELECT count(*) FROM session WHERE id = $1 AND ended_at = 0`, u.session) == 1
	want := where == p.browser && w.now().Sub(u.at) <= 2*time.Minute && alive
	if want != (err == nil) {
		rt.Fatalf("repeated after %v at browser %d of %d (session alive %v): %v", w.now().Sub(u.at), where, p.browser, alive, err)
	}
	if err == nil && out.Session.ID != u.session {
		rt.Fatal("another session for the same code")
	}
}

func (w *world) signOut(rt *rapid.T) {
	_, b := w.somewhere(rt)
	if _, ok := w.sessions[b.SessionToken]; !ok {
		return
	}
	must(w.h.t, w.h.SignOut(ctx, w.h.check(b.SessionToken)))
	w.end(b.SessionToken)
}

func (w *world) everywhere(rt *rapid.T) {
	_, b := w.somewhere(rt)
	p, ok := w.sessions[b.SessionToken]
	if !ok {
		return
	}
	must(w.h.t, w.h.SignOutEverywhere(ctx, w.h.check(b.SessionToken)))
	for tok, q := range w.sessions {
		if q.member == p.member {
			w.end(tok)
		}
	}
}

// misuse is the report that somebody else used the login.
func (w *world) misuse(rt *rapid.T) {
	_, b := w.somewhere(rt)
	p, ok := w.sessions[b.SessionToken]
	if !ok || rapid.IntRange(0, 3).Draw(rt, "seldom") > 0 {
		return
	}
	must(w.h.t, w.h.ReportMisuse(ctx, w.h.check(b.SessionToken), *b))
	for tok, q := range w.sessions {
		if q.member == p.member {
			w.end(tok)
		}
	}
	for i := range w.browsers {
		q := place{p.member, i}
		delete(w.trusted, q)
		delete(w.bound, q)
		delete(w.open, q)
	}
	w.h.clock.Advance(time.Second) // copies of an identity from this very moment count no more
	w.forgetIdle()
}

func (w *world) remove(rt *rapid.T) {
	_, b := w.somewhere(rt)
	p, ok := w.sessions[b.SessionToken]
	if !ok {
		return
	}
	list, err := w.h.Devices(ctx, w.h.check(b.SessionToken))
	must(w.h.t, err)
	for _, d := range list {
		if d.Current { // the session that asks goes on
			must(w.h.t, w.h.RemoveDevice(ctx, w.h.check(b.SessionToken), d.ID))
			delete(w.trusted, p)
			delete(w.bound, p)
		}
	}
}

func (w *world) pass(rt *rapid.T) {
	w.h.clock.Advance(rapid.SampledFrom([]time.Duration{time.Second, time.Minute, 11 * time.Minute, 70 * time.Minute, 60 * 24 * time.Hour}).Draw(rt, "time"))
	w.forgetIdle()
}

// forgetIdle ends in the model what time has ended.
func (w *world) forgetIdle() {
	must(w.h.t, w.h.Refresh(ctx))
	for tok := range w.sessions {
		s, err := w.h.Check(ctx, tok, Look)
		if err != nil {
			w.end(tok)
			continue
		}
		if s.Remint != "" { // as a client does
			p := w.sessions[tok]
			delete(w.sessions, tok)
			w.sessions[s.Remint] = p
			if w.browsers[p.browser].SessionToken == tok {
				w.browsers[p.browser].SessionToken = s.Remint
			}
		}
	}
}

func (w *world) invariants(rt *rapid.T) {
	for tok, p := range w.sessions {
		if s, err := w.h.Check(ctx, tok, Change); err != nil || s.MemberID != w.ids[p.member] {
			rt.Fatalf("a session was lost: %v", err)
		}
	}
	for _, tok := range w.over {
		if _, err := w.h.Check(ctx, tok, Look); !fault.Is(err, fault.Unauthenticated) {
			rt.Fatalf("a session that was ended answers %v", err)
		}
	}
}

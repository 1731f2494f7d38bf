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
// removed, which code is still good, who is signed in where.
func TestSignInAgainstAModel(t *testing.T) {
	clock := dbtest.NewClock()
	dbtest.EachAt(t, db.Options{Now: clock.Now}, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d, clock, Config{})
		n := 0
		rapid.Check(t, func(rt *rapid.T) {
			n++
			h.clock.Advance(24 * time.Hour) // limits of the run before are over
			w := newWorld(rt, h, n)
			rt.Repeat(map[string]func(*rapid.T){
				"sign in": w.signIn, "wrong password": w.wrongPassword, "code": w.code, "wrong code": w.wrongCode, "again": w.again,
				"sign out": w.signOut, "everywhere": w.everywhere, "remove device": w.remove, "time": w.pass, "": w.invariants,
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
	trusted  map[place]time.Time // until when
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
	w := &world{h: h, trusted: map[place]time.Time{}, open: map[place]*asked{}, used: map[place]usedCode{}, sessions: map[string]place{}}
	for i := range 2 {
		name := fmt.Sprintf("member-%d-%d", n, i)
		w.names = append(w.names, name)
		w.ids = append(w.ids, h.member(name).ID)
	}
	for i := range 3 {
		b := browser(fmt.Sprintf("flow-%d-%d", n, i))
		b.IP = fmt.Sprintf("10.%d.%d.%d", n/250, n%250, i)
		w.browsers = append(w.browsers, b)
	}
	return w
}

func (w *world) somewhere(rt *rapid.T) (place, *Client) {
	p := place{rapid.IntRange(0, len(w.names)-1).Draw(rt, "member"), rapid.IntRange(0, len(w.browsers)-1).Draw(rt, "browser")}
	return p, w.browsers[p.browser]
}

func (w *world) now() time.Time { return w.h.clock.Now() }

func (w *world) signIn(rt *rapid.T) {
	p, b := w.somewhere(rt)
	out, err := w.h.SignIn(ctx, w.names[p.member], right, *b)
	known := w.now().Before(w.trusted[p])
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
	p, b := w.somewhere(rt)
	if out, err := w.h.SignIn(ctx, w.names[p.member], wrong, *b); err == nil {
		rt.Fatal("a wrong password gave", out)
	}
	w.h.clock.Advance(20 * time.Minute) // longer than anybody has to wait
	w.forgetIdle()
}

func (w *world) code(rt *rapid.T) {
	p, b := w.somewhere(rt)
	o := w.open[p]
	if o == nil {
		return
	}
	trust := rapid.Bool().Draw(rt, "trust")
	out, err := w.h.SubmitCode(ctx, o.id, w.h.codeOf(o.id), trust, *b)
	if good := w.now().Before(o.until) && o.tries > 0; good != (err == nil) {
		rt.Fatalf("a code that is good (%v) gave %v", good, err)
	}
	delete(w.open, p)
	if err != nil {
		return
	}
	if trust {
		w.trusted[p] = w.now().Add(180 * 24 * time.Hour)
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

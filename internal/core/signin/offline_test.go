package signin

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"standfast/internal/core/outbox"
	"standfast/internal/core/passkey/softkey"
	"standfast/internal/core/replica"
	"standfast/internal/core/spool"
	"standfast/internal/fault"
)

// offGrid is a house that can go on without its database, and a member of it with a
// passkey, who trusts the browser home.
type offGrid struct {
	*house
	later *spool.Spool
	known *replica.Replica
	key   *softkey.Authenticator
	home  *Client
}

func eachOffGrid(t *testing.T, test func(t *testing.T, g *offGrid)) {
	each(t, func(t *testing.T, h *house) {
		log := slog.New(slog.DiscardHandler)
		g := &offGrid{house: h, key: &softkey.Authenticator{Counts: true}, home: browser("1")}
		var err error
		g.later, err = spool.Open(t.TempDir(), h.clock.Now, log)
		must(t, err)
		t.Cleanup(func() { g.later.Close() })
		g.known, err = replica.Open(ctx, filepath.Join(t.TempDir(), "replica.db"), h.db, log, OfflineTopics()...)
		must(t, err)
		t.Cleanup(func() { g.known.Close() })
		h.conf.Replica, h.conf.Later = g.known, g.later
		h.Service = h.replica()
		h.member("ada")
		h.enter("ada", g.home, true)
		h.hold(g.home, g.key)
		g.home.SessionToken = ""
		g.follow()
		test(t, g)
	})
}

// follow numbers what has happened and brings it to the replica.
func (g *offGrid) follow() {
	g.t.Helper()
	must(g.t, outbox.NewSequencer(g.db, slog.New(slog.DiscardHandler), outbox.Table).Pass(ctx))
	must(g.t, g.known.Pass(ctx))
}

// away is a context in which the database answers nothing.
func away() context.Context {
	c, cancel := context.WithCancel(context.Background())
	cancel()
	return c
}

// alone signs in by passkey while the database answers nothing.
func (g *offGrid) alone(c *Client) (Outcome, error) {
	g.t.Helper()
	state, answer := g.answer(c)
	return g.SignInPasskey(away(), state, answer, false, *c)
}

func (g *offGrid) answer(c *Client) (state string, answer []byte) {
	g.t.Helper()
	p, err := g.BeginPasskey(*c)
	must(g.t, err)
	answer, err = g.key.Get(p.Options, origin)
	must(g.t, err)
	return p.State, answer
}

// The database is away, and a member with a passkey comes back to a trusted device:
// looking and freezing go on, nothing else does, and the session is on record once
// the database is back.
func TestAPasskeySignsInWithoutTheDatabase(t *testing.T) {
	eachOffGrid(t, func(t *testing.T, g *offGrid) {
		out, err := g.alone(g.home)
		must(t, err)
		sess, err := g.Check(ctx, out.Session.Token, Look)
		must(t, err)
		if !slices.Contains(sess.Methods, byReplica) || g.Fresh(sess, time.Hour) || sess.ExpiresAt.After(g.clock.Now().Add(offlineMax)) {
			t.Fatalf("%+v", sess)
		}
		for _, use := range []Use{Pay, Change} {
			_, err = g.Check(ctx, out.Session.Token, use)
			g.want(err, fault.Forbidden, "session.look-only")
		}
		if n := g.number(`SELECT count(*) FROM session WHERE methods LIKE '%offline%'`); n != 0 || g.later.Waiting() != 1 {
			t.Fatal("before the database is back:", n, g.later.Waiting())
		}
		g.written()
		if n := g.number(`SELECT count(*) FROM session WHERE methods LIKE '%offline%' AND ended_at = 0`); n != 1 {
			t.Fatal("sessions on record:", n)
		}
		list, err := g.Sessions(ctx, sess)
		must(t, err)
		if !slices.ContainsFunc(list, func(i SessionInfo) bool { return i.ID == sess.ID }) {
			t.Error("the member does not see the session")
		}
		must(t, g.EndSession(ctx, sess, sess.ID))
		_, err = g.Check(ctx, out.Session.Token, Look)
		g.want(err, fault.Unauthenticated, "session.over")
	})
}

// written waits until the spool has nothing left.
func (g *offGrid) written() {
	g.t.Helper()
	run, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- g.later.Run(run) }()
	tick, late := time.NewTicker(5*time.Millisecond), time.After(time.Minute)
	defer tick.Stop()
	for g.later.Waiting() > 0 {
		select {
		case <-tick.C:
		case <-late:
			g.t.Fatal("nobody writes it down")
		}
	}
	stop()
	<-ended
}

// What the replica does not vouch for is not known, which is never "no".
func TestWithoutTheDatabaseOnlyWhatIsKnownSignsIn(t *testing.T) {
	for name, change := range map[string]func(g *offGrid) *Client{
		"another browser": func(*offGrid) *Client { return browser("2") },
		"a device that was removed since": func(g *offGrid) *Client {
			sess := g.signedIn("ada", g.home)
			list, err := g.Devices(ctx, sess)
			must(g.t, err)
			must(g.t, g.RemoveDevice(ctx, sess, list[0].ID))
			g.follow()
			return g.home
		},
		"a replica that is too old": func(g *offGrid) *Client {
			g.clock.Advance(g.conf.LookAge + time.Hour)
			return g.home
		},
		"a key whose count went back": func(g *offGrid) *Client {
			_, err := g.byPasskey(g.home, g.key, false)
			must(g.t, err)
			g.follow()
			g.key.Counter = 0
			return g.home
		},
		"a member who cut everything off a moment later": func(g *offGrid) *Client {
			g.clock.Advance(time.Minute)
			sess := g.signedIn("ada", g.home)
			must(g.t, g.SignOutEverywhere(ctx, sess))
			g.follow()
			g.clock.Advance(-30 * time.Second)
			return g.home
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachOffGrid(t, func(t *testing.T, g *offGrid) {
				c := change(g)
				if out, err := g.alone(c); !fault.Is(err, fault.Unavailable) {
					t.Fatalf("%+v %v", out, err)
				}
				if g.later.Waiting() != 0 {
					t.Error("something was stored")
				}
			})
		})
	}
}

// One answer counts once, and one that was not signed by the key counts never.
func TestAnAnswerCountsOnceWithoutTheDatabase(t *testing.T) {
	eachOffGrid(t, func(t *testing.T, g *offGrid) {
		state, answer := g.answer(g.home)
		_, err := g.SignInPasskey(away(), state, answer, false, *g.home)
		must(t, err)
		_, err = g.SignInPasskey(away(), state, answer, false, *g.home)
		g.want(err, fault.Unauthenticated, "passkey.over")

		state, _ = g.answer(g.home)
		_, err = g.SignInPasskey(away(), state, answer, false, *g.home)
		g.want(err, fault.Unauthenticated, "passkey.refused")
	})
}

// Whoever cuts everything off while such a session waits to be written down ends it.
func TestACutOffEndsWhatWasOpenedWithoutTheDatabase(t *testing.T) {
	eachOffGrid(t, func(t *testing.T, g *offGrid) {
		out, err := g.alone(g.home)
		must(t, err)
		sess, err := g.Check(ctx, out.Session.Token, Look)
		must(t, err)
		g.clock.Advance(time.Second)
		must(t, g.SignOutEverywhere(ctx, sess))
		g.written()
		must(t, g.Refresh(ctx))
		if n := g.number(`SELECT count(*) FROM session WHERE id = '` + sess.ID + `' AND ended_at = 0`); n != 0 {
			t.Error("it is open on record")
		}
		_, err = g.Check(ctx, out.Session.Token, Look)
		g.want(err, fault.Unauthenticated, "session.over")
	})
}

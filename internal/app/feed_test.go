package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/feed"
	"standfast/internal/core/member"
	"standfast/internal/core/payment"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// standInKeys are the private halves of what core knows of its stand-in.
type standInKeys struct {
	seal hpke.PrivateKey
	sign ed25519.PrivateKey
}

// cellOn opens the rooms of a demo's cell on each engine, with a stand-in's seal key.
func cellOn(t *testing.T, test func(t *testing.T, r *Rooms, keys standInKeys)) {
	t.Setenv(envDemo, "1")
	for name, target := range map[string]func(*testing.T) string{
		"sqlite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "core.db") },
		"postgresql": func(t *testing.T) string { return dbtest.PostgreSQLURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			point, err := ecdh.X25519().GenerateKey(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			seal, err := hpke.NewDHKEMPrivateKey(point)
			if err != nil {
				t.Fatal(err)
			}
			public, sign, err := ed25519.GenerateKey(nil)
			if err != nil {
				t.Fatal(err)
			}
			c := Defaults()
			c.Database, c.MasterKey, c.Cell.PublicURL = target(t), demoKey, "http://localhost:8080"
			c.StandIn.SealKey = base64.RawURLEncoding.EncodeToString(point.PublicKey().Bytes())
			c.StandIn.PublicKey = base64.RawURLEncoding.EncodeToString(public)
			r, err := Open(t.Context(), c, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { r.Close() })
			if err := SeedDemo(t.Context(), r, c); err != nil {
				t.Fatal(err)
			}
			test(t, r, standInKeys{seal, sign})
		})
	}
}

// follower is a reader of the feed that keeps what it is told by the rules of
// docs/formats/feed.md and nothing else.
type follower struct {
	cursor string
	items  map[feed.Ref]feed.Item
}

func newFollower() *follower { return &follower{items: map[feed.Ref]feed.Item{}} }

func (f *follower) take(items []feed.Item) {
	for _, i := range items {
		ref := feed.Ref{Topic: i.Topic, ID: i.ID}
		if had, known := f.items[ref]; !known || i.Version > had.Version {
			f.items[ref] = i
		}
	}
}

// catchUp reads until nothing is left, by pages of any size, and now and then
// forgets its last pages, as one does that was killed before it had stored them.
func (f *follower) catchUp(t *testing.T, s *feed.Service, random *mathrand.Rand) {
	t.Helper()
	for {
		p, err := s.Page(t.Context(), f.cursor, 1+random.IntN(40))
		if err != nil {
			t.Fatal(err)
		}
		f.take(p.Items)
		if random.IntN(4) == 0 {
			continue // the same page again
		}
		done := len(p.Items) == 0 && sameRows(p.Next, f.cursor)
		f.cursor = p.Next
		if done {
			return
		}
	}
}

// sameRows compares two cursors without their times.
func sameRows(a, b string) bool {
	cut := func(s string) string { return s[:max(0, strings.LastIndexByte(s, '.'))] }
	return cut(a) == cut(b)
}

// known gives what there is, by topic and id, with what is read anew each time
// made comparable.
func (f *follower) known(t *testing.T, keys standInKeys) map[string]string {
	t.Helper()
	all := map[string]string{}
	for ref, i := range f.items {
		if i.Gone {
			continue
		}
		body := string(i.Body)
		switch ref.Topic {
		case topicBalance:
			body = without(t, i.Body, "as_of")
		case topicVerifier:
			body = unsealed(t, i, keys)
		}
		all[ref.Topic+" "+ref.ID] = body
	}
	return all
}

func without(t *testing.T, body []byte, name string) string {
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatal(err)
	}
	delete(m, name)
	return fmt.Sprint(m)
}

func unsealed(t *testing.T, i feed.Item, keys standInKeys) string {
	t.Helper()
	var v struct{ Sealed []byte }
	if err := json.Unmarshal(i.Body, &v); err != nil {
		t.Fatal(err)
	}
	plain, err := hpke.Open(keys.seal, hpke.HKDFSHA256(), hpke.ChaCha20Poly1305(), fmt.Appendf(nil, "standfast-verifier-1|us|%s|%d", i.ID, i.Version), v.Sealed)
	if err != nil || !strings.HasPrefix(string(plain), "$argon2") {
		t.Fatalf("the verifier of %s does not open: %v", i.ID, err)
	}
	return string(plain)
}

// snapshot reads a snapshot as a reader does, and checks its end.
func snapshot(t *testing.T, r *Rooms) *follower {
	t.Helper()
	var out bytes.Buffer
	if err := r.Feed.Snapshot(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	whole := out.Bytes()
	lines := bytes.SplitAfter(whole, []byte("\n"))
	var head struct{ Cell, Cursor string }
	var tail struct {
		End               bool
		Items             int
		Digest, Signature string
	}
	last := lines[len(lines)-2]
	if json.Unmarshal(lines[0], &head) != nil || json.Unmarshal(last, &tail) != nil || !tail.End || tail.Items != len(lines)-3 {
		t.Fatalf("a snapshot of %d lines ends with %s", len(lines), last)
	}
	sum := sha256.Sum256(whole[:len(whole)-len(last)])
	if tail.Digest != hex.EncodeToString(sum[:]) || !signed(r, tail.Signature, "standfast-snapshot-1\nus\n"+tail.Digest) {
		t.Fatal("a snapshot is not signed")
	}
	f := newFollower()
	f.cursor = head.Cursor
	for _, l := range lines[1 : len(lines)-2] {
		var i feed.Item
		if err := json.Unmarshal(l, &i); err != nil {
			t.Fatal(err)
		}
		f.take([]feed.Item{i})
	}
	return f
}

func signed(r *Rooms, signature, message string) bool {
	id, value, _ := strings.Cut(signature, ":")
	wantID, public, _ := strings.Cut(FeedKey(r.Key), ":")
	key, _ := base64.RawURLEncoding.DecodeString(public)
	raw, err := base64.RawURLEncoding.DecodeString(value)
	return err == nil && id == wantID && ed25519.Verify(key, []byte(message), raw)
}

// unrest is everything that members and the cell do meanwhile, from many sides.
func unrest(t *testing.T, r *Rooms) *sync.WaitGroup {
	t.Helper()
	alex, err := r.Members.ByRef(t.Context(), "demo-alex")
	if err != nil {
		t.Fatal(err)
	}
	jamie, err := r.Members.ByRef(t.Context(), "demo-jamie")
	if err != nil {
		t.Fatal(err)
	}
	card, savings, house := account1(t, r, "demo-card-3007"), account1(t, r, "demo-savings-8841"), account1(t, r, "demo-savings-2216")
	methods, err := r.Instruments.List(t.Context(), alex.ID)
	if err != nil || len(methods) == 0 {
		t.Fatal(err, methods)
	}
	sess := signin.Session{ID: db.NewID(), MemberID: alex.ID}
	var all sync.WaitGroup
	for name, act := range map[string]func(n int) error{
		"transfer": func(n int) error {
			_, err := r.Accounts.Transfer(t.Context(), alex.ID, account.TransferRequest{Key: fmt.Sprint("t", n), From: savings.ID, To: house.ID, Amount: money.New(int64(n+1), "USD")})
			return err
		},
		"pay": func(n int) error {
			_, err := r.Payments.Submit(t.Context(), payment.Request{Key: fmt.Sprint("p", n), AccountID: card.ID, MethodID: methods[0].ID, Amount: money.New(int64(100+n), "USD"), Session: sess})
			return err
		},
		"freeze": func(n int) error {
			_, err := r.Accounts.Freeze(t.Context(), alex.ID, card.ID, n%2 == 0, "192.0.2.1")
			return err
		},
		"share": func(n int) error {
			return r.DB.WithTx(t.Context(), func(tx *db.Tx) error {
				if n%2 == 0 {
					return r.Members.AddHolder(t.Context(), tx, jamie.ID, savings.ID, member.Joint)
				}
				return r.Members.RemoveHolder(t.Context(), tx, jamie.ID, savings.ID)
			})
		},
		"sign out everywhere": func(n int) error { return r.SignIn.SignOutEverywhere(t.Context(), sess) },
		"keys":                func(n int) error { return r.SignIn.RotateKeys(t.Context()) },
		"guess": func(n int) error {
			_, err := r.SignIn.SignIn(t.Context(), "jamie", "no password of theirs", signin.Client{FlowID: fmt.Sprint("guess ", n), IP: "192.0.2.1"})
			switch fault.As(err).Code {
			case "signin.refused", "signin.too-many", "signin.busy":
				return nil
			}
			return fmt.Errorf("a guess: %w", err)
		},
		"come and go": func(n int) error { return comeAndGo(t.Context(), r, jamie.ID) },
	} {
		all.Go(func() {
			for n := range 6 {
				if err := act(n); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
			}
		})
	}
	return &all
}

// comeAndGo is a session that begins, at the stand-in, and is signed out here.
func comeAndGo(ctx context.Context, r *Rooms, memberID string) error {
	now := r.DB.Now()
	id := db.NewID()
	err := r.DB.WithTx(ctx, func(tx *db.Tx) error {
		return r.SignIn.RecordOpenedTx(ctx, tx, signin.OpenedElsewhere{ID: id, MemberID: memberID, DeviceID: db.NewID(), At: now, ExpiresAt: now.Add(time.Hour), Methods: []string{"pwd", "device"}})
	})
	if err != nil {
		return err
	}
	return r.SignIn.SignOut(ctx, signin.Session{ID: id, MemberID: memberID, ExpiresAt: now.Add(time.Hour)})
}

func account1(t *testing.T, r *Rooms, ref string) account.Account {
	t.Helper()
	a, err := r.Accounts.ByRef(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheFeed(t *testing.T) {
	var cursors []string
	cellOn(t, func(t *testing.T, r *Rooms, keys standInKeys) {
		t.Run("figures are those of the feed", func(t *testing.T) { figuresAreTheFeeds(t, r) })
		t.Run("a reader ends with what the database holds", func(t *testing.T) { readersEndWithTheDatabase(t, r, keys) })
		t.Run("a page is signed and compressed", func(t *testing.T) { pagesAreSigned(t, r) })
		t.Run("a waiting reader is hurried", func(t *testing.T) { waitingReadersAreHurried(t, r) })
		t.Run("a cursor of another database leads nowhere", func(t *testing.T) {
			p, err := r.Feed.Page(t.Context(), "", 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range cursors {
				if _, err := r.Feed.Page(t.Context(), c, 10); !fault.Is(err, fault.Gone) {
					t.Errorf("a cursor of another database: %v", err)
				}
			}
			cursors = append(cursors, p.Next)
		})
	})
}

// Whatever happens at the same time and however it reads, a reader ends with what
// the database holds; and a snapshot with the feed behind it is the same as the
// feed from its beginning.
func readersEndWithTheDatabase(t *testing.T, r *Rooms, keys standInKeys) {
	t.Helper()
	numbering, stop := context.WithCancel(t.Context())
	var loops sync.WaitGroup
	loops.Go(func() { _ = r.Sequencer.Run(numbering) })
	seed := mathrand.Uint64()
	t.Logf("random seed %d", seed)
	random := mathrand.New(mathrand.NewPCG(seed, 1))
	fromStart := newFollower()
	writing := unrest(t, r)
	fromStart.catchUp(t, r.Feed, random)
	fromMiddle := snapshot(t, r)
	fromStart.catchUp(t, r.Feed, random)
	writing.Wait()
	stop()
	loops.Wait()
	if err := r.Sequencer.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	fromStart.catchUp(t, r.Feed, random)
	fromMiddle.catchUp(t, r.Feed, random)
	truth := snapshot(t, r).known(t, keys)
	sameKnown(t, "the feed from its beginning", fromStart.known(t, keys), truth)
	sameKnown(t, "a snapshot and the feed behind it", fromMiddle.known(t, keys), truth)
	for _, topic := range r.topics(nil) {
		// Passkeys and devices come from a browser: the stand-in knows them in e2e.
		if topic.Name != topicPasskey && topic.Name != topicDevice && !has(truth, topic.Name) {
			t.Errorf("nothing of topic %s", topic.Name)
		}
	}
}

func has(known map[string]string, topic string) bool {
	for k := range known {
		if strings.HasPrefix(k, topic+" ") {
			return true
		}
	}
	return false
}

func sameKnown(t *testing.T, who string, got, want map[string]string) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %s is\n  %s, and should be\n  %s", who, k, got[k], v)
		}
	}
	for k, v := range got {
		if _, there := want[k]; !there {
			t.Errorf("%s: %s is still there: %s", who, k, v)
		}
	}
}

func pagesAreSigned(t *testing.T, r *Rooms) {
	t.Helper()
	if err := r.Sequencer.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	ask := func(query string, zip bool) *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodGet, "/internal/v1/feed?"+query, nil)
		if zip {
			req.Header.Set("Accept-Encoding", "gzip")
		}
		w := httptest.NewRecorder()
		r.Feed.Handler(reader).ServeHTTP(w, req)
		return w
	}
	w := ask("limit=5", true)
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	if !signed(r, w.Header().Get(feed.SignatureHeader), "standfast-feed-1\nus\n\n"+hex.EncodeToString(sum[:])) {
		t.Error("the page is not signed")
	}
	var p feed.Page
	if err := json.Unmarshal(body, &p); err != nil || len(p.Items) == 0 || p.CompleteTo != "1970-01-01T00:00:00.000000Z" {
		t.Fatalf("%v %+v", err, p)
	}
	if plain := ask("after="+url.QueryEscape(p.Next)+"&limit=1000&wait=0", false); plain.Code != 200 || plain.Header().Get("Content-Encoding") != "" {
		t.Errorf("%d %v", plain.Code, plain.Header())
	}
	forged := strings.Replace(p.Next, ".0.0.", ".0.1234567890abcdef.", 1)
	for query, want := range map[string]int{"limit=0": 400, "limit=1001": 400, "wait=26": 400, "after=x": 400,
		"after=1.99999999.0.0.0.0": 410, "after=" + forged: 410} {
		if got := ask(query, false); got.Code != want {
			t.Errorf("%s: %d %s", query, got.Code, got.Body)
		}
	}
}

// A reader that waits is told at once, not when its time is over.
func waitingReadersAreHurried(t *testing.T, r *Rooms) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var loops sync.WaitGroup
	defer loops.Wait()
	defer stop()
	loops.Go(func() { _ = r.Sequencer.Run(ctx) })
	loops.Go(func() { _ = r.Feed.Run(ctx) })
	f := newFollower()
	if err := r.Sequencer.Pass(t.Context()); err != nil {
		t.Fatal(err)
	}
	f.catchUp(t, r.Feed, mathrand.New(mathrand.NewPCG(1, 1)))
	answered := make(chan *httptest.ResponseRecorder, 1)
	go func() {
		w := httptest.NewRecorder()
		r.Feed.Handler(reader).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/internal/v1/feed?wait=25&after="+f.cursor, nil))
		answered <- w
	}()
	alex, err := r.Members.ByRef(t.Context(), "demo-alex")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if _, err := r.Accounts.Freeze(t.Context(), alex.ID, account1(t, r, "demo-card-3007").ID, true, ""); err != nil {
		t.Fatal(err)
	}
	var p feed.Page
	if err := json.Unmarshal((<-answered).Body.Bytes(), &p); err != nil || len(p.Items) == 0 {
		t.Fatalf("%v after %v: %+v", err, time.Since(start), p)
	}
	if lag := r.Feed.CompleteTo()[""]; lag.IsZero() {
		t.Error("nobody knows how far the reader is")
	}
}

// figuresAreTheFeeds: what core says of its own answers is what a reader of the feed
// finds in it, for every account that the ledger keeps.
func figuresAreTheFeeds(t *testing.T, r *Rooms) {
	t.Helper()
	f := snapshot(t, r)
	m, err := r.Members.ByRef(t.Context(), "demo-alex")
	if err != nil {
		t.Fatal(err)
	}
	tiles, err := r.Accounts.List(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	posted, read := r.Accounts.Figures(tiles)
	if len(posted) < 2 || read.IsZero() {
		t.Fatalf("figures of %d accounts", len(posted))
	}
	for id, minor := range posted {
		var b struct{ Posted money.Amount }
		if err := json.Unmarshal(f.items[feed.Ref{Topic: topicBalance, ID: id}].Body, &b); err != nil || b.Posted.Minor != minor {
			t.Errorf("account %s: %d at core, %d in the feed, %v", id, minor, b.Posted.Minor, err)
		}
	}
}

package advice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/fault"
	"standfast/internal/money"
	"standfast/internal/standin/store"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// core takes advices as core does: in order, each once, and forgets what a restore
// takes from it.
type core struct {
	t       *rapid.T
	taken   []store.Advice
	effects map[string]int // by the member's key
	take    int            // of the next request, so many at most
	lose    bool           // and its answer is lost
}

func (c *core) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var q struct{ Items []store.Advice }
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		c.t.Error(err)
	}
	out := []store.Outcome{}
	for _, a := range q.Items[:min(len(q.Items), c.take)] {
		next := int64(len(c.taken) + 1)
		if a.Seq > next {
			w.WriteHeader(http.StatusConflict)
			_ = json.NewEncoder(w).Encode(map[string]any{"type": "advice.gap", "expected": next})
			return
		}
		if a.Seq == next {
			c.taken = append(c.taken, a)
			c.carryOut(a)
		} else if c.taken[a.Seq-1].ID != a.ID {
			c.t.Errorf("advice %d has become another one", a.Seq)
		}
		out = append(out, store.Outcome{Seq: a.Seq, ID: a.ID, State: store.Applied})
	}
	if c.lose {
		panic(http.ErrAbortHandler)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"outcomes": out})
}

func (c *core) carryOut(a store.Advice) {
	var b struct {
		Key string `json:"idempotency_key"`
	}
	if err := json.Unmarshal(a.Body, &b); err != nil || a.Kind != store.KindPayment {
		c.t.Error(a.Kind, err)
	}
	c.effects[b.Key]++
}

// restore takes the newest advices from core, and what they did.
func (c *core) restore(n int) {
	for range min(n, len(c.taken)) {
		last := c.taken[len(c.taken)-1]
		var b struct {
			Key string `json:"idempotency_key"`
		}
		_ = json.Unmarshal(last.Body, &b)
		c.effects[b.Key]--
		c.taken = c.taken[:len(c.taken)-1]
	}
}

// run is one stand-in's store and its pusher, which is stopped and started anew.
type run struct {
	t      *rapid.T
	path   string
	url    string
	own    *store.Own
	pusher *Pusher
	now    time.Time
	stands map[string]store.Payment // what members were told, by key
	order  []string                 // keys in the order of their confirmation
	sum    int64
}

var limits = store.Limits{MemberMinor: 2_000, MemberCount: 1 << 20, TotalMinor: 5_000, TotalCount: 12}

func (r *run) start() {
	own, err := store.OpenOwn(context.Background(), r.path, noon)
	if err != nil {
		r.t.Fatal(err)
	}
	if r.own != nil && r.own.ID() != own.ID() {
		r.t.Fatal("the store has another name")
	}
	r.own = own
	r.pusher = &Pusher{URL: r.url, Client: http.DefaultClient, Own: own, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return r.now }}
}

// pay asks for a payment of a key, whose contents follow from it. With cut the
// asking ends at some point, and it is not known whether it was done.
func (r *run) pay(n int, cut bool) {
	key := fmt.Sprint("k", n)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if cut {
		cancel()
	}
	member := fmt.Sprint("m", n%3)
	r.now = r.now.Add(time.Second)
	amount := money.New(int64(100+n*37%400), "USD")
	p, err := r.own.Pay(ctx, store.Payment{ID: store.NewID(), MemberID: member, Key: key, KeyHash: store.KeyHash(member, key), Contents: key, AccountID: "a", MethodID: "b",
		Amount: amount, ConfirmationNumber: store.NewID(), CreditedOn: "2026-03-02", MadeOn: "2026-03-02", ReceivedAt: r.now}, limits, store.Unproved{})
	before, had := r.stands[key]
	switch {
	case had && err == nil && p.ConfirmationNumber != before.ConfirmationNumber:
		r.t.Fatalf("%s has two numbers", key)
	case had && err != nil && !cut:
		r.t.Fatalf("%s is refused, and was confirmed: %v", key, err)
	case !had && err == nil:
		r.stands[key] = p
		r.order = append(r.order, key)
		r.sum += amount.Minor
	case err != nil && !cut && !fault.Is(err, fault.Forbidden):
		r.t.Fatal(err)
	}
}

// Whatever is interleaved with what, repeated, cut off, restarted or restored: each
// intention that was confirmed is one advice, in the order of its confirmation, and
// is carried out once; nothing else is, and no limit is passed.
func TestEachIntentionIsOneAdviceCarriedOutOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "standfast-journal-")
		if err != nil {
			t.Fatal(err)
		}
		c := &core{t: t, effects: map[string]int{}}
		srv := httptest.NewServer(c)
		r := &run{t: t, path: filepath.Join(dir, "own.db"), url: srv.URL, now: noon, stands: map[string]store.Payment{}}
		t.Cleanup(func() { srv.Close(); r.own.Close(); os.RemoveAll(dir) })
		r.start()
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"pay", "pay", "pay", "cut", "push", "push", "restart", "restore"}).Draw(t, "step") {
			case "pay":
				r.pay(rapid.IntRange(0, 15).Draw(t, "key"), false)
			case "cut":
				r.pay(rapid.IntRange(0, 15).Draw(t, "key"), true)
			case "push":
				c.take, c.lose = rapid.IntRange(0, 4).Draw(t, "take"), rapid.Bool().Draw(t, "lose")
				_, _ = r.pusher.Push(context.Background()) // it may fail, and is tried again
			case "restart":
				if err := r.own.Close(); err != nil {
					t.Fatal(err)
				}
				r.start()
			case "restore":
				c.restore(rapid.IntRange(0, 2).Draw(t, "lost"))
				r.pusher.Compare() // as when the feed begins anew
			}
		}
		r.finish(c)
	})
}

// finish tells core all, and compares.
func (r *run) finish(c *core) {
	c.take, c.lose = 1<<20, false
	for more, tries := true, 0; more; tries++ {
		var err error
		if more, err = r.pusher.Push(context.Background()); err != nil || tries > 50 {
			r.t.Fatal(err, tries)
		}
	}
	list, err := r.own.From(context.Background(), 1, 1000)
	if err != nil || len(list) != len(r.order) {
		r.t.Fatalf("%d advices of %d confirmed payments, %v", len(list), len(r.order), err)
	}
	for i, key := range r.order {
		if list[i].Seq != int64(i+1) || list[i].ID != r.stands[key].ID {
			r.t.Fatalf("advice %d is not that of %s", i+1, key)
		}
	}
	for key, n := range c.effects {
		if _, confirmed := r.stands[key]; n > 1 || n == 1 && !confirmed || n == 0 && confirmed {
			r.t.Fatalf("%s was carried out %d times, confirmed %v", key, n, confirmed)
		}
	}
	if len(r.order) > int(limits.TotalCount) || r.sum > limits.TotalMinor {
		r.t.Fatalf("%d payments of %d in sum", len(r.order), r.sum)
	}
	if e := r.pusher.Halted(); e != nil {
		r.t.Fatal(e)
	}
}

// A store that was put back to an older copy tells nothing: what it had promised
// since is known to core alone, and its next numbers would be other advices.
func TestAnOlderCopyOfTheStoreStops(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_ = json.NewEncoder(w).Encode(map[string]any{"type": "advice.gap", "expected": 7})
	}))
	defer srv.Close()
	own, err := store.OpenOwn(t.Context(), filepath.Join(t.TempDir(), "own.db"), noon)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	if err := own.Freeze(t.Context(), "a", "m", noon); err != nil {
		t.Fatal(err)
	}
	p := &Pusher{URL: srv.URL, Client: srv.Client(), Own: own, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }}
	_, err = p.Push(t.Context())
	var e *fault.Error
	if !errors.As(err, &e) || e.Code != "advice.gap" || p.Halted() == nil {
		t.Fatal(err, p.Halted())
	}
}

// What halted one process halts the next, until somebody has looked.
func TestAHaltOutlivesTheProcess(t *testing.T) {
	own, err := store.OpenOwn(t.Context(), filepath.Join(t.TempDir(), "own.db"), noon)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	ahead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"last":7}`)) }))
	defer ahead.Close()
	next := func() *Pusher {
		p := &Pusher{URL: ahead.URL, Client: ahead.Client(), Own: own, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return noon }}
		if err := p.Recall(t.Context()); err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := next(); p.Halted() != nil {
		t.Fatal(p.Halted())
	} else if _, err := p.Push(t.Context()); err == nil || p.Halted() == nil || p.Halted().Code != "advice.gap" {
		t.Fatal("a store without advices, of which core has seven, goes on", err)
	}
	if p := next(); p.Halted() == nil {
		t.Fatal("the next process knows nothing of it")
	}
	if err := own.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p := next(); p.Halted() != nil {
		t.Fatal(p.Halted())
	}
}

package teller

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/fault"
	"standfast/internal/money"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	payer  = "019cada2-6c00-7000-8000-2d5f3ab0c002"
	card   = "019cada2-6c00-7000-8000-2d5f3ab0c006"
	method = "019cada2-6c00-7000-8000-2d5f3ab0c008"
)

// bench is a teller beside a known file that the test writes.
type bench struct {
	t interface {
		Helper()
		Fatal(...any)
	}
	now     time.Time
	known   *store.Known
	own     *store.Own
	teller  *Teller
	version int64
}

func newBench(t *rapid.T, dir string) *bench {
	ctx := context.Background()
	b := &bench{t: t, now: noon}
	var err error
	b.known, err = store.OpenKnown(ctx, filepath.Join(dir, "known.db"))
	b.must(err)
	b.own, err = store.OpenOwn(ctx, filepath.Join(dir, "own.db"), noon)
	b.must(err)
	t.Cleanup(func() { b.known.Close(); b.own.Close() })
	clock := func() time.Time { return b.now }
	b.teller = New(Config{Known: b.known, Own: b.own, Desk: &entry.Desk{}, Zone: time.UTC, CutOff: 20 * time.Hour, StepUpAbove: money.New(30_00, "EUR"),
		FreeTotal: 100_00, FreeCount: 5, Limits: store.Limits{MemberMinor: 1 << 40, MemberCount: 1 << 20, TotalMinor: 1 << 40, TotalCount: 1 << 20}, Now: clock})
	b.tell(feed.Account, card, "", "", feed.AccountBody{Kind: "card", Currency: "EUR", Status: "active", Local: true})
	b.tell(feed.Holder, payer+"/"+card, payer, card, feed.HolderBody{MemberID: payer, AccountID: card, Role: "owner"})
	b.tell(feed.PaymentMethod, method, payer, "", feed.PaymentMethodBody{MemberID: payer, Kind: "bank_account", Status: "verified"})
	return b
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) tell(topic, id, owner, key string, body any) {
	b.t.Helper()
	raw, err := json.Marshal(body)
	b.must(err)
	b.version++
	b.must(b.known.Take(context.Background(), []store.Record{{Topic: topic, ID: id, Version: b.version, At: b.now, Owner: owner, Key: key, Body: raw}}, b.known.Position()))
}

// A stand-in never exempts a payment that core, which knows of all, would not have
// (RTS (EU) 2018/389 Art 16), whatever was paid where and in which order the two
// heard of it; and it is not stricter about what both know.
func TestNoMoreIsExemptThanAtCore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := tempDir(t)
		if err != nil {
			t.Fatal(err)
		}
		b := newBench(t, dir)
		var count, minor int64 // without a proof since the last with one, wherever they were made
		untold := map[string]feed.PaymentBody{}
		for i := range rapid.IntRange(1, 12).Draw(t, "steps") {
			b.now = b.now.Add(time.Minute)
			amount := money.New(rapid.Int64Range(1, 31_00).Draw(t, "amount"), "EUR")
			key := fmt.Sprint("k", i)
			body := feed.PaymentBody{MemberID: payer, AccountID: card, PaymentMethodID: method, Amount: amount, Status: "held", MadeAt: b.now, KeyHash: store.KeyHash(payer, key)}
			switch rapid.SampledFrom([]string{"here", "here", "here", "core", "proved", "declined", "told"}).Draw(t, "what") {
			case "core": // one without a proof, which core has exempted
				count, minor = count+1, minor+amount.Minor
				b.tell(feed.Payment, key, card, body.KeyHash, body)
			case "declined":
				body.Status = "declined"
				b.tell(feed.Payment, key, card, body.KeyHash, body)
			case "proved":
				body.Proved = true
				count, minor = 0, 0
				b.tell(feed.Payment, key, card, body.KeyHash, body)
			case "told": // core took what was paid here, and tells of it
				for id, p := range untold {
					b.tell(feed.Payment, id, card, p.KeyHash, p)
					delete(untold, id)
					break
				}
			case "here":
				_, err := b.teller.Pay(context.Background(), Order{Key: key, MemberID: payer, AccountID: card, MethodID: method, Amount: amount})
				exempt := amount.Minor <= 30_00 && count < 5 && minor+amount.Minor <= 100_00
				if (err == nil) != exempt || err != nil && !fault.Is(err, fault.Forbidden) {
					t.Fatalf("%v after %d of %d: %v", amount, count, minor, err)
				}
				if exempt {
					count, minor = count+1, minor+amount.Minor
					untold[key] = body
				}
			}
		}
	})
}

// tempDir is a folder of one attempt of a property.
func tempDir(t *rapid.T) (string, error) {
	dir, err := os.MkdirTemp("", "standfast-teller-")
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir, err
}

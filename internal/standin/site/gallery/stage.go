package gallery

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"standfast/internal/fault"
	"standfast/internal/money"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/site"
	"standfast/internal/standin/store"
	"standfast/internal/standin/teller"
	"standfast/internal/text"
	"standfast/internal/token"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

const (
	member  = "019cada2-6c00-7000-8000-2d5f3ab0c002"
	device  = "019cada2-6c00-7000-8000-2d5f3ab0c003"
	card    = "019cada2-6c00-7000-8000-2d5f3ab0c006"
	other   = "019cada2-6c00-7000-8000-2d5f3ab0c007"
	bank    = "019cada2-6c00-7000-8000-2d5f3ab0c008"
	savings = "019cada2-6c00-7000-8000-2d5f3ab0c009"
)

// stage is a stand-in with one member, two cards and savings.
type stage struct {
	site            http.Handler
	known           *store.Known
	own             *store.Own
	session, device string
	numbers         []string // of payments that wait, were carried out, were refused
}

// newStage sets one at noon, and then makes it later.
func newStage(dir string, texts *text.Catalogue, later time.Duration) (s stage, err error) {
	ctx, at := context.Background(), noon
	now := func() time.Time { return at }
	if dir, err = os.MkdirTemp(dir, "stage-"); err != nil {
		return s, err
	}
	if s.known, err = store.OpenKnown(ctx, filepath.Join(dir, "known.db")); err != nil {
		return s, err
	}
	if s.own, err = store.OpenOwn(ctx, filepath.Join(dir, "own.db"), noon); err != nil {
		return s, err
	}
	keys, err := entry.LoadKeys(filepath.Join(dir, "keys"))
	if err != nil {
		return s, err
	}
	if err := errors.Join(s.tell(ctx), s.own.Freeze(ctx, other, member, noon)); err != nil {
		return s, err
	}
	party, err := entry.NewParty("http://localhost", "Standfast")
	if err != nil {
		return s, err
	}
	desk, err := entry.New(ctx, entry.Config{Cell: "us", Rules: "us", Keys: keys, Known: s.known, Own: s.own, Party: party,
		Ages: entry.Ages{Look: 72 * time.Hour, Pay: 24 * time.Hour}, Idle: 1000 * time.Hour, Max: 1000 * time.Hour, Hash: 1, Now: now})
	if err != nil {
		return s, err
	}
	t := teller.New(teller.Config{Known: s.known, Own: s.own, Desk: desk, Zone: time.UTC, CutOff: 20 * time.Hour, StepUpAbove: money.New(500_00, "USD"),
		Limits: store.Limits{MemberMinor: 1 << 40, MemberCount: 100, TotalMinor: 1 << 40, TotalCount: 100}, Now: now})
	s.site = site.New(site.Config{Desk: desk, Teller: t, Texts: texts, Log: slog.New(slog.DiscardHandler), Now: now, Zone: time.UTC, Cell: "us", Brand: "Standfast",
		Telephone: "1 800 555 0100", PublicURL: "http://localhost", Halted: func() *fault.Error { return nil }})
	s.numbers, err = s.payments(ctx, t)
	at = noon.Add(later)
	return s, err
}

// tell writes what core would have told, and signs as it does.
func (s *stage) tell(ctx context.Context) error {
	const key = "019cada2-6c00-7000-8000-2d5f3ab0c00a"
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	var list []store.Record
	add := func(topic, id, owner, key string, body any) {
		raw, _ := json.Marshal(body) // of our own types
		list = append(list, store.Record{Topic: topic, ID: id, Version: int64(len(list) + 1), At: noon, Owner: owner, Key: key, Body: raw})
	}
	usd := func(minor int64) *money.Amount { a := money.New(minor, "USD"); return &a }
	add(feed.SigningKey, key, "", "", feed.SigningKeyBody{PublicKey: base64.RawURLEncoding.EncodeToString(public)})
	add(feed.Member, member, "", "ada", feed.MemberBody{Username: "ada", DisplayName: "Ada Lovelace"})
	add(feed.Device, member+"/"+device, member, device, feed.DeviceBody{MemberID: member, DeviceID: device, TrustedUntil: noon.Add(1000 * time.Hour)})
	add(feed.PaymentMethod, bank, member, "", feed.PaymentMethodBody{MemberID: member, Kind: "bank_account", Display: "Harbour Bank •••• 6789", Status: "verified"})
	for id, a := range map[string]feed.AccountBody{
		card:    {Kind: "card", Name: "Everyday card", Last4: "4242", Currency: "USD", CreditLimit: usd(2_000_00), MinimumDue: usd(25_00), DueOn: "2026-03-25", Status: "active", Local: true},
		other:   {Kind: "card", Name: "Travel card", Last4: "5120", Currency: "USD", MinimumDue: usd(0), Status: "active", Local: true},
		savings: {Kind: "savings", Name: "Rainy day savings", Currency: "USD", Status: "active", Local: true},
	} {
		add(feed.Account, id, "", "", a)
		add(feed.Holder, member+"/"+id, member, id, feed.HolderBody{MemberID: member, AccountID: id, Role: "owner"})
	}
	add(feed.Balance, card, "", "", feed.BalanceBody{Posted: usd(-1_284_56), Available: usd(715_44), AsOf: noon.Add(-2 * time.Minute)})
	add(feed.Balance, savings, "", "", feed.BalanceBody{Posted: usd(8_250_00), Available: usd(8_250_00), AsOf: noon.Add(-2 * time.Minute)})
	for i, what := range []string{"Corner shop", "Payment received, thank you", "Railway tickets for a long journey with a long description", "Books"} {
		at := noon.Add(-time.Duration(i*30) * time.Hour)
		add(feed.Transaction, fmt.Sprint("t", i), card, at.Format(time.RFC3339), feed.TransactionBody{AccountID: card, PostedAt: at, Amount: money.New([]int64{-12_50, 100_00, -1_184_00, -9_99}[i], "USD"),
			Kind: "purchase", Description: what, Status: "posted"})
	}
	if err := s.sign(key, public, private); err != nil {
		return err
	}
	return s.known.Take(ctx, list, store.Position{Cell: "us", Cursor: "c", Complete: noon, Since: noon})
}

func (s *stage) sign(id string, public ed25519.PublicKey, private ed25519.PrivateKey) (err error) {
	ring := token.NewKeyring("us", 1)
	if err := ring.Replace([]token.PublicKey{{ID: id, Key: public}}, token.Signer{ID: id, Key: private}); err != nil {
		return err
	}
	end := noon.Add(1000 * time.Hour)
	s.device, err = ring.Sign(token.Claims{Kind: token.KindDevice, ID: device, IssuedAt: noon, Expires: end})
	if err != nil {
		return err
	}
	s.session, err = ring.Sign(token.Claims{Kind: token.KindSession, ID: store.NewID(), MemberID: member, DeviceID: device, IssuedAt: noon, AuthenticatedAt: noon,
		Idle: end, Expires: end, Methods: []string{"pwd", "device"}})
	return err
}

// payments takes three, of which core has answered for two.
func (s *stage) payments(ctx context.Context, t *teller.Teller) (numbers []string, err error) {
	states := []store.State{store.Waiting, store.Applied, store.Refused}
	for i, state := range states {
		r, err := t.Pay(ctx, teller.Order{Key: fmt.Sprint(i), MemberID: member, AccountID: card, MethodID: bank, Amount: money.New(int64(25_00+i*10_00), "USD")})
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, r.ConfirmationNumber)
		last, err := s.own.Last(ctx)
		if err != nil {
			return nil, err
		}
		if state != store.Waiting {
			if err := s.own.Answered(ctx, []store.Outcome{{Seq: last, ID: r.ID, State: state, Code: "method.not-found", Message: "We could not find this payment method."}}, noon); err != nil {
				return nil, err
			}
		}
	}
	return numbers, nil
}

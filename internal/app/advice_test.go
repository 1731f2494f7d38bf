package app

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/advice"
	"standfast/internal/core/payment"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
	"standfast/internal/token"
)

func TestAdvices(t *testing.T) {
	cellOn(t, func(t *testing.T, r *Rooms, keys standInKeys) {
		if err := r.SignIn.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Run("each is carried out once", func(t *testing.T) { advicesAreTakenOnce(t, r) })
		t.Run("a payment counts from its receipt", func(t *testing.T) { advisedPaymentsCountFromReceipt(t, r) })
		t.Run("gaps and forgeries are refused", func(t *testing.T) { gapsAndForgeriesAreRefused(t, r) })
		t.Run("one that stumbles holds nobody up", func(t *testing.T) { aStumblingAdviceHoldsNobodyUp(t, r) })
		t.Run("the stand-in's session is honoured and ends", func(t *testing.T) { standInsSessionsEnd(t, r, keys) })
	})
}

// paying is what a member of the demo pays with.
type paying struct {
	memberID string
	card     account.Account
	methodID string
}

func payer(t *testing.T, r *Rooms, member, card string) paying {
	t.Helper()
	m, err := r.Members.ByRef(t.Context(), member)
	if err != nil {
		t.Fatal(err)
	}
	methods, err := r.Instruments.List(t.Context(), m.ID)
	if err != nil || len(methods) == 0 {
		t.Fatal(err, methods)
	}
	return paying{m.ID, account1(t, r, card), methods[0].ID}
}

func (p paying) advice(seq int64, key string, minor int64, received time.Time) advice.Item {
	body, _ := json.Marshal(map[string]any{"account_id": p.card.ID, "payment_method_id": p.methodID, "amount": money.New(minor, "USD"),
		"idempotency_key": key, "confirmation_number": "", "received_at": received, "session_id": db.NewID()})
	return advice.Item{Seq: seq, ID: db.NewID(), Kind: advice.KindPayment, At: received, MemberID: p.memberID, Body: body}
}

func takes(r *Rooms) *advice.Service { return r.Advice }

// Whoever sends them, however often, in whatever pieces, and whatever is cut off in
// between: one intention is one payment, also one that was tried at core too, and
// the ledger holds exactly what was applied.
func advicesAreTakenOnce(t *testing.T, r *Rooms) {
	t.Helper()
	p := payer(t, r, "demo-jamie", "demo-card-5120")
	before, err := r.Ledger.Balance(t.Context(), p.card.ID)
	if err != nil {
		t.Fatal(err)
	}
	const n = 12
	var items []advice.Item
	for i := range int64(n) {
		items = append(items, p.advice(i+1, fmt.Sprint("once-", i%9), 100+i%9, r.DB.Now())) // three keys come twice
	}
	_, err = r.Payments.Submit(t.Context(), payment.Request{Key: "once-4", AccountID: p.card.ID, MethodID: p.methodID, Amount: money.New(104, "USD"), Session: signin.Session{ID: db.NewID(), MemberID: p.memberID}})
	if err != nil {
		t.Fatal(err)
	}
	var senders sync.WaitGroup
	for s := range uint64(4) {
		senders.Go(func() { send(t, takes(r), items, mathrand.New(mathrand.NewPCG(s, 7))) })
	}
	senders.Wait()
	outcomes, err := takes(r).Take(t.Context(), "s1", items)
	if err != nil {
		t.Fatal(err)
	}
	applied := map[advice.State]int{}
	for i, o := range outcomes {
		applied[o.State]++
		if o.State == advice.Applied && o.Result["payment_id"] != items[i].ID {
			t.Errorf("the member was told of payment %s, and it stands as %s", items[i].ID, o.Result["payment_id"])
		}
	}
	if applied[advice.Applied] != 8 || applied[advice.Already] != 4 {
		t.Errorf("%v", applied)
	}
	after, err := r.Ledger.Balance(t.Context(), p.card.ID)
	if err != nil {
		t.Fatal(err)
	}
	var want int64
	for i := range int64(9) {
		want += 100 + i
	}
	if got := after.PendingIn.Minor + after.Posted.Minor - before.PendingIn.Minor - before.Posted.Minor; got != want {
		t.Errorf("the ledger has %d more, advices and core's own payment make %d: a difference of %d", got, want, got-want)
	}
}

// send sends all items in pieces of any size, some of them cut off before their
// answer, until the last is taken.
func send(t *testing.T, s *advice.Service, items []advice.Item, random *mathrand.Rand) {
	for next := 0; next < len(items); {
		end := min(len(items), next+1+random.IntN(5))
		ctx, cancel := context.WithCancel(context.Background())
		if random.IntN(3) == 0 {
			time.AfterFunc(time.Duration(random.IntN(20))*time.Millisecond, cancel)
		}
		outcomes, err := s.Take(ctx, "s1", items[next:end])
		cancel()
		e := fault.As(err)
		switch {
		case err == nil, e.Kind == fault.Unavailable, e.Code == "internal": // cut off, or shut out by another: again
		case e.Code == "advice.gap":
			next = int(e.Extra["expected"].(int64)) - 1 // another one of us was lost behind
			continue
		default:
			t.Error(err)
			return
		}
		next += len(outcomes)
	}
}

// The date of credit is the one of the receipt, whenever core hears of it
// (12 CFR 1026.10); what cannot be paid is listed with its reason.
func advisedPaymentsCountFromReceipt(t *testing.T, r *Rooms) {
	t.Helper()
	p, s := payer(t, r, "demo-alex", "demo-card-3007"), takes(r)
	zone, err := time.LoadLocation(Defaults().Cell.TimeZone)
	if err != nil {
		t.Fatal(err)
	}
	y := r.DB.Now().In(zone).AddDate(0, 0, -1)
	received := time.Date(y.Year(), y.Month(), y.Day(), 19, 59, 0, 0, zone)
	late := received.Add(2 * time.Minute)
	lost := p
	lost.methodID = db.NewID()
	outcomes, err := s.Take(t.Context(), "s2", []advice.Item{p.advice(1, "in-time", 5000, received), p.advice(2, "late", 5100, late), lost.advice(3, "lost", 5200, received)})
	if err != nil {
		t.Fatal(err)
	}
	if got := outcomes[0].Result["credited_on"]; got != received.Format(time.DateOnly) {
		t.Errorf("received at %v and credited on %s", received, got)
	}
	if got := outcomes[1].Result["credited_on"]; got != late.AddDate(0, 0, 1).Format(time.DateOnly) {
		t.Errorf("received at %v and credited on %s", late, got)
	}
	var list []advice.Entry
	err = r.DB.View(t.Context(), func(tx *db.Tx) error {
		list, _, err = advice.UnfinishedTx(t.Context(), tx, advice.Filter{Limit: 10})
		return err
	})
	if err != nil || len(list) != 1 || list[0].Seq != 3 || list[0].Code != "method.not-found" || outcomes[2].State != advice.Refused {
		t.Errorf("%v %+v", err, list)
	}
}

func gapsAndForgeriesAreRefused(t *testing.T, r *Rooms) {
	t.Helper()
	p, h := payer(t, r, "demo-alex", "demo-card-3007"), takes(r).Handler()
	post := func(standIn string, items ...advice.Item) (int, string) {
		body, _ := json.Marshal(map[string]any{"version": 1, "standin": standIn, "items": items})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/internal/v1/advices", bytes.NewReader(body)))
		return w.Code, w.Body.String()
	}
	freeze := advice.Item{Seq: 1, ID: db.NewID(), Kind: advice.KindFreeze, At: r.DB.Now(), MemberID: p.memberID, Body: json.RawMessage(`{"account_id":"` + p.card.ID + `"}`)}
	if code, body := post("s3", advice.Item{Seq: 2, ID: db.NewID(), Kind: advice.KindFreeze, MemberID: p.memberID}); code != 409 || !bytes.Contains([]byte(body), []byte(`"expected":1`)) {
		t.Errorf("a gap: %d %s", code, body)
	}
	first, body := post("s3", freeze)
	again, repeated := post("s3", freeze)
	if first != 200 || again != 200 || body != repeated {
		t.Errorf("a repeat: %d %s, %d %s", first, body, again, repeated)
	}
	if card := account1(t, r, "demo-card-3007"); card.Status != account.Frozen {
		t.Error("the card is", card.Status)
	}
	forged, moved := freeze, freeze
	forged.Body = json.RawMessage(`{"account_id":"` + db.NewID() + `"}`)
	moved.Seq = 2
	for name, i := range map[string]advice.Item{"other contents": forged, "the same id elsewhere": moved} {
		if code, body := post("s3", i); code != 409 || !bytes.Contains([]byte(body), []byte("advice.forged")) {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	if code, _ := post(""); code != 400 {
		t.Error("nobody's advices:", code)
	}
}

// standInsSessionsEnd: a session of the stand-in's needs no record, and ends by a
// sign-out here all the same, also once its record comes.
func standInsSessionsEnd(t *testing.T, r *Rooms, keys standInKeys) {
	t.Helper()
	sum := sha256.Sum256(keys.sign.Public().(ed25519.PublicKey))
	ring := token.NewKeyring(Defaults().Cell.Name, 1)
	if err := ring.Replace(nil, token.Signer{ID: "standin-" + hex.EncodeToString(sum[:])[:16], Key: keys.sign}); err != nil {
		t.Fatal(err)
	}
	p, now := payer(t, r, "demo-alex", "demo-card-3007"), r.DB.Now()
	c := token.Claims{Kind: token.KindSession, ID: db.NewID(), MemberID: p.memberID, DeviceID: db.NewID(), IssuedAt: now, AuthenticatedAt: now,
		Idle: now.Add(time.Hour), Expires: now.Add(2 * time.Hour), Methods: []string{"pwd", "device"}}
	tok, err := ring.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	sess, err := r.SignIn.Check(t.Context(), tok, signin.Pay)
	if err != nil {
		t.Fatal("the stand-in's session is not honoured:", err)
	}
	if err := r.SignIn.SignOut(t.Context(), sess); err != nil {
		t.Fatal(err)
	}
	body, _ := json.Marshal(map[string]any{"session_id": c.ID, "device_id": c.DeviceID, "methods": c.Methods, "ip": "192.0.2.7", "user_agent": "x", "expires_at": c.Expires})
	opened := advice.Item{Seq: 1, ID: db.NewID(), Kind: advice.KindOpened, At: now, MemberID: p.memberID, Body: body}
	outcomes, err := takes(r).Take(t.Context(), "s4", []advice.Item{opened})
	if err != nil || outcomes[0].State != advice.Applied {
		t.Fatal(err, outcomes)
	}
	if _, err := r.SignIn.Check(t.Context(), tok, signin.Look); !fault.Is(err, fault.Unauthenticated) {
		t.Error("a session that was signed out holds:", err)
	}
	removed := db.NewID()
	body, _ = json.Marshal(map[string]any{"session_id": removed, "device_id": c.DeviceID, "methods": []string{"hwk", "user"}, "passkey_id": db.NewID(), "sign_count": 7, "expires_at": c.Expires})
	opened = advice.Item{Seq: 2, ID: db.NewID(), Kind: advice.KindOpened, At: now, MemberID: p.memberID, Body: body}
	if outcomes, err = takes(r).Take(t.Context(), "s4", []advice.Item{opened}); err != nil || outcomes[0].State != advice.Applied {
		t.Fatal(err, outcomes)
	}
	list, err := r.SignIn.Sessions(t.Context(), signin.Session{MemberID: p.memberID})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.ID == c.ID || i.ID == removed {
			t.Error("a session that was signed out, or whose passkey was removed, is listed as open")
		}
	}
}

// A fault of ours under one advice: those behind it are carried out, and it is too
// once the fault is mended, by itself, with the time of its receipt.
func aStumblingAdviceHoldsNobodyUp(t *testing.T, r *Rooms) {
	t.Helper()
	p := payer(t, r, "demo-lena", "demo-card-9034")
	r.Advice.Patience = advice.Patience{Times: 3}
	change := func(statement string) {
		t.Helper()
		if err := r.DB.WithTx(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), statement); return err }); err != nil {
			t.Fatal(err)
		}
	}
	received := r.DB.Now().Add(-time.Hour)
	items := []advice.Item{p.advice(1, "stumbles", 700, received),
		{Seq: 2, ID: db.NewID(), Kind: advice.KindFreeze, At: r.DB.Now(), MemberID: p.memberID, Body: json.RawMessage(`{"account_id":"` + p.card.ID + `"}`)}}
	change(`ALTER TABLE payment RENAME TO payment_away`)
	var outcomes []advice.Outcome
	var err error
	for n := 1; len(outcomes) < 2; n++ {
		if outcomes, err = r.Advice.Take(t.Context(), "s9", items); n < 3 && err == nil || n > 3 {
			t.Fatalf("attempt %d: %v %v", n, outcomes, err)
		}
	}
	if outcomes[0].State != advice.Aside || outcomes[1].State != advice.Applied {
		t.Errorf("%v", outcomes)
	}
	change(`ALTER TABLE payment_away RENAME TO payment`)
	if err := r.Jobs.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	outcomes, err = r.Advice.Take(t.Context(), "s9", items)
	if err != nil || outcomes[0].State != advice.Applied || outcomes[0].Result["payment_id"] != items[0].ID {
		t.Fatalf("%v %v", outcomes, err)
	}
	paid, err := r.Payments.Get(t.Context(), p.memberID, items[0].ID)
	if err != nil || !paid.CreatedAt.Equal(db.FromMicros(db.Micros(received))) {
		t.Errorf("%v, received at %v: %v", paid, received, err)
	}
}

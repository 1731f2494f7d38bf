package instrument_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/instrument"
	"standfast/internal/core/jobs"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
	"standfast/internal/masterkey"
)

var ctx = context.Background()

// bank is the other bank: what it credited, and whether it answers.
type bank struct {
	mu     sync.Mutex
	seen   []instrument.Credits
	silent bool
}

func (b *bank) Deposit(_ context.Context, c instrument.Credits) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, c)
	if b.silent {
		return errors.New("no answer")
	}
	return nil
}

// room is a service on an empty database with two members.
type room struct {
	*testing.T
	db       *db.DB
	clock    *dbtest.Clock
	jobs     *jobs.Jobs
	bank     *bank
	methods  *instrument.Service
	ada, bob string
}

func each(t *testing.T, test func(r *room)) {
	t.Helper()
	eachOf(t, "USD", test)
}

// eachOf is each in a cell of a currency.
func eachOf(t *testing.T, currency string, test func(r *room)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgresql": dbtest.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			clock := dbtest.NewClock()
			d := open(t, db.Options{Now: clock.Now})
			if err := jobs.Migrate(ctx, d); err != nil {
				t.Fatal(err)
			}
			r := &room{T: t, db: d, clock: clock, bank: &bank{}, jobs: jobs.New(d, slog.New(slog.DiscardHandler))}
			r.methods = instrument.NewService(d, r.jobs, masterkey.Demo(), nil, r.bank, instrument.Config{Currency: currency})
			r.ada, r.bob = r.member("ada"), r.member("bob")
			test(r)
		})
	}
}

func (r *room) member(name string) (id string) {
	r.Helper()
	r.tx(func(tx *db.Tx) error {
		m, err := member.New(r.db).Create(ctx, tx, member.Spec{Ref: name, Username: name, DisplayName: name, Region: "us"})
		id = m.ID
		return err
	})
	return id
}

func (r *room) tx(f func(tx *db.Tx) error) {
	r.Helper()
	if err := r.db.WithTx(ctx, f); err != nil {
		r.Fatal(err)
	}
}

func (r *room) drain() {
	r.Helper()
	if err := r.jobs.Drain(ctx); err != nil {
		r.Fatal(err)
	}
}

func us(account string) instrument.Request {
	return instrument.Request{Kind: instrument.KindBankAccount, Country: "US", RoutingNumber: "021000021", AccountNumber: account, HolderName: "Ada Lovelace"}
}

func (r *room) try(memberID string, q instrument.Request) (m instrument.Method, created bool, err error) {
	err = r.db.WithTx(ctx, func(tx *db.Tx) error {
		m, created, err = r.methods.Add(ctx, tx, instrument.Addition{Request: q, MemberID: memberID, From: "192.0.2.1"})
		return err
	})
	return m, created, err
}

func (r *room) add(memberID string, q instrument.Request) instrument.Method {
	r.Helper()
	m, _, err := r.try(memberID, q)
	if err != nil {
		r.Fatal(err)
	}
	return m
}

func (r *room) get(m instrument.Method) instrument.Method {
	r.Helper()
	m, err := r.methods.Get(ctx, m.MemberID, m.ID)
	if err != nil {
		r.Fatal(err)
	}
	return m
}

// refused wants an error of a kind and code.
func refused(t testing.TB, err error, k fault.Kind, code string) {
	t.Helper()
	e := fault.As(err)
	if e == nil || e.Kind != k || e.Code != code && (len(e.Fields) != 1 || e.Fields[0].Code != code) {
		t.Fatalf("%v, want kind %v, code %s", err, k, code)
	}
}

func TestAMethodIsProvedByItsTwoDeposits(t *testing.T) {
	each(t, func(r *room) {
		m := r.add(r.ada, us("000123456789"))
		if m.Status != instrument.New || m.Display != "•••• 6789" || !m.Checked || m.Proof == nil || m.Proof.Sent {
			r.Fatalf("%+v", m)
		}
		_, err := r.methods.ConfirmDeposits(ctx, r.ada, m.ID, 1, 2)
		refused(r, err, fault.Conflict, "method.deposits-not-sent")
		r.drain()
		if len(r.bank.seen) != 1 || !r.get(m).Proof.Sent {
			r.Fatal(len(r.bank.seen), r.get(m).Proof)
		}
		c := r.bank.seen[0]
		if c.Minor[0] < 1 || c.Minor[1] > 99 || c.Minor[0] >= c.Minor[1] || c.Currency != "USD" || c.To.Account != "000123456789" || c.To.Routing != "021000021" {
			r.Fatal(c.Minor, c.Currency)
		}
		for range 2 { // twice the same
			m, err = r.methods.ConfirmDeposits(ctx, r.ada, m.ID, c.Minor[1], c.Minor[0])
			if err != nil || m.Status != instrument.Verified || m.Proof != nil {
				r.Fatalf("%+v %v", m, err)
			}
		}
	})
}

func TestThreeWrongAnswersStopAMethod(t *testing.T) {
	each(t, func(r *room) {
		m := r.add(r.ada, us("000123456789"))
		r.drain()
		right := r.bank.seen[0].Minor
		for _, wrong := range [][2]int64{{right[0], right[0]}, {-1, 1 << 40}} {
			_, err := r.methods.ConfirmDeposits(ctx, r.ada, m.ID, wrong[0], wrong[1])
			refused(r, err, fault.Invalid, "deposits.wrong")
		}
		if left := r.get(m).Proof.TriesLeft; left != 1 {
			r.Fatal(left)
		}
		_, err := r.methods.ConfirmDeposits(ctx, r.ada, m.ID, 0, 0)
		refused(r, err, fault.Conflict, "method.stopped")
		_, err = r.methods.ConfirmDeposits(ctx, r.ada, m.ID, right[0], right[1])
		refused(r, err, fault.Conflict, "method.stopped")
		if m = r.get(m); m.Status != instrument.Stopped || m.StopCode != "tries" {
			r.Fatalf("%+v", m)
		}
		// Neither adding it again nor removing it first gives new tries.
		if again, created, err := r.try(r.ada, us("000123456789")); err != nil || created || again.ID != m.ID {
			r.Fatal(again, created, err)
		}
		r.tx(func(tx *db.Tx) error { return r.methods.Remove(ctx, tx, r.ada, m.ID, "") })
		_, _, err = r.try(r.ada, us("000123456789"))
		refused(r, err, fault.Conflict, "method.stopped")
	})
}

func TestDepositsAreForTenDays(t *testing.T) {
	each(t, func(r *room) {
		m := r.add(r.ada, us("000123456789"))
		r.drain()
		c := r.bank.seen[0].Minor
		r.clock.Advance(10 * 24 * time.Hour)
		_, err := r.methods.ConfirmDeposits(ctx, r.ada, m.ID, c[0], c[1])
		refused(r, err, fault.Conflict, "method.deposits-expired")
		r.clock.Advance(-time.Second)
		if _, err = r.methods.ConfirmDeposits(ctx, r.ada, m.ID, c[0], c[1]); err != nil {
			r.Fatal(err)
		}
	})
}

// The same two amounts are sent until the rail answers, and none after it.
func TestDepositsAreRepeatedUntilTheRailAnswers(t *testing.T) {
	each(t, func(r *room) {
		m := r.add(r.ada, us("000123456789"))
		r.bank.silent = true
		r.drain()
		r.clock.Advance(time.Hour)
		r.drain()
		if r.get(m).Proof.Sent || len(r.bank.seen) < 2 {
			r.Fatal(len(r.bank.seen))
		}
		r.bank.silent = false
		for range 2 {
			r.clock.Advance(time.Hour)
			r.drain()
		}
		n := len(r.bank.seen)
		if !r.get(m).Proof.Sent || r.bank.seen[0].Minor != r.bank.seen[n-1].Minor {
			r.Fatal(r.bank.seen)
		}
		r.clock.Advance(24 * time.Hour)
		if r.drain(); len(r.bank.seen) != n {
			r.Fatal("sent again")
		}
	})
}

func TestADuplicateGivesTheOneThatStands(t *testing.T) {
	each(t, func(r *room) {
		m := r.add(r.ada, us("000123456789"))
		again, created, err := r.try(r.ada, us("0001-2345 6789"))
		if err != nil || created || again.ID != m.ID {
			r.Fatal(again, created, err)
		}
		if other, created, err := r.try(r.bob, us("000123456789")); err != nil || !created || other.ID == m.ID {
			r.Fatal("a joint account is a method of each", other, created, err)
		}
		r.tx(func(tx *db.Tx) error { return r.methods.Remove(ctx, tx, r.ada, m.ID, "") })
		if list, err := r.methods.List(ctx, r.ada); err != nil || len(list) != 0 {
			r.Fatal(list, err)
		}
		if again, created, err = r.try(r.ada, us("000123456789")); err != nil || !created || again.ID == m.ID {
			r.Fatal("a removed one can be added again", again, created, err)
		}
	})
}

func TestABritishAccountIsOneMethodInBothForms(t *testing.T) {
	each(t, func(r *room) {
		m := r.add(r.ada, instrument.Request{Kind: instrument.KindBankAccount, IBAN: "GB29 NWBK 6016 1331 9268 19", HolderName: "Ada"})
		if m.Country != "GB" || m.Checked {
			r.Fatalf("without a table nothing was checked: %+v", m)
		}
		again := r.add(r.ada, instrument.Request{Kind: instrument.KindBankAccount, Country: "GB", SortCode: "60-16-13", AccountNumber: "31926819", HolderName: "Ada"})
		if again.ID != m.ID {
			r.Fatal(again)
		}
	})
}

// A cell takes what its rails can collect from, whoever asks and in whatever form.
func TestACellTakesWhatItCollectsFrom(t *testing.T) {
	british := instrument.Request{Kind: instrument.KindBankAccount, Country: "GB", SortCode: "60-16-13", AccountNumber: "31926819", HolderName: "Ada"}
	iban := func(number string) instrument.Request {
		return instrument.Request{Kind: instrument.KindBankAccount, IBAN: number, HolderName: "Ada"}
	}
	britishIBAN, german := iban("GB29 NWBK 6016 1331 9268 19"), iban("DE89 3704 0044 0532 0130 00")
	for currency, takes := range map[string][4]bool{"USD": {true, true, true, true}, "GBP": {false, true, true, false}, "EUR": {false, false, true, true}} {
		eachOf(t, currency, func(r *room) {
			for i, q := range []instrument.Request{us("12345678"), british, britishIBAN, german} {
				_, _, err := r.try(r.ada, q)
				if takes[i] && err != nil {
					r.Errorf("%s takes no %s%s: %v", currency, q.Country, q.IBAN, err)
				}
				if !takes[i] {
					refused(r, err, fault.Invalid, "method.country")
				}
			}
		})
	}
}

func TestAnothersMethodDoesNotExist(t *testing.T) {
	each(t, func(r *room) {
		m := r.add(r.ada, us("000123456789"))
		missing := fault.As(func() error { _, err := r.methods.Get(ctx, r.ada, db.NewID()); return err }())
		for _, id := range []string{m.ID, "x", strings.ToUpper(m.ID), "' OR 1=1 --"} {
			for _, err := range []error{
				func() error { _, err := r.methods.Get(ctx, r.bob, id); return err }(),
				func() error { _, err := r.methods.ConfirmDeposits(ctx, r.bob, id, 1, 2); return err }(),
				r.db.WithTx(ctx, func(tx *db.Tx) error { return r.methods.Remove(ctx, tx, r.bob, id, "") }),
			} {
				if e := fault.As(err); e == nil || e.Kind != missing.Kind || e.Code != missing.Code || e.Message != missing.Message {
					r.Errorf("%s: %v, want %v", id, err, missing)
				}
			}
		}
	})
}

func TestEveryWrongFieldIsNamed(t *testing.T) {
	each(t, func(r *room) {
		_, _, err := r.try(r.ada, instrument.Request{Kind: "cheque", Country: "US", RoutingNumber: "1", AccountNumber: "x", HolderName: "\x00"})
		var at []string
		for _, f := range fault.As(err).Fields {
			at = append(at, f.Location)
		}
		if got := strings.Join(at, " "); got != "body.kind body.holder_name body.routing_number body.account_number" {
			r.Fatal(got)
		}
		for code, q := range map[string]instrument.Request{
			"holder-name.long":    {Kind: instrument.KindBankAccount, Country: "US", RoutingNumber: "021000021", AccountNumber: "1234", HolderName: strings.Repeat("ä", 71)},
			"holder-name.letters": {Kind: instrument.KindBankAccount, Country: "US", RoutingNumber: "021000021", AccountNumber: "1234", HolderName: "12"},
			"method.country":      {Kind: instrument.KindBankAccount, Country: "ZZ", IBAN: "DE89370400440532013000", HolderName: "A"},
			"iban.other-country":  {Kind: instrument.KindBankAccount, Country: "FR", IBAN: "DE89370400440532013000", HolderName: "A"},
			"iban.missing":        {Kind: instrument.KindBankAccount, HolderName: "A"},
		} {
			_, _, err := r.try(r.ada, q)
			refused(r, err, fault.Invalid, code)
		}
		if list, _ := r.methods.List(ctx, r.ada); len(list) != 0 {
			r.Fatal("something was stored", list)
		}
	})
}

// An IBAN beside other numbers would have one of the two accounts ignored.
func TestAnIBANBesideNumbersIsRefused(t *testing.T) {
	each(t, func(r *room) {
		both := us("000123456789")
		both.IBAN = "DE89370400440532013000"
		european := instrument.Request{Kind: both.Kind, IBAN: both.IBAN, HolderName: both.HolderName, SortCode: "089999"}
		for _, q := range []instrument.Request{both, european} {
			err := r.db.WithTx(ctx, func(tx *db.Tx) error { _, _, err := r.methods.ImportVerified(ctx, tx, r.ada, q); return err })
			if e := fault.As(err); e == nil || len(e.Fields) != 1 || e.Fields[0].Location != "body.iban" {
				r.Errorf("%+v: %v", q, err)
			}
		}
	})
}

func TestMethodsAreLimited(t *testing.T) {
	each(t, func(r *room) {
		for i := range 10 {
			r.add(r.ada, us(fmt.Sprintf("1000%d", i)))
		}
		_, _, err := r.try(r.ada, us("2000"))
		refused(r, err, fault.TooMany, "method.too-many-today")
		r.clock.Advance(25 * time.Hour)
		for i := range 10 {
			r.add(r.ada, us(fmt.Sprintf("3000%d", i)))
		}
		_, _, err = r.try(r.ada, us("2000"))
		refused(r, err, fault.Conflict, "method.too-many")
	})
}

func TestAStoppedMethodCannotPay(t *testing.T) {
	each(t, func(r *room) {
		var m instrument.Method
		r.tx(func(tx *db.Tx) (err error) {
			m, _, err = r.methods.ImportVerified(ctx, tx, r.ada, us("000123456789"))
			return err
		})
		usable := func() error {
			return r.db.WithTx(ctx, func(tx *db.Tx) error { _, err := r.methods.Usable(ctx, tx, r.ada, m.ID); return err })
		}
		if err := usable(); err != nil || m.Status != instrument.Verified {
			r.Fatal(m, err)
		}
		for range 2 {
			r.tx(func(tx *db.Tx) error { return r.methods.Stop(ctx, tx, r.ada, m.ID, "R10") })
		}
		refused(r, usable(), fault.Conflict, "method.stopped")
		if m = r.get(m); m.StopCode != "R10" || m.Version != 2 {
			r.Fatalf("%+v", m)
		}
	})
}

// Neither the database nor anything that prints sees a whole number.
func TestNumbersAreSealedAndNeverPrinted(t *testing.T) {
	each(t, func(r *room) {
		m := r.add(r.ada, us("000123456789"))
		n, err := r.methods.Number(ctx, m.ID)
		if err != nil || n.Account != "000123456789" || n.Routing != "021000021" || n.Holder != "Ada Lovelace" {
			r.Fatal(err)
		}
		var log strings.Builder
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "number", n, "in", struct{ N instrument.Number }{n})
		js, _ := json.Marshal(struct{ N instrument.Number }{n})
		for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %d %v", n, n, n, n, n, struct{ N instrument.Number }{n}), log.String(), string(js)} {
			if strings.Contains(text, "12345678") || strings.Contains(text, "021000021") {
				r.Fatal(text)
			}
		}
		var sealed []byte
		r.tx(func(tx *db.Tx) error {
			return tx.QueryRow(ctx, `SELECT number FROM payment_method WHERE id = $1`, m.ID).Scan(&sealed)
		})
		if strings.Contains(string(sealed), "123456789") {
			r.Fatal("the number is in the database")
		}
		other := r.add(r.bob, us("99998888"))
		r.tx(func(tx *db.Tx) error { // a sealed number opens in its own row only
			_, err := tx.Exec(ctx, `UPDATE payment_method SET number = (SELECT number FROM payment_method WHERE id = $1) WHERE id = $2`, m.ID, other.ID)
			return err
		})
		if n, err := r.methods.Number(ctx, other.ID); err == nil {
			r.Fatal("another row's number was opened", n)
		}
	})
}

func TestTheSameNumberAtTheSameMomentIsOneMethod(t *testing.T) {
	each(t, func(r *room) {
		var wg sync.WaitGroup
		ids := make([]string, 6)
		for i := range ids {
			wg.Go(func() {
				m, _, err := r.try(r.ada, us("000123456789"))
				if err != nil {
					r.Error(err)
				}
				ids[i] = m.ID
			})
		}
		wg.Wait()
		for _, id := range ids {
			if id != ids[0] {
				r.Fatal(ids)
			}
		}
	})
}

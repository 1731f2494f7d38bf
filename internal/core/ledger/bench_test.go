package ledger_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"standfast/internal/core/ledger"
	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// callers is how many post at once, as the 64 clients of `standfast bench ledger`.
const callers = 64

func eachEngine(b *testing.B, run func(b *testing.B, d *db.DB)) {
	b.Run("sqlite", func(b *testing.B) { run(b, dbtest.SQLite(b, db.Options{})) })
	b.Run("postgresql", func(b *testing.B) { run(b, dbtest.PostgreSQL(b, db.Options{})) })
}

func benchAccounts(b *testing.B, l *ledger.Ledger, d *db.DB, n int, spec ledger.AccountSpec) []string {
	b.Helper()
	ids := make([]string, n)
	err := d.WithTx(ctx, func(tx *db.Tx) error {
		for i := range ids {
			spec.ID = db.NewID()
			ids[i] = spec.ID
			if err := l.OpenAccount(ctx, tx, spec); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return ids
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transfers/s")
	b.ReportMetric(0, "ns/op")
}

var (
	benchFloor = int64(-1 << 60)
	benchSpec  = ledger.AccountSpec{Currency: "USD", Book: "bench", Floor: &benchFloor}
)

// One member's 64 savings accounts to one card, through the queue: every
// transfer meets every other at the card's balance.
func BenchmarkPost(b *testing.B) {
	eachEngine(b, func(b *testing.B, d *db.DB) {
		l := ledger.New(d, ledger.Options{})
		savings := benchAccounts(b, l, d, callers, benchSpec)
		card := benchAccounts(b, l, d, 1, benchSpec)[0]
		var caller, key atomic.Int64
		b.SetParallelism(callers / 2) // times GOMAXPROCS, 2 on the machine that the goals are for
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			from := savings[int(caller.Add(1))%callers]
			for pb.Next() {
				_, err := l.Post(ctx, ledger.Entry{Key: fmt.Sprint("bench/", from, "/", key.Add(1)), Debit: from, Credit: card, Amount: usd(1), Kind: "transfer"})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		perSecond(b)
	})
}

// A hold each in a transaction of its own, against a folded account.
func BenchmarkPostTx(b *testing.B) {
	eachEngine(b, func(b *testing.B, d *db.DB) {
		l := ledger.New(d, ledger.Options{})
		cards := benchAccounts(b, l, d, 1000, benchSpec)
		rail := benchAccounts(b, l, d, 1, ledger.AccountSpec{Currency: "USD", Book: "bench", Folded: true})[0]
		var key atomic.Int64
		b.SetParallelism(callers / 2)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				n := key.Add(1)
				err := d.WithTx(ctx, func(tx *db.Tx) error {
					_, err := l.PostTx(ctx, tx, ledger.Entry{Key: fmt.Sprint("bench/", n), Debit: rail, Credit: cards[n%1000], Amount: usd(1), Kind: "payment", Pending: true})
					return err
				})
				if err != nil {
					b.Fatal(err)
				}
			}
		})
		perSecond(b)
	})
}

// History of 30,000 cards in commits of 5,000, as `standfast import` writes it.
func BenchmarkPostAll(b *testing.B) {
	eachEngine(b, func(b *testing.B, d *db.DB) {
		l := ledger.New(d, ledger.Options{})
		cards := benchAccounts(b, l, d, 30_000, benchSpec)
		world := benchAccounts(b, l, d, 1, ledger.AccountSpec{Currency: "USD", Book: "bench", Folded: true})[0]
		at := d.Now().AddDate(-1, 0, 0)
		b.ResetTimer()
		for done := 0; done < b.N; {
			batch := make([]ledger.Entry, min(5000, b.N-done))
			for i := range batch {
				n := done + i
				batch[i] = ledger.Entry{Key: fmt.Sprint("import/transaction/", n), Debit: cards[n/9%30_000], Credit: world, Amount: usd(int64(1 + n%1000)),
					Kind: "purchase", Description: "Purchases of the month", Ref: fmt.Sprint("t-", n), EffectiveAt: at.AddDate(0, n%9, 0), Fact: true}
			}
			results, err := l.PostAll(ctx, batch)
			if err != nil || results[0].Err != nil {
				b.Fatal(err, results)
			}
			done += len(batch)
		}
		perSecond(b)
	})
}

// Verify of 60,000 transfers, as `standfast verify` does it.
func BenchmarkVerify(b *testing.B) {
	eachEngine(b, func(b *testing.B, d *db.DB) {
		const transfers = 60_000
		l := ledger.New(d, ledger.Options{})
		cards := benchAccounts(b, l, d, 6000, benchSpec)
		world := benchAccounts(b, l, d, 1, ledger.AccountSpec{Currency: "USD", Book: "bench", Folded: true})[0]
		batch := make([]ledger.Entry, transfers)
		for i := range batch {
			batch[i] = ledger.Entry{Key: fmt.Sprint("import/", i), Debit: cards[i%len(cards)], Credit: world, Amount: usd(1), Kind: "purchase", Fact: true}
		}
		if _, err := l.PostAll(ctx, batch); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if r, err := l.Verify(ctx); err != nil || len(r.Problems) > 0 || r.Transfers != transfers {
				b.Fatal(r, err)
			}
		}
		b.ReportMetric(float64(transfers*b.N)/b.Elapsed().Seconds(), "transfers/s")
	})
}

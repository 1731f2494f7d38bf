package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/core/ledger"
	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// replicas opens two ledgers on one database, on PostgreSQL as two processes would.
func replicas(t *testing.T, test func(t *testing.T, d [2]*db.DB)) {
	t.Run("sqlite", func(t *testing.T) {
		d := dbtest.SQLite(t, db.Options{})
		test(t, [2]*db.DB{d, d})
	})
	t.Run("postgresql", func(t *testing.T) {
		url := dbtest.PostgreSQLURL(t)
		var d [2]*db.DB
		for i := range d {
			var err error
			if d[i], err = db.Open(ctx, url, db.Options{MaxConns: 12}); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { d[i].Close() })
		}
		if err := d[0].Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		test(t, d)
	})
}

// crowd is many callers of two replicas, who share keys, accounts and holds.
type crowd struct {
	sides    [2]*bank
	accounts []string // the last one is folded, the others may not go below zero
	seed     uint64
	reverses bool // some holds are reversed, and a reversal may go below a floor

	mu    sync.Mutex
	told  map[string]ledger.Transfer // what was acknowledged, by key
	holds []string
	wrong []string
}

const (
	crowdCallers = 12
	crowdOrders  = 25
	crowdFunds   = 300
	crowdRounds  = 6
)

func newCrowd(sides [2]*bank, seed uint64, reverses bool) *crowd {
	c := &crowd{sides: sides, seed: seed, reverses: reverses, told: map[string]ledger.Transfer{}}
	zero := int64(0)
	for range 4 {
		c.accounts = append(c.accounts, sides[0].open(ledger.AccountSpec{Floor: &zero}))
	}
	world := sides[0].open(ledger.AccountSpec{Folded: true})
	for i, id := range c.accounts {
		t := sides[0].post(ledger.Entry{Key: fmt.Sprint(world, "/fund/", i), Debit: world, Credit: id, Amount: usd(crowdFunds), Kind: "fund"})
		c.told[t.Key] = t
	}
	c.accounts = append(c.accounts, world)
	return c
}

func (c *crowd) complain(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...))
}

// heard notes an acknowledged transfer: one key has one answer, whoever asks.
func (c *crowd) heard(t ledger.Transfer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, ok := c.told[t.Key]; ok && before != t {
		c.wrong = append(c.wrong, fmt.Sprintf("key %s was answered twice: %+v and %+v", t.Key, before, t))
	}
	c.told[t.Key] = t
	if t.Phase == ledger.Pending {
		c.holds = append(c.holds, t.ID)
	}
}

// call is one caller's work. Keys come from a small set, and the contents follow
// from the key, so that callers often ask for the same thing at the same time.
func (c *crowd) call(caller int) {
	r := rand.New(rand.NewPCG(c.seed, uint64(caller)))
	b := c.sides[caller%2]
	for range crowdOrders {
		n := r.IntN(crowdCallers * crowdOrders / 2)
		if r.IntN(3) == 0 && c.endOne(r, b) {
			continue
		}
		e := c.entry(n)
		t, err := c.postBy(r.IntN(3), b, e)
		switch code(err) {
		case "":
			c.heard(t)
		case "ledger.funds":
		default:
			c.complain("%+v: %v", e, err)
		}
		if r.IntN(20) == 0 {
			_, _ = b.Fold(ctx)
			_, _ = b.d.Number(ctx, ledger.Batches, 10)
		}
	}
}

func (c *crowd) entry(n int) ledger.Entry {
	r := rand.New(rand.NewPCG(c.seed, uint64(n)+1000))
	i := r.IntN(5)
	return ledger.Entry{Key: fmt.Sprint(c.accounts[4], "/", n), Debit: c.accounts[i], Credit: c.accounts[(i+1+r.IntN(4))%5],
		Amount: usd(1 + r.Int64N(150)), Kind: "test", Pending: r.IntN(3) == 0}
}

func (c *crowd) postBy(door int, b *bank, e ledger.Entry) (t ledger.Transfer, err error) {
	if door == 0 {
		err = b.d.WithTx(ctx, func(tx *db.Tx) error {
			list, err := b.PostTx(ctx, tx, e)
			if err == nil {
				t = list[0]
			}
			return err
		})
		return t, err
	}
	return b.Post(ctx, e)
}

// endOne settles, voids or reverses a hold somebody made, at the risk that
// somebody else does the same.
func (c *crowd) endOne(r *rand.Rand, b *bank) bool {
	c.mu.Lock()
	if len(c.holds) == 0 {
		c.mu.Unlock()
		return false
	}
	hold := c.holds[r.IntN(len(c.holds))]
	c.mu.Unlock()
	n := r.IntN(2)
	if c.reverses {
		n = r.IntN(3)
	}
	t, err := b.endKeyed([]ender{b.SettleTx, b.VoidTx, b.ReverseTx}[n], fmt.Sprint(hold, "/", n, r.IntN(2)), hold)
	switch got := code(err); {
	case err == nil:
		c.heard(t)
	case got == "ledger.already-resolved" || got == "ledger.phase":
	default:
		c.complain("end of %s: %v", hold, err)
	}
	return true
}

// watch looks at balances all the time: none is ever below its floor, unless
// something was reversed.
func (c *crowd) watch(stop *atomic.Bool) {
	pace := time.NewTicker(time.Millisecond)
	defer pace.Stop()
	for i := 0; !stop.Load(); i++ {
		got, err := c.sides[i%2].Balance(ctx, c.accounts[i%4])
		if err != nil || got.Available.Minor < 0 && !c.reverses {
			c.complain("watched %+v, %v", got, err)
		}
		<-pace.C
	}
}

// check compares what was acknowledged with what is there: nothing is lost,
// nothing is there twice, nothing is there that nobody was told of, and every
// balance is the sum of what was acknowledged.
func (c *crowd) check(t *testing.T) {
	t.Helper()
	t.Logf("seed %d: %d transfers", c.seed, len(c.told))
	for _, w := range c.wrong {
		t.Error(w)
	}
	m := &model{accounts: map[string]*modelAccount{}}
	for _, id := range c.accounts {
		m.accounts[id] = &modelAccount{}
	}
	for _, tr := range c.told {
		m.book(tr)
	}
	(&machine{model: m, b: c.sides[1]}).check(t)
	var there int64
	err := c.sides[0].d.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT COUNT(*) FROM ledger_transfer WHERE debit IN ($1, $2, $3, $4, $5)`,
			c.accounts[0], c.accounts[1], c.accounts[2], c.accounts[3], c.accounts[4]).Scan(&there)
	})
	if err != nil || there != int64(len(c.told)) {
		t.Fatalf("%d transfers are there, %d were acknowledged, %v", there, len(c.told), err)
	}
}

func TestTwoReplicasAndManyCallers(t *testing.T) {
	replicas(t, func(t *testing.T, d [2]*db.DB) {
		var sides [2]*bank
		for i := range sides {
			sides[i] = &bank{T: t, Ledger: ledger.New(d[i], ledger.Options{Log: quiet(), MaxBatch: 16}), d: d[i]}
		}
		for i := range crowdRounds {
			c := newCrowd(sides, rand.Uint64(), i%2 == 1)
			c.run()
			c.check(t)
		}
		sides[0].sound()
	})
}

func (c *crowd) run() {
	var wg, watcher sync.WaitGroup
	var stop atomic.Bool
	watcher.Go(func() { c.watch(&stop) })
	for i := range crowdCallers {
		wg.Go(func() { c.call(i) })
	}
	wg.Wait()
	stop.Store(true)
	watcher.Wait()
}

// A folded account's figures are read while they are folded: each movement is
// counted once, wherever it is.
func TestBalancesDuringAFold(t *testing.T) {
	replicas(t, func(t *testing.T, d [2]*db.DB) {
		b := &bank{T: t, Ledger: ledger.New(d[0], ledger.Options{Log: quiet()}), d: d[0]}
		from, to := b.open(ledger.AccountSpec{Folded: true}), b.open(ledger.AccountSpec{Folded: true})
		var writers sync.WaitGroup
		var done atomic.Bool
		writers.Go(func() {
			for i := range 150 {
				b.post(ledger.Entry{Key: fmt.Sprint(from, i), Debit: from, Credit: to, Amount: usd(1), Kind: "test"})
			}
			done.Store(true)
		})
		writers.Go(func() {
			for !done.Load() {
				if _, err := b.Fold(ctx); err != nil {
					t.Error(err)
					return
				}
			}
		})
		var seen int64
		for !done.Load() {
			all, err := b.Balances(ctx, []string{from, to})
			if err != nil || all[to].Count < seen {
				t.Errorf("%d movements after %d were seen, %v", all[to].Count, seen, err)
				break
			}
			seen = all[to].Count
		}
		writers.Wait()
	})
}

// A caller who gives up is told the truth: either nothing happened, or nobody
// knows yet and the same key tells.
func TestCallersWhoGiveUp(t *testing.T) {
	replicas(t, func(t *testing.T, d [2]*db.DB) {
		b := &bank{T: t, Ledger: ledger.New(d[0], ledger.Options{Log: quiet(), MaxBatch: 4}), d: d[0]}
		from, to := b.open(ledger.AccountSpec{Folded: true}), b.open(ledger.AccountSpec{})
		var wg sync.WaitGroup
		var acknowledged, unknown atomic.Int64
		for i := range 300 {
			wg.Go(func() {
				c, cancel := context.WithTimeout(ctx, time.Duration(rand.IntN(3000))*time.Microsecond)
				defer cancel()
				e := ledger.Entry{Key: fmt.Sprint("k", i), Debit: from, Credit: to, Amount: usd(1), Kind: "test"}
				_, err := b.Post(c, e)
				switch code(err) {
				case "":
					acknowledged.Add(1)
				case "ledger.unknown":
					unknown.Add(1)
				case "ledger.late":
					results, err := b.PostAll(ctx, []ledger.Entry{e})
					if err != nil || results[0].Err != nil || results[0].Replayed {
						t.Errorf("a withdrawn entry was posted: %+v %v", results, err)
					}
					acknowledged.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for i := range 300 { // whoever did not know asks again
			b.post(ledger.Entry{Key: fmt.Sprint("k", i), Debit: from, Credit: to, Amount: usd(1), Kind: "test"})
		}
		b.has(to, 300, 0, 0)
		b.sound()
		t.Logf("acknowledged %d, unknown %d", acknowledged.Load(), unknown.Load())
	})
}

func TestAFullQueueRefuses(t *testing.T) {
	each(t, func(b *bank) {
		l := ledger.New(b.d, ledger.Options{Log: quiet(), MaxQueue: 1, Writers: 1})
		var wg sync.WaitGroup
		var busy, done atomic.Int64
		release := make(chan struct{})
		hold := make(chan struct{})
		wg.Go(func() { // keeps the balance row, or SQLite's writer, locked
			b.inTx(func(tx *db.Tx) error {
				_, err := b.PostTx(ctx, tx, ledger.Entry{Key: "blocker", Debit: b.world, Credit: b.alice, Amount: usd(100), Kind: "test"})
				close(hold)
				<-release
				return err
			})
		})
		<-hold
		for i := range 10 {
			wg.Go(func() {
				_, err := l.Post(ctx, ledger.Entry{Key: fmt.Sprint("q", i), Debit: b.world, Credit: b.alice, Amount: usd(1), Kind: "test"})
				if code(err) == "ledger.busy" {
					busy.Add(1)
				} else if err == nil {
					done.Add(1)
				}
			})
		}
		pace := time.NewTicker(time.Millisecond)
		defer pace.Stop()
		for busy.Load() < 8 {
			<-pace.C
		}
		close(release)
		wg.Wait()
		if busy.Load()+done.Load() != 10 {
			b.Fatal(busy.Load(), done.Load())
		}
		b.has(b.alice, 100+done.Load(), 0, 0)
	})
}

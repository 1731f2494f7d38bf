package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"sync/atomic"
	"time"

	"standfast/internal/app"
	"standfast/internal/core/account"
	"standfast/internal/core/payment"
	"standfast/internal/core/signin"
	"standfast/internal/money"
)

// What the ledger must do (docs/benchmarks.md says why these are the measures).
const (
	httpClients64   = 64
	httpClients16   = 16
	leastAt64       = 1.5   // × pgbench -N -c 64
	leastAt16       = 1.0   // × pgbench -N -c 16
	leastPayments   = 0.5   // × pgbench -N -c 64
	leastSQLite     = 10000 // transfers a second in process
	savingsAccounts = 64
	payers          = 256
	warmUp          = time.Second
)

func ledgerBench(ctx context.Context, c ledgerCmd, r *Report) error {
	dir, err := os.MkdirTemp("", "standfast-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	part := func(name string) bool { return c.Only == "" || c.Only == name }
	if c.Profile != "" && c.Only != "http" {
		stop, err := profileSelf(c.Profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	if part("http") || part("payments") {
		if err := onPostgreSQL(ctx, c, r, dir, part); err != nil {
			return err
		}
	}
	if part("sqlite") {
		return sqliteTransfers(ctx, c, r, filepath.Join(dir, "sqlite"))
	}
	return nil
}

// onPostgreSQL measures what has pgbench beside it.
func onPostgreSQL(ctx context.Context, c ledgerCmd, r *Report, dir string, part func(string) bool) error {
	srv, err := openServer(c.Database)
	if err != nil {
		return err
	}
	defer srv.stop()
	theirs, drop, err := srv.database(ctx, "pgbench")
	if err != nil {
		return err
	}
	defer drop()
	p, err := newPgbench(ctx, theirs)
	if err != nil {
		return err
	}
	ours, drop, err := srv.database(ctx, "core")
	if err != nil {
		return err
	}
	defer drop()
	if part("http") {
		if err := httpTransfers(ctx, c, r, p, dir, ours); err != nil {
			return err
		}
	}
	if part("payments") {
		return payments(ctx, c, r, p, dir, ours)
	}
	return nil
}

// httpTransfers measures one member's savings accounts paying one card over
// HTTP, round by round with pgbench.
func httpTransfers(ctx context.Context, c ledgerCmd, r *Report, p *pgbench, dir, database string) error {
	box := openMailbox()
	defer box.Close()
	config, err := configure(dir, database, box.URL)
	if err != nil {
		return err
	}
	who, err := firstActor(ctx, config)
	if err != nil {
		return err
	}
	core, err := startCore(ctx, dir, config)
	if err != nil {
		return err
	}
	defer core.stop()
	token, _, err := core.signIn(ctx, box, who.Username, "")
	if err != nil {
		return err
	}
	t := &transfers{core: core, token: token, who: who}
	if _, err := t.run(ctx, httpClients64, warmUp); err != nil {
		return err
	}
	if c.Profile != "" {
		return t.profiled(ctx, c)
	}
	tries := []*try{{clients: httpClients64, least: leastAt64}, {clients: httpClients16, least: leastAt16}}
	for range c.Rounds {
		for _, y := range tries {
			if err := y.once(ctx, c, t, p); err != nil {
				return err
			}
		}
	}
	for _, y := range tries {
		y.tell(r)
	}
	return t.check(ctx, r)
}

// try is one number of clients, measured round by round beside pgbench.
type try struct {
	clients         int
	least           float64
	ours, theirs    []float64 // a second
	coreCPU, ownCPU []float64 // µs a transfer
	last            load
}

func (y *try) once(ctx context.Context, c ledgerCmd, t *transfers, p *pgbench) error {
	coreBefore, err := t.core.cpu()
	if err != nil {
		return err
	}
	ownBefore := cpuOfSelf()
	if y.last, err = t.run(ctx, y.clients, c.Duration); err != nil {
		return err
	}
	coreAfter, err := t.core.cpu()
	if err != nil {
		return err
	}
	each := float64(y.last.done) * float64(time.Microsecond)
	y.ours = append(y.ours, y.last.perSecond())
	y.coreCPU = append(y.coreCPU, float64(coreAfter-coreBefore)/each)
	y.ownCPU = append(y.ownCPU, float64(cpuOfSelf()-ownBefore)/each)
	rate, err := p.rate(ctx, y.clients, c.Duration)
	y.theirs = append(y.theirs, rate)
	return err
}

func (y *try) tell(r *Report) {
	with := fmt.Sprintf(", %d clients", y.clients)
	a := r.rate("transfers over HTTP"+with, y.ours, "/s")
	r.add("  latency, median"+with, ms(percentile(y.last.times, 0.5)), "ms")
	r.add("  latency, p99"+with, ms(percentile(y.last.times, 0.99)), "ms")
	r.add("  CPU of core a transfer"+with, median(y.coreCPU), "µs")
	r.add("  CPU of the load generator a transfer"+with, median(y.ownCPU), "µs")
	b := r.rate(fmt.Sprintf("pgbench -N -c %d", y.clients), y.theirs, "/s")
	r.add(fmt.Sprintf("ratio at %d clients", y.clients), a/b, "×").atLeast(y.least)
}

// profiled writes a profile of the core under load.
func (t *transfers) profiled(ctx context.Context, c ledgerCmd) error {
	written := make(chan error, 1)
	go func() { written <- t.core.profile(ctx, c.Duration, c.Profile) }()
	_, err := t.run(ctx, c.Clients, c.Duration+time.Second)
	return errors.Join(err, <-written)
}

// profileSelf writes a profile of this process, where the parts that are measured
// in process run, until stop.
func profileSelf(path string) (stop func(), err error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close() // a profile that is cut short cannot be read, and says so then
	}, nil
}

// firstActor sets the scene: one member, 64 savings accounts, one card.
func firstActor(ctx context.Context, config app.Config) (actor, error) {
	s, err := open(ctx, config)
	if err != nil {
		return actor{}, err
	}
	defer s.Close()
	who, err := s.join(ctx, 1, savingsAccounts, false)
	if err != nil {
		return who, err
	}
	return who, s.setPassword(ctx, who)
}

// transfers are one member's, over the API.
type transfers struct {
	core  *child
	token string
	who   actor
	runs  int
	acked atomic.Int64
}

// run lets n clients transfer one cent at a time for d. Client i uses savings
// account i, so that no two wait for the same balance, but all pay the same card.
func (t *transfers) run(ctx context.Context, n int, d time.Duration) (load, error) {
	t.runs++
	conns := make([]*conn, n)
	bodies := make([][]byte, n)
	for i := range n {
		c, err := dial(t.core.addr, "/api/v1/transfers", t.token)
		if err != nil {
			return load{}, err
		}
		defer c.close()
		conns[i] = c
		bodies[i] = fmt.Appendf(nil, `{"from_account_id":%q,"to_account_id":%q,"amount":{"value":"0.01","currency":%q}}`,
			t.who.savings[i%len(t.who.savings)].ID, t.who.card.ID, currency)
	}
	return drive(ctx, n, d, func(_ context.Context, caller, turn int) error {
		key := fmt.Appendf(nil, "bench-%d-%d-%d", t.runs, caller, turn)
		status, answer, err := conns[caller].post(key, bodies[caller])
		if err != nil {
			return err
		}
		if status != http.StatusCreated {
			return fmt.Errorf("a transfer was answered %d: %s", status, answer)
		}
		t.acked.Add(1)
		return nil
	})
}

// check holds the ledger to its word: the card's balance has risen by one cent
// for every answer that said so.
func (t *transfers) check(ctx context.Context, r *Report) error {
	status, answer, err := request(ctx, http.MethodGet, t.core.base+"/accounts/"+t.who.card.ID, map[string]string{"Authorization": "Bearer " + t.token}, nil)
	if err != nil || status != http.StatusOK {
		return fmt.Errorf("the card could not be read: %d %s %w", status, answer, err)
	}
	var card struct {
		Balance struct{ Value, Currency string }
	}
	if err := json.Unmarshal(answer, &card); err != nil {
		return err
	}
	got, err := money.Parse(card.Balance.Value, card.Balance.Currency)
	if err != nil {
		return err
	}
	if want := openingCard + t.acked.Load(); got.Minor != want {
		return fmt.Errorf("%d transfers were acknowledged, but the card's balance is %s", t.acked.Load(), got)
	}
	r.note("%d transfers acknowledged, all of them on the card's balance", t.acked.Load())
	return nil
}

// sqliteTransfers measures 64 callers in process on SQLite with synchronous=FULL.
func sqliteTransfers(ctx context.Context, c ledgerCmd, r *Report, dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	config, err := configure(dir, filepath.Join(dir, "core.db"), "")
	if err != nil {
		return err
	}
	s, err := open(ctx, config)
	if err != nil {
		return err
	}
	defer s.Close()
	who, err := s.join(ctx, 1, savingsAccounts, false)
	if err != nil {
		return err
	}
	cent := money.New(1, currency)
	var rates []float64
	for round := range c.Rounds + 1 { // the first one warms up
		l, err := drive(ctx, httpClients64, c.Duration, func(ctx context.Context, caller, turn int) error {
			_, err := s.Accounts.Transfer(ctx, who.ID, account.TransferRequest{Key: strconv.Itoa(round) + "-" + strconv.Itoa(caller) + "-" + strconv.Itoa(turn),
				From: who.savings[caller].ID, To: who.card.ID, Amount: cent})
			return err
		})
		if err != nil {
			return err
		}
		if round > 0 {
			rates = append(rates, l.perSecond())
		}
	}
	r.rate("transfers in process on SQLite, synchronous=FULL, 64 callers", rates, "/s")
	r.Figures[len(r.Figures)-1].atLeast(leastSQLite)
	return nil
}

// payments measures taking payments of many members at once, in process: hold,
// record, change and job of each are committed together.
func payments(ctx context.Context, c ledgerCmd, r *Report, p *pgbench, dir, database string) error {
	config, err := configure(dir, database, "")
	if err != nil {
		return err
	}
	s, err := open(ctx, config)
	if err != nil {
		return err
	}
	defer s.Close()
	who := make([]actor, payers)
	for i := range who {
		if who[i], err = s.join(ctx, 1000+i, 0, true); err != nil {
			return err
		}
	}
	run := 0
	pay := func(d time.Duration) (load, error) {
		run++
		return drive(ctx, httpClients64, d, func(ctx context.Context, caller, turn int) error {
			a := who[(turn*httpClients64+caller)%payers]
			_, err := s.Payments.Submit(ctx, payment.Request{Key: fmt.Sprintf("bench-%d-%d-%d", run, caller, turn), AccountID: a.card.ID,
				MethodID: a.method.ID, Amount: money.New(101, currency), Session: signin.Session{ID: a.ID, MemberID: a.ID}})
			return err
		})
	}
	if _, err := pay(warmUp); err != nil {
		return err
	}
	var ours, theirs []float64
	for range c.Rounds {
		l, err := pay(c.Duration)
		if err != nil {
			return err
		}
		ours = append(ours, l.perSecond())
		rate, err := p.rate(ctx, httpClients64, c.Duration)
		if err != nil {
			return err
		}
		theirs = append(theirs, rate)
	}
	a := r.rate("payments taken in process, 64 callers", ours, "/s")
	b := r.rate("pgbench -N -c 64 beside them", theirs, "/s")
	r.add("ratio of payments", a/b, "×").atLeast(leastPayments)
	return nil
}

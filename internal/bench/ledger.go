package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
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
	var ours, theirs [2][]float64
	clients := [2]int{httpClients64, httpClients16}
	var slowest [2]load
	for range c.Rounds {
		for i, n := range clients {
			l, err := t.run(ctx, n, c.Duration)
			if err != nil {
				return err
			}
			ours[i], slowest[i] = append(ours[i], l.perSecond()), l
			rate, err := p.rate(ctx, n, c.Duration)
			if err != nil {
				return err
			}
			theirs[i] = append(theirs[i], rate)
		}
	}
	for i, least := range [2]float64{leastAt64, leastAt16} {
		a := r.rate(fmt.Sprintf("transfers over HTTP, %d clients", clients[i]), ours[i], "/s")
		r.add(fmt.Sprintf("  its latency, median, %d clients", clients[i]), ms(percentile(slowest[i].times, 0.5)), "ms")
		r.add(fmt.Sprintf("  its latency, p99, %d clients", clients[i]), ms(percentile(slowest[i].times, 0.99)), "ms")
		b := r.rate(fmt.Sprintf("pgbench -N -c %d", clients[i]), theirs[i], "/s")
		r.add(fmt.Sprintf("ratio at %d clients", clients[i]), a/b, "×").atLeast(least)
	}
	return t.check(ctx, r)
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

// payments measures taking payments in process: hold, record, job and outbox in
// one transaction each, of many members at once.
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

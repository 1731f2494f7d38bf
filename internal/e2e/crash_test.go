package e2e

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"standfast/internal/dbtest"
)

// Payments that were acknowledged are there after every crash, exactly once,
// and the records are whole. The process is killed while payments are on their
// way, at a moment that differs each time.
func TestKilledUnderLoadNothingAcknowledgedIsLost(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		survives(t, 20, "--data", dir)
	})
	t.Run("postgresql", func(t *testing.T) {
		survives(t, 5, "--database", dbtest.PostgreSQLURL(t))
	})
}

func survives(t *testing.T, kills int, where ...string) {
	d := startDemo(t, append([]string{"--direct"}, where...)...) // with a stand-in beside it, its limits would end the load
	c := signIn(t, d, 0)
	owed := c.owes(t)
	l := startLoad(t, c)
	for range kills {
		after := l.acknowledged.Load() + 5
		eventually(t, 3*time.Minute, "payment after a crash", func() bool { return l.acknowledged.Load() >= after })
		d.killCore(t)
	}
	l.stop()
	eventually(t, 3*time.Minute, "core that answers", func() bool { status, _, err := c.send("GET", "/session", nil, nil); return err == nil && status == 200 })
	acks := l.receipts()
	t.Logf("%d kills, %d payments acknowledged, %d requests refused, %d cut off", kills, len(acks), l.refused.Load(), l.cut.Load())
	c.everyReceiptStands(t, acks)
	c.allSettle(t, owed, len(acks))
	d.stop(t)
	must(t, append([]string{"verify"}, where...)...)
}

// load pays from several clients, each payment under a key of its own, and
// repeats a request until it is answered: what a careful client does.
type load struct {
	client       *client
	acknowledged atomic.Int64
	refused      atomic.Int64 // answers that say "not now"
	cut          atomic.Int64 // requests without an answer
	mu           sync.Mutex
	acks         []receipt
	cancel       context.CancelFunc
	running      sync.WaitGroup
}

// cent is what each payment of the load is about, so that thousands fit below what the card owes.
const cent = "0.01"

func startLoad(t testing.TB, c *client) *load {
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{client: c, cancel: cancel}
	t.Cleanup(l.stop)
	for w := range 4 {
		l.running.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				l.payOnce(ctx, t, fmt.Sprintf("load-%d-%d", w, n))
			}
		})
	}
	return l
}

// stop lets the last payments be answered and ends the load.
func (l *load) stop() {
	l.cancel()
	l.running.Wait()
}

// payOnce repeats one payment until it is acknowledged. Ending the load does
// not give a payment up half-way: its outcome would be unknown.
func (l *load) payOnce(ctx context.Context, t testing.TB, key string) {
	pace := time.NewTicker(25 * time.Millisecond)
	defer pace.Stop()
	limit := time.After(5 * time.Minute)
	for {
		status, a, err := l.client.send("POST", "/payments", l.client.payment(cent), map[string]string{"Idempotency-Key": key})
		switch {
		case err == nil && status == http.StatusCreated:
			l.mu.Lock()
			l.acks = append(l.acks, receiptOf(a, key))
			l.mu.Unlock()
			l.acknowledged.Add(1)
			<-pace.C
			return
		case err != nil:
			l.cut.Add(1)
		case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
			l.refused.Add(1)
		default:
			t.Errorf("payment %s: %d %v", key, status, a)
			l.cancel()
			return
		}
		select {
		case <-pace.C:
		case <-limit:
			t.Errorf("payment %s: not answered for five minutes: %v", key, err)
			l.cancel()
			return
		}
	}
}

func (l *load) receipts() []receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acks
}

// killCore kills the running core with SIGKILL at a random moment of the next 50 ms.
func (d *demo) killCore(t testing.TB) {
	t.Helper()
	<-time.After(rand.N(50 * time.Millisecond))
	pid := d.corePID(t)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, 3*time.Minute, "new core", func() bool { return d.childPID() != 0 && d.childPID() != pid })
}

// corePID gives the core that runs now; the supervisor announces only the first.
func (d *demo) corePID(t testing.TB) int {
	t.Helper()
	pid := d.childPID()
	if pid == 0 {
		t.Fatal("no core runs")
	}
	return pid
}

// childPID finds the core among the supervisor's children in /proc; 0 while there is none.
func (d *demo) childPID() int {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", d.cmd.Process.Pid))
	for _, path := range tasks {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(field); err == nil && !zombie(pid) && isCore(pid) {
				return pid
			}
		}
	}
	return 0
}

// isCore tells whether a process was started as a core.
func isCore(pid int) bool {
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && bytes.Contains(line, []byte("\x00core\x00"))
}

// zombie tells whether a process has ended and was not yet waited for.
func zombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.HasPrefix(rest, "Z")
}

// everyReceiptStands looks each acknowledged payment up, and repeats its
// request: the first answer comes again and nothing is paid anew.
func (c *client) everyReceiptStands(t testing.TB, acks []receipt) {
	t.Helper()
	before := c.payments(t)
	for _, ack := range acks {
		if stored, there := before[ack.ID]; !there || stored.ConfirmationNumber != ack.ConfirmationNumber {
			t.Errorf("acknowledged payment %s (%s) is not there", ack.ID, ack.ConfirmationNumber)
		}
		if again := c.pay(t, cent, ack.Key); again.ID != ack.ID {
			t.Errorf("key %s gave %s and then %s", ack.Key, ack.ID, again.ID)
		}
	}
	if after := c.payments(t); len(before) != len(acks) || len(after) != len(before) {
		t.Errorf("%d acknowledged, %d stored, %d after every request was repeated", len(acks), len(before), len(after))
	}
}

// allSettle waits until every payment has reached the rail's end, and then the
// card owes exactly that much less.
func (c *client) allSettle(t testing.TB, owed int64, payments int) {
	t.Helper()
	eventually(t, 5*time.Minute, "settlement of every payment", func() bool {
		for _, p := range c.payments(t) {
			if p.Status != "settled" {
				return false
			}
		}
		return true
	})
	if now := c.owes(t); now != owed-int64(payments) {
		t.Errorf("the card owed %d cents, %d payments of one cent settled, and it owes %d", owed, payments, now)
	}
}

// owes gives the card's debt in cents.
func (c *client) owes(t testing.TB) int64 {
	t.Helper()
	_, a := c.do(t, "GET", "/accounts/"+c.card, nil, nil)
	balance, ok := a["balance"].(map[string]any)
	if !ok {
		t.Fatalf("no balance in %v", a)
	}
	digits := strings.ReplaceAll(balance["value"].(string), ".", "")
	cents, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return -cents
}

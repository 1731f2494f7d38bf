package httpsource

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"time"

	"standfast/internal/money"
)

// history is the made-up past of a reference server's account: one transaction
// every step since the epoch, each reckoned from the seed, so that it needs no
// memory and never changes.
type history struct {
	Holding
	seed uint64
}

// epoch is when every history begins, and step the time between transactions.
var epoch = time.Date(2025, 1, 1, 9, 0, 0, 0, time.UTC)

const step = 36 * time.Hour

// count gives how many transactions there are at an instant. They are numbered from 1.
func (h history) count(now time.Time) int {
	if now.Before(epoch) {
		return 0
	}
	return int(now.Sub(epoch)/step) + 1
}

func (h history) at(n int) time.Time { return epoch.Add(time.Duration(n-1) * step) }

// amount gives the n-th movement in minor units. Savings take in more than they
// give out; a card is paid what was bought, every tenth time.
func (h history) amount(n int) int64 {
	if h.CreditLimit > 0 {
		return h.cardAmount(n)
	}
	size := int64(h.draw(n) % 40_000)
	switch {
	case n == 1:
		return 250_000 + size
	case n%20 == 0:
		return 300 + size/200 // interest
	case n%3 == 0:
		return -(1_000 + size/2)
	}
	return 1_000 + size
}

func (h history) cardAmount(n int) int64 {
	if n%10 != 0 {
		return -(500 + int64(h.draw(n)%9_500))
	}
	var owed int64
	for i := n - 9; i < n; i++ {
		owed -= h.cardAmount(i)
	}
	return owed
}

func (h history) draw(n int) uint64 {
	f := fnv.New64a()
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], h.seed)
	binary.BigEndian.PutUint64(b[8:], uint64(n))
	f.Write(b[:])
	f.Write([]byte(h.Ref))
	return f.Sum64()
}

func (h history) kind(n int) (kind, description string) {
	amount := h.amount(n)
	switch {
	case h.CreditLimit > 0 && amount < 0:
		return "purchase", fmt.Sprintf("Shop %d", h.draw(n)%97+1)
	case h.CreditLimit > 0:
		return "payment", "Payment received"
	case n > 1 && n%20 == 0:
		return "interest", "Interest"
	case amount < 0:
		return "withdrawal", "Transfer out"
	}
	return "deposit", "Transfer in"
}

// sum gives the balance after the n-th transaction.
func (h history) sum(n int) int64 {
	var total int64
	for i := 1; i <= n; i++ {
		total += h.amount(i)
	}
	return total
}

func (h history) balance(now time.Time) money.Amount {
	return money.New(h.sum(h.count(now)), h.Currency)
}

// page gives up to limit transactions with numbers below a bound, newest first.
func (h history) page(below, limit int, from, until time.Time) *pageAnswer {
	p := &pageAnswer{AccountRef: h.Ref, Items: []transactionAnswer{}}
	after := h.sum(below - 1)
	n := below - 1
	for ; n >= 1 && len(p.Items) < limit && !h.at(n).Before(from); n-- {
		if until.IsZero() || h.at(n).Before(until) {
			p.Items = append(p.Items, h.transaction(n, after))
		}
		after -= h.amount(n)
	}
	if n >= 1 && !h.at(n).Before(from) {
		p.NextCursor = fmt.Sprint(n + 1)
	}
	return p
}

func (h history) transaction(n int, after int64) transactionAnswer {
	kind, description := h.kind(n)
	balance := money.New(after, h.Currency)
	return transactionAnswer{ID: fmt.Sprintf("%s-%d", h.Ref, n), PostedAt: h.at(n), Amount: money.New(h.amount(n), h.Currency),
		Kind: kind, Description: description, Status: "posted", BalanceAfter: &balance}
}

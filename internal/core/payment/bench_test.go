package payment

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// BenchmarkSubmit takes payments of 1,000 cards from 64 callers: hold, row,
// change for followers and job, in one transaction each. Nobody works the jobs.
func BenchmarkSubmit(b *testing.B) {
	for name, open := range map[string]func(testing.TB, db.Options) *db.DB{"sqlite": dbtest.SQLite, "postgresql": dbtest.PostgreSQL} {
		b.Run(name, func(b *testing.B) {
			d := open(b, db.Options{MaxConns: 64})
			h := newHouse(b, d, dbtest.NewClock(), Config{Rules: USRules()})
			people := make([]person, 1000)
			for i := range people {
				people[i] = h.someone(member.Spec{Username: fmt.Sprintf("member-%d", i)})
			}
			b.SetParallelism(32) // times GOMAXPROCS
			var next atomic.Int64
			b.ResetTimer()
			start := time.Now()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					p := people[int(next.Add(1))%len(people)]
					if _, err := h.Submit(ctx, h.request(p, 1_00)); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "payments/s")
		})
	}
}

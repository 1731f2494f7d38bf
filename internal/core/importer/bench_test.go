package importer

import (
	"context"
	"syscall"
	"testing"
	"time"

	"standfast/internal/db"
	"standfast/internal/dbtest"
)

// cpu gives the processor time of this process, which a busy machine does not stretch.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkImport imports the 30,000 real card accounts and their 277,908
// transactions, and says how long each file took.
func BenchmarkImport(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB, db.Options) *db.DB
	}{{"sqlite", dbtest.SQLite}, {"postgresql", dbtest.PostgreSQL}} {
		b.Run(engine.name, func(b *testing.B) {
			dir := realSet(b, "uci")
			for b.Loop() {
				b.StopTimer()
				x := wire(engine.open(b, db.Options{}))
				b.StartTimer()
				f := filesIn(dir)
				for _, part := range []struct {
					name string
					Files
				}{{"members", Files{Members: f.Members}}, {"accounts", Files{Accounts: f.Accounts}}, {"transactions", Files{Transactions: f.Transactions}}} {
					begun, used := time.Now(), cpu(b)
					if _, err := Run(context.Background(), x, part.Files, nil); err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(time.Since(begun).Seconds(), part.name+"-s")
					b.ReportMetric((cpu(b) - used).Seconds(), part.name+"-cpu-s")
				}
			}
		})
	}
}

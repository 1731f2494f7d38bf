package bench

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/dbtest"
)

func TestPgbenchsWordsAreRead(t *testing.T) {
	const out = `transaction type: <builtin: simple update>
scaling factor: 10
latency average = 13.7 ms
initial connection time = 81.2 ms
tps = 4655.914 (without initial connection time)
`
	if v, err := pgbenchRate(out); err != nil || v != 4655.914 {
		t.Errorf("%v %v", v, err)
	}
	if _, err := pgbenchRate("connection refused"); err == nil {
		t.Error("a rate was read where none is")
	}
}

func TestMediansAndPercentiles(t *testing.T) {
	for _, c := range []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 3}, 2.5}} {
		if got := median(c.in); got != c.want {
			t.Errorf("median of %v is %v", c.in, got)
		}
	}
	list := make([]time.Duration, 200)
	for i := range list {
		list[i] = time.Duration(i)
	}
	if percentile(list, 0.99) != 198 || percentile(list, 0.5) != 100 || percentile(nil, 0.5) != 0 || percentile(list, 1) != 199 {
		t.Errorf("percentiles are %d, %d", percentile(list, 0.99), percentile(list, 0.5))
	}
}

func TestAReportSaysWhatWasMet(t *testing.T) {
	r := newReport("ledger")
	r.rate("transfers", []float64{7000, 7200, 6900}, "/s")
	r.add("ratio", 1.54, "×").atLeast(1.5)
	r.add("memory", 260, "MB").atMost(250)
	r.note("as it was")
	var table, doc bytes.Buffer
	if err := errors.Join(r.write(&table, false), r.write(&doc, true)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"7000 /s", "at least 1.50: met", "at most 250: NOT met", "as it was"} {
		if !strings.Contains(table.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &table)
		}
	}
	var back Report
	if err := json.Unmarshal(doc.Bytes(), &back); err != nil || len(back.Figures) != 3 || !*back.Figures[1].Met || *back.Figures[2].Met || len(back.Figures[0].Rounds) != 3 {
		t.Errorf("%+v %v", back, err)
	}
}

func TestTheClientSpeaksHTTP(t *testing.T) {
	var seen atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.Method != "POST" || r.URL.Path != "/x" || r.Header.Get("Authorization") != "Bearer tok" || r.Header.Get("Idempotency-Key") != "key" || string(b) != "{}" {
			http.Error(w, "unlike what was sent", http.StatusBadRequest)
			return
		}
		seen.Add(1)
		w.WriteHeader(http.StatusCreated)
		w.Write(bytes.Repeat([]byte("a"), 1500))
	}))
	defer s.Close()
	c, err := dial(strings.TrimPrefix(s.URL, "http://"), "/x", "tok")
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	for range 3 {
		status, answer, err := c.post([]byte("key"), []byte("{}"))
		if err != nil || status != http.StatusCreated || len(answer) != 1500 {
			t.Fatalf("%d %q %v", status, answer, err)
		}
	}
	if seen.Load() != 3 {
		t.Errorf("%d requests arrived", seen.Load())
	}
}

func TestDrivingStopsAtTheFirstError(t *testing.T) {
	var calls atomic.Int64
	bad := errors.New("no more")
	_, err := drive(context.Background(), 4, time.Minute, func(ctx context.Context, _, _ int) error {
		if calls.Add(1) > 100 {
			return bad
		}
		return nil
	})
	if !errors.Is(err, bad) {
		t.Errorf("%v", err)
	}
}

func TestMadeUpFilesHaveTheRealShape(t *testing.T) {
	dir := t.TempDir()
	f := files{filepath.Join(dir, "m"), filepath.Join(dir, "a"), filepath.Join(dir, "t"), 0, 0}
	if err := f.makeUp(300); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{f.members: 300, f.accounts: 300, f.transactions: f.posted} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		table, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
		if err != nil || len(table) != want+1 {
			t.Errorf("%s has %d rows, want %d: %v", path, len(table)-1, want, err)
		}
	}
	if each := float64(f.posted) / 300; each < 9 || each > 10 { // the real set has 9.26
		t.Errorf("%.2f transactions an account", each)
	}
}

// TestThePopulationIsWhole holds populate to the tables that it writes into: the
// dashboards of its members must be whole.
func TestThePopulationIsWhole(t *testing.T) {
	for _, engine := range []string{"sqlite", "postgresql"} {
		t.Run(engine, func(t *testing.T) {
			dir := t.TempDir()
			target := filepath.Join(dir, "core.db")
			if engine == "postgresql" {
				target = dbtest.PostgreSQLURL(t)
			}
			h, err := build(t.Context(), dir, target, 40)
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			for range 5 {
				if err := h.look(t.Context(), 0, 0); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

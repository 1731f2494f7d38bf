package spool

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

func open1(t testing.TB, folder string) *Spool {
	t.Helper()
	s, err := Open(folder, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func bodies(list []Intent) (all []string) {
	for _, i := range list {
		all = append(all, string(i.Body))
	}
	return all
}

func put(t testing.TB, s *Spool, body string) {
	t.Helper()
	if _, err := s.Put("k", "about", body); err != nil {
		t.Fatal(err)
	}
}

// What was stored is there after a stop at any moment, what was done is not, and
// nothing of an earlier round comes back.
func TestAnIntentOutlivesTheProcess(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		folder, err := os.MkdirTemp("", "spool")
		if err != nil {
			r.Fatal(err)
		}
		defer os.RemoveAll(folder)
		s := open1(t, folder)
		var want []string
		for n := range rapid.IntRange(1, 15).Draw(r, "steps") {
			switch rapid.IntRange(0, 3).Draw(r, "what") {
			case 0, 1:
				body := rapid.StringMatching(`[a-z]{0,300}`).Draw(r, "body")
				put(t, s, body)
				text, _ := json.Marshal(body)
				want = append(want, string(text))
			case 2:
				if i, ok := s.first(); ok {
					s.drop(i)
					want = want[1:]
				}
			case 3:
				if err := s.Close(); err != nil {
					r.Fatal(err)
				}
				s = open1(t, folder)
			}
			if got := bodies(s.pending); !slices.Equal(got, want) {
				r.Fatalf("step %d: %q, want %q", n, got, want)
			}
		}
		s.Close()
	})
}

// A record that was cut off while it was written is no intent; those before it are.
func TestATornRecordIsNone(t *testing.T) {
	folder := t.TempDir()
	s := open1(t, folder)
	put(t, s, "first")
	put(t, s, "second")
	end := s.file.end
	s.Close()
	path := filepath.Join(folder, "spool-0.log")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := end - 40; cut < end; cut++ {
		torn := append(bytes.Clone(whole[:cut]), make([]byte, len(whole)-int(cut))...)
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		s := open1(t, folder)
		if got := bodies(s.pending); !slices.Equal(got, []string{`"first"`}) {
			t.Fatalf("cut at %d: %q", cut, got)
		}
		s.Close()
	}
}

func TestASpoolThatIsFullSaysSo(t *testing.T) {
	s := open1(t, t.TempDir())
	big := string(bytes.Repeat([]byte("x"), maxEntry-300))
	for n := 0; ; n++ {
		_, err := s.Put("k", "about", big)
		if err == nil {
			continue
		}
		if !fault.Is(err, fault.Unavailable) || n < 200 {
			t.Fatal(n, err)
		}
		return
	}
}

func TestAFileThatIsNoSpoolIsLeftAlone(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "spool-0.log")
	if err := os.WriteFile(path, []byte("somebody's diary"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := Open(folder, time.Now, slog.New(slog.DiscardHandler)); err == nil {
		s.Close()
		t.Fatal("it was taken")
	}
	if b, _ := os.ReadFile(path); string(b) != "somebody's diary" {
		t.Fatal("it was written over")
	}
}

// Two processes on one machine never use one file; the next that starts takes over
// what a dead one left behind.
func TestProcessesShareAFolder(t *testing.T) {
	folder := t.TempDir()
	a, b := open1(t, folder), open1(t, folder)
	put(t, a, "of a")
	put(t, b, "of b")
	a.Close()
	c := open1(t, folder)
	if got := bodies(c.pending); !slices.Equal(got, []string{`"of a"`}) {
		t.Fatal(got)
	}
}

// An intent is carried out once, however often its being done cannot be written
// down; it waits while the database is away; and one that cannot be done at all
// does not hold up those behind it.
func TestEachIntentIsCarriedOutOnceInOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s := open1(t, t.TempDir())
		var did []string
		away := true
		apply := func(ctx context.Context, i Intent) error {
			if away {
				return fault.New(fault.Unavailable, "storage.unavailable", "Not now.")
			}
			if string(i.Body) == `"refused"` {
				return fault.New(fault.Conflict, "no", "No.")
			}
			return d.WithTx(ctx, func(tx *db.Tx) error {
				first, err := Once(ctx, tx, i)
				if first && err == nil {
					did = append(did, string(i.Body))
				}
				return err
			})
		}
		s.Handle("k", apply)
		put(t, s, "one")
		put(t, s, "refused")
		put(t, s, "two")
		again := slices.Clone(s.pending)
		s.drain(ctx)
		if len(did) != 0 || s.Waiting() != 3 {
			t.Fatal("while the database is away:", did, s.Waiting())
		}
		away = false
		s.drain(ctx)
		s.pending = again // as after a restart that found none of them done
		s.drain(ctx)
		if want := []string{`"one"`, `"two"`}; !slices.Equal(did, want) || s.Waiting() != 0 {
			t.Fatal(did, s.Waiting())
		}
	})
}

func TestRunCarriesOutWhatIsPut(t *testing.T) {
	s := open1(t, t.TempDir())
	done := make(chan string, 1)
	s.Handle("k", func(_ context.Context, i Intent) error { done <- string(i.Body); return nil })
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	put(t, s, "x")
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("nobody carried it out")
	}
	stop()
	<-ended
}

func FuzzDecode(f *testing.F) {
	s := open1(f, f.TempDir())
	put(f, s, "first")
	put(f, s, "second")
	b := make([]byte, 512)
	if _, err := s.file.f.ReadAt(b, headSize); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, used := decode(b, 0); used > len(b) {
			t.Fatal("read past the end")
		}
	})
}

package breached

import (
	"bytes"
	"crypto/sha1"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"standfast/internal/fault"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// list builds a file of lines and opens it.
func list(t testing.TB, lines string, opt Options) (*List, Summary) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "breached.pwd")
	sum, err := Build(t.Context(), strings.NewReader(lines), path, opt)
	must(t, err)
	l, err := Open(path, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { must(t, l.Close()) })
	return l, sum
}

func (l *List) has(t testing.TB, password string) bool {
	t.Helper()
	found, err := l.Holds(password)
	must(t, err)
	return found
}

func TestWhatIsInIsFoundAndOthersHardlyEver(t *testing.T) {
	const in, asked = 300_000, 300_000 // several shards
	var lines strings.Builder
	for i := range in {
		fmt.Fprintf(&lines, "in-%d\r\n", i)
	}
	l, sum := list(t, lines.String()+"in-7\n", Options{})
	if sum.Lines != in+1 || sum.Passwords != in || sum.Skipped != 0 || l.Count() != in || len(l.open.rows) < 4 {
		t.Fatalf("%+v, %d shards", sum, len(l.open.rows))
	}
	if perKey := float64(sum.Bytes) * 8 / in; perKey > 19.8 {
		t.Errorf("%.2f bits a password", perKey)
	}
	wrong, shards := 0, make([]shard, len(l.open.rows)) // read once: a check reads its shard each time
	for i := range shards {
		s, err := l.open.shard(i)
		must(t, err)
		shards[i] = s
	}
	has := func(key uint64) bool { return shards[shardOf(key, l.open.bits)].holds(key) }
	for i := range in {
		if !has(keyOf(fmt.Sprint("in-", i))) {
			t.Fatalf("in-%d is not found", i)
		}
		if i < asked && has(keyOf(fmt.Sprint("out-", i))) {
			wrong++
		}
	}
	if !l.has(t, "in-0") || !l.has(t, "in-299999") {
		t.Fatal("what the filter holds is not found through the file")
	}
	// 300,000 / 65,536 = 4.6 are expected; the keys are always the same, and so is this.
	if wrong > 15 {
		t.Errorf("%d of %d strangers are taken for breached ones", wrong, asked)
	}
}

func TestHashLinesAreAsGoodAsPasswords(t *testing.T) {
	line := func(p string, seen int) string { return fmt.Sprintf("%X:%d\n", sha1.Sum([]byte(p)), seen) }
	lines := "\ufeff" + line("correct horse", 4) + "\n" + strings.ToLower(line("often", 100)) + line("seldom", 1)
	l, sum := list(t, lines, Options{AtLeast: 2})
	if !l.has(t, "correct horse") || !l.has(t, "often") || l.has(t, "seldom") || sum.Passwords != 2 || sum.Skipped != 2 {
		t.Fatalf("%+v", sum)
	}
	_, err := Build(t.Context(), strings.NewReader(lines+"not a hash\n"), filepath.Join(t.TempDir(), "x"), Options{})
	if e := fault.As(err); e == nil || e.Kind != fault.Invalid || !strings.Contains(e.Cause.Error(), "line 5") {
		t.Fatal(err)
	}
}

func TestPlainLinesAreNormalisedAndLongOnesSkipped(t *testing.T) {
	hash := strings.Repeat("a", hexDigits)
	l, sum := list(t, "one\n"+strings.Repeat("x", 3*maxLine)+"\n\nTWO\n"+hash, Options{Normal: strings.ToLower})
	if sum.Lines != 5 || sum.Skipped != 2 || !l.has(t, "two") || !l.has(t, hash) {
		t.Fatalf("%+v", sum)
	}
	if l, _ = list(t, hash, Options{Form: Plain}); !l.has(t, hash) {
		t.Fatal("a password that looks like a hash is lost")
	}
}

func TestTheOrderOfAListChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,6}`), 1, 200).Draw(rt, "words")
		dir := t.TempDir()
		for _, name := range []string{"a", "b"} {
			_, err := Build(t.Context(), strings.NewReader(strings.Join(words, "\n")), filepath.Join(dir, name), Options{})
			must(t, err)
			slices.Reverse(words)
		}
		a, err := os.ReadFile(filepath.Join(dir, "a"))
		must(t, err)
		b, err := os.ReadFile(filepath.Join(dir, "b"))
		must(t, err)
		if !bytes.Equal(a, b) {
			rt.Fatal("the same words made two files")
		}
		f, err := read(bytes.NewReader(a), int64(len(a)))
		must(t, err)
		for _, w := range words {
			if found, err := f.holds(keyOf(w)); err != nil || !found {
				rt.Fatalf("%q: %v, %v", w, found, err)
			}
		}
	})
}

func TestAReplacedFileIsTakenUpAndABrokenOneIsNot(t *testing.T) {
	l, _ := list(t, "first\n", Options{})
	build := func(lines string) {
		_, err := Build(t.Context(), strings.NewReader(lines), l.path, Options{})
		must(t, err)
	}
	build("second\n")
	must(t, l.Reload())
	if l.has(t, "first") || !l.has(t, "second") {
		t.Fatal("the new file is not taken up")
	}
	whole, err := os.ReadFile(l.path)
	must(t, err)
	for name, broken := range map[string][]byte{"cut off": whole[:len(whole)-1], "longer": append(slices.Clone(whole), 0), "empty": nil, "a text": []byte("second\n")} {
		must(t, os.WriteFile(l.path+".new", broken, 0o600))
		must(t, os.Rename(l.path+".new", l.path))
		if err := l.Reload(); !fault.Is(err, fault.Invalid) {
			t.Fatalf("%s: %v", name, err)
		}
		if !l.has(t, "second") {
			t.Fatalf("%s: the last good file is gone", name)
		}
	}
	must(t, os.Remove(l.path))
	if l.Reload() == nil || !l.has(t, "second") {
		t.Fatal("a file that is away counts for something")
	}
	build("third\n")
	must(t, l.Reload())
	if !l.has(t, "third") {
		t.Fatal("nothing is taken up after a broken file")
	}
}

// A copy over the open file changes it under the program: then it is not known.
func TestAFileThatGoesBadIsUnknown(t *testing.T) {
	l, _ := list(t, "first\n", Options{})
	f, err := os.OpenFile(l.path, os.O_RDWR, 0)
	must(t, err)
	_, err = f.WriteAt([]byte{1, 2, 3, 4}, l.open.rows[0].at)
	must(t, err)
	must(t, f.Close())
	if _, err := l.Holds("first"); !fault.Is(err, fault.Unavailable) {
		t.Fatal(err)
	}
}

func TestEveryChangedByteIsFound(t *testing.T) {
	l, _ := list(t, "a\nb\nc\nd\n", Options{})
	whole, err := os.ReadFile(l.path)
	must(t, err)
	for i := range whole {
		b := slices.Clone(whole)
		b[i] ^= 0x10
		if _, err := read(bytes.NewReader(b), int64(len(b))); err == nil {
			t.Fatalf("byte %d may change", i)
		}
	}
}

func TestNothingIsLeftOfABuildThatFails(t *testing.T) {
	dir := t.TempDir()
	for _, lines := range []string{"", "\n\n", strings.Repeat("A", hexDigits) + "\nx\n"} {
		if _, err := Build(t.Context(), strings.NewReader(lines), filepath.Join(dir, "out"), Options{}); !fault.Is(err, fault.Invalid) {
			t.Fatalf("%q: %v", lines, err)
		}
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) > 0 {
		t.Fatal(left)
	}
}

func FuzzRead(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed")
	_, err := Build(f.Context(), strings.NewReader("a\nb\n"), path, Options{})
	must(f, err)
	whole, err := os.ReadFile(path)
	must(f, err)
	f.Add(whole)
	f.Add(whole[:fixedBytes])
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		if _, err := l.holds(keyOf("a")); err != nil {
			t.Fatal("a file that was found whole is broken:", err)
		}
	})
}

func FuzzLines(f *testing.F) {
	f.Add([]byte("password\n"), "")
	f.Add([]byte("5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:3\n"), "")
	f.Add([]byte("x\r\n\n\xff"), Plain)
	f.Fuzz(func(t *testing.T, b []byte, form string) {
		var sum Summary
		added := uint64(0)
		err := keysOf(t.Context(), bytes.NewReader(b), Options{Form: form}, &sum, func(uint64) error { added++; return nil })
		if err == nil && added+sum.Skipped != sum.Lines {
			t.Fatalf("%+v, %d added", sum, added)
		}
	})
}

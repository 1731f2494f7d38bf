package masterkey_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"standfast/internal/fault"
	"standfast/internal/masterkey"
)

func create(t *testing.T) (string, *masterkey.Key) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master.key")
	k, err := masterkey.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, k
}

func seal(t *testing.T, k *masterkey.Key, plain, context string) []byte {
	t.Helper()
	b, err := k.Seal([]byte(plain), []byte(context))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheFileGivesTheSameKeyAgain(t *testing.T) {
	path, k := create(t)
	again, err := masterkey.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.Open(seal(t, k, "secret", "a/1"), []byte("a/1"))
	if err != nil || string(got) != "secret" {
		t.Fatal(got, err)
	}
	if !bytes.Equal(k.Fingerprint("a", []byte("x")), again.Fingerprint("a", []byte("x"))) {
		t.Fatal("fingerprints differ")
	}
}

func TestOnlyTheSameContextAndKeyOpen(t *testing.T) {
	_, k := create(t)
	_, other := create(t)
	sealed := seal(t, k, "secret", "a/1")
	if bytes.Contains(sealed, []byte("secret")) {
		t.Fatal("not sealed at all")
	}
	if _, err := k.Open(sealed, []byte("a/2")); err == nil {
		t.Error("opened for another row")
	}
	if _, err := other.Open(sealed, []byte("a/1")); err == nil {
		t.Error("opened under another key")
	}
	sealed[len(sealed)/2] ^= 1
	if _, err := k.Open(sealed, []byte("a/1")); err == nil {
		t.Error("opened although changed")
	}
}

func TestFingerprintsTellContextsApart(t *testing.T) {
	_, k := create(t)
	a := k.Fingerprint("ab", []byte("c"))
	if len(a) != 32 {
		t.Fatal(len(a))
	}
	for name, b := range map[string][]byte{
		"other data": k.Fingerprint("ab", []byte("d")), "other context": k.Fingerprint("b", []byte("c")),
		"moved border": k.Fingerprint("a", []byte("bc")), "the demo's key": masterkey.Demo().Fingerprint("ab", []byte("c")),
	} {
		if bytes.Equal(a, b) {
			t.Error(name, "gives the same fingerprint")
		}
	}
}

func TestAKeyIsNeverReplaced(t *testing.T) {
	path, _ := create(t)
	before, _ := os.ReadFile(path)
	_, err := masterkey.Create(path)
	if !fault.Is(err, fault.Conflict) || !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Fatal("the file has changed")
	}
}

func TestAKeyThatOthersMayReadIsRefused(t *testing.T) {
	path, _ := create(t)
	if i, _ := os.Stat(path); i.Mode().Perm() != 0o600 {
		t.Fatal(i.Mode())
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o666} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := masterkey.Load(path); !fault.Is(err, fault.Unavailable) {
			t.Error(mode, err)
		}
	}
}

func TestBrokenFilesAreRefusedWithoutShowingThem(t *testing.T) {
	path, _ := create(t)
	good, _ := os.ReadFile(path)
	for name, data := range map[string]string{
		"empty": "", "not JSON": "hello", "other format": strings.Replace(string(good), "key-1", "key-9", 1),
		"cut": string(good[:len(good)/2]), "no keys": `{"format":"standfast-master-key-1"}`,
		"wrong kind": strings.Replace(string(good), "XAesGcmKey", "HmacPrfKey", 1),
	} {
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := masterkey.Load(path)
		if !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "EgII") {
			t.Error(name, err)
		}
	}
	if _, err := masterkey.Load(path + "-missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestTheDemosKeyIsKnownAsSuch(t *testing.T) {
	_, k := create(t)
	if k.IsDemo() || !masterkey.Demo().IsDemo() {
		t.Fatal("the published key passes for a secret one")
	}
	path := filepath.Join(t.TempDir(), "copied.key")
	demo, err := os.ReadFile("demo.json")
	if err != nil {
		t.Fatal(err)
	}
	// A file with other white space is the same key.
	if err := os.WriteFile(path, append(demo, '\n', ' '), 0o600); err != nil {
		t.Fatal(err)
	}
	if copied, err := masterkey.Load(path); err != nil || !copied.IsDemo() {
		t.Fatal("a copy of the published key passes for a secret one:", err)
	}
}

package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"standfast/internal/fault"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "standfast.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What init writes must be read by core: a comment may not name a key that does not exist.
func TestTheWrittenExampleIsRead(t *testing.T) {
	c, err := LoadConfig(write(t, string(example)))
	if err != nil {
		t.Fatal(err)
	}
	if c.Cell.Name != "us" || c.SignIn.DeviceTrust.Duration != 180*24*time.Hour || !filepath.IsAbs(c.MasterKey) {
		t.Fatalf("%+v", c)
	}
}

func TestMistakesInTheFileAreNamed(t *testing.T) {
	good := "database = \"core.db\"\n[cell]\npublic_url = \"https://my.example.com\"\n"
	for _, c := range []struct{ name, text, says string }{
		{"a misspelt key", good + "[payments]\ncutoff = \"20:00\"\n", "cutoff"},
		{"no TOML", "database = \n", "database"},
		{"no database", "[cell]\npublic_url = \"https://my.example.com\"\n", "database"},
		{"an early cut-off", good + "[payments]\ncut_off = \"16:59\"\n", "17:00"},
		{"a currency that is none", good + "currency = \"XXX\"\n", "cell.currency"},
		{"a zone that is none", good + "time_zone = \"Mars\"\n", "cell.time_zone"},
		{"half of TLS", good + "[tls]\ncertificate = \"c.pem\"\n", "tls"},
		{"an amount that is none", good + "[payments]\nmaximum = \"1.001\"\n", "payments.maximum"},
		{"a language that is none", good + "locales = [\"x_!\"]\n", "cell.locales"},
		{"an address that is none", "database = \"core.db\"\n[cell]\npublic_url = \"my.example.com\"\n", "cell.public_url"},
		{"rules of nowhere", good + "rules = \"xx\"\n", "cell.rules"},
		{"a long rest where the law has five minutes", good + "rules = \"eu\"\n[sign_in]\nidle = \"6m\"\n", "sign_in.idle"},
		{"a proxy that is none", good + "[listen]\nproxies = [\"10.0.0.1\"]\n", "listen.proxies"},
		{"a contact that changes at once", good + "[sign_in]\ncontact_delay = \"10m\"\n", "sign_in.contact_delay"},
		{"too little proof", good + "[proofing]\nproofs = 1\n", "proofing.proofs"},
		{"mail from nobody", good + "[mail]\nserver = \"localhost:25\"\n", "mail.from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := LoadConfig(write(t, c.text))
			if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v does not name %q", err, c.says)
			}
		})
	}
}

func TestOnlyTheDemoNamesAMailbox(t *testing.T) {
	path := write(t, "database = \"core.db\"\n[cell]\npublic_url = \"https://my.example.com\"\n[demo]\nmailbox = \"http://localhost:1\"\n")
	t.Setenv(envDemo, "")
	if err := Core(t.Context(), path, os.Stderr); !fault.Is(err, fault.Invalid) {
		t.Fatal(err)
	}
}

func TestTheDemoListensOnThisMachineOnly(t *testing.T) {
	for addr, ok := range map[string]bool{
		"localhost:8080": true, "127.0.0.1:0": true, "[::1]:8080": true,
		":8080": false, "0.0.0.0:8080": false, "192.0.2.1:80": false, "example.com:80": false, "8080": false, "[::]:80": false,
	} {
		if err := loopbackOnly(addr); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestInitOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "standfast.toml")
	var out strings.Builder
	if err := Init(path, &out); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(dir, keyFile))
	if err != nil || len(key) == 0 {
		t.Fatal(err)
	}
	if err := Init(path, &out); !fault.Is(err, fault.Conflict) {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := Init(path, &out); err != nil { // the key stays when only the file was lost
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(filepath.Join(dir, keyFile)); string(again) != string(key) {
		t.Fatal("init replaced the master key")
	}
}

package app

import (
	"strings"
	"testing"

	"standfast/internal/fault"
)

// Members and staff have hosts of their own, because browsers give cookies and
// passkeys by the host. Only on one machine may a port tell them apart.
func TestTheConsolesPlaceIsItsOwn(t *testing.T) {
	for _, c := range []struct{ name, members, staff, listen, says string }{
		{"a host of its own", "https://my.example.com", "https://staff.example.com", ":8444", ""},
		{"no console", "https://my.example.com", "", "", ""},
		{"one machine, another port", "http://localhost:8443", "http://localhost:8444", "localhost:8444", ""},
		{"one machine, the same port", "http://localhost:8443", "http://localhost:8443", "localhost:8444", "console.public_url"},
		{"members' host", "https://my.example.com", "https://my.example.com", ":8444", "console.public_url"},
		{"members' host in capitals", "https://my.example.com", "https://MY.example.COM", ":8444", "console.public_url"},
		{"members' host at another port", "https://my.example.com", "https://my.example.com:8444", ":8444", "console.public_url"},
		{"without TLS", "https://my.example.com", "http://staff.example.com", ":8444", "console.public_url"},
		{"no scheme", "https://my.example.com", "staff.example.com", ":8444", "console.public_url"},
		{"nothing that can be read", "https://my.example.com", "https://staff.example.com:port", ":8444", "console.public_url"},
		{"only where it listens", "https://my.example.com", "", ":8444", "console.public_url"},
		{"nowhere to listen", "https://my.example.com", "https://staff.example.com", "", "console.listen"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Defaults()
			config.Database, config.Cell.PublicURL = "core.db", c.members
			config.Console = ConsoleConfig{PublicURL: c.staff, Listen: c.listen}
			err := config.Check()
			if c.says == "" && err != nil || c.says != "" && (!fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says)) {
				t.Fatalf("%v, want %q", err, c.says)
			}
		})
	}
}

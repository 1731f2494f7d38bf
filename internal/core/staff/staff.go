// Package staff knows who works here: agents, supervisors, operators and auditors,
// of the issuer or of a supplier. They sign in by passkey and by nothing else, get
// their first one through a link that works once, and may do what the table of
// role.go grants to their role.
//
// Whatever somebody does is decided by what the database says of them at that
// moment, so an end, another role or a lock counts from their next request on
// (PCI DSS 4.0.1, 8.2.5). Every act and every refusal is in the audit log (10.2.1).
package staff

import (
	"net/url"
	"time"

	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Limits of sign-in (PCI DSS 4.0.1).
const (
	Idle       = 15 * time.Minute    // a session ends after this much rest (8.2.8)
	SessionMax = 12 * time.Hour      // and after this, however busy it was
	MaxFailed  = 10                  // wrong tries in a row (8.3.4)
	LockFor    = 30 * time.Minute    // after them (8.3.4)
	LinkFor    = 24 * time.Hour      // for which a set-up link works
	MaxTerm    = 90 * 24 * time.Hour // of a supplier's person before somebody renews it (8.2.7)
	MaxName    = 80                  // characters of a person's or an organisation's name
)

// Config says where staff sign in.
type Config struct {
	Origin string // of the console, as browsers write it: "https://staff.example.com"
	Issuer string // name of the issuer, for its organisation and for the browser's dialog
}

// Service is the staff of one cell. It is safe for use by many goroutines.
type Service struct {
	db       *db.DB
	key      passkey.Sealer
	conf     Config
	passkeys *passkey.Service
}

// Client is where a request comes from.
type Client struct {
	IP   string
	Flow string // ties a ceremony's two halves to one browser
}

// Prompt is what a browser is asked for a passkey.
type Prompt = passkey.Prompt

// Passkey is one of a person's passkeys.
type Passkey = passkey.Passkey

// New makes the service. Errors: Invalid for an origin at which browsers make no
// passkeys.
func New(d *db.DB, key passkey.Sealer, c Config) (*Service, error) {
	u, err := url.Parse(c.Origin)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "staff.config", "The console's address cannot be read.", err)
	}
	keys, err := passkey.New(d, key, passkey.Config{Kind: passkey.Staff, RPID: u.Hostname(), Origins: []string{c.Origin}, DisplayName: c.Issuer})
	if err != nil {
		return nil, err
	}
	return &Service{db: d, key: key, conf: c, passkeys: keys}, nil
}

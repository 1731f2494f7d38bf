package signin

import (
	"encoding/json"
	"time"
)

// Client is what a request tells about where it comes from. Cookies.Client reads it.
type Client struct {
	IP           string // address of the peer; behind a trusted proxy, of the proxy's client
	UserAgent    string
	SessionToken string // of the session that a new sign-in on this browser ends; may be empty
	DeviceToken  string // the browser's identity, from an earlier sign-in; may be empty
	DeviceOld    bool   // that came in an older form, which is to be replaced
	DeviceProof  string // that the device holds its key: nonce and signature; may be empty
	DeviceKey    string // the device's public key, to be bound to it; may be empty
	FlowID       string // names one sign-in attempt; without it nothing is ever answered twice
	Browser      bool   // cookies are wanted
}

// Outcome is what a right password, or a right code, leads to: a session, or a
// challenge to be answered first. Exactly one of the two is set.
type Outcome struct {
	Session     *Issued
	Challenge   *Challenge
	DeviceToken string // to be kept by the client; "" leaves it what it has
}

// Issued is a session that was just made, or handed out again.
type Issued struct {
	ID        string
	Token     string
	ExpiresAt time.Time // the absolute end
}

// Challenge is a one-time code that is waited for.
type Challenge struct {
	ID        string
	Channel   string // of the message that carries the code, or WayApp
	SentTo    string // masked; "" when nothing was sent
	ExpiresAt time.Time
	TriesLeft int
	ResendAt  time.Time // from when on Resend sends again by the same channel
	OtherAt   time.Time // the same by another channel
	Delivery  string    // what is known of the latest message; "" when nothing was sent
	Reason    Reason    // why a browser that was remembered is asked; "" for others
	Ways      []string  // how it can be answered: channels of messages, WayApp, WayPasskey, WayRecovery
	// NextChannel is offered when the code is late or will not arrive; "" when it is
	// not, or when no other is left. Reference then names the matter on the telephone.
	NextChannel string
	Reference   string
	Passkey     json.RawMessage // options for a browser to answer by passkey, {"publicKey": {…}}; nil where the member has none
}

// Session is a member who is signed in, as a valid token says.
type Session struct {
	ID              string
	MemberID        string
	DeviceID        string
	AuthenticatedAt time.Time
	ExpiresAt       time.Time // the absolute end
	IdleAt          time.Time // the end if nothing more is done
	ProvedAt        time.Time // last code or passkey; zero when the device was known
	Methods         []string  // authentication methods, in the values of RFC 8176 where it has one
	Remint          string    // a newer token of the same session to hand out, or ""
}

// Use says what a session is checked for, which decides how old the list of
// revocations may be.
type Use int

// The uses of a session.
const (
	Look   Use = iota // reading, and what only protects the member (freezing a card)
	Pay               // moving money
	Change            // changing credentials, devices, sessions, contact points
)

// SessionInfo is one open session in a member's list.
type SessionInfo struct {
	ID         string
	DeviceName string
	IP         string
	Place      string // as people read it; "" where it is not known
	SignedInAt time.Time
	LastUsedAt time.Time // to within five minutes
	ExpiresAt  time.Time
	Current    bool
}

// DeviceInfo is one remembered device in a member's list.
type DeviceInfo struct {
	ID         string
	Name       string
	IP         string // of its last sign-in
	Place      string // of that, as people read it; "" where it is not known
	HasKey     bool   // a key is bound to it, without which its cookie is worth nothing
	TrustedAt  time.Time
	LastUsedAt time.Time
	ExpiresAt  time.Time
	Current    bool
}

// Action is one thing that a step-up allows, and nothing else (RTS Art 5).
type Action struct {
	Kind     string         // as "payment"
	Parts    []string       // everything that must not change: amount, currency, payee, account
	Object   string         // id of what the action makes, to be kept with its proof; not bound
	Template string         // of the message that carries the code; "" means "step-up-code"
	Data     map[string]any // for the message: the amount and payee that the member reads
}

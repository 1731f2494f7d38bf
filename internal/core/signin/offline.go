package signin

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"standfast/internal/core/audit"
	"standfast/internal/core/passkey"
	"standfast/internal/core/replica"
	"standfast/internal/core/spool"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/token"
)

// While the database does not answer, members still sign in by passkey from a
// device that they trust, by what this machine's replica knows: a passkey is proof
// enough by itself, and the device keeps those out who only found a key that was
// removed since. Such a session may look and freeze, nothing else, and it is
// written into the database when that is back.

// byReplica marks a session that was opened without the database.
const byReplica = "offline"

const (
	openedKind    = "signin.session" // intents of writing down such a session
	offlineMax    = time.Hour        // such a session's absolute end
	offlineLimit  = 2 * time.Second  // for one sign-in
	offlineRate   = 50               // tries a second of one process, which costs a signature each
	offlineBurst  = 200
	spentFor      = 10 * time.Minute // for which an answered challenge is known; prompts live for five
	entityPasskey = "passkey"
	entityDevice  = "device"
	entityCutOff  = "member-cutoff"
)

// OfflineTopics is what a replica has to keep for signing in without the database.
func OfflineTopics() []replica.Topic {
	return []replica.Topic{
		{Entity: entityPasskey, Index: func(payload json.RawMessage) (owner, key string, err error) {
			var k passkey.Key
			err = json.Unmarshal(payload, &k)
			return k.OwnerID, hex.EncodeToString(k.CredentialID), err
		}},
		{Entity: entityDevice, Index: func(payload json.RawMessage) (owner, key string, err error) {
			var d DeviceChange
			err = json.Unmarshal(payload, &d)
			return d.MemberID, d.DeviceID, err
		}},
		{Entity: entityCutOff, Index: func(payload json.RawMessage) (owner, key string, err error) {
			var c CutOffChange
			err = json.Unmarshal(payload, &c)
			return c.MemberID, c.MemberID, err
		}},
	}
}

// offline is what signing in without the database needs of this process.
type offline struct {
	tries *rate.Limiter
	mu    sync.Mutex
	spent map[string]time.Time // challenges that were answered, and when
}

func newOffline() *offline {
	return &offline{tries: rate.NewLimiter(offlineRate, offlineBurst), spent: map[string]time.Time{}}
}

// spend marks a challenge as answered; false when it was before.
func (o *offline) spend(challenge []byte, now time.Time) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for c, at := range o.spent {
		if now.Sub(at) > spentFor {
			delete(o.spent, c)
		}
	}
	if _, answered := o.spent[string(challenge)]; answered {
		return false
	}
	o.spent[string(challenge)] = now
	return true
}

// SignInPasskey signs in whoever's passkey answered BeginPasskey's prompt. It is
// full authentication, on any device: what they have, and what they know or are.
// No code is asked for. While the database is away it goes on for devices that
// this machine's replica knows to be trusted, for looking and freezing only.
//
// Errors: Unauthenticated for an answer that does not hold or a prompt that is
// over; Invalid for what cannot be read; TooMany while attempts are slowed down;
// Unavailable when the answer is not known.
func (s *Service) SignInPasskey(ctx context.Context, state string, answer []byte, trustDevice bool, c Client) (Outcome, error) {
	out, err := s.passkeyByDatabase(ctx, state, answer, trustDevice, c)
	if fault.Is(err, fault.Unavailable) && s.conf.Replica != nil && s.conf.Later != nil {
		return s.passkeyByReplica(ctx, state, answer, c, err)
	}
	return out, err
}

// passkeyByReplica decides by the replica. What the replica does not know is not
// known: then cause is the answer, which is never no.
func (s *Service) passkeyByReplica(ctx context.Context, state string, answer []byte, c Client, cause error) (out Outcome, err error) {
	// The database may have used up the request's time; this asks it nothing.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), offlineLimit)
	defer cancel()
	now := s.now()
	if s.conf.Replica.Age(now) > s.conf.LookAge || !s.offline.tries.Allow() {
		return out, cause
	}
	device, issued, err := s.device(ctx, c.DeviceToken)
	if err != nil || device == "" {
		return out, cause
	}
	v, err := s.conf.Passkeys.VerifyWith(ctx, s.replicatedKey(cause), state, c.FlowID, answer)
	if err != nil {
		return out, err
	}
	trusted, err := s.replicatedTrust(ctx, v.OwnerID(), device, issued, now)
	if err != nil || !trusted || !v.CountsOn() {
		return out, cause
	}
	if !s.offline.spend(v.Challenge(), now) {
		return out, fault.New(fault.Unauthenticated, "passkey.over", "This has been used before. Please try again.")
	}
	out.Session, err = s.openByReplica(v, device, now, c)
	return out, err
}

// replicatedKey finds passkeys in the replica. One that is not there may be newer
// than the replica is.
func (s *Service) replicatedKey(cause error) passkey.Finder {
	return func(ctx context.Context, credentialID []byte) (k passkey.Key, err error) {
		list, err := s.conf.Replica.Find(ctx, entityPasskey, "", hex.EncodeToString(credentialID))
		if err != nil {
			return k, err
		}
		for _, r := range list {
			if r.Kind == "removed" {
				continue
			}
			if err := json.Unmarshal(r.Payload, &k); err == nil && k.Kind == passkey.Member {
				return k, nil
			}
		}
		return passkey.Key{}, cause
	}
}

// replicatedTrust tells whether the member trusts the device, this copy of its
// identity, and has not cut everything off since.
func (s *Service) replicatedTrust(ctx context.Context, memberID, deviceID string, issued, now time.Time) (bool, error) {
	list, err := s.conf.Replica.Find(ctx, entityDevice, memberID, deviceID)
	if err != nil {
		return false, err
	}
	trusted := slices.ContainsFunc(list, func(r replica.Record) bool {
		var d DeviceChange
		return json.Unmarshal(r.Payload, &d) == nil && d.trusts(memberID, deviceID, issued, now)
	})
	if !trusted {
		return false, nil
	}
	cuts, err := s.conf.Replica.Find(ctx, entityCutOff, memberID, memberID)
	for _, r := range cuts {
		var c CutOffChange
		if json.Unmarshal(r.Payload, &c) != nil || c.Before > db.Micros(now) {
			return false, err
		}
	}
	return err == nil, err
}

// trusts is what remembered decides by the database's row.
func (d DeviceChange) trusts(memberID, deviceID string, issued, now time.Time) bool {
	return d.MemberID == memberID && d.DeviceID == deviceID && d.RemovedAt == 0 && db.Micros(now) < d.ExpiresAt && db.Micros(issued) >= d.TokensFrom
}

// opened is a session that was opened without the database.
type opened struct {
	ID        string   `json:"id"`
	MemberID  string   `json:"member_id"`
	DeviceID  string   `json:"device_id"`
	PasskeyID string   `json:"passkey_id"`
	Methods   []string `json:"methods"`
	At        int64    `json:"at"` // microseconds
	Expires   int64    `json:"expires"`
	IP        string   `json:"ip"`
	UserAgent string   `json:"user_agent"`
}

func (o opened) claims() token.Claims {
	return token.Claims{Kind: token.KindSession, ID: o.ID, MemberID: o.MemberID, DeviceID: o.DeviceID,
		AuthenticatedAt: db.FromMicros(o.At), Expires: db.FromMicros(o.Expires), Methods: o.Methods}
}

// openByReplica makes the session, once it is stored that it was made.
func (s *Service) openByReplica(v passkey.Verified, device string, now time.Time, c Client) (*Issued, error) {
	o := opened{ID: db.NewID(), MemberID: v.OwnerID(), DeviceID: device, PasskeyID: v.PasskeyID(), Methods: append(v.Methods(), byReplica),
		At: db.Micros(now), Expires: db.Micros(now.Add(min(s.conf.SessionMax, offlineMax))), IP: c.IP, UserAgent: c.UserAgent}
	if _, err := s.conf.Later.Put(openedKind, o.ID, o); err != nil {
		return nil, err
	}
	return s.issue(o.claims(), now)
}

// writeOpened writes such a session into the database when that is back. One that
// the member has cut off meanwhile ends with it.
func (s *Service) writeOpened(ctx context.Context, i spool.Intent) error {
	var o opened
	if err := json.Unmarshal(i.Body, &o); err != nil {
		return fault.Wrap(fault.Malformed, "spool.body", "This intent cannot be read.", err)
	}
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		first, err := spool.Once(ctx, tx, i)
		if err != nil || !first {
			return err
		}
		if _, err := lockCredential(ctx, tx, o.MemberID); err != nil && err != db.ErrNoRows {
			return err
		}
		if _, err := s.establish(ctx, tx, o.claims(), Client{IP: o.IP, UserAgent: o.UserAgent}); err != nil {
			return err
		}
		_, err = s.end(ctx, tx, "cut-off", `id = $1 AND EXISTS (SELECT 1 FROM member_cutoff c WHERE c.member_id = session.member_id AND c.before > session.created_at)`, o.ID)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: o.MemberID, Action: "signin.session", Object: "session", ObjectID: o.ID,
			Outcome: audit.OK, From: o.IP, Details: map[string]string{"by": "passkey, without the database", "passkey": o.PasskeyID, "at": db.FromMicros(o.At).Format(time.RFC3339)}})
	})
}

// lookOnly is the answer to whoever wants more of a session that was opened
// without the database than that allows.
func lookOnly() error {
	return fault.New(fault.Forbidden, "session.look-only", "You signed in while part of our service did not answer. To pay or to change something, please sign out and sign in once more.")
}

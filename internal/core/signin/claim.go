package signin

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// A claim is the attempt of somebody who is not signed in to be given a new way
// in: to recover a forgotten password, to enrol, or with an agent's help. It is
// made whether or not a member stands behind it. Until a first answer was right,
// both kinds run the same statements, hash the same, and show the same words;
// whatever is sent goes out by a job after the commit, so nobody waits for it.
//
// What builds on claims: beginClaim makes one, claimCode has its code sent,
// openClaim gives it locked, tryClaim takes an answer, readyClaim says that
// enough was proved, completeClaim gives the member the new way in.

// ClaimKind is what a claim is for.
type ClaimKind string

// The kinds of claims.
const (
	Recovery  ClaimKind = "recovery"  // of a forgotten password
	Enrolment ClaimKind = "enrolment" // of an imported member
	Assisted  ClaimKind = "assisted"  // by an agent, who has checked documents
)

// ClaimState is how far a claim has come.
type ClaimState string

// The states of claims.
const (
	ClaimOpen  ClaimState = "open"  // nothing was proved
	ClaimBegun ClaimState = "begun" // something was, and it is not enough
	ClaimReady ClaimState = "ready" // it may be completed
	ClaimDone  ClaimState = "done"  // it was
	ClaimEnded ClaimState = "ended" // it leads to nothing any more
)

// Claim is what its own browser may see. While it is ClaimOpen, nothing in it
// depends on whether there is such a member.
type Claim struct {
	ID        string
	Kind      ClaimKind
	State     ClaimState
	Reference string // for the telephone, see InGroups
	ExpiresAt time.Time
	TriesLeft int
	Channels  []string        // by which a code can be asked for; the cell's, not the member's
	Sends     int             // times that one was
	ResendAt  time.Time       // from when on it can be asked for again
	Passkey   json.RawMessage // options for a browser to answer by passkey; nil where the cell has none

	Proved   []string // what was; empty while ClaimOpen
	Left     []string // ways that go on from there; "" and what follows only once ClaimBegun
	Username string   // of the member, only once ClaimReady
	SentTo   string   // masked, of the last code; "" when none was sent since the last answer
}

const (
	claimFor   = 30 * time.Minute // how long a claim lives, unless its kind says otherwise
	claimTries = 5                // wrong codes after which it is over (RTS Art 4)
	claimSends = 5                // times that a code can be asked for
)

// claim is a row of the table.
type claim struct {
	id, memberID, reference string
	kind                    ClaimKind
	scope, flow, subject    []byte
	known                   bool
	nonce                   []byte
	data                    map[string]any
	from                    Client // its address and browser, no more
	device                  string
	sends, triesLeft        int
	sentAt                  time.Time
	proved                  []string
	answered                []byte
	answeredAt              time.Time
	createdAt, expiresAt    time.Time
	readyAt, endedAt        time.Time
	outcome                 string
}

// How claims end, as stored.
const (
	claimDone    = "done"
	claimTried   = "tries"
	claimStopped = "stopped"
)

func (c claim) state() ClaimState {
	switch {
	case c.outcome == claimDone:
		return ClaimDone
	case !c.endedAt.IsZero():
		return ClaimEnded
	case !c.readyAt.IsZero():
		return ClaimReady
	case len(c.proved) > 0:
		return ClaimBegun
	}
	return ClaimOpen
}

// claimOver is the answer to every claim that cannot be used from here: unknown,
// of another flow or kind, done, ended or expired.
func claimOver() error {
	return fault.New(fault.NotFound, "claim.over", "This attempt is over. Please begin again.")
}

// openClaim gives the client's claim of a kind that is still open, locked. The
// member's credential is locked first, as everywhere.
func (s *Service) openClaim(ctx context.Context, tx *db.Tx, kind ClaimKind, id string, c Client) (claim, error) {
	cl, err := s.ownClaim(ctx, tx, kind, id, c)
	if err == nil && (!cl.endedAt.IsZero() || !tx.Now.Before(cl.expiresAt)) {
		return claim{}, claimOver()
	}
	return cl, err
}

// ownClaim is openClaim for one that may be over. One of another flow does not
// exist for the client, so that nobody else can use up its tries.
func (s *Service) ownClaim(ctx context.Context, tx *db.Tx, kind ClaimKind, id string, c Client) (claim, error) {
	if !db.ValidID(id) || c.FlowID == "" {
		return claim{}, claimOver()
	}
	cl, err := lockClaim(ctx, tx, id)
	if err == db.ErrNoRows {
		if err := s.db.Sound(ctx); err != nil { // a database that has lost its rows ends nobody's attempt
			return claim{}, err
		}
		return claim{}, claimOver()
	}
	if err != nil {
		return claim{}, err
	}
	if subtle.ConstantTimeCompare(cl.flow, s.flowHash(c)) != 1 || cl.kind != kind {
		return claim{}, claimOver()
	}
	return cl, nil
}

// standingClaim is ownClaim for a page that shows one: open, or done.
func (s *Service) standingClaim(ctx context.Context, tx *db.Tx, kind ClaimKind, id string, c Client) (claim, error) {
	cl, err := s.ownClaim(ctx, tx, kind, id, c)
	if err == nil && (cl.state() == ClaimEnded || !tx.Now.Before(cl.expiresAt)) {
		err = claimOver()
	}
	return cl, err
}

// lockClaim locks a claim behind its member's credential, or nobody's.
func lockClaim(ctx context.Context, tx *db.Tx, id string) (claim, error) {
	var memberID string
	err := tx.QueryRow(ctx, `SELECT COALESCE(CAST(member_id AS TEXT), $2) FROM claim WHERE id = $1`, id, nobody).Scan(&memberID)
	if err != nil {
		return claim{}, err
	}
	if _, err := lockCredential(ctx, tx, memberID); err != nil && err != db.ErrNoRows {
		return claim{}, err
	}
	return readClaim(ctx, tx, `id = $1`, id)
}

// readyClaim notes that enough was proved for a claim to be completed.
func (s *Service) readyClaim(ctx context.Context, tx *db.Tx, c *claim) error {
	c.readyAt = tx.Now
	_, err := tx.Exec(ctx, `UPDATE claim SET ready_at = $2 WHERE id = $1`, c.id, db.Micros(tx.Now))
	return err
}

// endClaims ends a member's open claims, as when the password is changed.
func endClaims(ctx context.Context, tx *db.Tx, memberID string) error {
	_, err := tx.Exec(ctx, `UPDATE claim SET ended_at = $2, outcome = $3 WHERE member_id = $1 AND ended_at = 0`, memberID, db.Micros(tx.Now), claimStopped)
	return err
}

// end ends one claim.
func (c *claim) end(ctx context.Context, tx *db.Tx, outcome string) error {
	c.endedAt, c.outcome = tx.Now, outcome
	_, err := tx.Exec(ctx, `UPDATE claim SET ended_at = $2, outcome = $3 WHERE id = $1`, c.id, db.Micros(tx.Now), outcome)
	return err
}

// publicClaim is what the client may see of a claim, apart from what only whoever
// has proved something may: the kinds of claims add that.
func (s *Service) publicClaim(c claim) Claim {
	resend := c.createdAt
	if c.sends > 0 {
		resend = c.sentAt.Add(s.conf.ResendAfter)
	}
	return Claim{
		ID: c.id, Kind: c.kind, State: c.state(), Reference: c.reference, ExpiresAt: c.expiresAt, TriesLeft: c.triesLeft,
		Channels: s.claimChannels(), Sends: c.sends, ResendAt: resend, Proved: slices.Clone(c.proved),
	}
}

const claimColumns = `id, kind, member_id, reference, scope, flow, subject, known, nonce, data, ip, user_agent, device_id, sends, sent_at,
	tries_left, proved, answered, answered_at, created_at, expires_at, ready_at, ended_at, outcome`

// insert is false when the claim's reference is taken.
func (c claim) insert(ctx context.Context, tx *db.Tx) (bool, error) {
	data, err := json.Marshal(c.data)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO claim (`+claimColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, 0, $14, '', $15, 0, $16, $17, 0, 0, '') ON CONFLICT (reference) DO NOTHING`,
		c.id, string(c.kind), null(c.memberID), c.reference, c.scope, c.flow, c.subject, c.known, c.nonce, string(data), c.from.IP, c.from.UserAgent,
		c.device, c.triesLeft, []byte{}, db.Micros(c.createdAt), db.Micros(c.expiresAt))
	return n == 1, err
}

// readClaim reads and locks one claim; db.ErrNoRows when there is none.
func readClaim(ctx context.Context, tx *db.Tx, where string, args ...any) (c claim, err error) {
	var memberID sql.NullString
	var data, proved string
	var sent, answered, created, expires, ready, ended int64
	err = tx.QueryRow(ctx, `SELECT `+claimColumns+` FROM claim WHERE `+where+forUpdate(tx), args...).
		Scan(&c.id, &c.kind, &memberID, &c.reference, &c.scope, &c.flow, &c.subject, &c.known, &c.nonce, &data, &c.from.IP, &c.from.UserAgent, &c.device,
			&c.sends, &sent, &c.triesLeft, &proved, &c.answered, &answered, &created, &expires, &ready, &ended, &c.outcome)
	if err != nil {
		return claim{}, err
	}
	c.memberID, c.proved = memberID.String, strings.Fields(proved)
	c.sentAt, c.answeredAt, c.createdAt, c.expiresAt = db.FromMicros(sent), db.FromMicros(answered), db.FromMicros(created), db.FromMicros(expires)
	c.readyAt, c.endedAt = db.FromMicros(ready), db.FromMicros(ended)
	return c, json.Unmarshal([]byte(data), &c.data)
}

package entry

import (
	"context"
	"encoding/json"
	"time"

	"standfast/internal/fault"
	"standfast/internal/standin/feed"
	"standfast/internal/standin/store"
	"standfast/internal/token"
)

// Client is where a request comes from.
type Client struct {
	IP          string
	UserAgent   string
	FlowID      string // names the attempt
	DeviceToken string
	DeviceProof string
}

// Issued is a session as it is handed out.
type Issued struct {
	Token     string
	ExpiresAt time.Time
}

// Limits of wrong passwords in a row, counted here and at core together: 20 at
// browsers that the member trusts, as core has it, and 100 in all (NIST SP 800-63B-4).
const (
	maxHere = 20
	maxAll  = 100
)

// SignIn lets a member in by password, on a browser that the member trusts. From
// any other no password is looked at: without a code, which cannot be sent here,
// it could lead nowhere, and so nothing is told about names or passwords.
func (d *Desk) SignIn(ctx context.Context, username, password string, c Client) (Issued, error) {
	if !d.MayLook() {
		return Issued{}, unknown()
	}
	list, err := d.Known.ByKey(ctx, feed.Member, feed.NameKey(username))
	if err != nil {
		return Issued{}, err
	}
	if len(list) != 1 {
		return Issued{}, notHere()
	}
	memberID := list[0].ID
	t, ok, err := d.trust(ctx, memberID, c)
	if err != nil {
		return Issued{}, err
	}
	if !ok {
		return Issued{}, notHere()
	}
	if err := d.right(ctx, memberID, password); err != nil {
		return Issued{}, err
	}
	return d.open(ctx, memberID, t, c)
}

// right checks a password and counts a wrong one.
func (d *Desk) right(ctx context.Context, memberID, password string) error {
	if err := d.blocked(ctx, memberID); err != nil {
		return err
	}
	r, ok, err := d.Known.Get(ctx, feed.Verifier, memberID)
	if err != nil {
		return err
	}
	if !ok {
		return notHere()
	}
	var b feed.VerifierBody
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return notHere()
	}
	phc, err := d.Keys.openVerifier(d.Cell, memberID, r.Version, b.Sealed)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "signin.verifier", "We cannot check your password just now.", err)
	}
	matches, ok := parseHash(phc)
	if !ok {
		return notHere()
	}
	return d.inTurn(ctx, func() error { return d.guess(ctx, memberID, matches, password) })
}

// guess looks at one password and counts a wrong one. Whether there were too many
// is asked again: many may have waited for their turn since it was asked first.
func (d *Desk) guess(ctx context.Context, memberID string, matches matcher, password string) error {
	if err := d.blocked(ctx, memberID); err != nil {
		return err
	}
	if len(password) <= maxPassword && matches(normal(password)) {
		return nil
	}
	if err := d.Own.Fail(ctx, memberID, d.Now()); err != nil {
		return err
	}
	return fault.New(fault.Unauthenticated, "signin.refused", "The username or password is not right.")
}

func (d *Desk) blocked(ctx context.Context, memberID string) error {
	here, success, err := d.Own.Failures(ctx, memberID, d.Known.Position().Complete)
	if err != nil {
		return err
	}
	r, ok, err := d.Known.Get(ctx, feed.Failures, memberID)
	if err != nil {
		return err
	}
	var core feed.FailuresBody
	if ok && r.At.After(success) { // what was counted before the last success is forgiven
		if err := json.Unmarshal(r.Body, &core); err != nil {
			return err
		}
	}
	if here+core.Count >= maxHere || here+core.Count+core.Strangers >= maxAll {
		return fault.New(fault.TooMany, "signin.too-many", "There were too many attempts. Please wait before you try again.").After(24 * time.Hour)
	}
	return nil
}

func (d *Desk) open(ctx context.Context, memberID string, t trusted, c Client) (Issued, error) {
	now := d.Now()
	methods := []string{"pwd", "device"}
	if t.keyed {
		methods = append(methods, "pop")
	}
	s, _, err := d.Own.Open(ctx, store.Session{ID: store.NewID(), MemberID: memberID, DeviceID: t.deviceID, Methods: methods,
		CreatedAt: now, ExpiresAt: now.Add(d.Max), IP: c.IP, UserAgent: c.UserAgent, Nonce: t.nonce})
	if err != nil {
		return Issued{}, err
	}
	if s.MemberID != memberID {
		return Issued{}, notHere() // the proof was used before, for another member
	}
	return d.issue(s, now)
}

// issue gives the first token of a session.
func (d *Desk) issue(s store.Session, now time.Time) (Issued, error) {
	tok, err := d.sign(token.Claims{Kind: token.KindSession, ID: s.ID, MemberID: s.MemberID, DeviceID: s.DeviceID,
		AuthenticatedAt: s.CreatedAt, Expires: s.ExpiresAt, Methods: s.Methods}, now)
	return Issued{Token: tok, ExpiresAt: s.ExpiresAt}, err
}

// CodeNotHere is the answer to every sign-in that would need a code.
const CodeNotHere = "standin.code"

// notHere has one wording whatever was missing: a trusted browser, a name, a
// password that can be checked here.
func notHere() error {
	return fault.New(fault.Unavailable, CodeNotHere, "Just now we can only sign you in on a browser that you had us remember, and we cannot send codes. Please try again later, or call us.").After(time.Minute)
}

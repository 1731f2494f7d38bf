package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Recovery with an agent's help, for whoever has lost every way in (NIST SP
// 800-63B-4 §4.2.1.3, repeated proofing). The member begins it on a page and is
// given a reference; what happens on the telephone, and who may say yes, is the
// room proofing's. Its yes comes here as ApproveAssistedTx. From then on the same
// browser may set a new password, after a code to the new telephone number where
// one was proofed. Every old contact has a link that stops it.

// assistedFor is how long an assisted claim lives: two people have to look at it.
// A browser's flow lives as long.
const assistedFor = flowFor

// wayAgent is what a claim has proved that staff have approved.
const wayAgent = "agent"

// Factors that may be lost, and then end when the new password is set.
const (
	LostApp      = "app"
	LostPasskeys = "passkeys"
	LostCodes    = "recovery-codes"
	LostDevices  = "devices"
)

// Lost lists all factors that may be lost.
func Lost() []string { return []string{LostApp, LostPasskeys, LostCodes, LostDevices} }

// Assistance is what staff have found out.
type Assistance struct {
	Lost []string // of Lost(); what is not named stays a factor
	New  Contacts // how the member is reached from now on; "" leaves what there is
}

// Check normalises an assistance. Errors: Invalid, with body.phone, body.email or
// body.lost.
func (a Assistance) Check() (Assistance, error) {
	for _, l := range a.Lost {
		if !slices.Contains(Lost(), l) {
			return a, fault.InvalidField("body.lost", "assisted.lost", "There is no such factor.")
		}
	}
	var err error
	a.New, err = a.New.Normal()
	return a, err
}

// AssistedClaim is an assisted claim as its own browser, and staff, may see it.
type AssistedClaim struct {
	Claim
	BegunAt time.Time
	SentTo  string // the new number, masked; "" where there is none, or nothing was approved
	Stopped bool   // by the link of a notice
}

// BeginAssisted claims to be the member of a user name. The answer is the same for
// every name. Errors as of BeginRecovery.
func (s *Service) BeginAssisted(ctx context.Context, username string, c Client) (out AssistedClaim, err error) {
	if err := readable(username, "-"); err != nil {
		return out, err
	}
	if err := s.mayBegin(); err != nil {
		return out, err
	}
	b, err := s.arrival(ctx, false, c)
	if err != nil {
		return out, err
	}
	m, err := s.members.ByUsername(ctx, username)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return out, err
	}
	if err := s.db.Sound(ctx); err != nil { // asked for every name, so that it takes as long
		return out, err
	}
	q := claimed{kind: Assisted, memberID: m.ID, named: strings.ToLower(norm.NFKC.String(username)), from: c, browser: b, life: assistedFor}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.beginForLogin(ctx, tx, q)
		if err == nil {
			out, err = s.assistedOf(ctx, tx, cl)
		}
		return err
	})
	return out, err
}

// AssistedClaim gives the client's claim as it stands. Errors: NotFound claim.over.
func (s *Service) AssistedClaim(ctx context.Context, id string, c Client) (out AssistedClaim, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		cl, err := s.standingClaim(ctx, tx, Assisted, id, c)
		if err != nil {
			return err
		}
		out, err = s.assistedOf(ctx, tx, cl)
		return err
	})
	return out, err
}

func (s *Service) assistedOf(ctx context.Context, tx *db.Tx, cl claim) (AssistedClaim, error) {
	out := AssistedClaim{Claim: s.publicClaim(cl), BegunAt: cl.createdAt}
	if !tx.Now.Before(cl.expiresAt) && cl.endedAt.IsZero() {
		out.State = ClaimEnded
	}
	a, err := readAssistance(ctx, tx, cl.id)
	if err == db.ErrNoRows {
		return out, nil
	}
	out.Stopped = !a.stoppedAt.IsZero()
	if a.New.Phone != "" {
		out.SentTo = masked(a.New.Phone)
	}
	return out, err
}

// AssistedByReference finds a claim by what its member reads out. It says nothing
// of who stands behind it, or whether anybody does. Errors: NotFound.
func (s *Service) AssistedByReference(ctx context.Context, tx *db.Tx, reference string) (AssistedClaim, error) {
	return s.assistedBy(ctx, tx, `reference = $1`, reference)
}

// AssistedByID finds it by its id. Errors: NotFound.
func (s *Service) AssistedByID(ctx context.Context, tx *db.Tx, id string) (AssistedClaim, error) {
	return s.assistedBy(ctx, tx, `id = $1`, id)
}

func (s *Service) assistedBy(ctx context.Context, tx *db.Tx, where, arg string) (AssistedClaim, error) {
	cl, err := readClaim(ctx, tx, `kind = 'assisted' AND `+where, arg)
	if err == db.ErrNoRows {
		return AssistedClaim{}, noAssisted()
	}
	if err != nil {
		return AssistedClaim{}, err
	}
	return s.assistedOf(ctx, tx, cl)
}

func noAssisted() error {
	return fault.New(fault.NotFound, "assisted.no-reference", "There is no open request under this reference.")
}

// ApproveAssistedTx says that who claims is who they say, in the transaction of
// the second person's approval. Every old contact is told, with a link that stops
// it; a code goes to the new telephone number, where there is one. Errors: Conflict
// assisted.over for a claim that does not wait for it any more.
func (s *Service) ApproveAssistedTx(ctx context.Context, tx *db.Tx, claimID string, a Assistance) error {
	cl, err := s.waiting(ctx, tx, claimID)
	if err != nil {
		return err
	}
	row := assistance{Assistance: a, approvedAt: tx.Now}
	if err := row.insert(ctx, tx, cl.id); err != nil {
		return err
	}
	cl.proved = []string{wayAgent}
	if _, err := tx.Exec(ctx, `UPDATE claim SET proved = $2 WHERE id = $1`, cl.id, wayAgent); err != nil {
		return err
	}
	if a.New.Phone == "" {
		err = s.readyClaim(ctx, tx, &cl)
	} else {
		err = s.claimCode(ctx, tx, &cl, "")
	}
	if err != nil || cl.memberID == "" {
		return err
	}
	return s.tellAssisted(ctx, tx, cl, "assisted-approved", nil)
}

// RefuseAssistedTx ends a claim that staff refused. Errors as of ApproveAssistedTx.
func (s *Service) RefuseAssistedTx(ctx context.Context, tx *db.Tx, claimID string) error {
	cl, err := s.waiting(ctx, tx, claimID)
	if err != nil {
		return err
	}
	return cl.end(ctx, tx, claimStopped)
}

// waiting locks a claim that waits for staff.
func (s *Service) waiting(ctx context.Context, tx *db.Tx, id string) (claim, error) {
	cl, err := lockClaim(ctx, tx, id)
	if err == db.ErrNoRows || err == nil && (cl.kind != Assisted || cl.state() != ClaimOpen || !tx.Now.Before(cl.expiresAt)) {
		return claim{}, fault.New(fault.Conflict, "assisted.over", "This request is over, or was decided already.")
	}
	return cl, err
}

// tellAssisted tells every contact of a claim's member, with the link that stops it.
func (s *Service) tellAssisted(ctx context.Context, tx *db.Tx, cl claim, template string, also []Contacts) error {
	m, err := s.memberIn(ctx, tx, cl.memberID)
	if err != nil {
		return err
	}
	data := map[string]any{"Device": agentName(cl.from.UserAgent), "Where": s.placeOf(cl.from.IP), "Time": tx.Now, "Link": ""}
	if s.conf.StopAssisted != nil {
		data["Link"] = s.conf.StopAssisted(s.assistedToken(cl.id))
	}
	return s.tellContacts(ctx, tx, m, also, template, data)
}

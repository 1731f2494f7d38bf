package signin

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"slices"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// claimed is who somebody says to be.
type claimed struct {
	kind     ClaimKind
	memberID string // "" where nobody fits, or not exactly one: what is made then is a decoy
	named    string // what was typed, in one form; failures count by it, as there need be no member
	shown    string // what was shown with it, in one form; shown another time, it is another claim
	from     Client
	life     time.Duration  // how long the claim lives; 0 for claimFor
	data     map[string]any // what its messages name, beside Device
	browser  arrival        // of from, see Service.arrival; it is read before the transaction
}

// Claims are counted by who is claimed to be, by address, and in all by
// Config.ClaimsPerSecond. A device that the member trusts is counted apart, so
// that strangers never keep a member from recovering.

// perClaim bounds the claims of one name: five at once, then after 5, 10, 20 …
// minutes. With five tries each, strangers guess some sixty codes a day, and a
// guess is worth one factor of two.
func perClaim() limit {
	return limit{name: "claim", free: 5, base: 5 * time.Minute, max: 6 * time.Hour, forget: 24 * time.Hour}
}

// perClaimTried bounds claims that died of wrong codes: SP 800-63B-4 §3.2.2 allows
// 100 failures in a row, which twenty of them are.
func perClaimTried() limit {
	return limit{name: "claim-tried", free: 2, base: 5 * time.Minute, max: 6 * time.Hour, total: 20}
}

// perClaimAddress is generous, because many members can share one address.
func perClaimAddress() limit {
	return limit{name: "claim-address", free: 30, base: time.Minute, max: time.Hour, forget: time.Hour, shared: true}
}

// claimLimits are the counts of claims for one subject.
func (s *Service) claimLimits(c claim) []gauge {
	list := []gauge{
		{limit: perClaim(), memberID: c.memberID, key: s.key.Fingerprint("signin.throttle/claim", c.subject)},
		{limit: perClaimTried(), memberID: c.memberID, key: s.key.Fingerprint("signin.throttle/claim-tried", c.subject)},
	}
	slices.SortFunc(list, func(a, b gauge) int { return bytes.Compare(a.key, b.key) })
	return list
}

// beginClaim makes a claim, or gives the one that is open in the same flow for
// the same name. Errors: TooMany while claims are slowed down; Forbidden for a
// client without a flow, which could not come back to it.
func (s *Service) beginClaim(ctx context.Context, tx *db.Tx, q claimed) (claim, error) {
	if q.from.FlowID == "" {
		return claim{}, fault.New(fault.Forbidden, "claim.flow", "This needs a browser that keeps cookies.")
	}
	c, err := s.newClaim(ctx, tx, q)
	if err != nil {
		return claim{}, err
	}
	counted, refusal, err := s.mayClaim(ctx, tx, c)
	if err != nil {
		return claim{}, err
	}
	open, err := readClaim(ctx, tx, `scope = $1 AND ended_at = 0`, c.scope)
	switch {
	case err == nil && tx.Now.Before(open.expiresAt):
		return open, nil // pressed twice, or come back
	case err == nil:
		err = open.end(ctx, tx, claimStopped)
	case err == db.ErrNoRows:
		err = nil
	}
	if err != nil || refusal != nil {
		return claim{}, cmp.Or(err, refusal)
	}
	if err := count(ctx, tx, counted); err != nil {
		return claim{}, err
	}
	return c.stored(ctx, tx)
}

// beginForLogin is beginClaim for a way back into a login. Whoever never had a
// password has none to come back to, and would enrol by less than that takes, so
// nobody stands behind their claim.
func (s *Service) beginForLogin(ctx context.Context, tx *db.Tx, q claimed) (claim, error) {
	_, err := lockCredential(ctx, tx, cmp.Or(q.memberID, nobody))
	if err == db.ErrNoRows {
		q.memberID, err = "", nil
	}
	if err != nil {
		return claim{}, err
	}
	return s.beginClaim(ctx, tx, q)
}

// mayClaim locks a claim's counts and tells whether it may be made, and which of
// them it counts in. The rows are made before they are read: of many claims sent
// at once, no more pass than of claims one after the other.
func (s *Service) mayClaim(ctx context.Context, tx *db.Tx, c claim) (counted []gauge, refusal, err error) {
	limits := s.claimLimits(c)
	if c.from.IP != "" {
		limits = append(limits, s.gauge(perClaimAddress(), "", network(c.from.IP)))
	}
	slices.SortFunc(limits, func(a, b gauge) int { return bytes.Compare(a.key, b.key) })
	for _, g := range limits {
		if err := g.prepare(ctx, tx); err != nil {
			return nil, nil, err
		}
	}
	if err := read(ctx, tx, limits, true); err != nil {
		return nil, nil, err
	}
	counted = slices.DeleteFunc(slices.Clone(limits), func(g gauge) bool { return g.limit.name == perClaimTried().name })
	return counted, blocked(limits, tx.Now), nil
}

// newClaim decides about a claim's particulars, by the same steps whether or not
// there is such a member.
func (s *Service) newClaim(ctx context.Context, tx *db.Tx, q claimed) (claim, error) {
	c := claim{
		id: db.NewID(), kind: q.kind, memberID: q.memberID, flow: s.flowHash(q.from), nonce: make([]byte, nonceSize), data: map[string]any{"Device": agentName(q.from.UserAgent)},
		from: Client{IP: q.from.IP, UserAgent: q.from.UserAgent}, device: q.browser.device, triesLeft: claimTries,
		createdAt: tx.Now, expiresAt: tx.Now.Add(cmp.Or(q.life, claimFor)),
	}
	_, _ = rand.Read(c.nonce) // never fails (crypto/rand)
	for name, value := range q.data {
		c.data[name] = value
	}
	t, err := remembered(ctx, tx, cmp.Or(q.memberID, nobody), q.browser.device, q.browser.issued, tx.Now)
	if err != nil {
		return claim{}, err
	}
	subject := q.named
	if c.known = t.id != ""; c.known {
		subject = q.memberID + " " + q.browser.device
	}
	c.subject = s.key.Fingerprint("signin.claim/"+string(q.kind), []byte(subject))
	c.scope = s.key.Fingerprint("signin.scope/claim", slices.Concat(c.subject, c.flow, []byte(q.shown)))
	return c, nil
}

// stored inserts the claim, under a reference that nobody else has.
func (c claim) stored(ctx context.Context, tx *db.Tx) (claim, error) {
	for {
		c.reference = randomDigits(claimReference)
		fresh, err := c.insert(ctx, tx)
		if err != nil {
			return claim{}, err
		}
		if fresh {
			return c, c.record(ctx, tx, "begun", audit.OK, nil)
		}
	}
}

const claimReference = 10 // digits

// InGroups writes a claim's reference as it is read out: 123 456 7890.
func InGroups(reference string) string {
	if len(reference) != claimReference {
		return reference
	}
	return reference[:3] + " " + reference[3:6] + " " + reference[6:]
}

// record puts something that became of the claim into the audit log.
func (c claim) record(ctx context.Context, tx *db.Tx, what, outcome string, details map[string]string) error {
	return audit.Record(ctx, tx, audit.Entry{Actor: "member", ActorID: c.memberID, Action: "signin." + string(c.kind) + "-" + what,
		Object: "claim", ObjectID: c.id, Outcome: outcome, From: c.from.IP, Details: details})
}

// mayBegin bounds claims in all, before anything is asked for them.
func (s *Service) mayBegin() error {
	if s.claimRate.AllowN(s.now(), 1) {
		return nil
	}
	return claimsBusy()
}

func claimsBusy() error {
	return fault.New(fault.Unavailable, "claim.busy", "Very many people are asking for this just now. Please try again in a moment.").After(againLeast + again()).OfLoad()
}

// again spreads those who were refused over some seconds.
func again() time.Duration { return mathrand.N(againSpread) }

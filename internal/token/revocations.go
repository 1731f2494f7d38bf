package token

import (
	"sync"
	"time"
)

// Answer is what is known about a token.
type Answer int

// The three answers. Unknown is never a no: whoever gets it tells the caller to
// come back, and takes nothing away.
const (
	Unknown Answer = iota
	Valid
	Revoked
)

// String names the answer.
func (a Answer) String() string { return [...]string{"unknown", "valid", "revoked"}[a] }

// Revocation ends what was made before its time came: one session, one device,
// or everything that a member had open at an instant.
type Revocation struct {
	Subject string    // id of a session, device or member
	Before  time.Time // for a member: sessions authenticated before then
	Keep    time.Time // no token of the subject is good after then, so it can be forgotten
}

// Revocations is the list of what no longer holds, in memory, with the time as
// of which it is complete. The zero value knows nothing, as of never.
type Revocations struct {
	mu      sync.RWMutex
	asOf    time.Time
	ended   map[string]time.Time // session or device: until when to remember
	cutOffs map[string]Revocation
}

// Add takes entries into the list at once.
func (r *Revocations) Add(list ...Revocation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended == nil {
		r.ended, r.cutOffs = map[string]time.Time{}, map[string]Revocation{}
	}
	for _, v := range list {
		if v.Before.IsZero() {
			r.ended[v.Subject] = v.Keep
		} else if v.Before.After(r.cutOffs[v.Subject].Before) {
			r.cutOffs[v.Subject] = v
		}
	}
}

// Complete states that everything revoked until asOf has been added, and
// forgets what no living token needs.
func (r *Revocations) Complete(asOf time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if asOf.After(r.asOf) {
		r.asOf = asOf
	}
	for id, keep := range r.ended {
		if keep.Before(asOf) {
			delete(r.ended, id)
		}
	}
	for id, v := range r.cutOffs {
		if v.Keep.Before(asOf) {
			delete(r.cutOffs, id)
		}
	}
}

// AsOf tells until when the list is complete.
func (r *Revocations) AsOf() time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.asOf
}

// Check answers whether a token holds at now. maxAge is how old the list may be
// for what the caller is about to do. A known no is a no however old the list is.
func (r *Revocations) Check(c Claims, now time.Time, maxAge time.Duration) Answer {
	if !now.Before(c.Expires) || !c.Idle.IsZero() && !now.Before(c.Idle) {
		return Revoked
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.holds(c) {
		return Revoked
	}
	if r.asOf.IsZero() || now.Sub(r.asOf) > maxAge {
		return Unknown
	}
	return Valid
}

// Revokes tells whether the list has something against a token, whatever its times say.
func (r *Revocations) Revokes(c Claims) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.holds(c)
}

func (r *Revocations) holds(c Claims) bool {
	if _, ended := r.ended[c.ID]; ended {
		return true
	}
	if c.DeviceID != "" {
		if _, ended := r.ended[c.DeviceID]; ended {
			return true
		}
	}
	return c.AuthenticatedAt.Before(r.cutOffs[c.MemberID].Before)
}

// Len gives how many entries the list has, for metrics.
func (r *Revocations) Len() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.ended) + len(r.cutOffs)
}

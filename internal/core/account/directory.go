package account

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"standfast/internal/fault"
)

// held is one account of a member with the member's role in it.
type held struct {
	Account
	role string
}

// directory remembers which accounts members hold, so that they can look at
// what is last known while our own database is gone.
type directory struct {
	mu      sync.Mutex
	members map[string]listing
}

type listing struct {
	accounts []held
	at       time.Time
}

// Bounds of the directory. After directoryAge a member who lost an account in
// the meantime could see it for too long (DESIGN.md: core with its database gone
// serves looking for 15 minutes).
const (
	maxDirectory = 10_000
	directoryAge = 15 * time.Minute
)

func newDirectory() *directory { return &directory{members: map[string]listing{}} }

func (d *directory) put(memberID string, l listing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for old := range d.members {
		if len(d.members) < maxDirectory {
			break
		}
		delete(d.members, old)
	}
	d.members[memberID] = l
}

func (d *directory) get(memberID string, now time.Time) (listing, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l, ok := d.members[memberID]
	return l, ok && now.Sub(l.at) <= directoryAge
}

// accounts lists what a member holds. When our own records cannot be read in
// time, it gives the last known list and Stale, or an error when there is none.
func (s *Service) accounts(ctx context.Context, memberID string) ([]held, State, error) {
	list, err := ask(ctx, s.listing, "", func(ctx context.Context) ([]held, error) { return s.list(ctx, memberID) })
	if err == nil {
		s.directory.put(memberID, listing{list, s.db.Now()})
		return list, Current, nil
	}
	if l, ok := s.directory.get(memberID, s.db.Now()); ok {
		return l.accounts, Stale, nil
	}
	return nil, Unavailable, late(err)
}

func (s *Service) list(ctx context.Context, memberID string) ([]held, error) {
	holdings, err := s.members.Holdings(ctx, memberID)
	if err != nil {
		return nil, err
	}
	if len(holdings) == 0 { // hardly a member has none: that is not believed at once
		return nil, s.db.Sound(ctx)
	}
	ids, roles := make([]string, len(holdings)), make(map[string]string, len(holdings))
	for i, h := range holdings {
		ids[i], roles[h.AccountID] = h.AccountID, h.Role
	}
	accounts, err := s.facts.get(ctx, ids...)
	if err == nil && len(accounts) < len(ids) {
		err = s.db.Sound(ctx)
	}
	if err != nil {
		return nil, err
	}
	list := make([]held, len(accounts))
	for i, a := range accounts {
		list[i] = held{a, roles[a.ID]}
	}
	slices.SortFunc(list, func(a, b held) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID)) }) // cards first, then as they were opened
	return list, nil
}

// holding gives one account of a member for looking at it.
func (s *Service) holding(ctx context.Context, memberID, accountID string) (held, State, error) {
	h, err := ask(ctx, s.listing, "", func(ctx context.Context) (held, error) { return s.one(ctx, memberID, accountID) })
	if err == nil || fault.Is(err, fault.NotFound) {
		return h, Current, err
	}
	l, _ := s.directory.get(memberID, s.db.Now())
	for _, h := range l.accounts {
		if h.ID == accountID {
			return h, Stale, nil
		}
	}
	return held{}, Unavailable, late(err)
}

// Held gives an account of a member without its balance, for those who act on
// it. It costs no query in the normal case; its facts may be as old as the caches
// allow (Config.FactsAge), so that what must be exact is the ledger's to decide.
func (s *Service) Held(ctx context.Context, memberID, accountID string) (Account, error) {
	h, err := s.one(ctx, memberID, accountID)
	return h.Account, err
}

// one gives one account of a member from our records.
func (s *Service) one(ctx context.Context, memberID, accountID string) (held, error) {
	h, err := s.members.Holds(ctx, memberID, accountID)
	if err != nil {
		return held{}, err
	}
	list, err := s.facts.get(ctx, accountID)
	if err != nil {
		return held{}, err
	}
	if len(list) == 0 {
		if err := s.db.Sound(ctx); err != nil {
			return held{}, err
		}
		return held{}, notFound()
	}
	return held{list[0], h.Role}, nil
}

// late is the answer when our own records or a source cannot be reached.
func late(err error) error {
	return fault.Wrap(fault.Unavailable, "account.unavailable", "We cannot reach your accounts just now. Nothing was changed. Please try again in a moment.", err)
}

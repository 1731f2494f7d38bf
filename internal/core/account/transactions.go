package account

import (
	"context"

	"standfast/internal/fault"
)

// maxText bounds a search.
const maxText = 100

// Transactions gives an account's transactions, newest first. When the source
// does not answer in time, the first page is the last known recent ones, Stale;
// any other page is fault.Unavailable.
func (s *Service) Transactions(ctx context.Context, memberID, accountID string, q Query) (Page, error) {
	if q.Limit == 0 {
		q.Limit = DefaultPage
	}
	if err := checkQuery(q); err != nil {
		return Page{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.config.TileWait)
	defer cancel()
	h, _, err := s.holding(ctx, memberID, accountID)
	if err != nil {
		return Page{}, err
	}
	p, err := s.page(ctx, h.Account, q)
	if err == nil || fault.Is(err, fault.Invalid) {
		return p, err
	}
	s.config.Log.Warn("a source gave no transactions", "source", h.Source, "account", h.ID, "err", err)
	return s.lastKnownPage(ctx, memberID, h.Account, q, err)
}

func checkQuery(q Query) error {
	switch {
	case q.Limit < 1 || q.Limit > MaxPage:
		return fault.InvalidField("query.limit", "query.limit", "A page has 1 to 200 items.")
	case !plain(q.Cursor, 0, maxCursor):
		return badCursor()
	case !plain(q.Text, 0, maxText):
		return fault.InvalidField("query.text", "query.text", "A search has at most 100 characters.")
	case !q.From.IsZero() && !q.Until.IsZero() && q.Until.Before(q.From):
		return fault.InvalidField("query.until", "query.until", "The end is not before the beginning.")
	case len(q.Kinds) > 20:
		return fault.InvalidField("query.kind", "query.kind", "At most 20 kinds can be named.")
	}
	return nil
}

func badCursor() error {
	return fault.InvalidField("query.cursor", "query.cursor", "The cursor is the next_cursor of an earlier answer.")
}

// plainFirst tells whether q asks for the newest transactions of all kinds.
func plainFirst(q Query) bool {
	return q.Cursor == "" && q.Text == "" && q.From.IsZero() && q.Until.IsZero() && len(q.Kinds) == 0
}

func (s *Service) page(ctx context.Context, a Account, q Query) (Page, error) {
	g := s.histories[a.Source]
	if g == nil {
		return Page{}, late(nil)
	}
	if plainFirst(q) {
		return s.firstPage(ctx, g, a, q)
	}
	g = s.searches[a.Source]
	return ask(ctx, g, "", func(ctx context.Context) (Page, error) { return s.askPage(ctx, g, a, q) })
}

// firstPage asks for the newest transactions and remembers them. Looks at an
// account elsewhere that come together share one call of one size.
func (s *Service) firstPage(ctx context.Context, g *gate, a Account, q Query) (Page, error) {
	key := ""
	if a.Source != LedgerSource && q.Limit == recentItems {
		key = "recent/" + a.ID
	}
	return ask(ctx, g, key, func(ctx context.Context) (Page, error) {
		p, err := s.askPage(ctx, g, a, q)
		if err == nil && len(p.Items) == 0 && a.Source == LedgerSource {
			err = s.db.Sound(ctx)
		}
		if err == nil && (q.Limit >= recentItems || p.Next == "") {
			newest := p.Items[:min(len(p.Items), recentItems)]
			s.memory.put(a.ID, a.Source != LedgerSource, func(k *known) { k.Items, k.ItemsAt = newest, p.AsOf })
		}
		return p, err
	})
}

func (s *Service) askPage(ctx context.Context, g *gate, a Account, q Query) (Page, error) {
	p, err := g.source.Transactions(ctx, a, q)
	if err != nil {
		return Page{}, err
	}
	p.State, p.AsOf = Current, s.db.Now()
	return p, checkPage(a, q, p, p.AsOf)
}

// lastKnownPage answers a first page from memory: the account's own recent
// transactions, or those of the member's activity that belong to it.
func (s *Service) lastKnownPage(ctx context.Context, memberID string, a Account, q Query, cause error) (Page, error) {
	unknown := fault.Wrap(fault.Unavailable, "account.history-unavailable", "We cannot reach this account's history just now. Please try again in a moment.", cause)
	if !plainFirst(q) {
		return Page{}, unknown
	}
	k := s.memory.get(a.ID)
	if k.ItemsAt.IsZero() && a.Source != LedgerSource {
		s.recall(ctx, []string{a.ID})
		k = s.memory.get(a.ID)
	}
	if k.ItemsAt.IsZero() {
		k = ofAccount(s.memory.get("activity/"+memberID+"/"+a.Source), a.ID)
	}
	if k.ItemsAt.IsZero() {
		return Page{}, unknown
	}
	return Page{Items: k.Items[:min(len(k.Items), q.Limit)], State: Stale, AsOf: k.ItemsAt}, nil
}

func ofAccount(k known, accountID string) known {
	mine := known{ItemsAt: k.ItemsAt}
	for _, t := range k.Items {
		if t.AccountID == accountID {
			mine.Items = append(mine.Items, t)
		}
	}
	return mine
}

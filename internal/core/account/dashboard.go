package account

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"standfast/internal/money"
)

// Parts of a dashboard.
const (
	activityItems = 10
	interestAge   = 10 * time.Minute // interest is booked monthly or daily; it need not be added up for every look
)

// Dashboard gives every account of a member, each with its own state. It never
// fails and never takes longer than TileWait and Recall together, whatever hangs
// behind it.
func (s *Service) Dashboard(ctx context.Context, memberID string) Dashboard {
	d := Dashboard{AsOf: s.db.Now(), ActivityState: Unavailable}
	waits, cancel := context.WithTimeout(ctx, s.config.TileWait)
	defer cancel()
	list, state, err := s.ownRecords(waits, memberID)
	d.State = state
	if err != nil {
		s.config.Log.Warn("a dashboard without a list of accounts", "err", err)
		return d
	}
	list = slices.DeleteFunc(slices.Clone(list), func(h held) bool { return h.Status == Closed })
	var both sync.WaitGroup
	both.Go(func() { d.Tiles = s.tiles(waits, list) })
	both.Go(func() { d.Activity, d.ActivityState = s.activity(waits, memberID, list) })
	both.Wait()
	return d
}

// ownRecords lists a member's accounts in at most half of the time that is left,
// so that the sources have the other half.
func (s *Service) ownRecords(ctx context.Context, memberID string) ([]held, State, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.TileWait/2)
	defer cancel()
	return s.accounts(ctx, memberID)
}

// List gives the tiles of a member's accounts.
func (s *Service) List(ctx context.Context, memberID string) ([]Tile, error) {
	waits, cancel := context.WithTimeout(ctx, s.config.TileWait)
	defer cancel()
	list, _, err := s.ownRecords(waits, memberID)
	if err != nil {
		return nil, err
	}
	return s.tiles(waits, list), nil
}

// Get gives one account of a member. Another member's account and one that does
// not exist are the same fault.NotFound.
func (s *Service) Get(ctx context.Context, memberID, accountID string) (Tile, error) {
	waits, cancel := context.WithTimeout(ctx, s.config.TileWait)
	defer cancel()
	h, _, err := s.holding(waits, memberID, accountID)
	if err != nil {
		return Tile{}, err
	}
	return s.tiles(waits, []held{h})[0], nil
}

// tiles asks every account's source at once and gives a tile for each account.
func (s *Service) tiles(ctx context.Context, list []held) []Tile {
	tiles := make([]Tile, len(list))
	var all sync.WaitGroup
	for source, places := range bySource(list) {
		g := s.gates[source]
		if g == nil {
			continue // a source that the configuration no longer has: last known values only
		}
		if batch, ok := g.source.(Batch); ok {
			all.Go(func() { s.askTogether(ctx, g, batch, list, places, tiles) })
			continue
		}
		for _, i := range places {
			all.Go(func() { tiles[i] = s.askAlone(ctx, g, list[i]) })
		}
	}
	all.Wait()
	s.fallBack(ctx, list, tiles)
	for i := range tiles {
		tiles[i].FreezeAskedAt, _ = s.freezeAsked(tiles[i].ID)
	}
	return tiles
}

// bySource gives the places of accounts in list for each source.
func bySource(list []held) map[string][]int {
	places := map[string][]int{}
	for i, h := range list {
		places[h.Source] = append(places[h.Source], i)
	}
	return places
}

func pick(list []held, places []int) []Account {
	accounts := make([]Account, len(places))
	for n, i := range places {
		accounts[n] = list[i].Account
	}
	return accounts
}

// askTogether fills the tiles of a source that answers for many accounts in one go.
func (s *Service) askTogether(ctx context.Context, g *gate, batch Batch, list []held, places []int, tiles []Tile) {
	accounts := pick(list, places)
	var interest map[string]money.Amount
	var both sync.WaitGroup
	both.Go(func() { interest = s.interest(ctx, g, batch, accounts) })
	balances, err := ask(ctx, g, "", func(ctx context.Context) (map[string]Balance, error) { return batch.Balances(ctx, accounts) })
	both.Wait()
	if err != nil {
		s.config.Log.Warn("a source gave no balances", "source", accounts[0].Source, "err", err)
		return
	}
	for _, i := range places {
		b, ok := balances[list[i].ID]
		if !ok || s.accept(list[i].Account, b) != nil {
			continue
		}
		tiles[i] = s.tile(list[i], b)
		if v, ok := interest[list[i].ID]; ok {
			tiles[i].InterestThisYear = &v
		}
	}
}

// askAlone gives the tile of one account, or an empty one when its source gave no answer.
func (s *Service) askAlone(ctx context.Context, g *gate, h held) Tile {
	b, err := ask(ctx, g, "balance/"+h.ID, func(ctx context.Context) (Balance, error) {
		b, err := g.source.Balance(ctx, h.Account)
		if err != nil {
			return b, err
		}
		return b, s.accept(h.Account, b)
	})
	if err != nil {
		s.config.Log.Warn("a source gave no balance", "source", h.Source, "account", h.ID, "err", err)
		return Tile{}
	}
	return s.tile(h, b)
}

// accept checks a balance and remembers it when it is good.
func (s *Service) accept(a Account, b Balance) error {
	if err := checkBalance(a, b, s.db.Now()); err != nil {
		return err
	}
	s.memory.put(a.ID, a.Source != LedgerSource, func(k *known) { k.Balance = &b })
	return nil
}

// tile shows an answer. One that is itself old is not called current.
func (s *Service) tile(h held, b Balance) Tile {
	t := Tile{Account: h.Account, Role: h.role, State: Current, Balance: &b, AsOf: b.AsOf}
	if s.db.Now().Sub(b.AsOf) > s.config.FreshFor {
		t.State = Stale
	}
	return t
}

// fallBack fills the tiles that got no answer with what is last known.
func (s *Service) fallBack(ctx context.Context, list []held, tiles []Tile) {
	var without, elsewhere []string
	for i, t := range tiles {
		if t.State == "" {
			without = append(without, list[i].ID)
			if list[i].Source != LedgerSource {
				elsewhere = append(elsewhere, list[i].ID)
			}
		}
	}
	s.recall(ctx, elsewhere)
	for i := range tiles {
		if slices.Contains(without, list[i].ID) {
			tiles[i] = s.lastKnown(list[i])
		}
	}
}

// recall reads last known values from the table, within Config.Recall even when
// the caller's time for sources is over.
func (s *Service) recall(ctx context.Context, ids []string) {
	if len(ids) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.config.Recall)
	defer cancel()
	_, err := ask(ctx, s.listing, "", func(ctx context.Context) (struct{}, error) { return struct{}{}, s.memory.recall(ctx, ids) })
	if err != nil {
		s.config.Log.Warn("last known values could not be read", "err", err)
	}
}

func (s *Service) lastKnown(h held) Tile {
	k := s.memory.get(h.ID)
	t := Tile{Account: h.Account, Role: h.role, State: Unavailable, InterestThisYear: k.interest}
	if k.Balance != nil {
		t.State, t.Balance, t.AsOf = Stale, k.Balance, k.Balance.AsOf
	}
	return t
}

// interest gives what savings accounts earned since the year began in the cell's
// zone. It is an extra: without an answer the tiles do without it.
func (s *Service) interest(ctx context.Context, g *gate, source Source, accounts []Account) map[string]money.Amount {
	from, ok := source.(InterestSource)
	if !ok {
		return nil
	}
	now := s.db.Now()
	year := time.Date(now.In(s.config.Zone).Year(), 1, 1, 0, 0, 0, 0, s.config.Zone)
	earned := make(map[string]money.Amount, len(accounts))
	var missing []Account
	for _, a := range accounts {
		if a.Kind != Savings {
			continue
		}
		k := s.memory.get(a.ID)
		if k.interest != nil && now.Sub(k.interestAt) < interestAge && !k.interestAt.Before(year) {
			earned[a.ID] = *k.interest
		} else {
			missing = append(missing, a)
		}
	}
	if len(missing) == 0 {
		return earned
	}
	fresh, err := ask(ctx, g, "", func(ctx context.Context) (map[string]money.Amount, error) {
		return from.InterestSince(ctx, missing, year)
	})
	if err != nil {
		s.config.Log.Warn("a source gave no interest", "err", err)
	}
	for id, v := range fresh {
		earned[id] = v
		s.memory.put(id, false, func(k *known) { k.interest, k.interestAt = &v, now })
	}
	return earned
}

// activity merges the newest transactions of all accounts. What a source does
// not say in time is taken from what is last known.
func (s *Service) activity(ctx context.Context, memberID string, list []held) ([]Transaction, State) {
	var mu sync.Mutex
	var items []Transaction
	answered, known := 0, 0
	add := func(list []Transaction, state State) {
		mu.Lock()
		defer mu.Unlock()
		items = append(items, list...)
		if state == Current {
			answered++
		}
		if state != Unavailable {
			known++
		}
	}
	var all sync.WaitGroup
	asked := 0
	for source, places := range bySource(list) {
		g := s.histories[source]
		if g == nil {
			asked++
			continue
		}
		if batch, ok := g.source.(Batch); ok {
			asked++
			all.Go(func() { add(s.recentTogether(ctx, g, batch, memberID, pick(list, places))) })
			continue
		}
		for _, i := range places {
			asked++
			all.Go(func() { add(s.recentAlone(ctx, g, list[i].Account)) })
		}
	}
	all.Wait()
	slices.SortStableFunc(items, func(a, b Transaction) int {
		return cmp.Or(b.PostedAt.Compare(a.PostedAt), cmp.Compare(b.ID, a.ID))
	})
	return items[:min(len(items), activityItems)], overall(asked, answered, known)
}

// overall gives the state of a list that was put together from several answers.
func overall(asked, answered, known int) State {
	switch {
	case answered == asked:
		return Current
	case known > 0:
		return Stale
	}
	return Unavailable
}

func (s *Service) recentTogether(ctx context.Context, g *gate, batch Batch, memberID string, accounts []Account) ([]Transaction, State) {
	key := "activity/" + memberID + "/" + accounts[0].Source
	items, err := ask(ctx, g, "", func(ctx context.Context) ([]Transaction, error) { return batch.Recent(ctx, accounts, activityItems) })
	if err == nil && len(items) == 0 && accounts[0].Source == LedgerSource {
		err = s.db.Sound(ctx)
	}
	if err == nil {
		s.memory.put(key, false, func(k *known) { k.Items, k.ItemsAt = items, s.db.Now() })
		return items, Current
	}
	s.config.Log.Warn("a source gave no activity", "source", accounts[0].Source, "err", err)
	return s.recallItems(key)
}

func (s *Service) recentAlone(ctx context.Context, g *gate, a Account) ([]Transaction, State) {
	p, err := s.firstPage(ctx, g, a, Query{Limit: recentItems})
	if err == nil {
		return p.Items, Current
	}
	s.config.Log.Warn("a source gave no activity", "source", a.Source, "account", a.ID, "err", err)
	if s.memory.get(a.ID).ItemsAt.IsZero() {
		s.recall(ctx, []string{a.ID})
	}
	return s.recallItems(a.ID)
}

func (s *Service) recallItems(key string) ([]Transaction, State) {
	k := s.memory.get(key)
	if k.ItemsAt.IsZero() {
		return nil, Unavailable
	}
	return k.Items, Stale
}

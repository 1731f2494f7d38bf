package ledger_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"standfast/internal/core/ledger"
)

func (b *bank) pages(account string, q ledger.PostingQuery) (list []ledger.Posting) {
	b.Helper()
	for range 1000 {
		page, next, err := b.Postings(ctx, account, q)
		if err != nil {
			b.Fatal(err)
		}
		list = append(list, page...)
		if next == "" {
			return list
		}
		q.Cursor = next
	}
	b.Fatal("the pages have no end")
	return nil
}

// told gives amounts, statuses and balances after, newest first.
func told(list []ledger.Posting) string {
	var s []string
	for _, p := range list {
		s = append(s, fmt.Sprintf("%d %s %d", p.Amount.Minor, p.Status, p.BalanceAfter.Minor))
	}
	return strings.Join(s, ", ")
}

func (b *bank) tells(list []ledger.Posting, want string) {
	b.Helper()
	if got := told(list); got != want {
		b.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestPostingsTellTheStoryOfAnAccount(t *testing.T) {
	each(t, func(b *bank) {
		step := func() { b.clock.Advance(time.Minute) }
		b.fund(b.alice, 1000)
		step()
		settled := b.hold(b.alice, b.bob, 100, time.Time{})
		step()
		voided := b.hold(b.alice, b.bob, 200, time.Time{})
		step()
		b.hold(b.alice, b.bob, 300, time.Time{})
		step()
		p := b.post(b.entry(b.alice, b.bob, 50))
		b.tells(b.pages(b.alice, ledger.PostingQuery{}), "-50 posted 950, -300 pending 1000, -200 pending 1000, -100 pending 1000, 1000 posted 1000")
		step()
		for id, f := range map[string]ender{settled.ID: b.SettleTx, voided.ID: b.VoidTx, p.ID: b.ReverseTx} {
			if _, err := b.end(f, id); err != nil {
				b.Fatal(err)
			}
			step()
		}
		got := b.pages(b.bob, ledger.PostingQuery{})
		if len(got) != 5 || got[0].Other != b.alice || got[4].Status != ledger.StatusVoided {
			b.Fatal(told(got))
		}
		for _, limit := range []int{1, 2, 3, 500} {
			b.tells(b.pages(b.bob, ledger.PostingQuery{Limit: limit}), told(got))
		}
	})
}

func TestPostingsByDateTextAndKind(t *testing.T) {
	each(t, func(b *bank) {
		for i, text := range []string{"Coffee", "Rent", "coffee & cake", "100% 'wool_'", "Rent"} {
			e := b.entry(b.world, b.alice, 1<<i)
			e.Description, e.Ref, e.Fact, e.EffectiveAt = text, fmt.Sprint("ref", i), true, noon.AddDate(0, 0, -i)
			if i == 4 {
				e.Kind = "standing order"
			}
			b.post(e)
		}
		b.tells(b.pages(b.alice, ledger.PostingQuery{}), "1 posted 31, 2 posted 30, 4 posted 28, 8 posted 24, 16 posted 16")
		for want, q := range map[string]ledger.PostingQuery{
			"1 posted 31, 4 posted 28":               {Text: " COFFEE "},
			"8 posted 24":                            {Text: "0% 'wool_"},
			"2 posted 30, 16 posted 16":              {Text: "rent"},
			"2 posted 30":                            {Text: "rent", Kinds: []string{"transfer", "x"}},
			"16 posted 16":                           {Kinds: []string{"standing order"}},
			"4 posted 28":                            {Text: "REF2"},
			"2 posted 30, 4 posted 28":               {From: noon.AddDate(0, 0, -2), Until: noon},
			"4 posted 28, 8 posted 24, 16 posted 16": {Until: noon.AddDate(0, 0, -1)},
			"":                                       {Text: "tea"},
		} {
			for _, limit := range []int{0, 1} {
				q.Limit = limit
				b.tells(b.pages(b.alice, q), want)
			}
		}
	})
}

func TestPostingsOfNobody(t *testing.T) {
	each(t, func(b *bank) {
		b.tells(b.pages(b.alice, ledger.PostingQuery{}), "")
		_, _, err := b.Postings(ctx, b.no, ledger.PostingQuery{})
		b.refused(err, "account.not-found")
		for _, cursor := range []string{"x", "AAAA", strings.Repeat("A", 44), strings.Repeat("_", 44)} {
			_, _, err = b.Postings(ctx, b.alice, ledger.PostingQuery{Cursor: cursor})
			b.refused(err, "cursor.unknown")
		}
	})
}

// What was recorded since the first page, at its top, moves nothing on the next.
func TestPagesStayTrueWhileMoneyMoves(t *testing.T) {
	each(t, func(b *bank) {
		for range 6 {
			b.fund(b.alice, 100)
			b.clock.Advance(time.Minute)
		}
		first, next, err := b.Postings(ctx, b.alice, ledger.PostingQuery{Limit: 3})
		if err != nil {
			b.Fatal(err)
		}
		b.tells(first, "100 posted 600, 100 posted 500, 100 posted 400")
		b.post(b.entry(b.alice, b.bob, 50))
		b.tells(b.pages(b.alice, ledger.PostingQuery{Limit: 3, Cursor: next}), "100 posted 300, 100 posted 200, 100 posted 100")
		_, _, err = b.Postings(ctx, b.bob, ledger.PostingQuery{Cursor: next})
		b.refused(err, "cursor.unknown") // another account's would tell wrong balances
	})
}

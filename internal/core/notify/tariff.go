package notify

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"strings"
	"time"

	"standfast/internal/db"
)

// Tariff says to which countries text messages and calls go, and what they may
// cost in a day. Fraudsters earn by having messages sent to numbers of theirs
// abroad (SMS pumping), so a country that is not named gets none.
type Tariff struct {
	// Prices are the units that one message or call costs, by the number's
	// prefix in international form; the longest prefix that fits decides, and 0
	// shuts its numbers out. An empty map lets every number pass, at one unit.
	Prices map[string]int64
	// Budget is how many units a day may cost in all, 0 for no bound.
	Budget int64
}

// Within holds text messages and calls to a tariff.
func Within(t Tariff) Option {
	return func(n *Notifier) { n.tariff = t }
}

// price gives the prefix that decides about a number, and its units; ok is false
// where no message goes.
func (t Tariff) price(number string) (country string, units int64, ok bool) {
	if len(t.Prices) == 0 {
		return "", 1, true
	}
	for prefix := range t.Prices {
		if len(prefix) > len(country) && strings.HasPrefix(number, prefix) {
			country = prefix
		}
	}
	units = t.Prices[country]
	return country, units, units > 0
}

// costs tells whether messages of a channel are paid for one by one.
func (c Channel) costs() bool { return c == Text || c == Voice }

// spendingSlots is over how many rows a country's spending of a day is spread.
const spendingSlots = 16

// Reaches tells whether messages of a channel go to an address at all: there is a
// sender, the channel can have such an address, and the tariff has its country.
func (n *Notifier) Reaches(c Channel, to string) bool {
	if !n.Can(c) || !reachable(c, to) {
		return false
	}
	_, _, ok := n.tariff.price(to)
	return ok || !c.costs()
}

// Ready tells whether a message could go to an address by a channel now: there
// is a sender, the channel can have such an address, and the tariff allows it.
func (n *Notifier) Ready(ctx context.Context, tx *db.Tx, c Channel, to string) (bool, error) {
	if !n.Reaches(c, to) {
		return false, nil
	}
	if !c.costs() || n.tariff.Budget == 0 {
		return true, nil
	}
	_, units, _ := n.tariff.price(to)
	spent, err := spentOn(ctx, tx, n.day(tx.Now))
	return spent+units <= n.tariff.Budget, err
}

// pay takes a message's price off the day's budget; paid is false where the
// tariff does not allow it. Messages that are sent at the same time may go beyond
// the budget by what they cost together.
func (n *Notifier) pay(ctx context.Context, tx *db.Tx, m Message) (paid bool, err error) {
	if !m.Channel.costs() {
		return true, nil
	}
	if ready, err := n.Ready(ctx, tx, m.Channel, m.To); err != nil || !ready {
		return false, err
	}
	country, units, _ := n.tariff.price(m.To)
	_, err = tx.Exec(ctx, `INSERT INTO message_spending (day, country, slot, messages, units) VALUES ($1, $2, $3, 1, $4)
		ON CONFLICT (day, country, slot) DO UPDATE SET messages = message_spending.messages + 1, units = message_spending.units + excluded.units`,
		n.day(tx.Now), country, rand.Int64N(spendingSlots), units)
	return err == nil, err
}

// unpaid ends a message that the tariff does not allow.
func (n *Notifier) unpaid(ctx context.Context, tx *db.Tx, m Message) error {
	if m.Code != "" {
		return channelUnavailable(m.Channel)
	}
	id := db.NewID()
	if err := insert(ctx, tx, id, m.Locale, m, nil); err != nil {
		return err
	}
	return settled(ctx, tx, id, Failed, "the tariff does not allow it")
}

func (n *Notifier) day(now time.Time) string { return now.In(n.cell.Zone).Format(time.DateOnly) }

func spentOn(ctx context.Context, tx *db.Tx, day string) (units int64, err error) {
	err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(units), 0) AS BIGINT) FROM message_spending WHERE day = $1`, day).Scan(&units)
	return units, err
}

// Spending is what text messages and calls have cost on one day.
type Spending struct {
	Day     string
	Budget  int64 // 0 for none
	Units   int64
	Country []CountrySpending // dearest first
}

// CountrySpending is a country's part of it.
type CountrySpending struct {
	Prefix   string
	Messages int64
	Units    int64
}

// Spending gives what today has cost so far.
func (n *Notifier) Spending(ctx context.Context) (s Spending, err error) {
	s = Spending{Day: n.day(n.db.Now()), Budget: n.tariff.Budget}
	err = n.db.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, `SELECT country, CAST(SUM(messages) AS BIGINT), CAST(SUM(units) AS BIGINT) AS units FROM message_spending
			WHERE day = $1 GROUP BY country ORDER BY units DESC, country`, s.Day)
		s.Country, err = db.Collect(rows, err, func(r *sql.Rows) (c CountrySpending, err error) { return c, r.Scan(&c.Prefix, &c.Messages, &c.Units) })
		return err
	})
	for _, c := range s.Country {
		s.Units += c.Units
	}
	return s, err
}

package account

import "time"

// Figures gives the posted balances, in minor units by account, of those accounts
// of a list that our own ledger keeps, and an instant by which they had been read.
// They are nil where one of them is not as of now.
func (s *Service) Figures(tiles []Tile) (posted map[string]int64, read time.Time) {
	posted = map[string]int64{}
	for _, t := range tiles {
		if t.Source != LedgerSource {
			continue
		}
		if t.State != Current || t.Balance == nil {
			return nil, time.Time{}
		}
		posted[t.ID] = t.Balance.Balance.Minor
	}
	return posted, s.db.Now()
}

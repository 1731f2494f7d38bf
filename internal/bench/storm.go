package bench

import (
	"context"
	"errors"

	"standfast/internal/gameday/report"
	"standfast/internal/gameday/scenario"
)

// stormMembers are those who sign in again all at once.
const stormMembers = 20

// stormOfSignIns is row 18 of the game days beside the other figures of sign-in.
func stormOfSignIns(ctx context.Context, c signinCmd, r *Report) (err error) {
	if c.Storm == 0 {
		return nil
	}
	s, err := scenario.Open(ctx, scenario.Options{Members: stormMembers, Length: c.Storm})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	day := report.New("18", "sqlite")
	if err := s.Storm(ctx, day.Row(18, "Everybody signs in again at once"), "core alone"); err != nil {
		return err
	}
	for _, row := range day.Rows {
		for _, f := range row.Figures {
			r.Figures = append(r.Figures, Figure{Name: "storm: " + f.Name, Value: f.Value, Unit: f.Unit, Least: f.Least, Most: f.Most, Met: f.Met})
		}
	}
	return nil
}

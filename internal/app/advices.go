package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"
	"time"

	"standfast/internal/core/advice"
)

const listedAdvices = 200

// RefusedAdvices prints what the stand-in did that core could not carry out, the
// newest first, each with its reason: somebody has to look at it. What waits for a
// fault of ours to be mended comes before it.
func RefusedAdvices(ctx context.Context, configPath string, out io.Writer) error {
	c, err := LoadConfig(configPath)
	if err != nil {
		return err
	}
	r, err := Open(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer r.Close()
	var list []advice.Entry
	for _, state := range []advice.State{advice.Aside, advice.Refused} {
		part, err := r.Advice.List(ctx, state, time.Time{}, listedAdvices)
		if err != nil {
			return err
		}
		list = append(list, part...)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "done\tkind\tmember\tconfirmation\treason\t")
	for _, e := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s: %s\t\n", e.At.Format(time.RFC3339), e.Kind, e.MemberID, e.Confirmation, e.Code, e.Message)
	}
	return t.Flush()
}

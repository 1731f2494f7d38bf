package app

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"standfast/internal/core/advice"
	"standfast/internal/db"
)

const listedAdvices = 200

// RefusedAdvices prints what the stand-in did that core could not carry out, the
// newest first, each with its reason: somebody has to look at it, or with dealt,
// somebody has. It reads beside a core that runs.
func RefusedAdvices(ctx context.Context, configPath string, dealt bool, out io.Writer) error {
	target, err := ConfiguredTarget(configPath)
	if err != nil {
		return err
	}
	d, err := target.open(ctx)
	if err != nil {
		return err
	}
	defer d.Close()
	var list []advice.Entry
	var more bool
	err = d.View(ctx, func(tx *db.Tx) error {
		list, more, err = advice.UnfinishedTx(ctx, tx, advice.Filter{Dealt: dealt, Limit: listedAdvices})
		return err
	})
	if err != nil {
		return err
	}
	return printAdvices(out, list, more)
}

func printAdvices(out io.Writer, list []advice.Entry, more bool) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "None.")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "done\treceived\tstate\tkind\tmember\tconfirmation\treason\tdealt with\t")
	for _, e := range list {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s: %s\t%s\t\n", e.At.Format(time.RFC3339), e.TakenAt.Format(time.RFC3339), e.State, e.Kind, e.MemberID, e.Confirmation, e.Code, e.Message, dealing(e.Dealt))
	}
	if err := t.Flush(); err != nil || !more {
		return err
	}
	_, err := fmt.Fprintf(out, "There are more: these are the newest %d. The console lists them all.\n", len(list))
	return err
}

func dealing(d advice.Dealt) string {
	if d.At.IsZero() {
		return "-"
	}
	return d.At.Format(time.RFC3339) + ": " + d.Note
}

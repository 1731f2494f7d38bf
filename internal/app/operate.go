package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// RotateKeys makes a new key for signing sessions. Running processes take it up
// by themselves; tokens under the old one stay good.
func RotateKeys(ctx context.Context, configPath string, out io.Writer) error {
	c, err := LoadConfig(configPath)
	if err != nil {
		return err
	}
	r, err := Open(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.SignIn.RotateKeys(ctx); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "A new signing key is in use. Sessions under the old one stay good until they end.")
	return err
}

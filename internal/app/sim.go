package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	httpsource "standfast/internal/core/source/http"
)

// SimSource runs the reference server of the source API until ctx ends. Its
// made-up accounts always have the same history.
func SimSource(ctx context.Context, addr, token string, asJSON bool, out io.Writer) error {
	if err := loopbackOnly(addr); err != nil {
		return err
	}
	l, err := listen(addr)
	if err != nil {
		return err
	}
	url := "http://" + l.Addr().String()
	if asJSON {
		err = json.NewEncoder(out).Encode(map[string]any{"ready": true, "url": url, "token": token})
	} else {
		_, err = fmt.Fprintf(out, "Source of accounts on %s, bearer token %q. Stop with Ctrl-C.\n", url, token)
	}
	if err != nil {
		l.Close()
		return err
	}
	return serve(ctx, newServer(httpsource.NewServer(httpsource.ServerConfig{Token: token})), l, TLSConfig{})
}

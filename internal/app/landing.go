package app

import (
	"context"
	"fmt"
	"net/http"

	"standfast/internal/core/api"
	"standfast/internal/core/portal/route"
)

// lands tells whether what a one-time code leads to answers in this process: the
// dashboard's page and call know that nobody is signed in, and so are there. It
// asks no database.
func (r *Rooms) lands(ctx context.Context) error {
	for path, want := range map[string]int{string(route.Dashboard): http.StatusSeeOther, api.Prefix + "v1/dashboard": http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		if err != nil {
			return err
		}
		w := &headOnly{header: http.Header{}}
		r.Handler.ServeHTTP(w, req)
		if w.status != want {
			return fmt.Errorf("%s answers %d to nobody, not %d", path, w.status, want)
		}
	}
	return nil
}

// headOnly keeps an answer's status.
type headOnly struct {
	header http.Header
	status int
}

func (h *headOnly) Header() http.Header { return h.header }

func (h *headOnly) WriteHeader(s int) {
	if h.status == 0 {
		h.status = s
	}
}

func (h *headOnly) Write(b []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return len(b), nil
}

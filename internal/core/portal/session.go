package portal

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
)

// clock is what a page says of the session's end, and session.js counts down.
// Times left are given beside the instants: a browser's clock may be wrong.
func (s *server) clock(sess signin.Session, now time.Time) view.SessionClock {
	return view.SessionClock{IdleAt: sess.IdleAt, EndsAt: sess.ExpiresAt, Idle: sess.IdleAt.Sub(now), Left: sess.ExpiresAt.Sub(now)}
}

// extend keeps the session alive for a member who says so. Whoever asked by
// script is told the times; a form leads back to its page.
func (s *server) extend(v *visit) (response, error) {
	if !strings.Contains(v.r.Header.Get("Accept"), "application/json") {
		return see(templ.SafeURL(v.here())), nil
	}
	c := s.clock(v.session, v.now)
	v.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(v.w).Encode(map[string]int{"idle": seconds(c.Idle), "left": seconds(c.Left)}) // whoever has gone needs no answer
	return response{status: http.StatusOK, written: true}, nil
}

func seconds(d time.Duration) int { return int(d / time.Second) }

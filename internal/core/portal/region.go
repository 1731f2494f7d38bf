package portal

import (
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/fault"
)

// A member who comes to the wrong region's site is offered the others. Everybody
// is, whoever they are: nothing tells in which region a name is known. The choice
// is remembered and shown, and nobody is sent away by it without asking, so that
// two sites never send somebody to and fro.

const regionFor = 400 * 24 * time.Hour // the longest that browsers keep a cookie

// regions lists the issuer's sites.
func (s *server) regions(v *visit) (response, error) {
	if len(s.Cell.Regions) == 0 {
		return response{}, fault.New(fault.NotFound, codeNoPage, "There is no such page.")
	}
	return show(view.RegionList(v.frame(view.Elsewhere))), nil
}

// region remembers a choice and leads to that site's sign-in page. Only sites of
// the configuration can be chosen, so it leads nowhere else.
func (s *server) region(v *visit) (response, error) {
	for _, r := range s.Cell.Regions {
		if r.Name != v.id() {
			continue
		}
		http.SetCookie(v.w, &http.Cookie{Name: s.regionCookie(), Value: r.Name, Path: "/", MaxAge: int(regionFor / time.Second),
			HttpOnly: true, Secure: s.Cookies.Secure, SameSite: http.SameSiteLaxMode})
		if r.Here {
			return see(route.SignIn.URL()), nil
		}
		return see(templ.SafeURL(strings.TrimSuffix(r.URL, "/") + string(route.SignIn))), nil
	}
	return response{}, fault.New(fault.NotFound, codeNoPage, "There is no such page.")
}

// chosenRegion is the other site that was chosen in this browser, or zero.
func (s *server) chosenRegion(r *http.Request) view.Region {
	c, err := r.Cookie(s.regionCookie())
	if err != nil {
		return view.Region{}
	}
	for _, site := range s.Cell.Regions {
		if site.Name == c.Value && !site.Here {
			return site
		}
	}
	return view.Region{}
}

func (s *server) regionCookie() string { return "sf_" + s.Cookies.Cell + "_region_v1" }

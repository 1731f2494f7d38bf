package portal

import (
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/fault"
)

func (s *server) home(v *visit) (response, error) {
	return show(view.Home(v.frame(view.Elsewhere))), nil
}
func (s *server) help(v *visit) (response, error) {
	return show(view.Help(v.frame(view.Elsewhere))), nil
}

func (s *server) security(v *visit) (response, error) {
	return show(view.Security(v.frame(view.Elsewhere))), nil
}

// static serves a file that a page links to.
func (s *server) static(v *visit) (response, error) {
	if !s.files.Serve(v.w, v.r) {
		return response{}, fault.New(fault.NotFound, codeNoPage, "There is no such file.")
	}
	return response{status: http.StatusOK, written: true}, nil
}

// robots keeps search engines to the pages that are for everybody.
func (s *server) robots(v *visit) (response, error) {
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = v.w.Write([]byte("User-agent: *\nDisallow: " + string(route.Dashboard) + "\nDisallow: /accounts/\nDisallow: /profile\n"))
	return response{status: http.StatusOK, written: true}, nil
}

// changePasswordAddress is where password managers look for the page (W3C
// "A Well-Known URL for Changing Passwords").
func (s *server) changePasswordAddress(*visit) (response, error) {
	return see(route.Password.URL()), nil
}

// localeFor is how long a chosen language is remembered.
const localeFor = 400 * 24 * time.Hour

// language remembers the language that a visitor chose, and shows the page again in it.
func (s *server) language(v *visit) (response, error) {
	locale := v.value("locale")
	if !slices.Contains(s.Texts.Locales(), locale) {
		return response{}, fault.New(fault.Malformed, "request.locale", "We do not have this language.")
	}
	http.SetCookie(v.w, &http.Cookie{Name: s.localeCookie(), Value: locale, Path: "/", MaxAge: int(localeFor / time.Second),
		HttpOnly: true, Secure: s.Cookies.Secure, SameSite: http.SameSiteLaxMode})
	to := route.Local(v.value("return"))
	if to == "" {
		to = string(route.Home)
	}
	return see(templ.SafeURL(to)), nil
}

func (s *server) localeCookie() string { return "sf_" + s.Cookies.Cell + "_locale_v1" }

func (s *server) chosenLocale(r *http.Request) string {
	c, err := r.Cookie(s.localeCookie())
	if err != nil {
		return ""
	}
	return c.Value
}

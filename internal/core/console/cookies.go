package console

import (
	"crypto/rand"
	"net/http"
	"time"
)

// Cookies are the console's own: their names say staff, the cell and a version,
// and browsers send none of them from another site's page.
type Cookies struct {
	Cell   string
	Secure bool // the site has TLS: cookies travel over nothing else
}

const (
	sessionCookie = "session"
	flowCookie    = "flow" // ties the two halves of a passkey's ceremony to one browser
	localeCookie  = "locale"

	maxCookie = 128 // bytes; more is none of ours
	localeFor = 400 * 24 * time.Hour
)

func (k Cookies) name(what string) string {
	n := "sf_" + k.Cell + "_staff_" + what + "_v1"
	if k.Secure {
		return "__Host-" + n
	}
	return n
}

func (k Cookies) value(r *http.Request, what string) string {
	c, err := r.Cookie(k.name(what))
	if err != nil || len(c.Value) > maxCookie {
		return ""
	}
	return c.Value
}

// set hands out a cookie. One without an age ends with the browser; how long what
// it names lasts is the server's to say.
func (k Cookies) set(w http.ResponseWriter, what, v string, age time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: k.name(what), Value: v, Path: "/", MaxAge: int(age.Seconds()),
		HttpOnly: true, Secure: k.Secure, SameSite: http.SameSiteStrictMode})
}

func (k Cookies) clear(w http.ResponseWriter, what string) { k.set(w, what, "", -time.Second) }

// flow gives the browser's flow, and begins one where there is none.
func (k Cookies) flow(w http.ResponseWriter, r *http.Request) string {
	if f := k.value(r, flowCookie); f != "" {
		return f
	}
	f := rand.Text()
	k.set(w, flowCookie, f, 0)
	return f
}

// Package guard is what every page of ours tells browsers, members' and staff's:
// the headers, and which other sites' forms are taken.
package guard

import (
	"net/http"
	"strings"
)

// policy is what a page of ours may do in a browser: load our own files, send
// our own forms, and nothing else. No inline script or style, no frame around
// it, no script that makes markup of text (Trusted Types).
var policy = strings.Join([]string{
	"default-src 'self'",
	"object-src 'none'",
	"base-uri 'none'",
	"form-action 'self'",
	"frame-ancestors 'none'",
	"require-trusted-types-for 'script'",
	"trusted-types 'none'",
}, "; ")

// permissions are the powers that no page of ours asks a browser for.
const permissions = "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), " +
	"microphone=(), payment=(), usb=(), browsing-topics=()"

// Headers sets those of every answer. secure says that the site has TLS: browsers
// are told to insist on it.
func Headers(h http.Header, secure bool) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", permissions)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=63072000")
	}
}

// Origins refuses forms that a browser sends for another site. publicURL is where
// browsers find this one; empty: at the host that they ask for. A public URL that
// is no origin is an error, and the protection then goes by the host.
func Origins(publicURL string) (*http.CrossOriginProtection, error) {
	p := http.NewCrossOriginProtection()
	if publicURL == "" {
		return p, nil
	}
	return p, p.AddTrustedOrigin(strings.TrimSuffix(publicURL, "/"))
}

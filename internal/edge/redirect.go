package edge

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// Redirect sends whoever comes by http on to https, on the hosts that are ours;
// a wrong name gets nothing (RFC 9110 section 15.5.20). port is the one that
// members type, empty for 443. What a form sent by http is not taken and not
// sent on: it was readable on its way.
func Redirect(hosts []string, port string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		host = strings.ToLower(host)
		w.Header().Set("Connection", "close")
		switch {
		case !slices.Contains(hosts, host):
			http.Error(w, "This address is not served here.", http.StatusMisdirectedRequest)
			return
		case r.Method != http.MethodGet && r.Method != http.MethodHead:
			http.Error(w, "Only https is spoken here.", http.StatusForbidden)
			return
		}
		if port != "" {
			host = net.JoinHostPort(host, port)
		}
		w.Header().Set("Location", "https://"+host+r.URL.RequestURI())
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}

package proxy

import (
	"net/http"
	"strconv"
	"strings"
)

// misdirected answers for a host that no cell has (RFC 9110 section 15.5.20): the
// name decides whose pages these are, so nobody's are shown for a wrong one.
func misdirected(w http.ResponseWriter) {
	refuse(w, http.StatusMisdirectedRequest, "This address is not served here.")
}

// refuse ends a request that no page of ours makes, in plain words. The
// connection goes too: what follows on it is not to be trusted either.
func refuse(w http.ResponseWriter, status int, why string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(why)+1))
	h.Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(why + "\n"))
}

// refusal names what is wrong with a request that must not travel further; 0 for
// nothing. net/http has already refused what cannot be read in one way only
// (docs/edge.md lists the shapes); this is what it lets through.
func refusal(r *http.Request) (status int, why string) {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		return http.StatusNotImplemented, "This method is not known here."
	}
	if r.URL.Path == "" || r.URL.Path[0] != '/' {
		return http.StatusBadRequest, "The address is no path."
	}
	if strings.HasPrefix(r.URL.Path, internalPrefix) {
		return http.StatusNotFound, "This address is not served here."
	}
	if len(r.RequestURI) > maxTarget {
		return http.StatusRequestURITooLong, "The address is too long."
	}
	if up := r.Header["Upgrade"]; len(up) > 0 && !onlyHTTP2(up) {
		return http.StatusNotImplemented, "No other protocol is spoken here."
	}
	return 0, ""
}

// internalPrefix is of the calls between our own processes. Behind the edge its own
// certificate opens them, and nobody outside is to use that.
const internalPrefix = "/internal/"

// maxTarget is the longest address that is taken, in bytes. RFC 9110 section 4.1
// asks for 8000 at least.
const maxTarget = 8 << 10

// onlyHTTP2 tells whether an Upgrade asks for nothing but HTTP/2 over a plain
// connection. Clients ask for it in passing and go on without; a server may
// ignore it (RFC 9110 section 7.8), and this one does.
func onlyHTTP2(up []string) bool {
	for _, v := range up {
		if !strings.EqualFold(strings.TrimSpace(v), "h2c") {
			return false
		}
	}
	return true
}

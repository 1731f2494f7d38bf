package proxy

import (
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"standfast/internal/fault"
	"standfast/internal/journey"
)

// Headers between our own processes (journey.Header is another).
const (
	DeadlineHeader = "Standfast-Deadline" // milliseconds that are left
	SideHeader     = "Standfast-Side"     // which side answered
	BuildHeader    = "Standfast-Build"    // which build answered
	ShedHeader     = fault.ShedHeader     // turned away because there was too much to do
	// ElsewhereHeader is a stand-in's on a refusal: it has done nothing, and core could do it.
	ElsewhereHeader = "Standfast-Elsewhere"
)

// private tells whether a header speaks between our own processes, or claims who
// the client is: nobody outside may set one. Keys are in canonical form.
func private(key string) bool {
	switch key {
	case journey.Header, DeadlineHeader, SideHeader, BuildHeader, ShedHeader, journey.FiguresHeader, ElsewhereHeader, "Forwarded", "X-Real-Ip", "X-Client-Ip",
		"X-Cluster-Client-Ip", "True-Client-Ip", "Cf-Connecting-Ip", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override":
		return true
	}
	return strings.HasPrefix(key, "X-Forwarded-") || strings.IndexByte(key, '_') >= 0
}

// hop tells whether a header means this connection only (RFC 9110 section 7.6.1).
// Expect is answered here, when the body is read; trailers are dropped.
func hop(key string) bool {
	switch key {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Expect", "Http2-Settings":
		return true
	}
	return false
}

// outward gives the header of the request behind, from the one that came: the
// private and the hop's headers are left out, ours are set. Values are shared
// with the request that came, not copied; neither side changes them.
func outward(in *http.Request, left time.Duration) http.Header {
	out := make(http.Header, len(in.Header)+4)
	for k, v := range in.Header {
		if !hop(k) && !private(k) {
			out[k] = v
		}
	}
	dropNamed(out, in.Header["Connection"])
	own := [3]string{peer(in.RemoteAddr), "http", strconv.FormatInt(max(1, left.Milliseconds()), 10)}
	if in.TLS != nil {
		own[1] = "https"
	}
	out["X-Forwarded-For"], out["X-Forwarded-Proto"], out[DeadlineHeader] = own[0:1:1], own[1:2:2], own[2:3:3]
	if _, ok := out["User-Agent"]; !ok {
		out["User-Agent"] = nil // net/http would write its own
	}
	return out
}

// dropNamed takes off what a Connection header names. Host, framing and the
// credentials are not the client's to hide from us in that way.
func dropNamed(h http.Header, connection []string) {
	for _, line := range connection {
		for name := range strings.SplitSeq(line, ",") {
			switch key := http.CanonicalHeaderKey(strings.TrimSpace(name)); key {
			case "", "Close", "Host", "Content-Length", "Authorization", "Cookie", "Origin", "Referer", "Sec-Fetch-Site":
			default:
				delete(h, key)
			}
		}
	}
}

// peer is the address of whoever is connected, without the port.
func peer(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	return host
}

// inward moves the header of an answer to the member's, without what is private.
func inward(to, from http.Header) {
	for k, v := range from {
		switch k {
		case journey.Header, SideHeader, BuildHeader, DeadlineHeader, ShedHeader, journey.FiguresHeader, ElsewhereHeader:
		default:
			if !hop(k) {
				to[k] = v
			}
		}
	}
	dropNamed(to, from["Connection"])
}

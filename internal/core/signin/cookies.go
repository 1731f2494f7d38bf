package signin

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Headers of clients that are no browsers.
const (
	DeviceHeader = "Standfast-Device"
	KeyHeader    = "Standfast-Device-Key"
	ProofHeader  = "Standfast-Device-Proof"
	FlowHeader   = "Standfast-Flow"
)

const (
	maxUserAgent = 256 // bytes that are kept
	maxFlow      = 128 // bytes; more is no flow of ours
	flowFor      = 24 * time.Hour
	deviceFor    = 400 * 24 * time.Hour // the longest that browsers keep a cookie
)

// Cookies reads and writes what a client keeps: its session, its device's
// identity, and the name of its attempt to sign in. A cookie's name carries the
// cell and a version, so that cells on one host and later formats stay apart.
type Cookies struct {
	Cell    string
	Secure  bool           // the site has TLS: cookies travel over nothing else
	Proxies []netip.Prefix // peers whose X-Forwarded-For is believed; none by default
}

// Client reads where a request comes from. A client that names its flow in a
// header speaks for itself and gets no cookies. Any other may be a browser, whose
// flow is in a cookie; programs that say nothing at all have no flow.
func (k Cookies) Client(w http.ResponseWriter, r *http.Request) Client {
	c := Client{IP: k.IP(r), UserAgent: clip(r.UserAgent(), maxUserAgent), DeviceToken: r.Header.Get(DeviceHeader),
		DeviceProof: r.Header.Get(ProofHeader), DeviceKey: r.Header.Get(KeyHeader)}
	c.SessionToken, _ = k.Token(r)
	if flow := r.Header.Get(FlowHeader); flow != "" {
		c.FlowID = clip(flow, maxFlow)
		return c
	}
	c.Browser = true
	if k.keepsCookies(r) {
		c.FlowID = k.Flow(w, r)
	}
	if c.DeviceToken == "" {
		c.DeviceToken, c.DeviceOld = k.Device(r)
	}
	return c
}

// keepsCookies tells whether a flow in a cookie would come back: browsers say
// that they are some, and others have shown it.
func (k Cookies) keepsCookies(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") != "" || strings.HasPrefix(r.UserAgent(), "Mozilla/") || value(r, k.name("flow")) != ""
}

// Token gives the session token of a request, and whether a cookie brought it:
// then the request may have been made by another site. A bearer token comes first.
func (k Cookies) Token(r *http.Request) (tok string, fromCookie bool) {
	scheme, value, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(value), false
	}
	tok = k.Session(r)
	return tok, tok != ""
}

// Session gives the session cookie's token, or "".
func (k Cookies) Session(r *http.Request) string { return value(r, k.name("session")) }

// Device gives the device cookie's token, or "", and whether it came in the
// cookie of the first version. Other sites' pages made browsers send that along
// when they led here; the second stays at home (SameSite=Strict), and nothing
// needs it before a form of ours is sent.
func (k Cookies) Device(r *http.Request) (tok string, old bool) {
	if tok = value(r, k.named("device", 2)); tok != "" {
		return tok, false
	}
	tok = value(r, k.named("device", 1))
	return tok, tok != ""
}

// Flow gives the browser's flow, and begins one where there is none.
func (k Cookies) Flow(w http.ResponseWriter, r *http.Request) string {
	if flow := value(r, k.name("flow")); flow != "" && len(flow) <= maxFlow {
		return flow
	}
	flow := rand.Text()
	k.set(w, "flow", flow, time.Now().Add(flowFor))
	return flow
}

// KeepFlow gives the browser's flow its whole time again, for what takes a day.
func (k Cookies) KeepFlow(w http.ResponseWriter, r *http.Request) {
	if flow := value(r, k.name("flow")); flow != "" && len(flow) <= maxFlow {
		k.set(w, "flow", flow, time.Now().Add(flowFor))
	}
}

// SetSession hands out a session that ends at expires.
func (k Cookies) SetSession(w http.ResponseWriter, tok string, expires time.Time) {
	k.set(w, "session", tok, expires)
}

// SetDevice hands out a device's identity. A cookie of the first version is left
// to a release that reads no other and may be running beside this one; it holds
// the same identity, and is not looked at once the second is there.
func (k Cookies) SetDevice(w http.ResponseWriter, tok string) {
	c := k.cookie("device", tok)
	c.Name, c.Expires, c.SameSite = k.named("device", 2), time.Now().Add(deviceFor), http.SameSiteStrictMode
	http.SetCookie(w, c)
}

// ClearSession takes the session away; the device stays known. It is for
// sessions that the member ended or that are known to be over, never for an
// answer that is not known.
func (k Cookies) ClearSession(w http.ResponseWriter) {
	c := k.cookie("session", "")
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func (k Cookies) set(w http.ResponseWriter, what, v string, expires time.Time) {
	c := k.cookie(what, v)
	c.Expires = expires
	http.SetCookie(w, c)
}

func (k Cookies) cookie(what, v string) *http.Cookie {
	return &http.Cookie{Name: k.name(what), Value: v, Path: "/", HttpOnly: true, Secure: k.Secure, SameSite: http.SameSiteLaxMode}
}

// name gives a cookie's name. The prefix makes browsers refuse it from another
// host or without TLS (RFC 6265bis §4.1.3.2).
func (k Cookies) name(what string) string { return k.named(what, 1) }

func (k Cookies) named(what string, version int) string {
	n := "sf_" + k.Cell + "_" + what + "_v" + strconv.Itoa(version)
	if k.Secure {
		return "__Host-" + n
	}
	return n
}

func value(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// IP gives the client's address: the peer's, or behind trusted proxies the last
// one that none of them owns. What stands before that is the client's own claim.
func (k Cookies) IP(r *http.Request) string {
	peer := address(r.RemoteAddr)
	if !peer.IsValid() {
		return ""
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && k.trusts(peer); i-- {
		hop := address(strings.TrimSpace(hops[i]))
		if !hop.IsValid() {
			break
		}
		peer = hop
	}
	return peer.String()
}

func (k Cookies) trusts(a netip.Addr) bool {
	for _, p := range k.Proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// address reads "host:port" or "host", without an IPv6 zone.
func address(s string) netip.Addr {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap().WithZone("")
}

func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}

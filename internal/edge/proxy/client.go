package proxy

import (
	"net/http"
	"net/netip"
	"sync"
)

// clients counts the requests that are under way, by the address that they come from:
// on however many connections and streams, and however slowly they are sent or their answers
// read. Without a bound one client with many slow streams holds all places of a
// target. Who holds fewer than the bound notices nothing of another who holds all of theirs.
type clients struct {
	most int // of one address; 0: no bound
	mu   sync.Mutex
	held map[netip.Prefix]int // only of addresses with a request under way
}

// enter takes one of an address's places; where it has none left, ok is false and
// leave nil.
func (c *clients) enter(r *http.Request) (leave func(), ok bool) {
	if c.most == 0 {
		return func() {}, true
	}
	from := neighbourhood(r.RemoteAddr)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[from] >= c.most {
		return nil, false
	}
	c.held[from]++
	return func() { c.leave(from) }, true
}

func (c *clients) leave(from netip.Prefix) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held[from]--; c.held[from] == 0 {
		delete(c.held, from)
	}
}

// neighbourhood is what counts as one client: an IPv4 address, and of IPv6 the /64 that a
// single line is given, in which it may choose any address (RFC 4291 section 2.5.4).
// What is no address at all is one client together.
func neighbourhood(remote string) netip.Prefix {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr, bits := at.Addr().Unmap().WithZone(""), 64
	if addr.Is4() {
		bits = 32
	}
	p, _ := addr.Prefix(bits) // there are so many bits
	return p
}

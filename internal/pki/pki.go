// Package pki is the internal certificate authority under which Standfast's own
// processes speak to each other: mutual TLS 1.3, and a certificate that says which
// role its holder has in which cell. No host name decides anything, so a process
// may move without a new certificate.
package pki

import (
	"crypto/x509"
	"net/http"
	"net/url"
	"strings"

	"standfast/internal/fault"
)

// Role is what a process is to the others.
type Role string

// The roles.
const (
	Core     Role = "core"
	Edge     Role = "edge"
	StandIn  Role = "standin"
	Phone    Role = "phone"
	Console  Role = "console"
	Operator Role = "operator"
)

// AnyCell is the cell of those who work for all of them: the edge and operators.
const AnyCell = "*"

// Roles lists all roles.
func Roles() []Role { return []Role{Core, Edge, StandIn, Phone, Console, Operator} }

// cellOf gives the cell that a role's certificate names.
func cellOf(cell string, r Role) string {
	if r == Edge || r == Operator {
		return AnyCell
	}
	return cell
}

// scheme begins the URI SAN of a certificate: standfast://CELL/ROLE.
const scheme = "standfast"

func identity(cell string, r Role) *url.URL {
	return &url.URL{Scheme: scheme, Host: cell, Path: "/" + string(r)}
}

// identityOf reads what identity wrote. A certificate with no or several such
// names has no role.
func identityOf(c *x509.Certificate) (cell string, r Role, ok bool) {
	for _, u := range c.URIs {
		if u.Scheme != scheme {
			continue
		}
		if ok {
			return "", "", false
		}
		cell, r, ok = u.Host, Role(strings.TrimPrefix(u.Path, "/")), true
	}
	return cell, r, ok && cell != "" && r != ""
}

// RoleOf gives the cell and the role of whoever sent a request over a connection
// that a Server configuration accepted; both are empty on any other.
func RoleOf(r *http.Request) (cell string, role Role) {
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", ""
	}
	cell, role, _ = identityOf(r.TLS.PeerCertificates[0])
	return cell, role
}

// sameCell tells whether two ends may speak: each is of the other's cell, or of all.
func sameCell(a, b string) bool { return a == b || a == AnyCell || b == AnyCell }

func unreadable(path string, cause error) error {
	return fault.Wrap(fault.Invalid, "pki.file", "A certificate file cannot be used: "+path, cause)
}

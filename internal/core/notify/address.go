package notify

import (
	"net/mail"
	"regexp"
	"strings"
	"unicode/utf8"
)

var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// reachable tells whether an address is one that the channel can have. Push
// goes to a device's opaque name.
func reachable(c Channel, to string) bool {
	switch c {
	case Email:
		a, err := mail.ParseAddress(to)
		return err == nil && a.Address == to && len(to) <= 254 && !strings.ContainsAny(to, " \r\n")
	case Text, Voice:
		return e164.MatchString(to)
	}
	return to != "" && len(to) <= 254
}

// Masked gives an address as it may be shown and stored: the first letter and
// the domain of an e-mail address, the last four digits of a number.
func Masked(to string) string {
	name, domain, isMail := strings.Cut(to, "@")
	if isMail {
		first, _ := utf8.DecodeRuneInString(name)
		return string(first) + "•••@" + domain
	}
	if len(to) <= 4 {
		return "•••"
	}
	return "•••" + to[len(to)-4:]
}

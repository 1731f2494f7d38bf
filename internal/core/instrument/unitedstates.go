package instrument

import (
	"standfast/internal/fault"
)

// Lengths of a number as a person may type it, with separators.
const maxTyped = 64

// RoutingNumber reads an ABA routing number: nine digits, a prefix that the
// Federal Reserve gives out, and the check digit. It gives the bare digits.
func RoutingNumber(s string) (string, error) {
	const field = "body.routing_number"
	d, ok := bareDigits(s)
	switch {
	case s == "":
		return "", fault.InvalidField(field, "routing-number.missing", "Enter the routing number, nine digits at the bottom left of a check.")
	case !ok || len(d) != 9:
		return "", fault.InvalidField(field, "routing-number.digits", "A routing number has exactly nine digits.")
	case !routingPrefix(d):
		return "", fault.InvalidField(field, "routing-number.prefix", "No bank in the United States has a routing number that starts like this.")
	case !routingCheck(d):
		return "", fault.InvalidField(field, "routing-number.check", "This is not a routing number: its last digit does not fit the others. Please compare it with your check.")
	}
	return d, nil
}

// routingPrefix knows the ranges of the first two digits: 00 government, 01–12
// the Federal Reserve's districts, 21–32 thrifts, 61–72 electronic, 80
// travelers' checks. 00 and 80 are no account a member could hold.
func routingPrefix(d string) bool {
	p := int(d[0]-'0')*10 + int(d[1]-'0')
	return p >= 1 && p <= 12 || p >= 21 && p <= 32 || p >= 61 && p <= 72
}

// routingCheck applies the ABA's weights 3, 7, 1: the sum is a multiple of ten.
func routingCheck(d string) bool {
	sum := 0
	for i, w := range [9]int{3, 7, 1, 3, 7, 1, 3, 7, 1} {
		sum += w * int(d[i]-'0')
	}
	return sum%10 == 0
}

// usAccount reads an account number of the United States: 4 to 17 digits (the
// length of the field in Nacha's entry detail), not all zeros. It has no check digit.
func usAccount(s string) (string, error) {
	const field = "body.account_number"
	d, ok := bareDigits(s)
	switch {
	case s == "":
		return "", fault.InvalidField(field, "account-number.missing", "Enter the account number.")
	case !ok || len(d) < 4 || len(d) > 17:
		return "", fault.InvalidField(field, "account-number.us-digits", "An account number has 4 to 17 digits.")
	case allZeros(d):
		return "", fault.InvalidField(field, "account-number.zeros", "An account number is not all zeros.")
	}
	return d, nil
}

// bareDigits strips the spaces and dashes that people group digits with. ok is
// false when anything else stands between them, or far too much of anything.
func bareDigits(s string) (digits string, ok bool) {
	if len(s) > maxTyped {
		return "", false
	}
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			b = append(b, c)
		case c != ' ' && c != '-':
			return "", false
		}
	}
	return string(b), len(b) > 0
}

func allZeros(d string) bool {
	for i := range len(d) {
		if d[i] != '0' {
			return false
		}
	}
	return true
}

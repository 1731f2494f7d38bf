package signin

import (
	"slices"
	"strings"
	"unicode"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// The length of a PIN, in digits. SP 800-63B-4 §3.1.1 asks at least six of a PIN
// that is checked by us and not by the member's own device; more than eight would
// be written down.
const minPIN, maxPIN = 6, 8

// readPIN takes a PIN as people type it: with spaces and dashes.
func readPIN(typed string) (string, error) {
	var digits strings.Builder
	for _, r := range typed {
		switch {
		case r >= '0' && r <= '9':
			digits.WriteRune(r)
		case unicode.IsSpace(r) || unicode.Is(unicode.Pd, r):
		default:
			return "", refusedPIN("digits", "A PIN has digits only.")
		}
	}
	if n := digits.Len(); n < minPIN || n > maxPIN {
		return "", refusedPIN("length", "A PIN has 6 to 8 digits.")
	}
	return digits.String(), nil
}

func refusedPIN(code, message string) *fault.Error {
	return fault.InvalidField("body.pin", "pin."+code, message)
}

// ownDigits are digits that others can know of a member.
type ownDigits struct {
	birthDate string   // YYYY-MM-DD, or ""
	numbers   []string // of telephones, cards and accounts, or what is known of them
}

// allowedPIN holds a new PIN to the rules: none that many people choose, and none
// that a stranger can read off the member's card, letter or birthday.
func allowedPIN(pin string, own ownDigits) error {
	switch {
	case loops(pin) || climbs(pin) || slices.Contains(commonPINs(), pin):
		return refusedPIN("guessable", "This PIN is among the first that others would try. Please choose another.")
	case own.has(pin):
		return refusedPIN("own", "This PIN is in your birth date, your telephone number or one of your account numbers. Please choose another.")
	}
	return nil
}

// loops tells whether a PIN is a shorter piece, again and again.
func loops(pin string) bool {
	for n := 1; n <= len(pin)/2; n++ {
		if len(pin)%n == 0 && strings.Repeat(pin[:n], len(pin)/n) == pin {
			return true
		}
	}
	return false
}

// climbs tells whether the digits go up or down one by one, from 0 on to 9 and
// around, in whole or in two runs of the same kind, as 123321 or 123123.
func climbs(pin string) bool {
	return steps(pin) || steps(pin[:len(pin)/2]) && steps(pin[len(pin)/2:])
}

func steps(run string) bool {
	up, down := true, true
	for i := 1; i < len(run); i++ {
		d := (int(run[i]) - int(run[i-1]) + 10) % 10
		up, down = up && d == 1, down && d == 9
	}
	return up || down
}

// commonPINs are others that people choose most: pairs, and walks over the keys.
func commonPINs() []string {
	return strings.Fields(`112233 332211 445566 665544 778899 998877 102030 010203 100200 147258 258369 147369 159753 357159 159357
		789456 456789 741852 852963 963852 123654 321654 456123 142536 135790 246810 135791 131313 520520 696969 111222 222333 000111
		111000 111112 123455 123457 123459 147852 11223344 12341234 10203040 14725836 11112222 12344321`)
}

// has tells whether a PIN can be read off what others may know: four digits of
// that in it leave a hundred guesses.
func (o ownDigits) has(pin string) bool {
	for _, date := range datesOf(o.birthDate) {
		if strings.Contains(pin, date) {
			return true
		}
	}
	for _, n := range o.numbers {
		digits := onlyDigits(n)
		if len(digits) < 4 || db.ValidID(n) { // an id of our own is on no letter
			continue
		}
		if strings.Contains(digits, pin) || strings.Contains(pin, digits[len(digits)-4:]) {
			return true
		}
	}
	return false
}

// datesOf are the parts of a date that PINs are made of.
func datesOf(date string) []string {
	p := strings.Split(date, "-")
	if len(p) != 3 || len(p[0]) != 4 {
		return nil
	}
	year, month, day := p[0], p[1], p[2]
	return []string{year, day + month, month + day} // whatever form the whole has, one of these is in it
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, s)
}

package teller

import (
	"crypto/rand"
	"math/big"
	"strings"
	"time"
)

// date is the business date of an instant.
func (t *Teller) date(at time.Time) string { return at.In(t.Zone).Format(time.DateOnly) }

// CutOffAt is the cut-off of the day of an instant.
func (t *Teller) CutOffAt(at time.Time) time.Time {
	d := at.In(t.Zone)
	return time.Date(d.Year(), d.Month(), d.Day(), 0, 0, int(t.CutOff/time.Second), 0, t.Zone)
}

// creditedOn is the date that a payment received at an instant counts as paid on:
// that day until the cut-off, the next after it (12 CFR 1026.10(a)).
func (t *Teller) creditedOn(received time.Time) string {
	if received.Before(t.CutOffAt(received)) {
		return t.date(received)
	}
	d := received.In(t.Zone)
	return time.Date(d.Year(), d.Month(), d.Day()+1, 12, 0, 0, 0, t.Zone).Format(time.DateOnly)
}

// CreditsOn is the date that a payment made now counts as paid on.
func (t *Teller) CreditsOn() string { return t.creditedOn(t.Now()) }

// alphabet of confirmation numbers, as core's: no two characters that look or
// sound alike. It has 29, a prime, for the check character.
const alphabet = "23456789ACDEFGHJKMNPQRSTVWXYZ"

// newConfirmation draws a number in core's form: 11 random characters and one that
// makes the sum of values, weighted 1 to 12, a multiple of 29.
func newConfirmation() (string, error) {
	b := make([]byte, 0, 12)
	sum := 0
	for i := range 11 {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return "", err
		}
		b = append(b, alphabet[n.Int64()])
		sum += (i + 1) * int(n.Int64())
	}
	const inverse = 17 // of the last weight, 12, modulo 29
	return string(append(b, alphabet[(len(alphabet)-sum%len(alphabet))*inverse%len(alphabet)])), nil
}

// Grouped writes a confirmation number for people: "7K2M-94QX-R3TD".
func Grouped(number string) string {
	if len(number) != 12 {
		return number
	}
	return strings.Join([]string{number[:4], number[4:8], number[8:]}, "-")
}

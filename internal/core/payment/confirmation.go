package payment

import (
	"crypto/rand"
	"math/big"
	"strings"
)

// alphabet has no two characters that look or, over a bad line, sound too much
// alike: no 0 O, 1 I L, 8 B, U V. It has 29, a prime, for the check below.
const alphabet = "23456789ACDEFGHJKMNPQRSTVWXYZ"

// confirmationLength counts the check character too.
const confirmationLength = 12

// newConfirmation draws a confirmation number: 11 random characters (53 bits; the
// table's unique key has the last word) and a check character.
func newConfirmation() (string, error) {
	b := make([]byte, confirmationLength-1, confirmationLength)
	for i := range b {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			return "", err
		}
		b[i] = alphabet[n.Int64()]
	}
	return string(append(b, checkCharacter(string(b)))), nil
}

// checkCharacter makes the sum of values, weighted 1 to 12, a multiple of 29.
// As 29 is prime and the weights differ, one wrong character and any two
// exchanged ones are always found.
func checkCharacter(s string) byte {
	const prime = len(alphabet)
	sum := 0
	for i := range len(s) {
		sum += (i + 1) * strings.IndexByte(alphabet, s[i])
	}
	// The inverse of the last weight, 12, modulo 29 is 17: 12 × 17 = 204 = 7 × 29 + 1.
	return alphabet[(prime-sum%prime)*17%prime]
}

// ReadConfirmation reads a number as people write it, in groups and any case. ok
// is false when it has a typing error.
func ReadConfirmation(s string) (number string, ok bool) {
	if len(s) > 4*confirmationLength {
		return "", false
	}
	s = strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(s))
	if len(s) != confirmationLength {
		return "", false
	}
	for i := range len(s) {
		if strings.IndexByte(alphabet, s[i]) < 0 {
			return "", false
		}
	}
	return s, checkCharacter(s[:confirmationLength-1]) == s[confirmationLength-1]
}

// Grouped writes a confirmation number for people: "7K2M-94QX-R3TD".
func Grouped(number string) string {
	if len(number) != confirmationLength {
		return number
	}
	return number[:4] + "-" + number[4:8] + "-" + number[8:]
}

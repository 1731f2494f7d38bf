package instrument

import (
	"strconv"
	"strings"

	"standfast/internal/fault"
)

// ibanRegistry states each country's BBAN: runs of n digits, a upper-case
// letters, c letters or digits. Facts of ISO 13616's registry, release 99.
const ibanRegistry = `AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI23n BR23n1a1c BY4c4n16c CH5n12c
CR18n CY8n16c CZ20n DE18n DJ23n DK14n DO4c20n EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c
GL14n GR7n16c GT24c HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c LC4a24c
LI5n12c LT16n LU3n13c LV4a13c LY21n MC10n11c2n MD20c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a NI4a20n NL4a10n
NO11n OM3n16c PK4a16c PL24n PS4a21c PT21n QA4a21c RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n SE20n SI15n SK20n
SM1a10n12c SO19n ST21n SV4a20n TL19n TN20n TR6n16c UA6n19c VA18n VG4a16n XK16n YE4a4n18c`

// IBAN reads an international bank account number as people write it and gives
// its electronic format (ISO 13616): upper case, no spaces. It holds the
// country's length and structure, and the check digits (ISO 7064 MOD 97-10).
func IBAN(s string) (string, error) {
	bad := func(code, message string) (string, error) {
		return "", fault.InvalidField("body.iban", code, message)
	}
	n, ok := compactIBAN(s)
	switch {
	case s == "":
		return bad("iban.missing", "Enter the IBAN.")
	case !ok || len(n) < 5 || !isClass(n[:2], 'a') || !isClass(n[2:4], 'n'):
		return bad("iban.form", "An IBAN is two letters, two digits, then letters and digits only.")
	}
	structure := bbanStructure(n[:2])
	if structure == "" {
		return bad("iban.country", "We know no country whose IBANs start with these two letters.")
	}
	if want := 4 + structureLength(structure); len(n) != want {
		e := fault.InvalidField("body.iban", "iban.length", "An IBAN of this country has "+strconv.Itoa(want)+" characters.")
		e.Fields[0].Args = map[string]any{"Want": want}
		return "", e
	}
	if !fits(n[4:], structure) {
		return bad("iban.structure", "In an IBAN of this country, letters and digits stand in other places.")
	}
	if n[2:4] < "02" || n[2:4] > "98" || mod97(n[4:]+n[:4]) != 1 {
		return bad("iban.check", "This IBAN has a typing error: its check digits do not fit. Please compare it with your statement.")
	}
	return n, nil
}

// compactIBAN drops spaces and raises letters.
func compactIBAN(s string) (string, bool) {
	if len(s) > maxTyped {
		return "", false
	}
	n := strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	return n, isClass(n, 'c')
}

// bbanStructure finds a country's structure, as "4a14n", or "" for none.
func bbanStructure(country string) string {
	for entry := range strings.FieldsSeq(ibanRegistry) {
		if entry[:2] == country {
			return entry[2:]
		}
	}
	return ""
}

// eachRun calls f with the length and class of each run of a structure until f says stop.
func eachRun(structure string, f func(length int, class byte) bool) {
	n := 0
	for i := range len(structure) {
		c := structure[i]
		if c >= '0' && c <= '9' {
			n = 10*n + int(c-'0')
			continue
		}
		if !f(n, c) {
			return
		}
		n = 0
	}
}

func structureLength(structure string) (total int) {
	eachRun(structure, func(n int, _ byte) bool { total += n; return true })
	return total
}

// fits tells whether bban, which has the structure's length, follows it.
func fits(bban, structure string) bool {
	ok := true
	eachRun(structure, func(n int, class byte) bool {
		ok = isClass(bban[:n], class)
		bban = bban[n:]
		return ok
	})
	return ok
}

// isClass tells whether all of s is of a class: n, a or c as in ibanRegistry.
func isClass(s string, class byte) bool {
	for i := range len(s) {
		digit, letter := s[i] >= '0' && s[i] <= '9', s[i] >= 'A' && s[i] <= 'Z'
		if !(digit && class != 'a' || letter && class != 'n') {
			return false
		}
	}
	return true
}

// mod97 gives the remainder of the number that s becomes when each letter is
// written as two digits, A = 10 to Z = 35.
func mod97(s string) int {
	r := 0
	for i := range len(s) {
		if c := s[i]; c >= 'A' {
			r = (r*100 + int(c-'A') + 10) % 97
		} else {
			r = (r*10 + int(c-'0')) % 97
		}
	}
	return r
}

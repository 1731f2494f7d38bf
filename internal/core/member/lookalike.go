package member

import (
	"errors"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// No two members have names that look alike, so that nobody can pass for another
// by an exotic letter. Two rules of UTS #39 do it: the letters of a name are of
// one script (§5.2, highly restrictive), and of all names with the same skeleton
// (§4) only one is given away. The table of skeletons is not Unicode's with its
// thousands of rows, but the letters that scripts in use today share in print.
//
// Not covered: what looks alike within one script beyond that table (Han, the
// scripts of India), a capital I beside a small l, and marks that fonts draw alike.

var errMixed = errors.New("member: a username of several scripts")

// together are the scripts that are written beside each other in one name; each
// may have Latin with it (UTS #39 §5.2).
func together() [][]string {
	return [][]string{{"Han", "Hiragana", "Katakana", "Latin"}, {"Han", "Hangul", "Latin"}, {"Han", "Bopomofo", "Latin"}}
}

// alone are the other scripts in use today (UAX #31, table 5).
func alone() []string {
	return strings.Fields(`Latin Cyrillic Greek Armenian Arabic Bengali Devanagari Ethiopic Georgian Gujarati Gurmukhi Hebrew
		Kannada Khmer Lao Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan`)
}

// oneScript tells whether a name's letters are of scripts that belong together.
func oneScript(name string) bool {
	all := together()
	for _, script := range alone() {
		all = append(all, []string{script})
	}
	for _, scripts := range all {
		if of(name, scripts) {
			return true
		}
	}
	return false
}

func of(name string, scripts []string) bool {
	tables := []*unicode.RangeTable{unicode.Common, unicode.Inherited}
	for _, s := range scripts {
		tables = append(tables, unicode.Scripts[s])
	}
	return !strings.ContainsFunc(name, func(r rune) bool { return !unicode.In(r, tables...) })
}

// looks gives a Latin letter or a digit for each sign that is drawn like it, as a
// small letter or as its capital. What is drawn like two is like the first.
func looks() *strings.Replacer {
	return strings.NewReplacer(
		// Cyrillic
		"а", "a", "в", "b", "с", "c", "ԁ", "d", "е", "e", "һ", "h", "н", "h", "і", "i", "ј", "j", "к", "k", "ӏ", "l", "м", "rn", "о", "o",
		"р", "p", "ԛ", "q", "г", "r", "ѕ", "s", "т", "t", "у", "y", "ү", "y", "ѵ", "v", "ԝ", "w", "х", "x", "з", "3", "б", "6", "ө", "o",
		// Greek
		"α", "a", "β", "b", "ϲ", "c", "ς", "c", "ε", "e", "γ", "y", "η", "n", "ι", "i", "ϳ", "j", "κ", "k", "μ", "rn", "ν", "v", "ο", "o",
		"σ", "o", "ρ", "p", "τ", "t", "υ", "u", "χ", "x", "ω", "w", "ζ", "z",
		// Armenian, Georgian and Hebrew
		"ց", "g", "հ", "h", "յ", "j", "ո", "n", "օ", "o", "զ", "q", "ս", "u", "ი", "o", "ס", "o", "ו", "l", "ן", "l",
		// Latin and signs
		"ı", "i", "ɩ", "i", "ɑ", "a", "ɡ", "g", "ɛ", "e", "ʋ", "v", "ɪ", "i", "ʟ", "l", "ǀ", "l", "|", "l", "m", "rn", "0", "o", "1", "l",
		"ʼ", "'", "ʹ", "'", "`", "'", "‐", "-", "–", "-", "־", "-", "·", ".", "ا", "l",
	)
}

// skeleton gives what all names that look like key have in common. Letters with
// marks are taken apart first, so that a mark makes the same difference everywhere.
func skeleton(key string) string {
	digits := strings.Map(asciiDigit, norm.NFD.String(key))
	return norm.NFD.String(looks().Replace(digits))
}

// asciiDigit gives the digit of our own script with the value of r. Every script
// has its ten in a row (The Unicode Standard, §4.6).
func asciiDigit(r rune) rune {
	if !unicode.IsDigit(r) {
		return r
	}
	zero := r
	for r-zero < 9 && unicode.IsDigit(zero-1) {
		zero--
	}
	return '0' + r - zero
}

package signin

import (
	"strings"
	"unicode"
)

// guessable tells whether a password is one of the first that a guesser would
// try: runs and repetitions, walks over the keyboard, and common words or words
// about the member with little around them.
func guessable(password string, about []string) bool {
	p := plainLetters(strings.ToLower(password))
	if repeats(p) || walks(p) {
		return true
	}
	for _, w := range commonWords() {
		if mostly(p, w) {
			return true
		}
	}
	for _, a := range about {
		for _, w := range wordsOf(a) {
			if mostly(p, w) {
				return true
			}
		}
	}
	return false
}

// commonWords begin the passwords that people choose most.
func commonWords() []string {
	return strings.Fields(`password passwort kennwort motdepasse contrasena welcome willkommen letmein login access admin master
		secret geheim iloveyou sunshine princess dragon monkey football baseball superman batman shadow michael
		jesus hallo hello summer sommer winter spring autumn computer internet changeme default test testing
		standfast bank banking savings credit creditcard kreditkarte money account konto`)
}

// plainLetters undoes the usual disguises of letters.
func plainLetters(s string) string {
	return strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t", "!", "i").Replace(s)
}

// minAround is how many other characters a known word needs to be worth something.
const minAround = 6

// mostly tells whether s is the word with less than minAround letters of its own
// around it. Digits and signs at the ends count for nothing: years and
// exclamation marks are what everybody adds.
func mostly(s, word string) bool {
	word = plainLetters(word)
	if len(word) < 4 || !strings.Contains(s, word) {
		return false
	}
	rest := strings.ReplaceAll(s, word, "")
	rest = strings.TrimFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) })
	return len([]rune(rest)) < minAround
}

// wordsOf splits a name or address into its words.
func wordsOf(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// repeats tells whether a piece of at most four characters makes up all of s.
func repeats(s string) bool {
	r := []rune(s)
	for n := 1; n <= 4 && n < len(r); n++ {
		same := true
		for i := n; i < len(r) && same; i++ {
			same = r[i] == r[i-n]
		}
		if same {
			return true
		}
	}
	return false
}

// walks tells whether s runs along the alphabet, the digits or a row of keys,
// forward or back, with at most two steps aside.
func walks(s string) bool {
	rows := []string{"abcdefghijklmnopqrstuvwxyz", plainLetters("01234567890"), "qwertyuiop", "qwertzuiop", "azertyuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm"}
	r := []rune(s)
	aside := 0
	for i := 1; i < len(r); i++ {
		pair := string(r[i-1 : i+1])
		back := string([]rune{r[i], r[i-1]})
		step := r[i] == r[i-1]
		for _, row := range rows {
			step = step || strings.Contains(row, pair) || strings.Contains(row, back)
		}
		if !step {
			aside++
		}
	}
	return len(r) > 1 && aside <= 2 && aside*3 < len(r)
}

package audit

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits, in bytes.
const (
	maxName    = 64  // actor, action, object, a detail's name
	maxID      = 128 // actor's and object's id, origin
	maxValue   = 512 // a detail's value
	maxDetails = 16
)

// limited gives e with everything within its limit and card numbers masked.
func (e Entry) limited() Entry {
	e.Actor, e.Action, e.Object = cut(e.Actor, maxName), cut(e.Action, maxName), cut(e.Object, maxName)
	e.ActorID, e.ObjectID, e.From = tidy(e.ActorID, maxID), tidy(e.ObjectID, maxID), tidy(e.From, maxID)
	kept := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(e.Details)) {
		if len(kept) == maxDetails {
			break
		}
		kept[cut(name, maxName)] = tidy(e.Details[name], maxValue)
	}
	e.Details = kept
	return e
}

func tidy(s string, most int) string { return cut(masked(s), most) }

// cut makes s valid UTF-8 without NUL (which PostgreSQL cannot store), most bytes at most.
func cut(s string, most int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�")
	if len(s) <= most {
		return s
	}
	const mark = "…"
	end := most - len(mark)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + mark
}

// cardLike finds runs of 13 to 19 digits, also grouped by spaces or hyphens.
var cardLike = regexp.MustCompile(`\b[0-9](?:[ -]?[0-9]){12,18}\b`)

// masked leaves the last four digits of what passes a card number's check
// (ISO/IEC 7812-1, annex B). It is a net under the rule that none is given.
func masked(s string) string {
	return cardLike.ReplaceAllStringFunc(s, func(run string) string {
		digits := strings.NewReplacer(" ", "", "-", "").Replace(run)
		if !luhn(digits) {
			return run
		}
		return "····" + digits[len(digits)-4:]
	})
}

func luhn(digits string) bool {
	sum := 0
	for i := range len(digits) {
		d := int(digits[len(digits)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}

package signin

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strconv"
	"strings"
	"time"

	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// EnrolBy is what somebody shows who has no login yet.
type EnrolBy string

// What can be shown. Savings count only for members whose card is not known here:
// a card lies in a wallet, an account's end stands on every letter.
const (
	EnrolByCard    EnrolBy = "card"    // last four and expiry
	EnrolBySavings EnrolBy = "savings" // the account's end, and the birth date
)

// Enrolling is who somebody without a login says to be, as it was typed.
type Enrolling struct {
	Who       string // member number, e-mail address or telephone number, see member.ReadMention
	By        EnrolBy
	Last4     string // of the card
	Expires   string // of it, as 08/27
	End       string // the last four digits of the savings account's number, or all where it has fewer
	BirthDate string // YYYY-MM-DD
}

// shown is an Enrolling that can be compared.
type shown struct {
	who  member.Mention
	what string // what is shown, in the one form that showing.text has too
}

// read gives what can be compared. Errors: Invalid, naming every field that
// cannot be right for anybody.
func (q Enrolling) read() (e shown, err error) {
	var bad []fault.Field
	refuse := func(field, code, message string) {
		bad = append(bad, fault.Field{Location: "body." + field, Code: "enrol." + code, Message: message})
	}
	if e.who, err = member.ReadMention(q.Who); err != nil {
		bad = append(bad, fault.As(err).Fields...)
	}
	switch q.By {
	case EnrolBySavings:
		end, ok := readDigits(q.End)
		if !ok {
			refuse("end", "end", "Enter the last four digits of the account number.")
		}
		born, err := time.Parse(time.DateOnly, q.BirthDate)
		if err != nil {
			refuse("birth_date", "birth-date", "Enter a birth date of the calendar.")
		}
		e.what = savingsText(end, born.Format(time.DateOnly))
	default:
		last4, ok := readDigits(q.Last4)
		if !ok || len(last4) != 4 {
			refuse("last4", "last4", "Enter the last four digits of the card number.")
		}
		expires, ok := readExpiry(q.Expires)
		if !ok {
			refuse("expires", "expires", "Enter month and year as on the card, as 08/27.")
		}
		e.what = cardText(last4, expires)
	}
	if len(bad) > 0 {
		return shown{}, fault.InvalidFields(bad...)
	}
	return e, nil
}

func cardText(last4, expires string) string { return "card " + last4 + " " + expires }

func savingsText(number, birthDate string) string {
	return "savings " + endOf(number) + " " + birthDate
}

// endOf is what the end of a number is compared by.
func endOf(number string) string {
	digits := onlyDigits(number)
	return digits[max(0, len(digits)-4):]
}

const maxTypedNumber = 64 // characters

// readDigits takes digits with spaces, dashes and the stars or dots that letters
// write in place of the rest.
func readDigits(typed string) (string, bool) {
	if len(typed) > maxTypedNumber || strings.Trim(typed, "0123456789 -*•.xX") != "" {
		return "", false
	}
	digits := onlyDigits(typed)
	return digits, digits != ""
}

// readExpiry takes a month as cards show it, as 08/27, 8/2027 or 0827, and gives
// it as YYYY-MM.
func readExpiry(typed string) (string, bool) {
	parts := strings.FieldsFunc(typed, func(r rune) bool { return r < '0' || r > '9' })
	if len(parts) == 1 && len(parts[0]) == 4 {
		parts = []string{parts[0][:2], parts[0][2:]}
	}
	if len(parts) != 2 || len(parts[0]) > 2 || len(parts[1]) != 2 && len(parts[1]) != 4 || len(typed) > maxTypedNumber {
		return "", false
	}
	month, _ := strconv.Atoi(parts[0]) // digits, both of them
	year, _ := strconv.Atoi(parts[1])
	if year < 100 {
		year += 2000
	}
	return fmt.Sprintf("%04d-%02d", year, month), month >= 1 && month <= 12
}

const (
	maxMeant      = 8  // members whom one mention can mean; more share no address in earnest
	leastCompared = 32 // comparisons that every attempt costs, whomever it means
)

// fitting gives the one member to whom all fits that somebody shows; "" where that
// is nobody, or more than one. It asks and compares as much for nobody as for
// somebody.
func (s *Service) fitting(ctx context.Context, tx *db.Tx, e shown) (string, error) {
	meant, err := s.members.MentionedTx(ctx, tx, e.who, maxMeant+1)
	if err != nil {
		return "", err
	}
	if len(meant) > maxMeant {
		meant = nil
	}
	ids := []string{nobody}
	for _, m := range meant {
		ids = append(ids, m.ID)
	}
	held, err := s.held(ctx, tx, ids)
	if err != nil {
		return "", err
	}
	return s.whomFits(e.what, showings(meant, held)), nil
}

// showing is something that fits a member.
type showing struct{ memberID, text string }

// showings are all that would fit these members.
func showings(meant []member.Member, held []Holding) (list []showing) {
	carded := map[string]bool{}
	for _, h := range held {
		if h.Card && h.Last4 != "" && h.Expires != "" {
			carded[h.MemberID] = true
			list = append(list, showing{h.MemberID, cardText(h.Last4, h.Expires)})
		}
	}
	for _, m := range meant {
		for _, h := range held {
			number := h.Last4
			if number == "" {
				number = h.Ref
			}
			if h.MemberID == m.ID && !h.Card && !carded[m.ID] && m.BirthDate != "" && endOf(number) != "" {
				list = append(list, showing{m.ID, savingsText(number, m.BirthDate)})
			}
		}
	}
	return list
}

// whomFits compares by keyed hashes, all of them, so that the time tells nothing.
func (s *Service) whomFits(what string, list []showing) string {
	hash := func(text string) []byte { return s.key.Fingerprint("signin.enrolment-evidence", []byte(text)) }
	want := hash(what)
	fits := map[string]bool{}
	for i := range max(len(list), leastCompared) {
		one := showing{text: "nothing"}
		if i < len(list) {
			one = list[i]
		}
		if subtle.ConstantTimeCompare(hash(one.text), want) == 1 {
			fits[one.memberID] = true
		}
	}
	if len(fits) != 1 {
		return ""
	}
	for id := range fits {
		return id
	}
	return ""
}

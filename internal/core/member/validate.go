package member

import (
	"errors"
	"net/mail"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"standfast/internal/fault"
)

// Limits, in characters; the address's is in bytes (RFC 5321 §4.5.3.1.3 less the brackets).
const (
	minUsername, maxUsername = 3, 64
	maxDisplayName           = 100
	maxEmail                 = 254
	maxRef                   = 64
	maxLocale                = 35 // RFC 5646 §4.4.1
	defaultLocale            = "en-US"
	earliestBirth            = "1900-01-01"
)

var (
	e164    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // ITU-T E.164 §6.2.1: at most 15 digits
	region  = regexp.MustCompile(`^[a-z]{0,8}$`)
	grouped = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "", "\u00a0", "")

	errUsername = errors.New("member: not a username")
)

// usernameKey gives the form in which usernames are compared: RFC 8265's
// UsernameCaseMapped profile (width, case and normalization folded; no spaces,
// symbols beyond ASCII or mixed directions), less the spaces around it that
// keyboards and password managers leave.
func usernameKey(s string) (string, error) {
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) > maxUsername {
		return "", errUsername // before the profile looks at it, which costs more
	}
	key, err := precis.UsernameCaseMapped.CompareKey(s)
	if err != nil {
		return "", errUsername
	}
	if n := utf8.RuneCountInString(key); n < minUsername || n > maxUsername {
		return "", errUsername
	}
	if !oneScript(key) {
		return "", errMixed
	}
	return key, nil
}

// badUsername says which rule a username breaks.
func badUsername(err error) fault.Field {
	f := fault.Field{Location: "body.username", Code: "member.username", Message: "A username has 3 to 64 letters, digits or signs, and no spaces."}
	if errors.Is(err, errMixed) {
		f.Code, f.Message = "member.username-mixed", "A username has letters of one script, as only Latin or only Greek ones."
	}
	return f
}

// fill sets m's fields from n in their stored forms and gives the username's key.
func (m *Member) fill(n Spec) (key string, err error) {
	var bad []fault.Field
	check := func(ok bool, field, code, message string) {
		if !ok {
			bad = append(bad, fault.Field{Location: "body." + field, Code: code, Message: message})
		}
	}
	m.Ref, m.Username, m.Region, m.BirthDate = n.Ref, strings.TrimSpace(n.Username), n.Region, n.BirthDate
	m.DisplayName = norm.NFC.String(strings.TrimSpace(n.DisplayName))
	key, err = usernameKey(m.Username)
	if err != nil {
		bad = append(bad, badUsername(err))
	}
	check(plain(m.Ref, 1, maxRef), "ref", "member.ref", "A reference has 1 to 64 characters.")
	check(plain(m.DisplayName, 1, maxDisplayName), "display_name", "member.display-name", "A name has 1 to 100 characters.")
	check(region.MatchString(m.Region), "region", "member.region", "A region is a short name in small letters, as us.")
	check(validBirthDate(m.BirthDate, m.CreatedAt), "birth_date", "member.birth-date", "A birth date is written YYYY-MM-DD and lies in the past.")
	m.Locale, err = canonicalLocale(n.Locale)
	check(err == nil, "locale", "member.locale", "A locale is a language tag, as en-US.")
	contacts, more := Contacts{n.Email, n.Phone}.normal()
	m.Email, m.Phone = contacts.Email, contacts.Phone
	if bad = append(bad, more...); len(bad) > 0 {
		return "", fault.InvalidFields(bad...)
	}
	return key, nil
}

// normal gives the stored form of contact points and the rules that they break.
func (c Contacts) normal() (Contacts, []fault.Field) {
	var bad []fault.Field
	c.Email, c.Phone = strings.TrimSpace(c.Email), grouped.Replace(c.Phone)
	if c.Email != "" && !validEmail(c.Email) {
		bad = append(bad, fault.Field{Location: "body.email", Code: "member.email", Message: "This is not an e-mail address that we can write to."})
	}
	if c.Phone != "" && !e164.MatchString(c.Phone) {
		bad = append(bad, fault.Field{Location: "body.phone", Code: "member.phone", Message: "A telephone number is written in international form, as +1 202 555 0100."})
	}
	return c, bad
}

// validEmail takes a bare address: no name, comment or line break can hide in it.
func validEmail(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == "" && len(s) <= maxEmail && plain(s, 3, maxEmail) && !strings.ContainsAny(s, " \"<>(),;:\\")
}

func canonicalLocale(s string) (string, error) {
	if s == "" {
		return defaultLocale, nil
	}
	if len(s) > maxLocale {
		return "", errors.New("member: locale too long")
	}
	tag, err := language.Parse(s)
	return tag.String(), err
}

func validBirthDate(s string, now time.Time) bool {
	if s == "" {
		return true
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil && s >= earliestBirth && s <= now.Format(time.DateOnly)
}

// plain tells whether s is between least and most characters long, all of them
// printable and none of them a change of writing direction.
func plain(s string, least, most int) bool {
	if n := utf8.RuneCountInString(s); n < least || n > most || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

package instrument

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"standfast/internal/fault"
)

// maxHolder is the longest name in characters that ISO 20022 carries for a debtor (Max70Text).
const maxHolder = 70

// read validates a request and gives the number in its stored form. Of each part
// that is wrong it names field and rule, of all parts at once.
func (r Request) read(table *ModulusTable) (n Number, checked bool, err error) {
	var wrong []fault.Field
	note := func(err error) {
		if err != nil {
			wrong = append(wrong, fault.As(err).Fields...)
		}
	}
	if r.Kind != KindBankAccount {
		note(fault.InvalidField("body.kind", "method.kind", "We take payments from bank accounts only."))
	}
	n.Holder, err = holderName(r.HolderName)
	note(err)
	n.Country = strings.ToUpper(strings.TrimSpace(r.Country))
	switch {
	case n.Country == "US":
		checked = true
		n.Routing, err = RoutingNumber(r.RoutingNumber)
		note(err)
		n.Account, err = usAccount(r.AccountNumber)
	case n.Country == "GB" && r.IBAN == "":
		n.Routing, n.Account, checked, err = UKAccount(table, r.SortCode, r.AccountNumber)
	default:
		n.IBAN, checked, err = r.readIBAN(table, &n.Country)
	}
	note(err)
	if r.IBAN != "" && r.RoutingNumber+r.SortCode+r.AccountNumber != "" {
		note(fault.InvalidField("body.iban", "iban.and-numbers", "Give either an IBAN or the account's numbers, not both: they may name two accounts."))
	}
	if len(wrong) > 0 {
		return Number{}, false, fault.InvalidFields(wrong...)
	}
	return n, checked, nil
}

// collectable tells whether a cell of a currency can collect from an account: pounds
// come from accounts with a sort code (Bacs, however it is written), euro from those
// with an IBAN (SEPA Direct Debit).
func (n Number) collectable(currency string) error {
	if currency == "GBP" && n.Country != "GB" || currency == "EUR" && n.IBAN == "" {
		return fault.InvalidField("body.country", "method.country", "We do not take accounts of this country.")
	}
	return nil
}

// readIBAN reads an IBAN. country is what was typed, "" for nothing, and becomes
// the IBAN's own. A British one holds a sort code and an account number, which
// are checked, and become the number so that a duplicate is known in either form.
func (r Request) readIBAN(table *ModulusTable, country *string) (iban string, checked bool, err error) {
	if *country != "" && bbanStructure(*country) == "" {
		return "", false, fault.InvalidField("body.country", "method.country", "We do not take accounts of this country.")
	}
	if iban, err = IBAN(r.IBAN); err != nil {
		return "", false, err
	}
	if *country != "" && *country != iban[:2] {
		return "", false, fault.InvalidField("body.iban", "iban.other-country", "This IBAN belongs to another country than the one chosen.")
	}
	*country = iban[:2]
	if *country != "GB" {
		return iban, true, nil
	}
	if _, _, checked, err = UKAccount(table, iban[8:14], iban[14:22]); err != nil {
		return "", false, fault.InvalidField("body.iban", "iban.uk-check", "The account number in this IBAN does not fit its sort code. Please compare it with your statement.")
	}
	return iban, checked, nil
}

// holderName reads a name of 1 to 70 characters, with single spaces and at least one letter.
func holderName(s string) (string, error) {
	const field = "body.holder_name"
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", fault.InvalidField(field, "holder-name.characters", "The name has characters that no bank can print.")
	}
	name := strings.Join(strings.Fields(s), " ")
	switch {
	case name == "":
		return "", fault.InvalidField(field, "holder-name.missing", "Enter the name on the account.")
	case utf8.RuneCountInString(name) > maxHolder:
		return "", fault.InvalidField(field, "holder-name.long", "A name has at most 70 characters.")
	case !strings.ContainsFunc(name, unicode.IsLetter):
		return "", fault.InvalidField(field, "holder-name.letters", "A name has at least one letter.")
	}
	return name, nil
}

// canonical gives the text that is equal for every way to write one account: a
// British IBAN counts as its sort code and account number.
func (n Number) canonical() []byte {
	if n.Country == "GB" && n.IBAN != "" {
		return []byte("GB|" + n.IBAN[8:14] + "|" + n.IBAN[14:])
	}
	return []byte(n.Country + "|" + n.Routing + "|" + n.Account + n.IBAN)
}

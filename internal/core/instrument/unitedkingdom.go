package instrument

import (
	"strconv"

	"standfast/internal/fault"
)

// SortCode reads a British sort code, with or without dashes or spaces, and
// gives its six digits.
func SortCode(s string) (string, error) {
	const field = "body.sort_code"
	d, ok := bareDigits(s)
	switch {
	case s == "":
		return "", fault.InvalidField(field, "sort-code.missing", "Enter the sort code, six digits as 12-34-56.")
	case !ok || len(d) != 6:
		return "", fault.InvalidField(field, "sort-code.digits", "A sort code has exactly six digits, as 12-34-56.")
	case allZeros(d):
		return "", fault.InvalidField(field, "sort-code.zeros", "A sort code is not all zeros.")
	}
	return d, nil
}

// UKAccount reads a British account and gives its standard form: six digits and
// eight. Where the table covers the sort code it also holds the modulus check;
// checked is false where there is no table, or no rule for the sort code, which
// makes a number neither right nor wrong.
func UKAccount(table *ModulusTable, sortCode, account string) (sort, number string, checked bool, err error) {
	if sort, err = SortCode(sortCode); err != nil {
		return "", "", false, err
	}
	if sort, number, err = standardForm(sort, account); err != nil {
		return "", "", false, err
	}
	if table == nil {
		return sort, number, false, nil
	}
	valid, checked := table.valid(sort, number)
	if !valid {
		return "", "", true, fault.InvalidFields(
			fault.Field{Location: "body.account_number", Code: "account-number.uk-check", Message: "This account number does not fit this sort code. Please compare both with your statement."},
		)
	}
	return sort, number, checked, nil
}

// standardForm brings account numbers of 6 to 10 digits to eight, as Pay.UK's
// "Validating account numbers" says for non-standard numbers.
func standardForm(sort, account string) (string, string, error) {
	d, ok := bareDigits(account)
	bad := func(code, message string) (string, string, error) {
		return "", "", fault.InvalidField("body.account_number", code, message)
	}
	switch {
	case account == "":
		return bad("account-number.missing", "Enter the account number.")
	case !ok || len(d) < 6 || len(d) > 10:
		return bad("account-number.uk-digits", "A UK account number has eight digits; a few banks use six to ten.")
	case allZeros(d):
		return bad("account-number.zeros", "An account number is not all zeros.")
	}
	switch bank := sort[:2]; {
	case len(d) == 8:
	case len(d) < 8:
		d = "00"[:8-len(d)] + d
	case len(d) == 9 && (bank == "09" || bank == "72"): // Santander, also formerly Alliance & Leicester
		sort, d = sort[:5]+d[:1], d[1:]
	case len(d) == 10 && bank == "08": // The Co-operative Bank
		d = d[:8]
	case len(d) == 10 && (bank == "01" || bank >= "50" && bank <= "66"): // National Westminster
		d = d[2:]
	default:
		return bad("account-number.uk-length", "With this sort code, an account number of "+strconv.Itoa(len(d))+" digits is not known. Please enter eight digits.")
	}
	return sort, d, nil
}

// Sort codes and weights that single exceptions name.
const (
	exception8Sort = "090126"
	exception9Sort = "309634"
)

var (
	exception2      = weights{0, 0, 1, 2, 5, 3, 6, 4, 8, 7, 10, 9, 3, 1} // a is not 0 and g is not 9
	exception2WithG = weights{0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 10, 9, 3, 1} // a is not 0 and g is 9
)

// Places of the digits among the fourteen.
const (
	a, b, c, g, h = 6, 7, 8, 12, 13
)

// valid applies the table's one or two checks; covered is false when it has no
// rule for the sort code.
func (t *ModulusTable) valid(sort, account string) (valid, covered bool) {
	rows := t.find(sort)
	if len(rows) == 0 {
		return true, false
	}
	first := t.check(rows[0], sort, account)
	if len(rows) == 1 {
		return first, true
	}
	switch rows[0].exception {
	case 2, 10, 12: // with 9, 11 and 13: one of the two is enough
		return first || t.check(rows[1], sort, account), true
	}
	return first && t.check(rows[1], sort, account), true
}

// check applies one row. The numbers of the exceptions are those of the specification.
func (t *ModulusTable) check(row modulusRow, sort, account string) bool {
	d := digits(t.substitute(row.exception, sort) + account)
	w := row.weights
	switch row.exception {
	case 2:
		if d[a] != 0 {
			w = exception2
			if d[g] == 9 {
				w = exception2WithG
			}
		}
	case 3:
		if d[c] == 6 || d[c] == 9 {
			return true
		}
	case 6: // accounts in a foreign currency are not checked
		if d[a] >= 4 && d[a] <= 8 && d[g] == d[h] {
			return true
		}
	case 7:
		if d[g] == 9 {
			w = withoutStart(w)
		}
	case 10:
		if (d[a] == 0 || d[a] == 9) && d[b] == 9 && d[g] == 9 {
			w = withoutStart(w)
		}
	}
	return remainderFits(row, w, d) || row.exception == 14 && fitsShifted(row, d)
}

// substitute gives the sort code that a check counts with.
func (t *ModulusTable) substitute(exception int, sort string) string {
	switch exception {
	case 5:
		if s, ok := t.substitutes[sort]; ok {
			return s
		}
	case 8:
		return exception8Sort
	case 9:
		return exception9Sort
	}
	return sort
}

func digits(s string) (d [14]int) {
	for i := range d {
		d[i] = int(s[i] - '0')
	}
	return d
}

// withoutStart is what exceptions 7 and 10 call zeroising u to b.
func withoutStart(w weights) weights {
	for i := range c {
		w[i] = 0
	}
	return w
}

// remainderFits compares the weighted sum's remainder with what the row asks for.
func remainderFits(row modulusRow, w weights, d [14]int) bool {
	r := remainder(row, w, d)
	switch {
	case row.exception == 4:
		return r == 10*d[g]+d[h]
	case row.exception == 5 && row.method == mod11:
		return r == 0 && d[g] == 0 || r > 1 && 11-r == d[g]
	case row.exception == 5:
		return r == 0 && d[h] == 0 || r > 0 && 10-r == d[h]
	}
	return r == 0
}

func (m modulusMethod) modulus() int {
	if m == mod11 {
		return 11
	}
	return 10
}

// remainder adds the products, or with double alternate their digits, and 27 for
// exception 1, and divides by the modulus. Weights can be negative; the result is not.
func remainder(row modulusRow, w weights, d [14]int) int {
	sum := 0
	for i := range d {
		p := d[i] * w[i]
		if row.method == doubleAlt {
			p = p/100 + p/10%10 + p%10
		}
		sum += p
	}
	if row.exception == 1 {
		sum += 27
	}
	m := row.method.modulus()
	return (sum%m + m) % m
}

// fitsShifted is the second try of exception 14 (Coutts): an account number that
// ends in 0, 1 or 9 loses that digit and gains a zero in front.
func fitsShifted(row modulusRow, d [14]int) bool {
	if d[h] != 0 && d[h] != 1 && d[h] != 9 {
		return false
	}
	copy(d[a+1:], d[a:h])
	d[a] = 0
	return remainderFits(row, row.weights, d)
}

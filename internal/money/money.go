// Package money is an amount of one currency in whole minor units. Nothing in
// Standfast adds, compares or stores money in any other form.
package money

import (
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/bojanz/currency"
)

// Amount is a signed number of minor units (cents, pence, …) of one currency.
// The zero value has no currency and is only useful as "none".
type Amount struct {
	Minor    int64
	Currency string // ISO 4217, upper case
}

// Reasons why a text is no amount.
var (
	ErrSyntax      = errors.New("an amount is digits with an optional decimal point, as 25.00")
	ErrTooPrecise  = errors.New("the amount has more decimals than its currency")
	ErrOverflow    = errors.New("the amount is too large")
	ErrCurrency    = errors.New("the currency is not an ISO 4217 code in use")
	ErrMixed       = errors.New("amounts of different currencies were mixed")
	errJSONMembers = errors.New(`money is {"value":"25.00","currency":"USD"}`)
)

// maxDigits bounds what Parse reads: more than int64 can hold anyway.
const maxDigits = 24

// New makes an amount of minor units.
func New(minor int64, cur string) Amount { return Amount{minor, cur} }

// Digits gives the number of decimals of a currency, or ErrCurrency.
func Digits(cur string) (int, error) {
	d, ok := currency.GetDigits(cur)
	if !ok {
		return 0, ErrCurrency
	}
	return int(d), nil
}

// Parse reads a decimal text such as "25", "-25.00" or "1234.5" in a currency.
// It never rounds: too many decimals are ErrTooPrecise, even when they are zeros.
func Parse(value, cur string) (Amount, error) {
	digits, err := Digits(cur)
	if err != nil {
		return Amount{}, err
	}
	s, neg := strings.CutPrefix(value, "-")
	whole, frac, point := strings.Cut(s, ".")
	if whole == "" || (point && frac == "") || len(s) > maxDigits || !allDigits(whole) || !allDigits(frac) {
		return Amount{}, ErrSyntax
	}
	if len(frac) > digits {
		return Amount{}, ErrTooPrecise
	}
	var n int64
	for _, c := range whole + frac + strings.Repeat("0", digits-len(frac)) {
		d := int64(c - '0')
		if n > (math.MaxInt64-d)/10 {
			return Amount{}, ErrOverflow
		}
		n = n*10 + d
	}
	if neg {
		n = -n
	}
	return Amount{n, cur}, nil
}

func allDigits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// Value gives the decimal text with all decimals of the currency, as "-25.00".
func (a Amount) Value() string {
	digits, err := Digits(a.Currency)
	if err != nil {
		digits = 0
	}
	neg := a.Minor < 0
	u := uint64(a.Minor)
	if neg {
		u = -u
	}
	var b [32]byte
	i := len(b)
	for n := 0; u > 0 || n <= digits; n++ {
		if n == digits && digits > 0 {
			i--
			b[i] = '.'
		}
		i--
		b[i] = byte('0' + u%10)
		u /= 10
	}
	if neg {
		i--
		b[i] = '-'
	}
	return string(b[i:])
}

// String gives value and currency for logs, as "25.00 USD".
func (a Amount) String() string { return a.Value() + " " + a.Currency }

// Add gives a+b, or ErrMixed or ErrOverflow.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, ErrMixed
	}
	c := a.Minor + b.Minor
	if (c > a.Minor) != (b.Minor > 0) {
		return Amount{}, ErrOverflow
	}
	return Amount{c, a.Currency}, nil
}

// Neg gives -a. The smallest int64 has no opposite and never enters (Parse refuses it).
func (a Amount) Neg() Amount { return Amount{-a.Minor, a.Currency} }

// Abs gives a without its sign.
func (a Amount) Abs() Amount {
	if a.Minor < 0 {
		return a.Neg()
	}
	return a
}

// IsZero tells whether nothing is left.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// Positive tells whether a is more than zero.
func (a Amount) Positive() bool { return a.Minor > 0 }

// Negative tells whether a is less than zero.
func (a Amount) Negative() bool { return a.Minor < 0 }

type wire struct {
	Value    string `json:"value"`
	Currency string `json:"currency"`
}

// MarshalJSON writes {"value":"25.00","currency":"USD"}.
func (a Amount) MarshalJSON() ([]byte, error) {
	return json.Marshal(wire{a.Value(), a.Currency})
}

// UnmarshalJSON reads what MarshalJSON writes. The error is one of this package's.
func (a *Amount) UnmarshalJSON(b []byte) error {
	var w wire
	if err := json.Unmarshal(b, &w); err != nil {
		return errJSONMembers
	}
	v, err := Parse(w.Value, w.Currency)
	if err == nil {
		*a = v
	}
	return err
}

package api

import (
	"errors"
	"strings"
	"time"

	"standfast/internal/fault"
	"standfast/internal/money"
)

// amount is money as it goes over the wire.
type amount struct {
	Value    string `json:"value" minLength:"1" maxLength:"24" doc:"A decimal number with at most as many decimals as the currency has." example:"25.00"`
	Currency string `json:"currency" minLength:"3" maxLength:"3" doc:"ISO 4217 code." example:"USD"`
}

// positive reads an amount that is to be moved; at is its place in the request.
func (m amount) positive(at string) (money.Amount, error) {
	return positive(m.Value, m.Currency, at+".value", at+".currency")
}

// positive reads a decimal text as an amount above zero. valueAt and currencyAt
// are the places in the request that an error names.
func positive(value, currency, valueAt, currencyAt string) (money.Amount, error) {
	v, err := money.Parse(value, currency)
	switch {
	case errors.Is(err, money.ErrCurrency):
		return v, fault.InvalidField(currencyAt, "amount.currency", "This is no ISO 4217 currency code in use.")
	case errors.Is(err, money.ErrTooPrecise):
		return v, fault.InvalidField(valueAt, "amount.too-precise", "The amount has more decimals than its currency.")
	case errors.Is(err, money.ErrOverflow):
		return v, fault.InvalidField(valueAt, "amount.too-large", "The amount is too large.")
	case err != nil:
		return v, fault.InvalidField(valueAt, "amount.form", "An amount is digits with an optional decimal point, as 25.00.")
	case !v.Positive():
		return v, fault.InvalidField(valueAt, "amount.not-positive", "The amount must be more than zero.")
	}
	return v, nil
}

// wire gives the form in which an amount is answered.
func wire(a money.Amount) amount { return amount{Value: a.Value(), Currency: a.Currency} }

// optional is wire for an amount that may be missing.
func optional(a *money.Amount) *amount {
	if a == nil {
		return nil
	}
	w := wire(*a)
	return &w
}

// Page is what every list takes. Like the other embedded parts of requests it is
// exported because huma only looks into those.
type Page struct {
	Limit  int    `query:"limit" default:"25" minimum:"1" maximum:"100" doc:"The greatest number of items to answer."`
	Cursor string `query:"cursor" maxLength:"512" pattern:"^[!-~]*$" patternDescription:"the next_cursor of an earlier answer" doc:"Where to go on: the next_cursor of the page before."`
}

// list is what every list answers.
type list[T any] struct {
	Items []T    `json:"items" nullable:"false" doc:"The items of this page."`
	Next  string `json:"next_cursor,omitempty" doc:"Give this as cursor to get the next page. Missing on the last one."`
}

// body is an answer that has nothing but a body.
type body[T any] struct{ Body T }

// nothing is a request or an answer without contents.
type nothing struct{}

func bodyOf[T any](v T) *body[T] { return &body[T]{Body: v} }

// listOf turns a page of the domain's items into one of the wire's.
func listOf[D, T any](items []D, next string, convert func(D) T) *body[list[T]] {
	out := list[T]{Items: make([]T, len(items)), Next: next}
	for i, v := range items {
		out.Items[i] = convert(v)
	}
	return bodyOf(out)
}

// instant gives t for an answer, or nil when there is none.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	u := t.UTC()
	return &u
}

// placed tells whether a field's location says in which part of the request it is.
func placed(location string) bool {
	for _, part := range []string{"body", "query", "header", "path"} {
		if location == part || strings.HasPrefix(location, part+".") || strings.HasPrefix(location, part+"[") {
			return true
		}
	}
	return false
}

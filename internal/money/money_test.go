package money

import (
	"encoding/json"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		value, cur string
		want       int64
		err        error
	}{
		{"25.00", "USD", 2500, nil},
		{"25", "USD", 2500, nil},
		{"25.5", "USD", 2550, nil},
		{"-0.01", "USD", -1, nil},
		{"0", "USD", 0, nil},
		{"12", "JPY", 12, nil},
		{"1.234", "KWD", 1234, nil},
		{"92233720368547758.07", "USD", math.MaxInt64, nil},
		{"92233720368547758.08", "USD", 0, ErrOverflow},
		{"25.001", "USD", 0, ErrTooPrecise},
		{"25.000", "USD", 0, ErrTooPrecise},
		{"1.0", "JPY", 0, ErrTooPrecise},
		{"", "USD", 0, ErrSyntax},
		{".5", "USD", 0, ErrSyntax},
		{"5.", "USD", 0, ErrSyntax},
		{"--5", "USD", 0, ErrSyntax},
		{"+5", "USD", 0, ErrSyntax},
		{"1e3", "USD", 0, ErrSyntax},
		{"1,000", "USD", 0, ErrSyntax},
		{"٣", "USD", 0, ErrSyntax},
		{"1", "XXX", 0, ErrCurrency},
		{"1", "usd", 0, ErrCurrency},
		{"1", "", 0, ErrCurrency},
	} {
		got, err := Parse(c.value, c.cur)
		if !errors.Is(err, c.err) || got.Minor != c.want {
			t.Errorf("Parse(%q, %q) = %d, %v; want %d, %v", c.value, c.cur, got.Minor, err, c.want, c.err)
		}
	}
}

func TestValueIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Amount{rapid.Int64Min(-math.MaxInt64).Draw(t, "minor"), rapid.SampledFrom([]string{"USD", "JPY", "KWD", "CZK"}).Draw(t, "cur")}
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var got Amount
		if err := json.Unmarshal(b, &got); err != nil || got != a {
			t.Fatalf("%s: got %v, %v", b, got, err)
		}
	})
}

func TestAdd(t *testing.T) {
	if _, err := New(1, "USD").Add(New(1, "EUR")); !errors.Is(err, ErrMixed) {
		t.Error(err)
	}
	for _, c := range [][2]int64{{math.MaxInt64, 1}, {-math.MaxInt64, -2}} {
		if _, err := New(c[0], "USD").Add(New(c[1], "USD")); !errors.Is(err, ErrOverflow) {
			t.Error(c, err)
		}
	}
	for _, c := range [][3]int64{{1, 2, 3}, {1, 0, 1}, {5, -7, -2}, {0, 0, 0}, {math.MaxInt64, -1, math.MaxInt64 - 1}} {
		if got, err := New(c[0], "USD").Add(New(c[1], "USD")); err != nil || got.Minor != c[2] {
			t.Error(c, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("25.00", "USD")
	f.Add("-9223372036854775808", "JPY")
	f.Fuzz(func(t *testing.T, value, cur string) {
		a, err := Parse(value, cur)
		if err != nil {
			return
		}
		if b, err := Parse(a.Value(), cur); err != nil || a != b {
			t.Fatalf("%q %q: %v became %v, %v", value, cur, a, b, err)
		}
	})
}

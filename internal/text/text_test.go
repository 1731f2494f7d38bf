package text

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/money"
)

func load(t testing.TB) *Catalogue {
	t.Helper()
	c, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEveryLanguageHasEveryText(t *testing.T) {
	c := load(t)
	want := c.IDs(Default)
	for _, l := range c.Locales() {
		got := c.IDs(l)
		for _, id := range want {
			if !slices.Contains(got, id) {
				t.Errorf("%s lacks %s", l, id)
			}
		}
		for _, id := range got {
			if !slices.Contains(want, id) {
				t.Errorf("%s has %s, which %s lacks", l, id, Default)
			}
		}
	}
}

// A variety says only what it says otherwise, of what there is.
func TestAVarietyOnlyDiffers(t *testing.T) {
	c := load(t)
	for _, l := range varieties {
		for _, id := range c.IDs(l) {
			own, borrowed := c.Printer(l).raw(id), c.Printer(Default).raw(id)
			if !c.Has(Default, id) || own == borrowed && !strings.HasPrefix(id, "format.") {
				t.Errorf("%s in %s: %q, in %s %q", id, l, own, Default, borrowed)
			}
			if !strings.HasPrefix(id, "format.") && !slices.Equal(fields(own), fields(borrowed)) {
				t.Errorf("%s in %s names other values", id, l)
			}
		}
		for _, id := range []string{"sign-in.title", "fault.signin.refused", "format.time"} {
			if got, want := c.Printer(l).raw(id), c.Printer(Default).raw(id); got != want {
				t.Errorf("%s in %s is %q, want %q as in %s", id, l, got, want, Default)
			}
		}
	}
}

// A cell's readers are offered the cell's languages and no other, whatever their
// browser and their cookie say.
func TestACellOffersItsOwnLanguages(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		cell           []string
		header, chosen string
		want           string
	}{
		{[]string{"en-GB"}, "en-US,en;q=0.9", "", "en-GB"}, {[]string{"en-GB"}, "de", "de-DE", "en-GB"},
		{[]string{"de-DE", "en-GB"}, "", "", "de-DE"}, {[]string{"de-DE", "en-GB"}, "fr", "", "de-DE"},
		{[]string{"de-DE", "en-GB"}, "en-US,en;q=0.9,de;q=0.8", "", "en-GB"}, {[]string{"de-DE", "en-GB"}, "en", "de-DE", "de-DE"},
		{[]string{"en-US", "de-DE"}, "en-GB", "", "en-US"}, {[]string{"fr-FR", "de-DE"}, "en", "", "de-DE"}, {[]string{"fr-FR"}, "de", "", "de-DE"},
	} {
		if got := c.Among(x.cell).Match(x.header, x.chosen); got != x.want {
			t.Errorf("of %v, %q and %q chose %s, want %s", x.cell, x.header, x.chosen, got, x.want)
		}
	}
	if got := c.Among([]string{"de-DE", "en-GB", "de-DE", "xx"}).Locales(); !slices.Equal(got, []string{"de-DE", "en-GB"}) {
		t.Error(got)
	}
	if got := c.Locales(); !slices.Equal(got, locales[:]) {
		t.Error("the catalogue itself changed", got)
	}
}

func TestEveryLanguageNamesTheSameValues(t *testing.T) {
	c := load(t)
	for _, id := range c.IDs(Default) {
		if strings.HasPrefix(id, "format.") || strings.HasPrefix(id, "notify.") {
			continue // a language chooses what a date is made of; messages have optional parts
		}
		want := fields(c.Printer(Default).raw(id))
		for _, l := range c.Locales() {
			if got := fields(c.Printer(l).raw(id)); !slices.Equal(got, want) {
				t.Errorf("%s in %s names %v, in %s %v", id, l, got, Default, want)
			}
		}
	}
}

// raw is a text with its fields written out instead of filled in.
func (p *Printer) raw(id string) string {
	return p.T(id, "Number", "<Number>", "Name", "<Name>", "Amount", "<Amount>", "Date", "<Date>", "Time", "<Time>", "Account", "<Account>",
		"Last4", "<Last4>", "Page", "<Page>", "Brand", "<Brand>", "To", "<To>", "Currency", "<Currency>", "Device", "<Device>",
		"Address", "<Address>", "Used", "<Used>", "Until", "<Until>", "Want", "<Want>", "Last", "<Last>", "Maximum", "<Maximum>", "N", "<N>")
}

func fields(s string) (names []string) {
	if strings.Contains(s, "<no value>") {
		names = append(names, "a value that raw does not know")
	}
	for part := range strings.SplitSeq(s, "<") {
		if name, _, ok := strings.Cut(part, ">"); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

func TestAmountsAreWrittenAsTheLocaleDoes(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		locale string
		amount money.Amount
		want   string
		signed string
	}{
		{"en-US", money.New(128460, "USD"), "$1,284.60", "+$1,284.60"},
		{"en-US", money.New(-840, "USD"), "−$8.40", "−$8.40"},
		{"en-US", money.New(0, "USD"), "$0.00", "$0.00"},
		{"en-US", money.New(500, "JPY"), "¥500", "+¥500"},
		{"de-DE", money.New(128460, "EUR"), "1.284,60\u00a0€", "+1.284,60\u00a0€"},
		{"en-GB", money.New(-128460, "GBP"), "−£1,284.60", "−£1,284.60"},
		{"en-GB", money.New(500, "EUR"), "€5.00", "+€5.00"},
		{"de-DE", money.New(-840, "USD"), "−8,40\u00a0$", "−8,40\u00a0$"},
	} {
		p := c.Printer(x.locale)
		if got := p.Amount(x.amount); got != x.want {
			t.Errorf("%s writes %v as %q, want %q", x.locale, x.amount, got, x.want)
		}
		if got := p.AmountSigned(x.amount); got != x.signed {
			t.Errorf("%s writes %v signed as %q, want %q", x.locale, x.amount, got, x.signed)
		}
	}
}

func TestDatesAreWrittenAsTheLocaleDoes(t *testing.T) {
	c := load(t)
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 1, 2, 0, 0, time.UTC) // still Sunday in New York
	for locale, want := range map[string][]string{
		"en-US": {"Sunday, November 22, 2026", "November 22, 2026", "Nov 22", "20:02", "20:02 ET", "November 22, 2026, 20:02 ET"},
		"en-GB": {"Sunday 22 November 2026", "22 November 2026", "22 Nov", "20:02", "20:02 ET", "22 November 2026, 20:02 ET"},
		"de-DE": {"Sonntag, 22. November 2026", "22. November 2026", "22. Nov.", "20:02 Uhr", "20:02 Uhr (Ostküstenzeit)", "22. November 2026, 20:02 Uhr (Ostküstenzeit)"},
	} {
		p := c.Printer(locale).In(newYork)
		got := []string{p.LongDate(at), p.Date(at), p.ShortDate(at), p.Clock(at), p.Time(at), p.DateTime(at)}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", locale, got, want)
		}
	}
	if got := c.Printer("de-DE").In(newYork).Business("2026-03-01"); got != "Sonntag, 1. März 2026" {
		t.Errorf("a business date has no zone, got %q", got)
	}
}

func TestEveryMonthAndDayHasAName(t *testing.T) {
	c := load(t)
	for _, l := range c.Locales() {
		cal := c.Printer(l).calendar
		names := append(append(append([]string{}, cal.months[1:]...), cal.monthsShort[1:]...), cal.days[:]...)
		if slices.Contains(names, "") {
			t.Errorf("%s: %q", l, names)
		}
	}
}

func TestPluralsAndValues(t *testing.T) {
	c := load(t)
	for locale, want := range map[string][2]string{
		"en-US": {"This code is not right. You have one more try.", "This code is not right. You have 3 more tries."},
		"de-DE": {"Dieser Code stimmt nicht. Sie haben noch einen Versuch.", "Dieser Code stimmt nicht. Sie haben noch 3 Versuche."},
	} {
		p := c.Printer(locale)
		if got := p.N("fault.signin.code-wrong", 1); got != want[0] {
			t.Errorf("%s: %q", locale, got)
		}
		if got := p.Map("fault.signin.code-wrong", map[string]any{"Count": 3}); got != want[1] {
			t.Errorf("%s: %q", locale, got)
		}
	}
	if got := c.Printer("de-DE").T("fault.date.far", "Last", "2027-11-22"); got != "Zahlungen sind bis Montag, 22. November 2027 möglich. Wählen Sie ein früheres Datum." {
		t.Errorf("a business date among the values: %q", got)
	}
	if got := c.Printer("de-DE").Percent(370); got != "3,70\u00a0%" {
		t.Errorf("percent: %q", got)
	}
}

func TestAnUnknownTextIsNeverABlank(t *testing.T) {
	if got := load(t).Printer("de-DE").T("no.such.text"); got == "" {
		t.Error("blank")
	}
}

func TestMatchChoosesALanguage(t *testing.T) {
	c := load(t)
	for _, x := range []struct{ header, chosen, want string }{
		{"", "", "en-US"}, {"de", "", "de-DE"}, {"de-AT,de;q=0.9,en;q=0.5", "", "de-DE"}, {"fr,nl;q=0.5", "", "en-US"},
		{"de", "en-US", "en-US"}, {"en-GB", "de-DE", "de-DE"}, {"x;;;=,\x00", "nonsense", "en-US"}, {strings.Repeat("de,", 100), "", "en-US"},
	} {
		if got := c.Match(x.header, x.chosen); got != x.want {
			t.Errorf("Match(%.20q, %q) = %s, want %s", x.header, x.chosen, got, x.want)
		}
	}
}

func TestAmountsAreReadAsTyped(t *testing.T) {
	c := load(t)
	for _, x := range []struct {
		locale, typed string
		minor         int64
		err           error
	}{
		{"en-US", "25", 2500, nil}, {"en-US", " $25.00 ", 2500, nil}, {"en-US", "1,234.56", 123456, nil}, {"en-US", "1,234", 123400, nil},
		{"en-US", "25,00", 2500, nil}, {"en-US", "25.001", 0, money.ErrTooPrecise}, {"en-US", "1,23,4", 0, money.ErrSyntax},
		{"en-US", "-5", -500, nil}, {"en-US", "−5", -500, nil}, {"en-US", "", 0, money.ErrSyntax}, {"en-US", "1e3", 0, money.ErrSyntax},
		{"en-US", "99999999999999999999", 0, money.ErrOverflow}, {"en-US", "0,500", 0, money.ErrTooPrecise}, {"en-US", "<b>1</b>", 0, money.ErrSyntax},
		{"de-DE", "1.234,56", 123456, nil}, {"de-DE", "1.234", 123400, nil}, {"de-DE", "25.00", 2500, nil}, {"de-DE", "25,00 USD", 2500, nil},
		{"de-DE", "1.234.567,8", 123456780, nil}, {"de-DE", "25,001", 0, money.ErrTooPrecise}, {"de-DE", "1 234,50", 123450, nil},
	} {
		got, err := c.Printer(x.locale).ParseAmount(x.typed, "USD")
		if err != x.err || err == nil && got != money.New(x.minor, "USD") {
			t.Errorf("%s reads %q as %v, %v; want %d, %v", x.locale, x.typed, got, err, x.minor, x.err)
		}
	}
}

func TestEveryAmountWrittenIsReadBack(t *testing.T) {
	c := load(t)
	rapid.Check(t, func(t *rapid.T) {
		a := money.New(rapid.Int64Range(-1e15, 1e15).Draw(t, "minor"), rapid.SampledFrom([]string{"USD", "EUR", "GBP"}).Draw(t, "currency"))
		p := c.Printer(rapid.SampledFrom(c.Locales()).Draw(t, "locale"))
		if got, err := p.ParseAmount(p.Amount(a), a.Currency); err != nil || got != a {
			t.Fatalf("%q was read as %v, %v", p.Amount(a), got, err)
		}
	})
}

func FuzzParseAmount(f *testing.F) {
	c := load(f)
	for _, s := range []string{"25", "1,234.56", "1.234,56", "$-5", "1,,2", ".", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, l := range c.Locales() {
			p := c.Printer(l)
			a, err := p.ParseAmount(s, "USD")
			if err != nil {
				continue
			}
			if again, err := p.ParseAmount(p.Amount(a), "USD"); err != nil || again != a {
				t.Errorf("%q is %v, which is written %q and read as %v, %v", s, a, p.Amount(a), again, err)
			}
		}
	})
}

// A message that is written again has its amounts as JSON kept them.
func TestAStoredAmountIsWrittenLikeAnAmount(t *testing.T) {
	a := money.New(600_00, "USD")
	stored, err := json.Marshal(map[string]any{"Amount": a, "Payee": "City Card"})
	if err != nil {
		t.Fatal(err)
	}
	var again map[string]any
	if err := json.Unmarshal(stored, &again); err != nil {
		t.Fatal(err)
	}
	for _, locale := range []string{"en-US", "de-DE"} {
		p := load(t).Printer(locale)
		first, second := p.T("review.pay-now", "Amount", a), p.T("review.pay-now", "Amount", again["Amount"])
		if first != second || !strings.Contains(first, p.Amount(a)) {
			t.Errorf("%q and then %q", first, second)
		}
	}
}

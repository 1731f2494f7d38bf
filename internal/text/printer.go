package text

import (
	"fmt"
	"strings"
	"time"

	"github.com/bojanz/currency"
	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"standfast/internal/money"
)

// Printer writes texts, amounts and times for readers of one locale and one
// time zone. It is safe for concurrent use.
type Printer struct {
	catalogue *Catalogue
	locale    string
	localizer *i18n.Localizer
	numbers   *message.Printer
	plain     *currency.Formatter
	signed    *currency.Formatter
	zone      *time.Location
	calendar  calendar
}

func newPrinter(c *Catalogue, locale string) *Printer {
	signed := currency.NewFormatter(currency.NewLocale(locale))
	signed.AddPlusSign = true
	p := &Printer{
		catalogue: c,
		locale:    locale,
		localizer: i18n.NewLocalizer(c.bundle, locale),
		numbers:   message.NewPrinter(language.MustParse(locale)),
		plain:     currency.NewFormatter(currency.NewLocale(locale)),
		signed:    signed,
		zone:      time.UTC,
	}
	p.calendar = newCalendar(p)
	return p
}

// In gives the same printer for readers in another time zone.
func (p *Printer) In(zone *time.Location) *Printer {
	q := *p
	q.zone = zone
	return &q
}

// Locale gives the locale, as "de-DE"; it is also the page's lang attribute.
func (p *Printer) Locale() string { return p.locale }

// Zone gives the reader's time zone.
func (p *Printer) Zone() *time.Location { return p.zone }

// T gives the text of an id. args are names and values in turn, for the
// {{.Name}} of the text; amounts and whole numbers are written as the locale
// does. An id that the locale lacks gives the default locale's text.
func (p *Printer) T(id string, args ...any) string {
	if s, ok := p.catalogue.plain[p.locale][id]; ok {
		return s
	}
	return p.localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: p.values(args)})
}

// N gives the text of an id in the plural form for n; {{.N}} is n itself.
func (p *Printer) N(id string, n int, args ...any) string {
	return p.localize(&i18n.LocalizeConfig{MessageID: id, PluralCount: n, TemplateData: p.values(append(args, "N", n))})
}

// Map is T for values that come as a map, as those of a fault or a message. A
// whole number named Count chooses the plural form.
func (p *Printer) Map(id string, values map[string]any) string {
	args := make([]any, 0, 2*len(values))
	for name, v := range values {
		args = append(args, name, v)
	}
	if n, ok := values["Count"].(int); ok {
		return p.N(id, n, args...)
	}
	return p.T(id, args...)
}

// Has tells whether a text of this id exists in this locale or the default.
func (p *Printer) Has(id string) bool {
	return p.catalogue.Has(p.locale, id) || p.catalogue.Has(Default, id)
}

func (p *Printer) localize(c *i18n.LocalizeConfig) string {
	s, _ := p.localizer.Localize(c) // an error beside a text means: the default's text
	if s == "" {
		return c.MessageID // never a blank; the tests refuse an id that no catalogue has
	}
	return s
}

func (p *Printer) values(args []any) map[string]any {
	m := make(map[string]any, len(args)/2)
	for i := 0; i+1 < len(args); i += 2 {
		m[fmt.Sprint(args[i])] = p.value(args[i+1])
	}
	return m
}

// value writes what the locale writes in its own way and leaves the rest.
func (p *Printer) value(v any) any {
	switch v := v.(type) {
	case money.Amount:
		return p.Amount(v)
	case *money.Amount:
		if v != nil {
			return p.Amount(*v)
		}
		return ""
	case int:
		return p.Number(int64(v))
	case int64:
		return p.Number(v)
	case time.Time:
		return p.Time(v)
	case map[string]any:
		if a, ok := storedAmount(v); ok {
			return p.Amount(a)
		}
	case string:
		return p.Business(v) // a business date in full, any other text as it is
	}
	return v
}

// storedAmount reads an amount in the form in which JSON keeps it, for a message
// that is written again from what was stored of the first.
func storedAmount(v map[string]any) (money.Amount, bool) {
	value, _ := v["value"].(string)
	code, _ := v["currency"].(string)
	a, err := money.Parse(value, code)
	return a, err == nil && len(v) == 2
}

// Number writes a whole number with the locale's grouping.
func (p *Printer) Number(n int64) string { return p.numbers.Sprintf("%d", n) }

// Percent writes basis points as a percentage with two decimals: 370 is 3.70%.
func (p *Printer) Percent(basisPoints int64) string {
	whole, part := basisPoints/100, basisPoints%100
	number := p.Number(whole) + p.T("format.decimal") + fmt.Sprintf("%02d", part)
	return p.T("format.percent", "Number", number)
}

// Amount writes an amount with its currency and, when negative, a real minus sign.
func (p *Printer) Amount(a money.Amount) string { return formatAmount(p.plain, a) }

// AmountSigned is Amount with a plus sign before what comes in.
func (p *Printer) AmountSigned(a money.Amount) string {
	if a.IsZero() {
		return p.Amount(a)
	}
	return formatAmount(p.signed, a)
}

func formatAmount(f *currency.Formatter, a money.Amount) string {
	n, err := currency.NewAmount(a.Value(), a.Currency)
	if err != nil {
		return a.String() // a currency that is no longer known: still exact, still readable
	}
	return strings.ReplaceAll(f.Format(n), "-", "−")
}

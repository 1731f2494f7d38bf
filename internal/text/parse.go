package text

import (
	"strings"

	"standfast/internal/money"
)

// maxAmountText bounds an amount as people type it, in bytes.
const maxAmountText = 40

// ParseAmount reads an amount as a reader of this locale types it: with or
// without currency sign, grouping and spaces. The errors are money's. What
// could mean two things is read in the locale's way; nothing is rounded.
func (p *Printer) ParseAmount(s, cur string) (money.Amount, error) {
	if len(s) > maxAmountText {
		return money.Amount{}, money.ErrSyntax
	}
	s = stripAmount(s, cur)
	decimal, group := p.T("format.decimal"), p.T("format.group")
	plain, ok := ungroup(s, decimal, group)
	if !ok {
		// "25.00" in German or "25,00" in English can only be a decimal.
		plain, ok = ungroup(s, group, decimal)
	}
	if !ok {
		return money.Amount{}, money.ErrSyntax
	}
	return money.Parse(plain, cur)
}

// stripAmount removes spaces, the currency and turns a typographic minus into a plain one.
func stripAmount(s, cur string) string {
	return strings.NewReplacer(
		" ", "", "\u00a0", "", "\u202f", "", "\t", "", "'", "", "’", "", "−", "-",
		cur, "", strings.ToLower(cur), "", "$", "", "€", "", "£", "",
	).Replace(s)
}

// ungroup gives a number with a decimal point and no grouping, and whether the
// separators stood where grouping puts them: between groups of three digits.
func ungroup(s, decimal, group string) (string, bool) {
	whole, frac, hasFrac := strings.Cut(s, decimal)
	if strings.Contains(frac, group) || strings.Contains(frac, decimal) {
		return "", false
	}
	sign := ""
	if rest, neg := strings.CutPrefix(whole, "-"); neg {
		sign, whole = "-", rest
	}
	groups := strings.Split(whole, group)
	for i, g := range groups {
		if i > 0 && len(g) != 3 || i == 0 && len(groups) > 1 && (len(g) == 0 || len(g) > 3 || g == "0") {
			return "", false
		}
	}
	number := sign + strings.Join(groups, "")
	if hasFrac {
		number += "." + frac
	}
	return number, true
}

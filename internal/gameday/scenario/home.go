package scenario

import (
	"fmt"

	"standfast/internal/app"
	"standfast/internal/core/instrument"
)

// home is a cell as its made-up members have it.
type home struct {
	cell, currency, locale string
	telephone              string // of the issuer there
	mail                   string // end of their addresses
	number                 string // form of their telephone numbers
	bank                   func(i int) instrument.Request
}

// homes gives the homes of all cells, us first.
func homes() []home {
	return []home{
		newHome("us", "@example.com", "+1202555%04d", func(i int) instrument.Request { // a routing number that the Federal Reserve keeps for itself
			return instrument.Request{Country: "US", RoutingNumber: "011000015", AccountNumber: fmt.Sprintf("0007%08d", i)}
		}),
		newHome("gb", "@gb.example.com", "+447700900%03d", func(i int) instrument.Request { // a sort code that no bank has
			return instrument.Request{Country: "GB", SortCode: "000099", AccountNumber: fmt.Sprintf("7%07d", i)}
		}),
		newHome("eu", "@eu.example.com", "+493023125%03d", func(i int) instrument.Request { // a Bankleitzahl that no bank has
			return instrument.Request{IBAN: germanIBAN(fmt.Sprintf("000000007%09d", i))}
		}),
	}
}

func newHome(cell, mail, number string, bank func(i int) instrument.Request) home {
	c := app.CellUnder(cell)
	return home{cell: cell, currency: c.Currency, locale: c.Locales[0], telephone: c.Telephone, mail: mail, number: number, bank: bank}
}

// germanIBAN puts country and check digits before Bankleitzahl and account number
// (ISO 13616: 98 less the remainder by 97, with DE as 1314 and 00 behind).
func germanIBAN(account string) string {
	rest := 0
	for _, d := range account + "131400" {
		rest = (10*rest + int(d-'0')) % 97
	}
	return fmt.Sprintf("DE%02d%s", 98-rest, account)
}

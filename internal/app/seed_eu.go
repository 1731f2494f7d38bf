package app

import "standfast/internal/core/instrument"

// germany gives the members of a demo under the rules of eu, most of whom read
// German. Their numbers are among those that the Bundesnetzagentur keeps for films.
func (c casting) germany() []person {
	const forward = "Saldovortrag"
	nele := c.who("nele", "Nele Sander", "de-DE", "+493023125126") // enrols by hand, as robin in us
	nele.BirthDate = "1985-11-30"
	nelesCard := c.card("demo-card-6402", "Alltagskarte", "6402", 250000, 13275, 2500, 11)
	nelesCard.ExpiresOn = "2031-08-31"
	return []person{
		{c.who("jonas", "Jonas Weber", "de-DE", "+493023125134"), "linden-ufer-24", []holding{
			{c.card("demo-card-3208", "Alltagskarte", "3208", 500000, 68140, 3400, 13), -84925, hamburgCard, forward},
			{c.savings("demo-savings-8243", "Tagesgeld", "8243", 225), 1438020, overnight, forward},
			{c.savings("demo-savings-2418", "Haushaltskasse", "2418", 175), 296310, germanHousehold, forward},
		}, nil, germanBank("DE50000000000123456789")},
		{c.who("mara", "Mara Weber", "de-DE", "+493023125171"), "birken-garten-63", []holding{
			{c.card("demo-card-5321", "Reisekarte", "5321", 800000, 31290, 2500, 9), -42715, alpsCard, forward},
			{c.savings("demo-savings-7905", "Notgroschen", "7905", 225), 512080, overnight, forward},
		}, []string{"demo-savings-2418"}, germanBank("DE02000000000987654321")},
		{c.who("aoife", "Aoife Byrne", "en-GB", "+493023125188"), "seaglass-lane-77", []holding{
			{c.card("demo-card-9135", "Everyday Card", "9135", 400000, 19980, 2500, 18), -27440, alpsCard, "Balance brought forward"},
			{c.savings("demo-savings-4572", "Easy Access Savings", "4572", 225), 734500, overnight, "Balance brought forward"},
		}, nil, germanBank("DE63000000000111222333")},
		{nele, "", []holding{
			{nelesCard, -13275, alpsCard, forward},
			{c.savings("demo-savings-3259", "Notgroschen", "3259", 225), 187000, overnight, forward},
		}, nil, instrument.Request{}},
		c.probe(forward, germanBank("DE55000000000555666777")),
	}
}

// germanBank is an account at a bank that cannot be: no Bankleitzahl begins with 0.
func germanBank(iban string) instrument.Request {
	return instrument.Request{Kind: instrument.KindBankAccount, IBAN: iban}
}

// What they did lately. The merchants are invented.
var (
	hamburgCard = []line{
		{57, -4870, "purchase", "Markthalle am Fleet"}, {54, -1690, "purchase", "Buchladen Papiermond"}, {51, -6425, "purchase", "Tankstelle Nordring"},
		{47, -7120, "purchase", "Markthalle am Fleet"}, {44, -1099, "purchase", "Streamline Video"}, {40, 30000, "payment", "Zahlung erhalten, vielen Dank"},
		{36, -11250, "purchase", "Zahnarztpraxis am See"}, {33, -5935, "purchase", "Markthalle am Fleet"}, {30, -5800, "purchase", "Stadtverkehr"},
		{27, -16995, "purchase", "Holz & Heim Baumarkt"}, {24, -4310, "purchase", "Trattoria Stella"}, {21, 1995, "refund", "Holz & Heim Baumarkt"},
		{17, -5245, "purchase", "Markthalle am Fleet"}, {14, -1099, "purchase", "Streamline Video"}, {11, -4480, "purchase", "Tankstelle Nordring"},
		{8, -6890, "purchase", "Gärtnerei Weidengrund"}, {6, -1870, "purchase", "Apotheke am Ufer"}, {4, -8995, "purchase", "Schuhhaus Blaureiher"},
		{2, -5800, "purchase", "Stadtverkehr"}, {1, -1135, "purchase", "Bäckerei Sonnenschein"}, {0, -590, "purchase", "Bäckerei Sonnenschein"},
	}
	alpsCard = []line{
		{53, -24380, "purchase", "Skyline Air"}, {49, -16800, "purchase", "Hotel Hafenblick"}, {40, 45000, "payment", "Zahlung erhalten, vielen Dank"},
		{28, -3290, "purchase", "Alpenbahn"}, {20, -10450, "purchase", "Berggasthof Tanne"}, {13, -2990, "purchase", "Alpenbahn"},
		{8, -4820, "purchase", "Strandgrill"}, {3, -8940, "purchase", "Skyline Air"}, {1, -1420, "purchase", "Kino Astoria"},
	}
	overnight = []line{
		{91, 2690, "interest", "Zinsen"}, {75, 40000, "deposit", "Übertrag vom Girokonto"}, {61, 2715, "interest", "Zinsen"},
		{45, 40000, "deposit", "Übertrag vom Girokonto"}, {30, 2740, "interest", "Zinsen"}, {2, 2768, "interest", "Zinsen"},
	}
	germanHousehold = []line{
		{61, 430, "interest", "Zinsen"}, {48, -28500, "withdrawal", "Dachreparatur"}, {35, 15000, "deposit", "Monatliches Sparen"},
		{30, 436, "interest", "Zinsen"}, {5, 15000, "deposit", "Monatliches Sparen"}, {2, 441, "interest", "Zinsen"},
	}
)

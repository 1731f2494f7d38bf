package app

import "standfast/internal/core/instrument"

// america gives the members of a demo under the rules of us.
func (c casting) america() []person {
	const forward = "Balance brought forward"
	robin := c.who("robin", "Robin Vale", "en-US", "+12025550126") // enrols by hand, see docs/development.md
	robin.BirthDate = "1979-05-16"
	robinsCard := c.card("demo-card-6402", "Everyday Card", "6402", 300000, 18420, 2500, 11)
	robinsCard.ExpiresOn = "2031-08-31"
	return []person{
		{c.who("alex", "Alex Morgan", "en-US", "+12025550134"), "harbor-lantern-42", []holding{
			{c.card("demo-card-3007", "Everyday Card", "3007", 800000, 96215, 4000, 13), -128460, everydayCard, forward},
			{c.savings("demo-savings-8841", "High Yield Savings", "8841", 370), 1842007, highYield, forward},
			{c.savings("demo-savings-2216", "Household Savings", "2216", 310), 421550, household, forward},
		}, nil, americanBank("000123456789")},
		{c.who("jamie", "Jamie Morgan", "en-US", "+12025550171"), "meadow-copper-17", []holding{
			{c.card("demo-card-5120", "Travel Card", "5120", 1200000, 41230, 3500, 9), -57905, travelCard, forward},
			{c.savings("demo-savings-7703", "Rainy Day Savings", "7703", 370), 605018, rainyDay, forward},
		}, []string{"demo-savings-2216"}, americanBank("000987654321")},
		{c.who("lena", "Lena Brandt", "de-DE", "+12025550188"), "winter-orchard-88", []holding{
			{c.card("demo-card-9034", "Everyday Card", "9034", 500000, 23010, 2500, 18), -31275, berlinCard, forward},
			{c.savings("demo-savings-4471", "High Yield Savings", "4471", 370), 980044, rainyDay, forward},
		}, nil, americanBank("000555666777")},
		{robin, "", []holding{
			{robinsCard, -18420, berlinCard, forward},
			{c.savings("demo-savings-3058", "Rainy Day Savings", "3058", 370), 211000, rainyDay, forward},
		}, nil, instrument.Request{}},
		c.probe(forward, americanBank("000111222333")),
	}
}

// demoRouting is a US routing number with a right check digit that the Federal
// Reserve keeps for itself, so no demo payment can name a bank.
const demoRouting = "011000015"

func americanBank(number string) instrument.Request {
	return instrument.Request{Kind: instrument.KindBankAccount, Country: "US", RoutingNumber: demoRouting, AccountNumber: number}
}

// What they did lately. The merchants are invented.
var (
	everydayCard = []line{
		{58, -6420, "purchase", "Green Basket Market"}, {55, -1899, "purchase", "Paper Moon Books"}, {52, -4510, "purchase", "Northside Fuel"},
		{49, -8730, "purchase", "Green Basket Market"}, {46, -1299, "purchase", "Streamline Video"}, {43, -2350, "purchase", "Corner Bakery"},
		{40, 35000, "payment", "Payment received, thank you"}, {37, -15900, "purchase", "Lakeside Dental"}, {34, -7215, "purchase", "Green Basket Market"},
		{31, -3300, "purchase", "City Transit"}, {28, -24999, "purchase", "Home Hardware Depot"}, {25, -5640, "purchase", "Trattoria Stella"},
		{22, 2199, "refund", "Home Hardware Depot"}, {19, -6810, "purchase", "Green Basket Market"}, {16, -1299, "purchase", "Streamline Video"},
		{13, -4120, "purchase", "Northside Fuel"}, {10, -9175, "purchase", "Willow Garden Center"}, {8, -2680, "purchase", "Riverside Pharmacy"},
		{6, -5235, "purchase", "Green Basket Market"}, {4, -11860, "purchase", "Blue Heron Shoes"}, {2, -3300, "purchase", "City Transit"},
		{1, -1475, "purchase", "Corner Bakery"}, {0, -840, "purchase", "Corner Bakery"},
	}
	travelCard = []line{
		{54, -31250, "purchase", "Skyline Air"}, {50, -18900, "purchase", "Harborview Hotel"}, {44, -4210, "purchase", "Airport Parking"},
		{40, 52000, "payment", "Payment received, thank you"}, {29, -2615, "purchase", "Metro Rides"}, {21, -12440, "purchase", "Pine Lodge"},
		{14, -3890, "purchase", "Rail Express"}, {9, -6725, "purchase", "Seaside Grill"}, {3, -9950, "purchase", "Skyline Air"}, {1, -1520, "purchase", "Metro Rides"},
	}
	berlinCard = []line{
		{47, -2390, "purchase", "Bakery Sonnenschein"}, {39, -8915, "purchase", "Green Basket Market"}, {33, 15000, "payment", "Payment received, thank you"},
		{26, -4480, "purchase", "City Transit"}, {18, -6205, "purchase", "Kino Astoria"}, {11, -3140, "purchase", "Riverside Pharmacy"},
		{5, -7590, "purchase", "Green Basket Market"}, {1, -1985, "purchase", "Corner Bakery"},
	}
	highYield = []line{
		{91, 5420, "interest", "Interest paid"}, {75, 50000, "deposit", "Transfer from checking"}, {61, 5511, "interest", "Interest paid"},
		{45, 50000, "deposit", "Transfer from checking"}, {30, 5566, "interest", "Interest paid"}, {15, 50000, "deposit", "Transfer from checking"}, {2, 5594, "interest", "Interest paid"},
	}
	household = []line{
		{61, 1049, "interest", "Interest paid"}, {48, -32000, "withdrawal", "Roof repair"}, {35, 20000, "deposit", "Monthly saving"},
		{30, 1071, "interest", "Interest paid"}, {5, 20000, "deposit", "Monthly saving"}, {2, 1088, "interest", "Interest paid"},
	}
	rainyDay = []line{
		{61, 1794, "interest", "Interest paid"}, {40, 25000, "deposit", "Monthly saving"}, {30, 1826, "interest", "Interest paid"},
		{10, 25000, "deposit", "Monthly saving"}, {2, 1858, "interest", "Interest paid"},
	}
)

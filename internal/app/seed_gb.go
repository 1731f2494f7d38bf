package app

import "standfast/internal/core/instrument"

// britain gives the members of a demo under the rules of gb. Their numbers are
// among those that Ofcom keeps for films.
func (c casting) britain() []person {
	const forward = "Balance brought forward"
	isla := c.who("isla", "Isla Fraser", "en-GB", "+447700900126") // enrols by hand, as robin in us
	isla.BirthDate = "1982-03-09"
	islasCard := c.card("demo-card-6402", "Everyday Card", "6402", 250000, 11240, 1000, 11)
	islasCard.ExpiresOn = "2031-08-31"
	return []person{
		{c.who("harriet", "Harriet Lloyd", "en-GB", "+447700900134"), "thistle-harbour-31", []holding{
			{c.card("demo-card-3107", "Everyday Card", "3107", 600000, 74830, 2245, 13), -93112, londonCard, forward},
			{c.savings("demo-savings-8142", "Easy Access Saver", "8142", 410), 1265540, easyAccess, forward},
			{c.savings("demo-savings-2317", "Household Saver", "2317", 350), 318425, britishHousehold, forward},
		}, nil, britishBank("00123459")},
		{c.who("rhys", "Rhys Lloyd", "en-GB", "+447700900171"), "copper-canal-56", []holding{
			{c.card("demo-card-5220", "Travel Card", "5220", 900000, 28615, 1000, 9), -39980, railCard, forward},
			{c.savings("demo-savings-7804", "Rainy Day Saver", "7804", 410), 470215, easyAccess, forward},
		}, []string{"demo-savings-2317"}, britishBank("00987651")},
		{isla, "", []holding{
			{islasCard, -11240, railCard, forward},
			{c.savings("demo-savings-3158", "Rainy Day Saver", "3158", 410), 164000, easyAccess, forward},
		}, nil, instrument.Request{}},
		c.probe(forward, britishBank("00111229")),
	}
}

// demoSortCode begins as no bank's does: the ranges that are given out begin at 01.
const demoSortCode = "00-00-99"

func britishBank(number string) instrument.Request {
	return instrument.Request{Kind: instrument.KindBankAccount, Country: "GB", SortCode: demoSortCode, AccountNumber: number}
}

// What they did lately. The merchants are invented.
var (
	londonCard = []line{
		{57, -5215, "purchase", "Larkfield Grocers"}, {54, -1399, "purchase", "Inkwell Books"}, {51, -6120, "purchase", "Ridgeway Petrol"},
		{47, -7340, "purchase", "Larkfield Grocers"}, {44, -999, "purchase", "Streamline Video"}, {40, 30000, "payment", "Payment received, thank you"},
		{36, -12600, "purchase", "Millbank Dental Practice"}, {33, -6480, "purchase", "Larkfield Grocers"}, {30, -2840, "purchase", "City Travelcard"},
		{27, -18999, "purchase", "Brook & Barley Homewares"}, {24, -4725, "purchase", "The Copper Kettle"}, {21, 1999, "refund", "Brook & Barley Homewares"},
		{17, -5960, "purchase", "Larkfield Grocers"}, {14, -999, "purchase", "Streamline Video"}, {11, -3850, "purchase", "Ridgeway Petrol"},
		{8, -7315, "purchase", "Hollybush Garden Centre"}, {6, -2145, "purchase", "Riverside Chemist"}, {4, -9450, "purchase", "Blue Heron Shoes"},
		{2, -2840, "purchase", "City Travelcard"}, {1, -1260, "purchase", "Corner Bakery"}, {0, -680, "purchase", "Corner Bakery"},
	}
	railCard = []line{
		{53, -21450, "purchase", "Skyline Air"}, {49, -14200, "purchase", "Harbour View Hotel"}, {40, 40000, "payment", "Payment received, thank you"},
		{28, -3890, "purchase", "Northern & Western Rail"}, {20, -9660, "purchase", "Pine Lodge, Keswick"}, {13, -2715, "purchase", "Northern & Western Rail"},
		{8, -5340, "purchase", "Seaside Fish Bar"}, {3, -7980, "purchase", "Skyline Air"}, {1, -1180, "purchase", "Metro Cabs"},
	}
	easyAccess = []line{
		{91, 4310, "interest", "Interest paid"}, {75, 40000, "deposit", "Transfer from current account"}, {61, 4388, "interest", "Interest paid"},
		{45, 40000, "deposit", "Transfer from current account"}, {30, 4442, "interest", "Interest paid"}, {2, 4475, "interest", "Interest paid"},
	}
	britishHousehold = []line{
		{61, 905, "interest", "Interest paid"}, {48, -26500, "withdrawal", "Boiler repair"}, {35, 15000, "deposit", "Monthly saving"},
		{30, 918, "interest", "Interest paid"}, {5, 15000, "deposit", "Monthly saving"}, {2, 926, "interest", "Interest paid"},
	}
)

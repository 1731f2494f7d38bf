package gallery

import (
	"time"

	"github.com/a-h/templ"

	"standfast/internal/core/account"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/money"
)

// id makes the ids of the gallery: stable, and as long as real ones.
func id(name string) string { return "0193-" + name }

func usd(minor int64) money.Amount   { return money.New(minor, "USD") }
func some(minor int64) *money.Amount { a := usd(minor); return &a }

func card() account.Tile {
	return account.Tile{
		Account: account.Account{ID: id("card"), Kind: account.Card, Currency: "USD", Name: "Everyday Card", Last4: "3007", Status: account.Active,
			CreditLimit: some(800000), StatementBalance: some(96215), MinimumDue: some(4000), DueOn: "2026-12-05"},
		State: account.Current, AsOf: now, Balance: &account.Balance{Balance: usd(-128460), Available: usd(671540), AsOf: now},
	}
}

func savings() account.Tile {
	rate := int64(370)
	return account.Tile{
		Account: account.Account{ID: id("savings"), Kind: account.Savings, Currency: "USD", Name: "High Yield Savings", Last4: "8841",
			Status: account.Active, RateBP: &rate},
		State: account.Current, AsOf: now, InterestThisYear: some(61132),
		Balance: &account.Balance{Balance: usd(1842007), Available: usd(1842007), AsOf: now},
	}
}

func stale(t account.Tile) account.Tile {
	t.State, t.AsOf = account.Stale, now.Add(-26*time.Minute)
	return t
}

// asked is a card whose freeze waits for our records to answer.
func asked(t account.Tile) account.Tile {
	t.FreezeAskedAt = now.Add(-2 * time.Minute)
	return t
}

func lost(t account.Tile) account.Tile {
	t.State, t.Balance, t.AsOf, t.InterestThisYear = account.Unavailable, nil, time.Time{}, nil
	return t
}

func movements() []account.Transaction {
	after := func(minor int64) *money.Amount { return some(minor) }
	return []account.Transaction{
		{ID: id("t1"), AccountID: id("card"), PostedAt: now.Add(-time.Hour), Amount: usd(-840), Kind: "purchase", Description: "Corner Bakery", Status: "pending"},
		{ID: id("t2"), AccountID: id("card"), PostedAt: now.Add(-2 * time.Hour), Amount: usd(25000), Kind: "payment", Status: "posted", BalanceAfter: after(-127620)},
		{ID: id("t3"), AccountID: id("card"), PostedAt: now.Add(-48 * time.Hour), Amount: usd(-3300), Kind: "purchase", Description: "City Transit", Status: "posted", BalanceAfter: after(-152620)},
		{ID: id("t4"), AccountID: id("savings"), PostedAt: now.Add(-50 * time.Hour), Amount: usd(5594), Kind: "interest", Status: "posted", BalanceAfter: after(1842007)},
		{ID: id("t5"), AccountID: id("card"), PostedAt: now.Add(-75 * time.Hour), Amount: usd(-123456), Kind: "purchase",
			Description: "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch Souvenirs & Tea <Rooms>", Status: "posted", BalanceAfter: after(-149320)},
	}
}

func dashboard(tiles ...account.Tile) view.DashboardData {
	return view.DashboardData{Name: "Ana", Dashboard: account.Dashboard{AsOf: now, State: account.Current, Tiles: tiles,
		Activity: movements(), ActivityState: account.Current}}
}

func showDashboard(change func(*view.DashboardData), tiles ...account.Tile) func(view.Frame) templ.Component {
	return func(f view.Frame) templ.Component {
		d := dashboard(tiles...)
		if change != nil {
			change(&d)
		}
		return view.Dashboard(f, d)
	}
}

func accountEntries() []Entry {
	none := func(d *view.DashboardData) { d.Activity = nil }
	inCredit, frozen := card(), card()
	inCredit.Balance = &account.Balance{Balance: usd(1250), Available: usd(801250), AsOf: now}
	inCredit.MinimumDue, inCredit.DueOn = some(0), ""
	frozen.Status = account.Frozen
	return append([]Entry{
		{Name: "dashboard", Section: view.AtHome, Page: showDashboard(nil, card(), savings())},
		{Name: "dashboard-stale", Section: view.AtHome, Notices: notices(), Page: showDashboard(func(d *view.DashboardData) { d.ActivityState = account.Stale }, card(), stale(savings()))},
		{Name: "dashboard-unavailable", Section: view.AtHome, Page: showDashboard(func(d *view.DashboardData) {
			d.Activity, d.ActivityState = nil, account.Unavailable
		}, lost(card()), lost(savings()))},
		{Name: "dashboard-list-unavailable", Section: view.AtHome, Page: showDashboard(func(d *view.DashboardData) { d.State = account.Unavailable })},
		{Name: "dashboard-empty", Section: view.AtHome, Page: showDashboard(none)},
		{Name: "dashboard-no-activity", Section: view.AtHome, Page: showDashboard(none, inCredit)},
		{Name: "dashboard-waiting", Section: view.AtHome, Page: func(f view.Frame) templ.Component {
			return showDashboard(func(d *view.DashboardData) { d.Waiting = []view.Waiting{waitingDeposits(f)} }, frozen, savings(), stale(savings()))(f)
		}},
		{Name: "dashboard-offer", Section: view.AtHome, Page: showDashboard(func(d *view.DashboardData) { d.OfferCodes = true }, card(), savings())},
		{Name: "freeze", Section: view.AtHome, Page: func(f view.Frame) templ.Component { return view.Freeze(f, card()) }},
		{Name: "unfreeze", Section: view.AtHome, Page: func(f view.Frame) templ.Component { return view.Freeze(f, frozen) }},
	}, accountPages()...)
}

func showAccount(t account.Tile, change func(*view.AccountData)) func(view.Frame) templ.Component {
	return func(f view.Frame) templ.Component {
		d := view.AccountData{Tile: t, Page: account.Page{Items: movements(), State: account.Current, AsOf: now, Next: "next"}}
		if change != nil {
			change(&d)
		}
		return view.Account(f, d)
	}
}

func accountPages() []Entry {
	return []Entry{
		{Name: "account-card", Section: view.AtHome, Page: showAccount(card(), nil)},
		{Name: "account-freeze-asked", Section: view.AtHome, Page: showAccount(asked(stale(card())), nil)},
		{Name: "account-savings-stale", Section: view.AtHome, Page: showAccount(stale(savings()), func(d *view.AccountData) {
			d.Page.State, d.Page.AsOf, d.Page.Next, d.Cursor = account.Stale, now.Add(-30*time.Hour), "", "here"
		})},
		{Name: "account-unavailable", Section: view.AtHome, Page: showAccount(lost(card()), func(d *view.AccountData) { d.Failed = true })},
		{Name: "account-empty", Section: view.AtHome, Page: showAccount(savings(), func(d *view.AccountData) { d.Page = account.Page{} })},
		{Name: "account-none-found", Section: view.AtHome, Page: showAccount(card(), func(d *view.AccountData) {
			d.Page, d.Text, d.From = account.Page{}, "zebra", "2026-11-01"
		})},
		{Name: "account-refused", Section: view.AtHome, Page: func(f view.Frame) templ.Component {
			return showAccount(card(), func(d *view.AccountData) {
				d.From, d.Problems = "yesterday", view.Problems{{Field: "from", Message: f.T("form.date-syntax")}}
			})(f)
		}},
	}
}

func transferEntries() []Entry {
	both := []account.Tile{card(), savings()}
	form := view.TransferForm{From: id("savings"), To: id("card"), Amount: "25", Key: id("key")}
	return []Entry{
		{Name: "transfer", Section: view.AtTransfer, Page: func(f view.Frame) templ.Component {
			return view.Transfer(f, view.TransferData{Accounts: both, Form: form})
		}},
		{Name: "transfer-refused", Section: view.AtTransfer, Page: func(f view.Frame) templ.Component {
			return view.Transfer(f, view.TransferData{Accounts: []account.Tile{lost(card()), savings()}, Problems: view.Problems{
				{Field: "from", Message: f.T("form.from-missing")}, {Field: "amount", Message: f.T("form.amount-missing")}}})
		}},
		{Name: "transfer-none", Section: view.AtTransfer, Page: func(f view.Frame) templ.Component { return view.Transfer(f, view.TransferData{}) }},
		{Name: "transfer-review", Section: view.AtTransfer, Page: func(f view.Frame) templ.Component {
			return view.TransferReview(f, view.TransferReviewData{From: savings(), To: card(), Amount: usd(2500), Form: form})
		}},
		{Name: "transfer-done", Section: view.AtTransfer, Page: func(f view.Frame) templ.Component {
			return view.TransferDone(f, view.TransferDoneData{Reference: "8F3A 09BC 11D2", Amount: usd(2500), From: savings(), To: card(), At: now})
		}},
	}
}

// waitingDeposits is what a dashboard says about a bank account to be confirmed.
func waitingDeposits(f view.Frame) view.Waiting {
	return view.Waiting{Text: f.T("dashboard.waiting-deposits", "Number", "•••• 6789"),
		Label: f.T("dashboard.waiting-deposits-go", "Number", "•••• 6789"), To: route.MethodConfirm.URL(id("bank"))}
}

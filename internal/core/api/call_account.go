package api

import (
	"context"
	"net/http"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
	"standfast/internal/journey"
)

// AccountInfo is one account as its holder sees it now. It is exported because
// tiles embed it (see Page).
type AccountInfo struct {
	ID               string     `json:"id" doc:"The account's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
	Kind             string     `json:"kind" enum:"card,savings" doc:"The product." example:"card"`
	Name             string     `json:"name" doc:"How the product is called." example:"Everyday card"`
	Last4            string     `json:"last4,omitempty" doc:"The last four of its number." example:"4242"`
	Currency         string     `json:"currency" doc:"ISO 4217 code of everything on it." example:"USD"`
	Status           string     `json:"status" enum:"active,frozen,closed" doc:"What may be done with it." example:"active"`
	Role             string     `json:"role" enum:"owner,joint,authorized" doc:"How the member holds it." example:"owner"`
	State            string     `json:"state" enum:"current,stale,unavailable" doc:"How far the balances can be trusted; unavailable has none." example:"current"`
	AsOf             *time.Time `json:"as_of,omitempty" doc:"When the balances were true." example:"2026-03-02T12:00:00Z"`
	Balance          *amount    `json:"balance,omitempty" doc:"Posted balance; negative on a card while its holder owes."`
	Available        *amount    `json:"available,omitempty" doc:"What can be spent or moved now."`
	PendingIn        *amount    `json:"pending_in,omitempty" doc:"Announced and about to arrive."`
	PendingOut       *amount    `json:"pending_out,omitempty" doc:"Held and about to leave."`
	CreditLimit      *amount    `json:"credit_limit,omitempty" doc:"Cards: the most that may be owed."`
	StatementBalance *amount    `json:"statement_balance,omitempty" doc:"Cards: what was owed at the last statement."`
	MinimumDue       *amount    `json:"minimum_due,omitempty" doc:"Cards: the least to pay until due_on."`
	DueOn            string     `json:"due_on,omitempty" doc:"Cards: business date by which minimum_due is to be paid." example:"2026-03-25"`
	OpenedOn         string     `json:"opened_on,omitempty" doc:"Business date of its opening." example:"2024-01-15"`
	ExpiresOn        string     `json:"expires_on,omitempty" doc:"Cards: the last day on which the card is good." example:"2029-01-31"`
	RateBP           *int64     `json:"rate_bp,omitempty" doc:"Interest a year in basis points." example:"425"`
}

// tile is one account on the dashboard.
type tile struct {
	AccountID        string  `json:"account_id" doc:"The account's id, as id." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
	InterestThisYear *amount `json:"interest_this_year,omitempty" doc:"Savings: interest earned since 1 January."`
	AccountInfo
}

type dashboard struct {
	AsOf          time.Time     `json:"as_of" doc:"When this was gathered." example:"2026-03-02T12:00:00Z"`
	State         string        `json:"state" enum:"current,stale,unavailable" doc:"How far the list of accounts itself can be trusted; each tile has a state of its own." example:"current"`
	Tiles         []tile        `json:"tiles" nullable:"false" doc:"One an account."`
	Activity      []transaction `json:"activity" nullable:"false" doc:"The newest transactions over all accounts."`
	ActivityState string        `json:"activity_state" enum:"current,stale,unavailable" doc:"Whether some account's part of activity is old or missing." example:"current"`
}

// transaction is one movement on an account.
type transaction struct {
	ID           string    `json:"id" doc:"The transaction's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c007"`
	AccountID    string    `json:"account_id" doc:"The account." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
	PostedAt     time.Time `json:"posted_at" doc:"When it counts." example:"2026-03-01T09:30:00Z"`
	Amount       amount    `json:"amount" doc:"Negative when money left the account."`
	Kind         string    `json:"kind" doc:"What it was, as purchase, payment, interest, transfer." example:"purchase"`
	Description  string    `json:"description" doc:"As it was sent to us; plain text, whatever it looks like." example:"Corner shop"`
	Status       string    `json:"status" enum:"pending,posted,voided" doc:"How it stands." example:"posted"`
	BalanceAfter *amount   `json:"balance_after,omitempty" doc:"The posted balance after it, where it is known."`
}

type transactionQuery struct {
	ByID
	Page
	From  string `query:"from" format:"date" maxLength:"10" doc:"First business date." example:"2026-01-01"`
	Until string `query:"until" format:"date" maxLength:"10" doc:"Last business date." example:"2026-03-31"`
	Text  string `query:"text" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"Part of the description." example:"shop"`
}

func (a *api) accountCalls() {
	register(a, operation{id: "dashboard", method: http.MethodGet, path: "/api/v1/dashboard", tag: "Accounts", journey: journey.Dashboard,
		summary: "All accounts at a glance", description: "Always 200 for a signed-in member, whatever has failed behind it: a tile whose source is slow or dead is stale or unavailable and leaves the others alone."}, a.dashboard)
	register(a, operation{id: "list-accounts", method: http.MethodGet, path: "/api/v1/accounts", tag: "Accounts", journey: journey.Accounts,
		summary: "The member's accounts"}, a.listAccounts)
	register(a, operation{id: "get-account", method: http.MethodGet, path: "/api/v1/accounts/{id}", tag: "Accounts", journey: journey.Accounts,
		errors: []int{http.StatusNotFound}, summary: "One account"}, a.getAccount)
	register(a, operation{id: "list-transactions", method: http.MethodGet, path: "/api/v1/accounts/{id}/transactions", tag: "Accounts", journey: journey.History,
		errors: []int{http.StatusNotFound}, summary: "An account's transactions, newest first"}, a.listTransactions)
}

func (a *api) dashboard(ctx context.Context, c *call, _ *nothing) (*body[dashboard], error) {
	d := a.Accounts.Dashboard(ctx, c.session.MemberID)
	out := dashboard{AsOf: d.AsOf.UTC(), State: string(d.State), ActivityState: string(d.ActivityState),
		Tiles: make([]tile, len(d.Tiles)), Activity: make([]transaction, len(d.Activity))}
	c.outcome = judged(d)
	a.figures(c, d.Tiles)
	for i, t := range d.Tiles {
		out.Tiles[i] = tile{AccountID: t.ID, AccountInfo: accountOf(t), InterestThisYear: optional(t.InterestThisYear)}
	}
	for i, t := range d.Activity {
		out.Activity[i] = transactionOf(t)
	}
	return bodyOf(out), nil
}

// judged says what a dashboard is worth to the member: without any known
// account it is a failure, though it is answered.
func judged(d account.Dashboard) journey.Outcome {
	if d.State == account.Unavailable {
		return journey.Failed
	}
	missing := 0
	outcome := journey.Done
	if d.State != account.Current || d.ActivityState != account.Current {
		outcome = journey.Partial
	}
	for _, t := range d.Tiles {
		if t.State != account.Current {
			outcome = journey.Partial
		}
		if t.State == account.Unavailable {
			missing++
		}
	}
	if missing > 0 && missing == len(d.Tiles) {
		return journey.Failed
	}
	return outcome
}

func (a *api) listAccounts(ctx context.Context, c *call, _ *nothing) (*body[list[AccountInfo]], error) {
	tiles, err := a.Accounts.List(ctx, c.session.MemberID)
	if err != nil {
		return nil, err
	}
	a.figures(c, tiles)
	return listOf(tiles, "", accountOf), nil
}

// figures says what the answer shows, for whoever compares it with a copy.
func (a *api) figures(c *call, tiles []account.Tile) {
	if posted, read := a.Accounts.Figures(tiles); posted != nil {
		journey.Figures(posted).Set(c.w.Header(), read)
	}
}

func (a *api) getAccount(ctx context.Context, c *call, in *ByID) (*body[AccountInfo], error) {
	t, err := a.Accounts.Get(ctx, c.session.MemberID, in.ID)
	if err != nil {
		return nil, err
	}
	a.figures(c, []account.Tile{t})
	return bodyOf(accountOf(t)), nil
}

func (a *api) listTransactions(ctx context.Context, c *call, in *transactionQuery) (*body[list[transaction]], error) {
	q := account.Query{Cursor: in.Cursor, Limit: in.Limit, Text: in.Text}
	var wrong string
	if q.From, q.Until, wrong = account.Days(in.From, in.Until, a.Cell.Zone); wrong != "" {
		return nil, fault.InvalidField("query."+wrong, "date", "This is no date, as 2026-03-25.")
	}
	p, err := a.Accounts.Transactions(ctx, c.session.MemberID, in.ID, q)
	if err != nil {
		return nil, err
	}
	if p.State == account.Stale {
		c.outcome = journey.Partial
	}
	return listOf(p.Items, p.Next, transactionOf), nil
}

func accountOf(t account.Tile) AccountInfo {
	i := AccountInfo{ID: t.ID, Kind: t.Kind, Name: t.Name, Last4: t.Last4, Currency: t.Currency, Status: t.Status,
		Role: t.Role, State: string(t.State), AsOf: instant(t.AsOf), CreditLimit: optional(t.CreditLimit),
		StatementBalance: optional(t.StatementBalance), MinimumDue: optional(t.MinimumDue), DueOn: t.DueOn,
		OpenedOn: t.OpenedOn, ExpiresOn: t.ExpiresOn, RateBP: t.RateBP}
	if b := t.Balance; b != nil {
		i.Balance, i.Available = optional(&b.Balance), optional(&b.Available)
		i.PendingIn, i.PendingOut = optional(&b.PendingIn), optional(&b.PendingOut)
	}
	return i
}

func transactionOf(t account.Transaction) transaction {
	return transaction{ID: t.ID, AccountID: t.AccountID, PostedAt: t.PostedAt.UTC(), Amount: wire(t.Amount), Kind: t.Kind,
		Description: t.Description, Status: t.Status, BalanceAfter: optional(t.BalanceAfter)}
}

// freezeAnswer says how a card stands.
type freezeAnswer struct {
	Status string `json:"status" enum:"frozen,requested,active" doc:"requested: the issuer's system has been asked and has not confirmed yet." example:"frozen"`
}

type cardPath struct {
	AccountID string `path:"account_id" doc:"The card's account." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
}

func (a *api) cardCalls() {
	for verb, frozen := range map[string]bool{"freeze": true, "unfreeze": false} {
		register(a, operation{id: verb + "-card", method: http.MethodPost, path: "/api/v1/cards/{account_id}/" + verb, tag: "Cards",
			use: map[bool]signin.Use{true: signin.Look, false: signin.Change}[frozen], journey: journey.Freeze, errors: []int{http.StatusNotFound, http.StatusConflict},
			summary: map[bool]string{true: "Freeze a card", false: "Unfreeze a card"}[frozen], description: "Repeating it changes nothing."},
			func(ctx context.Context, c *call, in *cardPath) (*body[freezeAnswer], error) {
				status, err := a.Accounts.Freeze(ctx, c.session.MemberID, in.AccountID, frozen, a.Cookies.IP(c.r))
				if err != nil {
					return nil, err
				}
				return bodyOf(freezeAnswer{Status: status}), nil
			})
	}
}

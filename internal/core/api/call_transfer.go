package api

import (
	"context"
	"net/http"

	"standfast/internal/core/account"
	"standfast/internal/core/signin"
	"standfast/internal/journey"
)

type transferRequest struct {
	From   string `json:"from_account_id" minLength:"1" maxLength:"64" doc:"The account that loses the money." example:"019cada2-6c00-7000-8000-2d5f3ab0c00a"`
	To     string `json:"to_account_id" minLength:"1" maxLength:"64" doc:"The account that gains it; a card is paid by it." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
	Amount amount `json:"amount" doc:"How much."`
}

// transferAnswer is a transfer that has been made.
type transferAnswer struct {
	ID     string `json:"id" doc:"The transfer's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c00b"`
	Status string `json:"status" doc:"posted: the money has moved." example:"posted"`
	From   string `json:"from_account_id" doc:"The account that lost the money." example:"019cada2-6c00-7000-8000-2d5f3ab0c00a"`
	To     string `json:"to_account_id" doc:"The account that gained it." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
	Amount amount `json:"amount" doc:"How much."`
}

func (a *api) transferCalls() {
	op := operation{id: "transfer", method: http.MethodPost, path: "/api/v1/transfers", tag: "Transfers", use: signin.Pay, journey: journey.Transfer,
		status: http.StatusCreated, errors: []int{http.StatusNotFound, http.StatusConflict}, summary: "Move money between own accounts",
		description: "At once. Savings to card is paying the card."}
	a.over[op.method+" "+op.path] = func(general http.HandlerFunc) http.HandlerFunc { return a.quickly(&op, general) }
	register(a, op, a.transfer)
}

func (a *api) transfer(ctx context.Context, c *call, in *struct {
	KeyHeaders
	Body transferRequest
}) (*body[transferAnswer], error) {
	v, err := in.Body.Amount.positive("body.amount")
	if err != nil {
		return nil, err
	}
	t, err := a.Accounts.Transfer(ctx, c.session.MemberID, account.TransferRequest{Key: in.Key, From: in.Body.From, To: in.Body.To, Amount: v})
	if err != nil {
		return nil, err
	}
	return bodyOf(transferOf(t)), nil
}

func transferOf(t account.Transfer) transferAnswer {
	return transferAnswer{ID: t.ID, Status: t.Status, From: t.From, To: t.To, Amount: wire(t.Amount)}
}

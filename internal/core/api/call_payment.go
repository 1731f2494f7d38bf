package api

import (
	"context"
	"net/http"
	"time"

	"standfast/internal/core/payment"
	"standfast/internal/core/signin"
	"standfast/internal/journey"
)

// KeyHeaders document what makes a call safe to repeat.
type KeyHeaders struct {
	Key string `header:"Idempotency-Key" required:"true" minLength:"1" maxLength:"128" pattern:"^[!-~]+$" patternDescription:"visible ASCII" doc:"The client's name for this one request. Sent again with the same contents it gives the first answer and does nothing more." example:"0f3b7c1e-pay-1"`
}

// ProofHeaders document the proof of a step-up.
type ProofHeaders struct {
	Proof string `header:"Step-Up-Proof" maxLength:"2048" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"What /step-up gave for exactly this action."`
}

type payRequest struct {
	AccountID       string `json:"account_id" minLength:"1" maxLength:"64" doc:"The card that is paid." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
	PaymentMethodID string `json:"payment_method_id" minLength:"1" maxLength:"64" doc:"Where the money comes from." example:"019cada2-6c00-7000-8000-2d5f3ab0c008"`
	Amount          amount `json:"amount" doc:"How much."`
	Date            string `json:"date,omitempty" maxLength:"10" pattern:"^([0-9]{4}-[0-9]{2}-[0-9]{2})?$" patternDescription:"a date as 2026-03-25" doc:"Business date in the cell's time zone; today when missing." example:"2026-03-25"`
}

// paymentInfo is one payment as its member sees it.
type paymentInfo struct {
	ID                 string         `json:"id" doc:"The payment's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c009"`
	ConfirmationNumber string         `json:"confirmation_number" doc:"For the member's records and for the telephone." example:"7K2M-94QX-R3TD"`
	AccountID          string         `json:"account_id" doc:"The card that is paid." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
	PaymentMethodID    string         `json:"payment_method_id" doc:"Where the money comes from." example:"019cada2-6c00-7000-8000-2d5f3ab0c008"`
	PaymentMethod      string         `json:"payment_method" doc:"How that method was shown when the payment was made." example:"•••• 6789"`
	Amount             amount         `json:"amount" doc:"How much."`
	Status             string         `json:"status" enum:"scheduled,awaiting_step_up,held,submitted,settled,returned,declined,cancelled" doc:"Where it stands. submitted includes an outcome that is not known yet." example:"held"`
	Code               string         `json:"code,omitempty" doc:"The bank's code of a return or refusal." example:"R01"`
	Date               string         `json:"date" doc:"The business date it was made for." example:"2026-03-02"`
	CreditedOn         string         `json:"credited_on" doc:"The business date that the card is credited as of." example:"2026-03-02"`
	CreatedAt          time.Time      `json:"created_at" doc:"When it was made." example:"2026-03-02T12:00:00Z"`
	CanCancel          bool           `json:"can_cancel" doc:"Whether it can still be cancelled." example:"true"`
	Events             []paymentEvent `json:"events" nullable:"false" doc:"What happened to it, oldest first."`
}

// paymentEvent is one step of a payment's life.
type paymentEvent struct {
	Status string    `json:"status" doc:"Where it stood from then on." example:"held"`
	At     time.Time `json:"at" doc:"When." example:"2026-03-02T12:00:00Z"`
	Note   string    `json:"note,omitempty" doc:"Stable name of the reason, where there is one."`
}

// payOptions is what can be paid on a card now.
type payOptions struct {
	Currency  string    `json:"currency" doc:"Of all amounts." example:"USD"`
	Minimum   *amount   `json:"minimum,omitempty" doc:"The minimum due of the last statement."`
	Statement *amount   `json:"statement,omitempty" doc:"The balance of the last statement."`
	Current   *amount   `json:"current,omitempty" doc:"What is owed now, without payments under way."`
	Remaining *amount   `json:"remaining,omitempty" doc:"What is owed now after payments under way."`
	Pending   amount    `json:"pending" doc:"Payments under way."`
	Maximum   amount    `json:"maximum" doc:"The most that one payment may be."`
	DueOn     string    `json:"due_on,omitempty" doc:"Business date by which the minimum is due." example:"2026-03-25"`
	Today     string    `json:"today" doc:"Today's business date." example:"2026-03-02"`
	MaxDate   string    `json:"max_date" doc:"The last date that a payment can be made for." example:"2026-05-31"`
	CutOff    time.Time `json:"cut_off" doc:"The next cut-off." example:"2026-03-02T22:00:00Z"`
	CreditsOn string    `json:"credits_on" doc:"The date that a payment made now is credited as of." example:"2026-03-02"`
}

type paymentQuery struct {
	Page
	AccountID string `query:"account_id" maxLength:"64" doc:"Only payments of this card." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
}

func (a *api) paymentCalls() {
	const path = "/api/v1/payments"
	refusals := []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict}
	register(a, operation{id: "pay", method: http.MethodPost, path: path, tag: "Payments", use: signin.Pay, journey: journey.Pay,
		status: http.StatusCreated, errors: refusals, summary: "Pay a card",
		description: "A refusal of type step-up-required carries a challenge bound to amount and payee. It is not recorded under the key: repeat the call with the proof and the same key."}, a.pay)
	register(a, operation{id: "list-payments", method: http.MethodGet, path: path, tag: "Payments", journey: journey.Payments,
		errors: []int{http.StatusNotFound}, summary: "The member's payments, newest first"}, a.listPayments)
	register(a, operation{id: "get-payment", method: http.MethodGet, path: path + "/{id}", tag: "Payments", journey: journey.Payments,
		errors: []int{http.StatusNotFound}, summary: "One payment"}, a.getPayment)
	register(a, operation{id: "cancel-payment", method: http.MethodPost, path: path + "/{id}/cancel", tag: "Payments", use: signin.Pay, journey: journey.Payments,
		errors: []int{http.StatusNotFound, http.StatusConflict}, summary: "Cancel a payment", description: "As long as the rail has not heard of it. Repeating it changes nothing."}, a.cancelPayment)
	register(a, operation{id: "payment-options", method: http.MethodGet, path: "/api/v1/accounts/{id}/payment-options", tag: "Payments", journey: journey.Pay,
		errors: []int{http.StatusNotFound, http.StatusConflict}, summary: "What can be paid on a card now"}, a.paymentOptions)
}

func (a *api) pay(ctx context.Context, c *call, in *struct {
	KeyHeaders
	ProofHeaders
	Body payRequest
}) (*created[paymentInfo], error) {
	v, err := in.Body.Amount.positive("body.amount")
	if err != nil {
		return nil, err
	}
	p, err := a.Payments.Submit(ctx, payment.Request{Key: in.Key, AccountID: in.Body.AccountID, MethodID: in.Body.PaymentMethodID,
		Amount: v, Date: in.Body.Date, Proof: in.Proof, Session: c.session, Client: a.Cookies.Client(c.w, c.r)})
	if err != nil {
		return nil, err
	}
	return &created[paymentInfo]{Status: http.StatusCreated, Location: "/api/v1/payments/" + p.ID, Body: paymentOf(p)}, nil
}

func (a *api) listPayments(ctx context.Context, c *call, in *paymentQuery) (*body[list[paymentInfo]], error) {
	all, next, err := a.Payments.List(ctx, c.session.MemberID, in.AccountID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return listOf(all, next, paymentOf), nil
}

func (a *api) getPayment(ctx context.Context, c *call, in *ByID) (*body[paymentInfo], error) {
	p, err := a.Payments.Get(ctx, c.session.MemberID, in.ID)
	if err != nil {
		return nil, err
	}
	return bodyOf(paymentOf(p)), nil
}

func (a *api) cancelPayment(ctx context.Context, c *call, in *ByID) (*body[paymentInfo], error) {
	p, err := a.Payments.Cancel(ctx, c.session.MemberID, in.ID)
	if err != nil {
		return nil, err
	}
	return bodyOf(paymentOf(p)), nil
}

func (a *api) paymentOptions(ctx context.Context, c *call, in *ByID) (*body[payOptions], error) {
	o, err := a.Payments.Options(ctx, c.session.MemberID, in.ID)
	if err != nil {
		return nil, err
	}
	return bodyOf(payOptions{Currency: o.Currency, Minimum: optional(o.Minimum), Statement: optional(o.Statement),
		Current: optional(o.Current), Remaining: optional(o.Remaining), Pending: wire(o.Pending), Maximum: wire(o.Maximum),
		DueOn: o.DueOn, Today: o.Today, MaxDate: o.MaxDate, CutOff: o.CutOff.UTC(), CreditsOn: o.CreditsOn}), nil
}

func paymentOf(p payment.Payment) paymentInfo {
	i := paymentInfo{ID: p.ID, ConfirmationNumber: payment.Grouped(p.ConfirmationNumber), AccountID: p.AccountID,
		PaymentMethodID: p.MethodID, PaymentMethod: p.MethodDisplay, Amount: wire(p.Amount), Status: string(p.Status), Code: p.Code,
		Date: p.Date, CreditedOn: p.CreditedOn, CreatedAt: p.CreatedAt.UTC(), CanCancel: p.CanCancel, Events: make([]paymentEvent, len(p.Events))}
	for n, e := range p.Events {
		i.Events[n] = paymentEvent{Status: string(e.Status), At: e.At.UTC(), Note: e.Note}
	}
	return i
}

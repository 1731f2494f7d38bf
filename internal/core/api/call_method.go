package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"standfast/internal/core/instrument"
	"standfast/internal/core/payment"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
	"standfast/internal/journey"
)

// methodInfo is a way to pay, as far as it may be shown.
type methodInfo struct {
	ID         string    `json:"id" doc:"The method's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c008"`
	Kind       string    `json:"kind" doc:"What it is: bank_account." example:"bank_account"`
	Country    string    `json:"country" doc:"ISO 3166-1 code of the bank's country." example:"US"`
	Display    string    `json:"display" doc:"How to show it: never more than the last four." example:"•••• 6789"`
	HolderName string    `json:"holder_name" doc:"The name on the account." example:"Ada Lovelace"`
	Status     string    `json:"status" enum:"new,verified,stopped,removed" doc:"Only a verified method pays." example:"new"`
	StopCode   string    `json:"stop_code,omitempty" doc:"Why it was stopped: tries, or the code of a bank's return." example:"R10"`
	Checked    bool      `json:"checked" doc:"Whether the number passed a check of its own scheme; false where there was none to apply." example:"true"`
	Deposits   *deposits `json:"deposits,omitempty" doc:"Of a new method: the two small credits that prove it."`
	CreatedAt  time.Time `json:"created_at" doc:"When it was added." example:"2026-03-02T12:00:00Z"`

	PaysFrom *time.Time `json:"pays_from,omitempty" doc:"From when on it can pay, where it was added after a recovery and has to wait; missing when it need not." example:"2026-03-03T12:00:00Z"`
}

// deposits is what may be told about micro-deposits.
type deposits struct {
	Sent      bool      `json:"sent" doc:"Whether they are on their way." example:"true"`
	TriesLeft int       `json:"tries_left" doc:"How many wrong answers are still allowed." example:"3"`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when they can be confirmed." example:"2026-03-12T12:00:00Z"`
}

type addMethodRequest struct {
	Kind          string `json:"kind" enum:"bank_account,debit_card" doc:"What is added. This release takes bank accounts and refuses debit cards." example:"bank_account"`
	Country       string `json:"country,omitempty" maxLength:"2" pattern:"^[A-Za-z]*$" patternDescription:"two letters" doc:"ISO 3166-1 code; may be left out with an IBAN." example:"US"`
	RoutingNumber string `json:"routing_number,omitempty" maxLength:"32" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"US: the bank's nine digits." example:"021000021"`
	SortCode      string `json:"sort_code,omitempty" maxLength:"32" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"GB: six digits." example:"08-99-99"`
	AccountNumber string `json:"account_number,omitempty" maxLength:"64" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"US and GB: the account's digits." example:"000123456789"`
	IBAN          string `json:"iban,omitempty" maxLength:"64" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"Everywhere else." example:"DE89 3704 0044 0532 0130 00"`
	Number        string `json:"number,omitempty" maxLength:"32" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"Debit cards: the number."`
	Expires       string `json:"expires,omitempty" maxLength:"8" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"Debit cards: MM/YY."`
	SecurityCode  string `json:"security_code,omitempty" maxLength:"8" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"Debit cards: the code on the back; never stored."`
	HolderName    string `json:"holder_name" minLength:"1" maxLength:"100" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"The name on the account." example:"Ada Lovelace"`
}

type confirmRequest struct {
	Amounts []string `json:"amounts" nullable:"false" minItems:"2" maxItems:"2" doc:"The two amounts in the cell's currency, in any order, each of at most 24 characters." example:"[\"0.12\",\"0.34\"]"`
}

// created is an answer with a status of its own: 201, or 200 for what stood already.
type created[T any] struct {
	Status   int
	Location string `header:"Location" doc:"Where the object is."`
	Body     T
}

func (a *api) methodCalls() {
	const path = "/api/v1/payment-methods"
	register(a, operation{id: "list-payment-methods", method: http.MethodGet, path: path, tag: "Payment methods", journey: journey.Methods,
		summary: "The member's ways to pay", description: "Removed ones are left out."}, a.listMethods)
	register(a, operation{id: "get-payment-method", method: http.MethodGet, path: path + "/{id}", tag: "Payment methods", journey: journey.Methods,
		errors: []int{http.StatusNotFound}, summary: "One way to pay"}, a.getMethod)
	register(a, operation{id: "add-payment-method", method: http.MethodPost, path: path, tag: "Payment methods", use: signin.Change, journey: journey.Methods,
		status: http.StatusCreated, errors: []int{http.StatusForbidden, http.StatusConflict, http.StatusTooManyRequests}, summary: "Add a way to pay",
		description: "Needs a code or passkey within the last ten minutes, or a proof. Numbers never come back whole. A duplicate gives the one that stands."}, a.addMethod)
	register(a, operation{id: "remove-payment-method", method: http.MethodDelete, path: path + "/{id}", tag: "Payment methods", use: signin.Change, journey: journey.Methods,
		status: http.StatusNoContent, errors: []int{http.StatusNotFound, http.StatusConflict}, summary: "Remove a way to pay"}, a.removeMethod)
	register(a, operation{id: "confirm-deposits", method: http.MethodPost, path: path + "/{id}/confirm", tag: "Payment methods", use: signin.Change, journey: journey.Methods,
		errors: []int{http.StatusNotFound, http.StatusConflict}, summary: "Confirm the two small credits",
		description: "Three wrong answers stop the method."}, a.confirmDeposits)
}

func (a *api) listMethods(ctx context.Context, c *call, _ *nothing) (*body[list[methodInfo]], error) {
	all, err := a.Instruments.List(ctx, c.session.MemberID)
	if err != nil {
		return nil, err
	}
	waits, err := a.Payments.MethodsPayFrom(ctx, c.session.MemberID, all)
	if err != nil {
		return nil, err
	}
	return listOf(all, "", func(m instrument.Method) methodInfo { return methodOf(m).from(waits[m.ID]) }), nil
}

// from gives the method with the time from when on it pays.
func (i methodInfo) from(t time.Time) methodInfo {
	i.PaysFrom = instant(t)
	return i
}

func (a *api) getMethod(ctx context.Context, c *call, in *ByID) (*body[methodInfo], error) {
	m, err := a.Instruments.Get(ctx, c.session.MemberID, in.ID)
	if err != nil {
		return nil, err
	}
	waits, err := a.Payments.MethodsPayFrom(ctx, c.session.MemberID, []instrument.Method{m})
	if err != nil {
		return nil, err
	}
	return bodyOf(methodOf(m).from(waits[m.ID])), nil
}

func (a *api) addMethod(ctx context.Context, c *call, in *struct {
	ProofHeaders
	Body addMethodRequest
}) (*created[methodInfo], error) {
	b := in.Body
	if b.Kind == "debit_card" {
		return nil, fault.InvalidField("body.kind", "method.no-debit-cards", "Debit cards are not taken yet. Please add a bank account.")
	}
	m, _, err := a.Payments.AddMethod(ctx, payment.MethodRequest{
		Request: instrument.Request{Kind: b.Kind, Country: b.Country, RoutingNumber: b.RoutingNumber, SortCode: b.SortCode,
			AccountNumber: b.AccountNumber, IBAN: b.IBAN, HolderName: b.HolderName},
		Proof: in.Proof, Session: c.session, Client: a.Cookies.Client(c.w, c.r),
	})
	if err != nil {
		return nil, err
	}
	return &created[methodInfo]{Status: http.StatusCreated, Location: "/api/v1/payment-methods/" + m.ID, Body: methodOf(m)}, nil
}

func (a *api) removeMethod(ctx context.Context, c *call, in *ByID) (*nothing, error) {
	return nil, a.Payments.RemoveMethod(ctx, c.session.MemberID, in.ID)
}

func (a *api) confirmDeposits(ctx context.Context, c *call, in *struct {
	ByID
	Body confirmRequest
}) (*body[methodInfo], error) {
	var minor [2]int64
	for i, s := range in.Body.Amounts {
		v, err := positive(s, a.Cell.Currency, "body.amounts["+strconv.Itoa(i)+"]", "")
		if err != nil {
			return nil, err
		}
		minor[i] = v.Minor
	}
	m, err := a.Instruments.ConfirmDeposits(ctx, c.session.MemberID, in.ID, minor[0], minor[1])
	if err != nil {
		return nil, err
	}
	return bodyOf(methodOf(m)), nil
}

func methodOf(m instrument.Method) methodInfo {
	i := methodInfo{ID: m.ID, Kind: m.Kind, Country: m.Country, Display: m.Display, HolderName: m.HolderName,
		Status: string(m.Status), StopCode: m.StopCode, Checked: m.Checked, CreatedAt: m.CreatedAt.UTC()}
	if p := m.Proof; p != nil {
		i.Deposits = &deposits{Sent: p.Sent, TriesLeft: p.TriesLeft, ExpiresAt: p.ExpiresAt.UTC()}
	}
	return i
}

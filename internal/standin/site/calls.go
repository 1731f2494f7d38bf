package site

import (
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"standfast/internal/fault"
	"standfast/internal/journey"
	"standfast/internal/money"
	"standfast/internal/standin/entry"
	"standfast/internal/standin/teller"
)

func (s *site) calls(m *http.ServeMux) {
	m.HandleFunc("POST /api/v1/sign-in", s.call(journey.SignIn, anybody, s.callSignIn))
	m.HandleFunc("GET /api/v1/sign-in/nonce", s.call(journey.SignIn, anybody, s.callNonce))
	m.HandleFunc("POST /api/v1/sign-in/passkey/options", s.call(journey.SignIn, anybody, s.passkeyPrompt))
	m.HandleFunc("POST /api/v1/sign-in/passkey", s.call(journey.SignIn, anybody, s.callSignInPasskey))
	m.HandleFunc("GET /api/v1/session", s.call(journey.Session, look, s.callSession))
	m.HandleFunc("DELETE /api/v1/session", s.call(journey.SignOut, freeze, s.callSignOut))
	m.HandleFunc("GET /api/v1/dashboard", s.call(journey.Dashboard, look, s.callDashboard))
	m.HandleFunc("GET /api/v1/accounts", s.call(journey.Accounts, look, s.callAccounts))
	m.HandleFunc("GET /api/v1/accounts/{id}", s.call(journey.Accounts, look, s.callAccount))
	m.HandleFunc("GET /api/v1/accounts/{id}/transactions", s.call(journey.History, look, s.callTransactions))
	m.HandleFunc("GET /api/v1/payment-methods", s.call(journey.Methods, look, s.callMethods))
	m.HandleFunc("GET /api/v1/payments", s.call(journey.Payments, look, s.callPayments))
	m.HandleFunc("GET /api/v1/payments/{id}", s.call(journey.Payments, look, s.callPayment))
	m.HandleFunc("POST /api/v1/payments", s.call(journey.Pay, pay, s.callPay))
	m.HandleFunc("POST /api/v1/cards/{id}/freeze", s.call(journey.Freeze, freeze, s.callFreeze))
	m.HandleFunc("GET /api/v1/status", s.call(journey.Status, anybody, s.callStatus))
}

// call makes a call's handler.
func (s *site) call(j journey.Name, d door, serve func(*visit) (any, int, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTime)
		defer cancel()
		r = r.WithContext(ctx)
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		v := s.visitor(w, r)
		status := 0
		body, err := inTurn(v, j, func() (body any, err error) {
			if err := s.admit(v, d); err != nil {
				return nil, err
			}
			body, status, err = serve(v)
			return body, err
		})
		if err != nil {
			e := fault.As(err)
			status = e.Kind.Status()
			if e.Kind == fault.Internal {
				s.Log.ErrorContext(ctx, "call", "pattern", r.Pattern, "err", err)
			}
		}
		if j != "" {
			journey.Set(w.Header(), j, journey.Of(status))
		}
		if err != nil {
			elsewhere(w.Header(), fault.As(err))
			fault.WriteProblem(w, err)
			return
		}
		if body == nil {
			w.WriteHeader(status)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body) // whoever has gone needs no answer
	}
}

// read takes a call's JSON body.
func read[T any](v *visit) (b T, err error) {
	t, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	if err != nil || t != "application/json" {
		return b, fault.New(fault.UnsupportedMedia, "request.media", "Send JSON.")
	}
	d := json.NewDecoder(v.r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return b, fault.Wrap(fault.Malformed, "request.unreadable", "What was sent could not be read.", err)
	}
	return b, nil
}

type object = map[string]any

// items is a list that is always whole.
func items[T any](list []T, of func(T) object) object { return listed(list, "", of) }

func listed[T any](list []T, next string, of func(T) object) object {
	all := make([]object, len(list))
	for i, v := range list {
		all[i] = of(v)
	}
	o := object{"items": all}
	if next != "" {
		o["next_cursor"] = next
	}
	return o
}

const (
	defaultPage = 25
	maxPage     = 100
)

// partOf gives the part of a list that a call asks for by limit and cursor, which is
// the id of the last item before. A cursor that is none of this list was given by
// core, who knows more.
func partOf[T any](v *visit, list []T, id func(T) string) (part []T, next string, err error) {
	q := v.r.URL.Query()
	limit := defaultPage
	if s := q.Get("limit"); s != "" {
		if limit, err = strconv.Atoi(s); err != nil || limit < 1 || limit > maxPage {
			return nil, "", fault.InvalidField("query.limit", "query.limit", "A page has 1 to 100 items.")
		}
	}
	if c := q.Get("cursor"); c != "" {
		i := slices.IndexFunc(list, func(t T) bool { return id(t) == c })
		if i < 0 {
			return nil, "", notNow()
		}
		list = list[i+1:]
	}
	if len(list) <= limit {
		return list, "", nil
	}
	return list[:limit], id(list[limit-1]), nil
}

func (s *site) callSignIn(v *visit) (any, int, error) {
	in, err := read[struct{ Username, Password string }](v)
	if err != nil {
		return nil, 0, err
	}
	issued, err := v.Desk.SignIn(v.r.Context(), in.Username, in.Password, v.client())
	return v.signedInAs(issued, err)
}

// passkeyPrompt gives what a browser is asked so that whoever has a passkey here
// signs in; pages and calls have the same form of it.
func (s *site) passkeyPrompt(v *visit) (any, int, error) {
	p, err := v.Desk.BeginPasskey(v.client().FlowID)
	if err != nil {
		return nil, 0, err
	}
	out := struct {
		PublicKey json.RawMessage `json:"publicKey"`
		State     string          `json:"state"`
	}{State: p.State}
	return &out, http.StatusOK, json.Unmarshal(p.Options, &out)
}

// callSignInPasskey takes a passkey alone. One that stands for a code answers a
// challenge of core's, which is for core.
func (s *site) callSignInPasskey(v *visit) (any, int, error) {
	in, err := read[struct {
		State       string          `json:"state"`
		ChallengeID string          `json:"challenge_id"`
		Assertion   json.RawMessage `json:"assertion"`
		TrustDevice bool            `json:"trust_device"` // not here: no browser becomes a trusted one
	}](v)
	switch {
	case err != nil:
		return nil, 0, err
	case (in.State == "") == (in.ChallengeID == ""):
		return nil, 0, fault.InvalidField("body.state", "passkey.state-or-challenge", "Send either state or challenge_id.")
	case in.State == "":
		return nil, 0, notNow()
	}
	issued, err := v.Desk.SignInPasskey(v.r.Context(), in.State, in.Assertion, v.client())
	return v.signedInAs(issued, err)
}

// signedInAs is the answer with a session, which a browser also gets as a cookie.
func (v *visit) signedInAs(issued entry.Issued, err error) (any, int, error) {
	if err != nil {
		return nil, 0, err
	}
	if v.r.Header.Get("Standfast-Flow") == "" {
		v.setSession(v.w, issued.Token, issued.ExpiresAt)
	}
	return object{"status": "signed_in", "session": object{"token": issued.Token, "expires_at": issued.ExpiresAt}}, http.StatusOK, nil
}

func (s *site) callNonce(v *visit) (any, int, error) {
	return object{"nonce": v.Desk.Nonce(v.client().FlowID), "expires_at": v.Now().Add(5 * time.Minute).UTC()}, http.StatusOK, nil
}

func (s *site) callSession(v *visit) (any, int, error) {
	m, err := v.Teller.Member(v.r.Context(), v.session.MemberID)
	return object{"member": object{"id": v.session.MemberID, "username": m.Username, "display_name": m.DisplayName, "locale": m.Locale, "region": m.Region},
		"expires_at": v.session.Expires, "authenticated_at": v.session.AuthenticatedAt, "methods": v.session.Methods, "as_of": v.Teller.AsOf()}, http.StatusOK, err
}

func (s *site) callSignOut(v *visit) (any, int, error) {
	if err := v.Desk.SignOut(v.r.Context(), v.session); err != nil {
		return nil, 0, err
	}
	s.clearSession(v.w)
	v.untold()
	return nil, http.StatusNoContent, nil
}

func (v *visit) accountOf(a teller.Account) object {
	o := object{"id": a.ID, "account_id": a.ID, "kind": a.Kind, "name": v.nameOf(a), "last4": a.Last4, "currency": a.Currency, "status": a.Status, "role": a.Role, "state": "unavailable"}
	put := func(name string, m *money.Amount) {
		if m != nil {
			o[name] = m
		}
	}
	if b := a.Balance; b != nil {
		o["state"], o["as_of"] = "stale", b.AsOf
		put("balance", b.Posted)
		put("available", b.Available)
	}
	put("credit_limit", a.CreditLimit)
	put("statement_balance", a.StatementBalance)
	put("minimum_due", a.MinimumDue)
	if a.DueOn != "" {
		o["due_on"] = a.DueOn
	}
	return o
}

func (s *site) callDashboard(v *visit) (any, int, error) {
	list, err := v.figures(func() ([]teller.Account, error) { return v.Teller.Open(v.r.Context(), v.session.MemberID) })
	if err != nil {
		return nil, 0, err
	}
	activity, err := v.Teller.Activity(v.r.Context(), v.session.MemberID, list)
	return object{"as_of": v.Teller.AsOf(), "state": "stale", "tiles": items(list, v.accountOf)["items"],
		"activity": items(activity, transactionOf)["items"], "activity_state": "stale"}, http.StatusOK, err
}

func (s *site) callAccounts(v *visit) (any, int, error) {
	list, err := v.figures(func() ([]teller.Account, error) { return v.Teller.Accounts(v.r.Context(), v.session.MemberID) })
	return items(list, v.accountOf), http.StatusOK, err
}

func (s *site) callAccount(v *visit) (any, int, error) {
	a, err := v.one()
	return v.accountOf(a), http.StatusOK, err
}

// callTransactions gives the latest movements. A search through the history needs
// all of it, which is core's.
func (s *site) callTransactions(v *visit) (any, int, error) {
	for _, name := range []string{"from", "until", "text"} {
		if v.r.URL.Query().Get(name) != "" {
			return nil, 0, notNow()
		}
	}
	list, err := v.Teller.Transactions(v.r.Context(), v.session.MemberID, v.r.PathValue("id"))
	if err != nil {
		return nil, 0, err
	}
	part, next, err := partOf(v, list, func(t teller.Transaction) string { return t.ID })
	return listed(part, next, transactionOf), http.StatusOK, err
}

func transactionOf(t teller.Transaction) object {
	o := object{"id": t.ID, "account_id": t.AccountID, "posted_at": t.PostedAt, "amount": t.Amount, "kind": t.Kind, "description": t.Description, "status": t.Status}
	if t.BalanceAfter != nil {
		o["balance_after"] = t.BalanceAfter
	}
	return o
}

func (s *site) callMethods(v *visit) (any, int, error) {
	list, err := v.Teller.Methods(v.r.Context(), v.session.MemberID)
	return items(list, func(m teller.Method) object {
		o := object{"id": m.ID, "kind": m.Kind, "display": m.Display, "status": m.Status}
		if m.UsableFrom != nil && m.UsableFrom.After(v.Now()) {
			o["pays_from"] = m.UsableFrom
		}
		return o
	}), http.StatusOK, err
}

func paymentOf(r teller.Receipt) object {
	return object{"id": r.ID, "confirmation_number": teller.Grouped(r.ConfirmationNumber), "account_id": r.AccountID, "payment_method_id": r.MethodID,
		"payment_method": r.MethodDisplay, "amount": r.Amount, "status": r.Status, "credited_on": r.CreditedOn, "created_at": r.MadeAt, "can_cancel": false, "events": []object{}}
}

func (s *site) callPayments(v *visit) (any, int, error) {
	list, err := v.Teller.Payments(v.r.Context(), v.session.MemberID)
	if err != nil {
		return nil, 0, err
	}
	if id := v.r.URL.Query().Get("account_id"); id != "" {
		if _, err := v.Teller.Account(v.r.Context(), v.session.MemberID, id); err != nil {
			return nil, 0, err
		}
		list = slices.DeleteFunc(list, func(r teller.Receipt) bool { return r.AccountID != id })
	}
	part, next, err := partOf(v, list, func(r teller.Receipt) string { return r.ID })
	return listed(part, next, paymentOf), http.StatusOK, err
}

func (s *site) callPayment(v *visit) (any, int, error) {
	r, err := v.Teller.Find(v.r.Context(), v.session.MemberID, v.r.PathValue("id"))
	return paymentOf(r), http.StatusOK, err
}

func (s *site) callPay(v *visit) (any, int, error) {
	if v.Halted() != nil {
		return nil, 0, notNow()
	}
	in, err := read[struct {
		AccountID string       `json:"account_id"`
		MethodID  string       `json:"payment_method_id"`
		Amount    money.Amount `json:"amount"`
		Date      string       `json:"date"`
	}](v)
	if err != nil {
		return nil, 0, err
	}
	r, err := v.Teller.Pay(v.r.Context(), teller.Order{Key: v.r.Header.Get("Idempotency-Key"), MemberID: v.session.MemberID, SessionID: v.session.ID,
		AccountID: in.AccountID, MethodID: in.MethodID, Amount: in.Amount, Date: in.Date})
	return paymentOf(r), http.StatusCreated, err
}

func (s *site) callFreeze(v *visit) (any, int, error) {
	if v.silenced() {
		return nil, 0, notNow()
	}
	status, err := v.Teller.Freeze(v.r.Context(), v.session.MemberID, v.r.PathValue("id"))
	return object{"status": status}, http.StatusOK, err
}

func (s *site) callStatus(v *visit) (any, int, error) {
	return object{"state": "degraded", "as_of": v.Now().UTC(), "components": []object{{"name": s.Brand, "channel": "web", "state": "degraded"}}, "incidents": []object{}}, http.StatusOK, nil
}

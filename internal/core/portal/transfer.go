package portal

import (
	"strings"

	"standfast/internal/core/account"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// transferControls are the controls that errors about a transfer lie at.
var transferControls = map[string]string{"body.from_account_id": "from", "body.to_account_id": "to", "body.amount": "amount",
	"ledger.funds": "amount", "ledger.limit": "amount", "ledger.currency": "to"}

// transferForm reads a transfer as filled in so far; like a payment's, its key
// stays the same from the page to the review and through every reload.
func transferForm(v *visit) view.TransferForm {
	f := view.TransferForm{From: v.value("from"), To: v.value("to"), Amount: v.value("amount"), Key: v.value("key")}
	if f.Key == "" {
		f.Key = newKey()
	}
	return f
}

func (s *server) transferPage(v *visit) (response, error) {
	tiles, err := s.Accounts.List(v.r.Context(), v.member())
	if err != nil {
		return response{}, err
	}
	return show(view.Transfer(v.frame(view.AtTransfer), view.TransferData{Accounts: tiles, Form: transferForm(v)})), nil
}

// transferOrder is a form that was read.
type transferOrder struct {
	From, To account.Tile
	Amount   money.Amount
}

// readTransfer checks a form. exact is the amount that the review showed, or ""
// for the one that was typed.
func (s *server) readTransfer(v *visit, d view.TransferData, exact string) (o transferOrder, wrong view.Problems) {
	c := checks{v: v}
	for _, t := range d.Accounts {
		if t.ID == d.Form.From && t.Kind == account.Savings {
			o.From = t
		}
		if t.ID == d.Form.To {
			o.To = t
		}
	}
	c.need(o.From.ID == "", "from", "form.from-missing")
	c.need(o.To.ID == "", "to", "form.to-missing")
	c.need(o.From.ID != "" && o.From.ID == o.To.ID, "to", "form.same-account")
	currency := o.From.Currency
	if currency == "" {
		currency = s.Cell.Currency
	}
	var err error
	if exact != "" {
		o.Amount, err = money.Parse(exact, currency)
	} else {
		o.Amount, err = typedAmount(v, d.Form.Amount, currency)
	}
	if err != nil {
		c.need(true, "amount", amountID(err))
	}
	return o, c.list
}

// transferReview shows the transfer as it would be carried out.
func (s *server) transferReview(v *visit) (response, error) {
	d, o, wrong, err := s.transferOf(v, "")
	if err != nil {
		return response{}, err
	}
	if d.Problems = wrong; len(wrong) > 0 {
		return refused(view.Transfer(v.frame(view.AtTransfer), d), errForm), nil
	}
	return show(view.TransferReview(v.frame(view.AtTransfer), view.TransferReviewData{From: o.From, To: o.To, Amount: o.Amount, Form: d.Form})), nil
}

func (s *server) transferOf(v *visit, exact string) (d view.TransferData, o transferOrder, wrong view.Problems, err error) {
	if d.Accounts, err = s.Accounts.List(v.r.Context(), v.member()); err != nil {
		return d, o, nil, err
	}
	d.Form = transferForm(v)
	o, wrong = s.readTransfer(v, d, exact)
	return d, o, wrong, nil
}

// transfer carries out what the review showed.
func (s *server) transfer(v *visit) (response, error) {
	d, o, wrong, err := s.transferOf(v, v.value("exact"))
	if err != nil {
		return response{}, err
	}
	if d.Problems = wrong; len(wrong) > 0 {
		return refused(view.Transfer(v.frame(view.AtTransfer), d), errForm), nil
	}
	t, err := s.Accounts.Transfer(v.r.Context(), v.member(), account.TransferRequest{Key: d.Form.Key, From: o.From.ID, To: o.To.ID, Amount: o.Amount})
	if err == nil {
		return see(route.TransferDone.URL(t.ID, "from", t.From, "to", t.To)), nil
	}
	if fault.As(err).Code == account.CodeKeyReused {
		return s.transferAnother(v, d, o, err)
	}
	list, ok := v.problems(err, transferControls)
	if !ok {
		return response{}, err
	}
	if list[0].Field != "" {
		d.Problems = list
		return refused(view.Transfer(v.frame(view.AtTransfer), d), err), nil
	}
	r := view.TransferReviewData{From: o.From, To: o.To, Amount: o.Amount, Form: d.Form, Problems: list}
	return refused(view.TransferReview(v.frame(view.AtTransfer), r), err), nil
}

// transferAnother is payAnother for a transfer.
func (s *server) transferAnother(v *visit, d view.TransferData, o transferOrder, cause error) (response, error) {
	first, err := s.Accounts.TransferByKey(v.r.Context(), v.member(), d.Form.Key)
	if err != nil {
		return response{}, err
	}
	d.Form.Key = nextKey(d.Form.Key, o.From.ID, o.To.ID, o.Amount.Value(), o.Amount.Currency)
	said := v.text.T("transfer.earlier", "Amount", first.Amount, "Number", reference(first.ID))
	r := view.TransferReviewData{From: o.From, To: o.To, Amount: o.Amount, Form: d.Form, Earlier: true, Problems: view.Problems{{Message: said}}}
	return refused(view.TransferReview(v.frame(view.AtTransfer), r), cause), nil
}

// transferDone is the receipt. The address names the transfer and its ends; what
// it shows comes from the account's own movements.
func (s *server) transferDone(v *visit) (response, error) {
	from, err := s.Accounts.Get(v.r.Context(), v.member(), v.value("from"))
	if err != nil {
		return response{}, err
	}
	to, err := s.Accounts.Get(v.r.Context(), v.member(), v.value("to"))
	if err != nil {
		return response{}, err
	}
	page, err := s.Accounts.Transactions(v.r.Context(), v.member(), from.ID, account.Query{Limit: account.MaxPage})
	if err != nil {
		return response{}, err
	}
	for _, t := range page.Items {
		if t.ID == v.id() && t.Amount.Negative() {
			return show(view.TransferDone(v.frame(view.AtTransfer), view.TransferDoneData{Reference: reference(t.ID), Amount: t.Amount.Abs(), From: from, To: to, At: t.PostedAt})), nil
		}
	}
	return response{}, fault.New(fault.NotFound, codeNoPage, "There is no such page.")
}

// reference is the end of a transfer's id in groups of four, to be read over the
// telephone: its random part, so that no two of one member are alike.
func reference(id string) string {
	s := strings.ToUpper(strings.ReplaceAll(id, "-", ""))
	s = s[max(0, len(s)-12):]
	var groups []string
	for len(s) > 4 {
		groups, s = append(groups, s[:4]), s[4:]
	}
	return strings.Join(append(groups, s), " ")
}

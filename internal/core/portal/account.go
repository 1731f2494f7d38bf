package portal

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"strings"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/portal/route"
	"standfast/internal/core/portal/view"
	"standfast/internal/fault"
)

// pageSize is how many movements a page shows.
const pageSize = 50

// account shows one account, and its movements as far as the filter asks.
func (s *server) account(v *visit) (response, error) {
	t, err := s.Accounts.Get(v.r.Context(), v.member(), v.id())
	if err != nil {
		return response{}, err
	}
	d := view.AccountData{Tile: t, Text: v.value("q"), From: v.value("from"), Until: v.value("until"), Cursor: v.value("cursor")}
	q, wrong := s.query(v, d)
	if d.Problems = wrong; len(wrong) > 0 {
		return refused(view.Account(v.frame(view.AtHome), d), errForm), nil
	}
	d.Page, err = s.Accounts.Transactions(v.r.Context(), v.member(), t.ID, q)
	switch {
	case fault.Is(err, fault.Invalid): // a cursor that is not ours
		return see(route.Account.URL(t.ID)), nil
	case err != nil && !fault.Is(err, fault.Unavailable):
		return response{}, err
	}
	d.Failed = err != nil || d.Page.State == account.Unavailable
	s.figures(v, []account.Tile{t})
	res := show(view.Account(v.frame(view.AtHome), d))
	res.partial = d.Failed || d.Page.State == account.Stale || t.State != account.Current
	return res, nil
}

// query reads the filter. Days are those of the cell, the last one included.
func (s *server) query(v *visit, d view.AccountData) (q account.Query, problems view.Problems) {
	q = account.Query{Cursor: d.Cursor, Limit: pageSize, Text: d.Text}
	c := checks{v: v}
	var wrong string
	q.From, q.Until, wrong = account.Days(d.From, d.Until, s.Cell.Zone)
	c.need(wrong != "", wrong, "form.date-syntax")
	return q, c.list
}

// maxRows bounds a download.
const maxRows = 10_000

// accountCSV gives the movements that the page's filter selects as a file.
func (s *server) accountCSV(v *visit) (response, error) {
	d := view.AccountData{Text: v.value("q"), From: v.value("from"), Until: v.value("until")}
	q, wrong := s.query(v, d)
	if len(wrong) > 0 {
		return response{}, fault.InvalidField("query", "form.date-syntax", wrong[0].Message)
	}
	q.Limit = account.MaxPage
	var list []account.Transaction
	for more := true; more && len(list) < maxRows; more = q.Cursor != "" {
		page, err := s.Accounts.Transactions(v.r.Context(), v.member(), v.id(), q)
		if err != nil {
			return response{}, err
		}
		list, q.Cursor = append(list, page.Items...), page.Next
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="transactions.csv"`)
	_, _ = v.w.Write(s.table(list))
	return response{status: http.StatusOK, written: true}, nil
}

// table writes movements as CSV: business dates of the cell, amounts with a
// decimal point whatever the language, as other programs read them.
func (s *server) table(list []account.Transaction) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"date", "description", "kind", "status", "amount", "currency", "balance"}) // a buffer takes every write
	for _, t := range list {
		balance := ""
		if t.BalanceAfter != nil {
			balance = t.BalanceAfter.Value()
		}
		_ = w.Write([]string{t.PostedAt.In(s.Cell.Zone).Format(time.DateOnly), inert(t.Description), t.Kind, t.Status, t.Amount.Value(), t.Amount.Currency, balance})
	}
	w.Flush()
	return b.Bytes()
}

// inert keeps a spreadsheet from reading somebody's text as a formula.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// freezePage asks whether a card is to be frozen, or released.
func (s *server) freezePage(v *visit) (response, error) {
	t, err := s.cardOf(v)
	if err != nil {
		return response{}, err
	}
	return show(view.Freeze(v.frame(view.AtHome), t)), nil
}

// cardOf is the card of the address that can be frozen or released.
func (s *server) cardOf(v *visit) (account.Tile, error) {
	t, err := s.Accounts.Get(v.r.Context(), v.member(), v.id())
	if err == nil && (t.Kind != account.Card || t.Status == account.Closed) {
		err = fault.New(fault.NotFound, codeNoPage, "There is no such page.")
	}
	return t, err
}

// freeze does it. It is asked for by "yes" and lifted by "no", so that a page
// that is sent twice does not undo itself, and one that says neither does nothing.
// Freezing only protects the member; lifting it needs a session that is known to
// hold now.
func (s *server) freeze(v *visit) (response, error) {
	asked := v.value("freeze")
	switch asked {
	case "yes":
	case "no":
		if err := s.enter(v, change); err != nil {
			return response{}, err
		}
	default:
		return response{}, fault.New(fault.Malformed, "request.freeze", "The form says neither to freeze nor to release.")
	}
	if _, err := s.Accounts.Freeze(v.r.Context(), v.member(), v.id(), asked == "yes", v.client().IP); err != nil {
		return response{}, err
	}
	return see(route.Account.URL(v.id())), nil
}

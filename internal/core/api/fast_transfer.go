package api

import (
	"bytes"
	"net/http"

	"standfast/internal/core/account"
	"standfast/internal/fault"
	"standfast/internal/journey"
	"standfast/internal/money"
)

// Transfers are the call that must keep up with the database. Much of what one
// cost this process was finding out by reflection that its JSON is what nearly
// every client sends. So that one form is read here by hand, and whatever is in
// any way unusual goes to the general path, which alone knows how to refuse.
// docs/decisions/0006-transfers-fast-path.md says why, and what it costs.

// quickly answers the transfers that plainTransfer can read and leaves the rest to general.
func (a *api) quickly(op *operation, general http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		in, ok := plainTransfer(r)
		if !ok {
			general(w, r)
			return
		}
		c := &call{w: w, r: r, op: op, outcome: journey.Done}
		t, err := a.moveQuickly(c, in)
		if err != nil {
			fault.WriteProblem(w, a.failed(c, err))
			return
		}
		journey.Set(w.Header(), op.journey, c.outcome)
		writeTransfer(w, t)
	}
}

func (a *api) moveQuickly(c *call, in account.TransferRequest) (account.Transfer, error) {
	leave, err := a.mayEnter(c)
	if err != nil {
		return account.Transfer{}, err
	}
	defer leave()
	return a.Accounts.Transfer(c.r.Context(), c.session.MemberID, in)
}

// writeTransfer writes what created[transferAnswer] is written as. No part of it
// needs escaping: ids and currencies have been looked up, the rest is ours.
func writeTransfer(w http.ResponseWriter, t account.Transfer) {
	b := make([]byte, 0, 320)
	b = append(b, `{"id":"`...)
	b = append(b, t.ID...)
	b = append(b, `","status":"`...)
	b = append(b, t.Status...)
	b = append(b, `","from_account_id":"`...)
	b = append(b, t.From...)
	b = append(b, `","to_account_id":"`...)
	b = append(b, t.To...)
	b = append(b, `","amount":{"value":"`...)
	b = append(b, t.Amount.Value()...)
	b = append(b, `","currency":"`...)
	b = append(b, t.Amount.Currency...)
	b = append(b, "\"}}\n"...)
	w.Header()["Content-Type"] = []string{"application/json"}
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(b)
}

// plainTransfer reads a request that is exactly as transferRequest and KeyHeaders
// want it: every field once, no escapes, no more than ASCII, a good amount.
func plainTransfer(r *http.Request) (in account.TransferRequest, ok bool) {
	m, ok := r.Body.(*memory)
	keys := r.Header["Idempotency-Key"]
	if !ok || len(keys) != 1 || !visible(keys[0]) || !acceptsJSON(r) {
		return in, false
	}
	in, ok = decodeTransfer(m.contents)
	in.Key = keys[0]
	return in, ok
}

// acceptsJSON tells whether the general path would answer with JSON as a matter of course.
func acceptsJSON(r *http.Request) bool {
	accept := r.Header["Accept"]
	return len(accept) == 0 || len(accept) == 1 && (accept[0] == "*/*" || accept[0] == "application/json")
}

// visible tells whether s is 1 to 128 visible ASCII characters.
func visible(s string) bool {
	if len(s) < 1 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// Lengths of fields, as transferRequest states them.
const (
	maxID       = 64
	maxValue    = 24
	currencyLen = 3
)

func decodeTransfer(b []byte) (in account.TransferRequest, ok bool) {
	d := plainJSON{b}
	var value, currency string
	var seen [3]bool
	once := func(i int) bool { first := !seen[i]; seen[i] = true; return first }
	ok = d.object(func(name string) bool {
		switch name {
		case "from_account_id":
			return once(0) && d.text(&in.From, 1, maxID)
		case "to_account_id":
			return once(1) && d.text(&in.To, 1, maxID)
		case "amount":
			return once(2) && d.amount(&value, &currency)
		}
		return false
	})
	if !ok || !d.atEnd() || seen != [3]bool{true, true, true} {
		return in, false
	}
	v, err := money.Parse(value, currency)
	in.Amount = v
	return in, err == nil && v.Positive()
}

// plainJSON reads the plainest JSON there is: objects and strings of printable
// ASCII without escapes. Everything else it does not know.
type plainJSON struct{ rest []byte }

func (d *plainJSON) space() {
	for len(d.rest) > 0 && (d.rest[0] == ' ' || d.rest[0] == '\n' || d.rest[0] == '\t' || d.rest[0] == '\r') {
		d.rest = d.rest[1:]
	}
}

// next takes c, after any space, or gives false.
func (d *plainJSON) next(c byte) bool {
	d.space()
	if len(d.rest) == 0 || d.rest[0] != c {
		return false
	}
	d.rest = d.rest[1:]
	return true
}

func (d *plainJSON) atEnd() bool {
	d.space()
	return len(d.rest) == 0
}

// object reads an object of at least one member; member reads the value after each name.
func (d *plainJSON) object(member func(name string) bool) bool {
	if !d.next('{') {
		return false
	}
	for {
		var name string
		if !d.text(&name, 1, maxID) || !d.next(':') || !member(name) {
			return false
		}
		if !d.next(',') {
			return d.next('}')
		}
	}
}

func (d *plainJSON) text(s *string, least, most int) bool {
	if !d.next('"') {
		return false
	}
	n := bytes.IndexByte(d.rest, '"')
	if n < least || n > most {
		return false
	}
	for _, c := range d.rest[:n] {
		if c < ' ' || c > '~' || c == '\\' {
			return false
		}
	}
	*s, d.rest = string(d.rest[:n]), d.rest[n+1:]
	return true
}

func (d *plainJSON) amount(value, currency *string) bool {
	return d.object(func(name string) bool {
		switch {
		case name == "value" && *value == "":
			return d.text(value, 1, maxValue)
		case name == "currency" && *currency == "":
			return d.text(currency, currencyLen, currencyLen)
		}
		return false
	}) && *value != "" && *currency != ""
}

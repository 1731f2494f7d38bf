package httpsource

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"standfast/internal/money"
)

// Mode is a way to misbehave.
type Mode string

// The modes. All but the first four answer in time, with status 200, and wrongly.
const (
	Healthy   Mode = ""
	Slow      Mode = "slow"      // answers after Fault.Delay
	Hang      Mode = "hang"      // never answers
	Dead      Mode = "dead"      // closes the connection
	Broken    Mode = "broken"    // status 500
	Empty     Mode = "empty"     // no body
	Foreign   Mode = "foreign"   // a page of somebody else
	Malformed Mode = "malformed" // JSON that ends too early
	Unknown   Mode = "unknown"   // JSON of another kind
	Oversized Mode = "oversized" // more than 1 MiB
	Account   Mode = "account"   // another account
	Currency  Mode = "currency"  // another currency
	Absurd    Mode = "absurd"    // amounts that no account holds
	Negative  Mode = "negative"  // less than nothing available
	Future    Mode = "future"    // a time that has not come
)

// Modes lists all modes but Healthy.
func Modes() []Mode {
	return []Mode{Slow, Hang, Dead, Broken, Empty, Foreign, Malformed, Unknown, Oversized, Account, Currency, Absurd, Negative, Future}
}

// Fault is what to do wrong. An Account limits it to one.
type Fault struct {
	Mode    Mode          `json:"mode"`
	Delay   time.Duration `json:"-"`
	DelayMS int64         `json:"delay_ms"`
	Account string        `json:"account_ref"`
}

// Faults are a reference server's switches.
type Faults struct {
	mu    sync.Mutex
	all   Fault
	byRef map[string]Fault
}

func newFaults() *Faults { return &Faults{byRef: map[string]Fault{}} }

// Set puts a fault in place; Healthy for all accounts ends every fault.
func (f *Faults) Set(v Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case v.Account != "":
		f.byRef[v.Account] = v
	case v.Mode == Healthy:
		f.all = v
		clear(f.byRef)
	default:
		f.all = v
	}
}

func (f *Faults) of(ref string) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, ok := f.byRef[ref]; ok {
		return v
	}
	return f.all
}

// setFault is PUT /faults, for game days: {"mode":"slow","delay_ms":3000,"account_ref":"savings-1"}.
func (s *Server) setFault(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 4096))
	var v Fault
	if err == nil {
		err = json.Unmarshal(body, &v)
	}
	known := v.Mode == Healthy
	for _, m := range Modes() {
		known = known || m == v.Mode
	}
	if err != nil || !known || v.DelayMS < 0 || v.DelayMS > 600_000 {
		refuse(w, http.StatusBadRequest, fmt.Sprintf("mode is one of %v or empty, delay_ms 0 to 600000.", Modes()))
		return
	}
	v.Delay = time.Duration(v.DelayMS) * time.Millisecond
	s.faults.Set(v)
	w.WriteHeader(http.StatusNoContent)
}

// before does what happens instead of an answer, and tells whether there is one.
func (v Fault) before(w http.ResponseWriter, r *http.Request) bool {
	switch v.Mode {
	case Slow:
		select {
		case <-time.After(v.Delay):
		case <-r.Context().Done():
			return false
		}
	case Hang:
		<-r.Context().Done()
		return false
	case Dead:
		panic(http.ErrAbortHandler) // closes the connection without a word
	case Broken:
		refuse(w, http.StatusInternalServerError, "Something went wrong.")
		return false
	}
	return true
}

// write answers with v, or with what the fault makes of it.
func (v Fault) write(w http.ResponseWriter, answer any) {
	kind, body := "application/json", ""
	switch v.Mode {
	case Empty:
	case Foreign:
		kind, body = "text/html; charset=utf-8", "<!doctype html><title>Maintenance</title><p>We will be back soon."
	case Malformed:
		body = `{"account_ref":"savings-1","balance":{"val`
	case Unknown:
		body = `{"ok":true,"data":[]}`
	case Oversized:
		body = `{"account_ref":"` + strings.Repeat("x", maxBody) + `"}`
	default:
		v.distort(answer)
		b, _ := json.Marshal(answer) // plain data
		body = string(b)
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, body)
}

// distort makes a well-formed answer wrong.
func (v Fault) distort(answer any) {
	switch a := answer.(type) {
	case *balanceAnswer:
		v.distortBalance(a)
	case *pageAnswer:
		v.distortPage(a)
	}
}

func (v Fault) distortBalance(a *balanceAnswer) {
	switch v.Mode {
	case Account:
		a.AccountRef = "somebody-else"
	case Currency:
		a.Balance = money.New(a.Balance.Minor, "JPY")
	case Absurd:
		a.Balance = money.New(1<<62, a.Balance.Currency)
	case Negative:
		a.Available = money.New(-1, a.Available.Currency)
	case Future:
		a.AsOf = a.AsOf.AddDate(1, 0, 0)
	}
}

func (v Fault) distortPage(a *pageAnswer) {
	if v.Mode == Account {
		a.AccountRef = "somebody-else"
	}
	for i := range a.Items {
		t := &a.Items[i]
		switch v.Mode {
		case Currency:
			t.Amount = money.New(t.Amount.Minor, "JPY")
		case Absurd, Negative:
			t.Amount = money.New(-1<<62, t.Amount.Currency)
		case Future:
			t.PostedAt = t.PostedAt.AddDate(50, 0, 0)
		}
	}
}

package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"standfast/internal/core/signin"
	"standfast/internal/fault"
	"standfast/internal/journey"
)

// operation is what the API says about one call, and what guards it.
type operation struct {
	id          string
	method      string
	path        string
	tag         string
	summary     string
	description string
	journey     journey.Name
	public      bool         // no session is needed
	use         signin.Use   // how sure we must be that the session still holds
	status      int          // of success; 200, or 204 where nothing is answered
	errors      []int        // statuses beside those that every call has
	admit       func() error // refuses a call before anything of it is read; nil admits
}

// handler answers one call: in from the request, out to the answer.
type handler[I, O any] func(ctx context.Context, c *call, in *I) (*O, error)

// register adds a call to the mux and to the OpenAPI document.
func register[I, O any](a *api, op operation, h handler[I, O]) {
	huma.Register(a.huma, a.describe(&op), func(ctx context.Context, in *I) (*O, error) {
		c := callOf(ctx)
		c.bodyIsRead()
		out, err := h(ctx, c, in)
		if err != nil {
			return nil, answer{a.failed(c, err)}
		}
		journey.Set(c.w.Header(), op.journey, c.outcome)
		return out, nil
	})
}

// describe gives huma's form of op, with the guard that runs before anything is parsed.
func (a *api) describe(op *operation) huma.Operation {
	o := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag},
		Summary: op.summary, Description: op.description, DefaultStatus: op.status,
		Errors:       append([]int{http.StatusServiceUnavailable}, op.errors...),
		Middlewares:  huma.Middlewares{a.enter(op)},
		MaxBodyBytes: -1, // guard has bounded it
	}
	if op.public {
		o.Security = []map[string][]string{}
	} else {
		o.Security = []map[string][]string{{"session": {}}, {"cookie": {}}}
		o.Errors = append(o.Errors, http.StatusUnauthorized)
	}
	return o
}

// enter begins a call: it finds the session and judges the call refused until
// its handler says otherwise.
func (a *api) enter(op *operation) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(hc)
		c := &call{w: w, r: r, op: op, outcome: journey.Done}
		journey.Set(w.Header(), op.journey, journey.Refused)
		leave, err := a.mayEnter(c)
		if err != nil {
			fault.WriteProblem(w, a.failed(c, err))
			return
		}
		defer leave()
		next(huma.WithValue(hc, callKey{}, c))
	}
}

// mayEnter lets a call in, in its turn; leave is called when it is answered.
func (a *api) mayEnter(c *call) (leave func(), err error) {
	if c.op.admit != nil {
		if err := c.op.admit(); err != nil {
			return nil, err
		}
	}
	if !c.op.public {
		if err := a.authenticate(c); err != nil {
			return nil, err
		}
	}
	return a.Gate.Admit(c.r.Context(), c.op.journey)
}

// bodyIsRead lifts the deadline for reading the body. Were it to pass while the
// call is answered, net/http would take it for a client that left, and cancel
// not only this call but every later one on the connection.
func (c *call) bodyIsRead() {
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Time{}) // a test's writer has none
}

// failed judges and logs a call that ended in err and gives its fault.
func (a *api) failed(c *call, err error) *fault.Error {
	e := withChallenge(located(fault.As(err), c.r.Method))
	journey.Set(c.w.Header(), c.op.journey, journey.Of(e.Kind.Status()))
	switch {
	case e.Kind == fault.Internal:
		a.Log.Error("call failed", "call", c.op.id, "err", e)
	case e.Kind == fault.Unavailable && e.Cause != nil: // else it was meant, and thousands may be in a storm
		a.Log.Warn("call unavailable", "call", c.op.id, "err", e)
	}
	return e
}

// located gives fields that a domain module named without their place in the
// request ("amount.value") the place where such fields are in this call.
func located(e *fault.Error, method string) *fault.Error {
	var fields []fault.Field
	for i, f := range e.Fields {
		if placed(f.Location) {
			continue
		}
		if fields == nil {
			fields = append(fields, e.Fields...)
		}
		fields[i].Location = place(method) + f.Location
	}
	if fields == nil {
		return e
	}
	copied := *e
	copied.Fields = fields
	return &copied
}

func place(method string) string {
	if method == http.MethodGet {
		return "query."
	}
	return "body."
}

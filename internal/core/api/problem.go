package api

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"standfast/internal/fault"
)

const problemJSON = "application/problem+json"

// problem documents the one form of every error (RFC 9457).
type problem struct {
	Type      string         `json:"type" doc:"Ends with the error's stable code." example:"/problems/ledger.funds"`
	Title     string         `json:"title" doc:"The HTTP status in words." example:"Conflict"`
	Status    int            `json:"status" doc:"The HTTP status." example:"409"`
	Detail    string         `json:"detail" doc:"What happened, for the member." example:"There is not enough money in this account."`
	Errors    []fieldProblem `json:"errors,omitempty" nullable:"false" doc:"Each broken rule of what was sent."`
	TriesLeft *int           `json:"tries_left,omitempty" doc:"With a wrong code or wrong amounts: how many tries are left." example:"4"`
	Challenge *challenge     `json:"challenge,omitempty" doc:"With /problems/step-up-required: the challenge whose proof lets the call pass."`
}

// fieldProblem is one broken rule.
type fieldProblem struct {
	Location string `json:"location" doc:"Path of the field." example:"body.amount.value"`
	Message  string `json:"message" doc:"The rule." example:"The amount has more decimals than its currency."`
	Code     string `json:"code" doc:"Stable name of the rule." example:"amount.too-precise"`
}

// answer carries a fault through huma to the wire.
type answer struct{ fault *fault.Error }

func (p answer) Error() string                { return p.fault.Error() }
func (p answer) Unwrap() error                { return p.fault }
func (p answer) GetStatus() int               { return p.fault.Kind.Status() }
func (p answer) ContentType(string) string    { return problemJSON }
func (p answer) MarshalJSON() ([]byte, error) { return json.Marshal(fault.Problem(p.fault)) }

// GetHeaders gives Retry-After where it is due.
func (p answer) GetHeaders() http.Header {
	h := http.Header{}
	fault.SetRetryAfter(h, p.fault)
	return h
}

// translate turns huma's own errors into ours. It drops the offending values,
// which could be a password or an account number.
func translate(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	return answer{fromHuma(m)}, nil
}

func fromHuma(m *huma.ErrorModel) *fault.Error {
	switch m.Status {
	case http.StatusBadRequest:
		return fault.New(fault.Malformed, "malformed", "The body is not the JSON object that this call takes.")
	case http.StatusRequestEntityTooLarge:
		return tooLarge()
	case http.StatusUnsupportedMediaType:
		return wrongType()
	case http.StatusUnprocessableEntity:
		fields := make([]fault.Field, 0, len(m.Errors))
		for _, e := range m.Errors {
			fields = append(fields, ruleOf(e))
		}
		return fault.InvalidFields(fields...)
	}
	return fault.New(fault.Internal, "internal", "Something went wrong on our side.")
}

// rule pairs the beginning of a validator's message with our name and sentence for it.
type rule struct{ begins, code, says string }

// rules are in the order of matching. A sentence ending in a colon is followed by
// the rest of the validator's message, which names the limit and never the value.
func rules() []rule {
	return []rule{
		{"required ", "required", "This is required."},
		{"unexpected property", "unknown-field", "This call has no such field."},
		{"expected length <= ", "too-long", "The greatest length is: "},
		{"expected length >= ", "too-short", "The least length is: "},
		{"expected number <= ", "too-large", "The greatest value is: "},
		{"expected number >= ", "too-small", "The least value is: "},
		{"expected array length <= ", "too-many", "The greatest number of entries is: "},
		{"expected array length >= ", "too-few", "The least number of entries is: "},
		{"expected value to be one of ", "unknown-value", "This must be one of: "},
		{"expected string to be ", "form", "This must be: "},
		{"expected string to match pattern ", "form", "This must have the form: "},
		{"expected ", "type", "This must be: "},
		{"invalid ", "type", "This must be: "},
	}
}

// ruleOf names the field and rule of one validator's complaint.
func ruleOf(e *huma.ErrorDetail) fault.Field {
	if name, ok := missing(e.Message); ok {
		return fault.Field{Location: e.Location + "." + name, Code: "required", Message: "This is required."}
	}
	for _, r := range rules() {
		rest, ok := strings.CutPrefix(e.Message, r.begins)
		if !ok {
			continue
		}
		if strings.HasSuffix(r.says, ": ") {
			return fault.Field{Location: e.Location, Code: r.code, Message: r.says + rest + "."}
		}
		return fault.Field{Location: e.Location, Code: r.code, Message: r.says}
	}
	return fault.Field{Location: e.Location, Code: "invalid", Message: "This cannot be accepted."}
}

// missing gives the name in "expected required property NAME to be present".
func missing(message string) (string, bool) {
	rest, ok := strings.CutPrefix(message, "expected required property ")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, " to be present")
}

func tooLarge() *fault.Error {
	return fault.New(fault.TooLarge, "too-large", "The body is larger than 1 MiB.")
}

func wrongType() *fault.Error {
	return fault.New(fault.UnsupportedMedia, "content-type", "This call takes a body of type application/json.")
}

// writeMethodProblem answers 405, the one status that no fault of a domain has.
func writeMethodProblem(w http.ResponseWriter) {
	w.Header().Set("Content-Type", problemJSON)
	w.WriteHeader(http.StatusMethodNotAllowed)
	_ = json.NewEncoder(w).Encode(problem{
		Type:   fault.ProblemType + "method",
		Title:  http.StatusText(http.StatusMethodNotAllowed),
		Status: http.StatusMethodNotAllowed,
		Detail: "This path does not take that method.",
	})
}

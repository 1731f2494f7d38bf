package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

const about = `The member's side of a card issuer's online account services.

Money is {"value":"25.00","currency":"USD"}; times are RFC 3339 in UTC; business dates are YYYY-MM-DD in the cell's time zone. An amount on an account is negative when money leaves it, and a card's balance is negative while its holder owes.

Every error is application/problem+json; its type ends with a stable code. 503 means that the answer is not known now: it never means no, and Retry-After says when to ask again.

Browsers authenticate by cookie, and writes that they send for another site are refused. Other clients send Authorization: Bearer. When an answer has the header Standfast-Session, its value is a newer token of the same session and replaces the one sent.

Every call that moves money takes an Idempotency-Key.`

// document gives the configuration of huma: our problems, JSON only, the
// document served by us.
func document() huma.Config {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Standfast member API", Version: "1", Description: about, License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}},
			Components: &huma.Components{
				Schemas: registry,
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"session": {Type: "http", Scheme: "bearer", BearerFormat: "PASETO v4.public", Description: "The token that signing in gave."},
					"cookie":  {Type: "apiKey", In: "cookie", Name: "session", Description: "Browsers: the session's cookie, whose name carries the cell."},
				},
			},
			Tags: []*huma.Tag{
				{Name: "Sign-in", Description: "Password, remembered device, one-time code."},
				{Name: "Session", Description: "The session that asks, the member's other sessions, and proofs of single actions."},
				{Name: "Passkeys", Description: "Keys on the member's devices that sign in without a password or a code."},
				{Name: "Second factors", Description: "The authenticator app, and recovery codes for the day when everything else is gone."},
				{Name: "Devices", Description: "Devices that need no code."},
				{Name: "Accounts", Description: "Cards and savings."},
				{Name: "Payment methods", Description: "Accounts at other banks that cards are paid from."},
				{Name: "Payments", Description: "Paying a card from another bank."},
				{Name: "Transfers", Description: "Between the member's own accounts."},
				{Name: "Cards", Description: "Freezing."},
				{Name: "Public", Description: "For everybody."},
			},
			OnAddOperation: []huma.AddOpFunc{ourProblems},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{translate},
	}
}

// ourProblems adds the errors that guard gives and gives every error of an
// operation our schema in place of huma's.
func ourProblems(doc *huma.OpenAPI, op *huma.Operation) {
	for _, status := range refusals(op) {
		if code := strconv.Itoa(status); op.Responses[code] == nil {
			op.Responses[code] = &huma.Response{Description: http.StatusText(status)}
		}
	}
	schema := doc.Components.Schemas.Schema(reflect.TypeFor[problem](), true, "Problem")
	for code, r := range op.Responses {
		if code < "400" {
			continue
		}
		r.Content = map[string]*huma.MediaType{problemJSON: {Schema: schema}}
	}
}

// refusals gives the statuses of what guard refuses.
func refusals(op *huma.Operation) []int {
	switch {
	case op.Method == http.MethodGet:
		return nil
	case op.RequestBody == nil:
		return []int{http.StatusForbidden, http.StatusRequestEntityTooLarge}
	}
	return []int{http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}
}

// serveDocument serves what register collected.
func (a *api) serveDocument() {
	delete(a.huma.OpenAPI().Components.Schemas.Map(), "ErrorModel")
	delete(a.huma.OpenAPI().Components.Schemas.Map(), "ErrorDetail")
	doc, err := json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	if err != nil {
		panic(err) // the document is made of constants; a test would have failed
	}
	a.mux.HandleFunc("GET /api/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(doc)
	})
}

package api

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"standfast/internal/core/signin"
)

// bare gives the API without any service behind it: enough for everything that
// is decided before a service is asked.
func bare(t testing.TB) http.Handler {
	t.Helper()
	return New(Services{SignIn: signin.Offline(nil, nil, nil, nil, signin.Config{}), Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Cell: Cell{Currency: "USD"}})
}

func openAPI(t *testing.T) map[string]any {
	t.Helper()
	w := httptest.NewRecorder()
	bare(t).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/openapi+json" {
		t.Fatalf("%d %s", w.Code, w.Header().Get("Content-Type"))
	}
	var doc map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

// operations calls f for every call of the document, as "GET /api/v1/session".
func operations(doc map[string]any, f func(name string, op map[string]any)) {
	for path, methods := range doc["paths"].(map[string]any) {
		for method, op := range methods.(map[string]any) {
			f(strings.ToUpper(method)+" "+path, op.(map[string]any))
		}
	}
}

// promised are the calls of API.md; other programs rely on them.
func promised() []string {
	return []string{
		"POST /api/v1/sign-in", "POST /api/v1/sign-in/code", "POST /api/v1/sign-in/code/resend",
		"GET /api/v1/session", "DELETE /api/v1/session", "GET /api/v1/devices", "DELETE /api/v1/devices/{id}",
		"POST /api/v1/step-up", "GET /api/v1/dashboard", "GET /api/v1/accounts", "GET /api/v1/accounts/{id}",
		"GET /api/v1/accounts/{id}/transactions", "GET /api/v1/payment-methods", "POST /api/v1/payment-methods",
		"DELETE /api/v1/payment-methods/{id}", "POST /api/v1/payments", "GET /api/v1/payments", "GET /api/v1/payments/{id}",
		"POST /api/v1/payments/{id}/cancel", "POST /api/v1/transfers", "POST /api/v1/cards/{account_id}/freeze",
		"POST /api/v1/cards/{account_id}/unfreeze", "GET /api/v1/atms", "GET /api/v1/status",
	}
}

func TestTheDocumentHasEveryPromisedCall(t *testing.T) {
	has := map[string]bool{}
	operations(openAPI(t), func(name string, _ map[string]any) { has[name] = true })
	for _, name := range promised() {
		if !has[name] {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestEveryCallIsDescribed(t *testing.T) {
	doc := openAPI(t)
	if doc["openapi"] != "3.1.0" {
		t.Errorf("OpenAPI version is %v", doc["openapi"])
	}
	ids := map[any]bool{}
	operations(doc, func(name string, op map[string]any) {
		if op["operationId"] == nil || ids[op["operationId"]] {
			t.Errorf("%s has no id of its own", name)
		}
		ids[op["operationId"]] = true
		if op["summary"] == nil || op["tags"] == nil || op["security"] == nil {
			t.Errorf("%s lacks a summary, a tag or its security", name)
		}
		checkResponses(t, name, op["responses"].(map[string]any))
		checkParameters(t, name, op)
	})
}

func checkResponses(t *testing.T, name string, responses map[string]any) {
	t.Helper()
	good := 0
	for code, r := range responses {
		content, _ := r.(map[string]any)["content"].(map[string]any)
		if code < "400" {
			good++
			continue
		}
		if len(content) != 1 || content[problemJSON] == nil {
			t.Errorf("%s answers %s with %v, not with a problem", name, code, content)
		}
	}
	if good != 1 || responses["503"] == nil {
		t.Errorf("%s has %d good answers and 503 %v", name, good, responses["503"])
	}
}

func checkParameters(t *testing.T, name string, op map[string]any) {
	t.Helper()
	params, _ := op["parameters"].([]any)
	for _, p := range params {
		p := p.(map[string]any)
		if p["description"] == nil {
			t.Errorf("%s: parameter %v has no description", name, p["name"])
		}
		schema := p["schema"].(map[string]any)
		if p["in"] != "path" && schema["type"] == "string" && schema["maxLength"] == nil {
			t.Errorf("%s: parameter %v has no limit", name, p["name"])
		}
	}
}

func TestSharedParametersAreThere(t *testing.T) {
	want := map[string]string{
		"POST /api/v1/payments": "Idempotency-Key Step-Up-Proof", "POST /api/v1/transfers": "Idempotency-Key",
		"GET /api/v1/payments": "account_id cursor limit", "GET /api/v1/accounts/{id}/transactions": "cursor from id limit text until",
		"POST /api/v1/sign-in": "Standfast-Device Standfast-Device-Key Standfast-Device-Proof Standfast-Flow", "POST /api/v1/payment-methods/{id}/confirm": "id",
	}
	operations(openAPI(t), func(name string, op map[string]any) {
		if want[name] == "" {
			return
		}
		var has []string
		for _, p := range op["parameters"].([]any) {
			has = append(has, p.(map[string]any)["name"].(string))
		}
		slices.Sort(has)
		if got := strings.Join(has, " "); got != want[name] {
			t.Errorf("%s takes %s, want %s", name, got, want[name])
		}
	})
}

func TestEveryFieldIsDocumented(t *testing.T) {
	for name, s := range schemas(openAPI(t)) {
		properties, _ := s["properties"].(map[string]any)
		if len(properties) == 0 {
			t.Errorf("%s has no fields", name)
		}
		for field, p := range properties {
			if p := p.(map[string]any); p["description"] == nil && p["$ref"] == nil {
				t.Errorf("%s.%s has no description", name, field)
			}
		}
	}
}

func TestEveryTextOfARequestHasALimit(t *testing.T) {
	doc := openAPI(t)
	seen := 0
	operations(doc, func(name string, op map[string]any) {
		request, ok := op["requestBody"].(map[string]any)
		if !ok {
			return
		}
		seen++
		schema := request["content"].(map[string]any)["application/json"].(map[string]any)["schema"].(map[string]any)
		checkLimits(t, doc, name+" body", schema)
	})
	if seen < 8 {
		t.Errorf("only %d calls have a body", seen)
	}
}

func checkLimits(t *testing.T, doc map[string]any, at string, schema map[string]any) {
	t.Helper()
	if ref, ok := schema["$ref"].(string); ok {
		schema = schemas(doc)[strings.TrimPrefix(ref, "#/components/schemas/")]
	}
	switch schema["type"] {
	case "string":
		if schema["maxLength"] == nil && schema["enum"] == nil {
			t.Errorf("%s has no limit", at)
		}
	case "array":
		if schema["maxItems"] == nil {
			t.Errorf("%s has no greatest length", at)
		}
	case "object":
		properties, _ := schema["properties"].(map[string]any)
		for field, p := range properties {
			checkLimits(t, doc, at+"."+field, p.(map[string]any))
		}
	}
}

func schemas(doc map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{}
	for name, s := range doc["components"].(map[string]any)["schemas"].(map[string]any) {
		all[name] = s.(map[string]any)
	}
	return all
}

func TestReferencesLeadSomewhere(t *testing.T) {
	doc := openAPI(t)
	known := schemas(doc)
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				if known[strings.TrimPrefix(ref, "#/components/schemas/")] == nil {
					t.Errorf("%s leads nowhere", ref)
				}
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	walk(doc)
	for _, scheme := range []string{"session", "cookie"} {
		if doc["components"].(map[string]any)["securitySchemes"].(map[string]any)[scheme] == nil {
			t.Errorf("security scheme %s is missing", scheme)
		}
	}
}

package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"standfast/internal/journey"
)

// BenchmarkTransferOverhead measures what HTTP decoding, validation and encoding
// cost a transfer beside the ledger's work and the session's check.
func BenchmarkTransferOverhead(b *testing.B) {
	a := &api{Services: Services{Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Cell: Cell{Currency: "USD", Timeout: defaultTimeout}}, mux: http.NewServeMux()}
	a.start()
	register(a, operation{id: "bench", method: "POST", path: "/api/v1/bench", public: true, journey: journey.Transfer, status: 201},
		func(_ context.Context, _ *call, in *struct {
			KeyHeaders
			Body transferRequest
		}) (*created[transferAnswer], error) {
			if _, err := in.Body.Amount.positive("body.amount"); err != nil {
				return nil, err
			}
			return &created[transferAnswer]{Status: 201, Body: transferAnswer{ID: "x", Status: "posted", From: in.Body.From, To: in.Body.To, Amount: in.Body.Amount}}, nil
		})
	h := a.guard(a.mux)
	const contents = `{"from_account_id":"019cada2-6c00-7000-8000-2d5f3ab0c00a","to_account_id":"019cada2-6c00-7000-8000-2d5f3ab0c006","amount":{"value":"0.01","currency":"USD"}}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/api/v1/bench", strings.NewReader(contents))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "k-1")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 201 {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkNothing is what the above spends on making a request.
func BenchmarkNothing(b *testing.B) {
	const contents = `{"from_account_id":"019cada2-6c00-7000-8000-2d5f3ab0c00a","to_account_id":"019cada2-6c00-7000-8000-2d5f3ab0c006","amount":{"value":"0.01","currency":"USD"}}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/api/v1/bench", strings.NewReader(contents))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "k-1")
		w := httptest.NewRecorder()
		w.WriteString(contents)
	}
}

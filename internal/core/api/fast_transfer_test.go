package api

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"standfast/internal/core/account"
	"standfast/internal/money"
)

const plainContents = `{"from_account_id":"019cada2-6c00-7000-8000-2d5f3ab0c00a","to_account_id":"019cada2-6c00-7000-8000-2d5f3ab0c006","amount":{"value":"0.01","currency":"USD"}}`

func TestTheUsualTransferIsReadQuickly(t *testing.T) {
	want := account.TransferRequest{From: "019cada2-6c00-7000-8000-2d5f3ab0c00a", To: "019cada2-6c00-7000-8000-2d5f3ab0c006", Amount: money.New(1, "USD")}
	var indented strings.Builder
	for _, c := range plainContents {
		indented.WriteRune(c)
		if strings.ContainsRune("{},:", c) {
			indented.WriteString("\r\n\t ")
		}
	}
	for _, s := range []string{plainContents, indented.String(), " " + plainContents + "\n"} {
		if got, ok := decodeTransfer([]byte(s)); !ok || got != want {
			t.Errorf("%s was read as %+v, %v", s, got, ok)
		}
	}
}

func TestWhatIsUnusualIsLeftToTheGeneralPath(t *testing.T) {
	for _, s := range []string{
		"", "{}", "null", "[]", plainContents[:len(plainContents)-1], plainContents + "{}", plainContents + "x",
		strings.Replace(plainContents, "0.01", "-0.01", 1), strings.Replace(plainContents, "0.01", "0.00", 1),
		strings.Replace(plainContents, "0.01", "0.001", 1), strings.Replace(plainContents, `"0.01"`, "0.01", 1),
		strings.Replace(plainContents, "USD", "usd", 1), strings.Replace(plainContents, "0.01", `0.0\u0031`, 1),
		`{"amount":{"value":"1","currency":"USD","x":"y"},"from_account_id":"a","to_account_id":"b"}`,
		`{"from_account_id":"a","from_account_id":"b","to_account_id":"c","amount":{"value":"1","currency":"USD"}}`,
		`{"from_account_id":"a","to_account_id":"c","amount":{"value":"1","value":"2","currency":"USD"}}`,
		`{"from_account_id":"a","to_account_id":"c","amount":{"value":"1"}}`, `{"From_account_id":"a","to_account_id":"c","amount":{"value":"1","currency":"USD"}}`,
		`{"from_account_id":"a","to_account_id":"","amount":{"value":"1","currency":"USD"}}`,
		`{"from_account_id":"` + strings.Repeat("a", 65) + `","to_account_id":"c","amount":{"value":"1","currency":"USD"}}`,
		`{"from_account_id":"ä","to_account_id":"c","amount":{"value":"1","currency":"USD"}}`,
		`{"from_account_id":"a","to_account_id":"c","amount":{"value":"1","currency":"USD"},}`,
		`{"from_account_id":"a",,"to_account_id":"c","amount":{"value":"1","currency":"USD"}}`,
	} {
		if got, ok := decodeTransfer([]byte(s)); ok {
			t.Errorf("%s was read quickly, as %+v", s, got)
		}
	}
}

// FuzzPlainTransfer holds that whatever is read quickly is what encoding/json,
// told to be strict, reads in it.
func FuzzPlainTransfer(f *testing.F) {
	f.Add([]byte(plainContents))
	f.Add([]byte(`{"amount":{"currency":"JPY","value":"1"},"to_account_id":"b","from_account_id":"a"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := decodeTransfer(b)
		if !ok {
			return
		}
		var want transferRequest
		d := json.NewDecoder(strings.NewReader(string(b)))
		d.DisallowUnknownFields()
		if err := d.Decode(&want); err != nil || d.More() {
			t.Fatalf("%q was read as %+v, but %v", b, got, err)
		}
		v, err := want.Amount.positive("body.amount")
		if err != nil || got.From != want.From || got.To != want.To || got.Amount != v {
			t.Errorf("%q was read as %+v, want %+v (%v)", b, got, want, err)
		}
	})
}

func TestBothPathsWriteTheSame(t *testing.T) {
	v := account.Transfer{ID: "i", Status: "posted", From: "f", To: "t", Amount: money.New(123456, "USD")}
	w := httptest.NewRecorder()
	writeTransfer(w, v)
	want, err := json.Marshal(transferOf(v))
	if err != nil || w.Code != 201 || w.Body.String() != string(want)+"\n" {
		t.Errorf("%d %s, want %s", w.Code, w.Body, want)
	}
}

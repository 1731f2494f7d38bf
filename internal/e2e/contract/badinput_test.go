package contract

import (
	"strings"
	"testing"
)

// bad is one request that must be refused, with the status and, for 422, the
// field that the refusal names.
type bad struct {
	name, method, path, body string
	status                   int
	location                 string
	header                   []string
}

func TestBadInputIsRefusedByName(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		c := h.alex()
		for _, b := range everyBadInput(c.account("card"), c.account("savings"), c.find("/payment-methods", "status", "verified")) {
			t.Run(b.name, func(t *testing.T) {
				var body any
				if b.body != "" {
					body = b.body
				}
				a := c.do(b.method, b.path, body, b.header...)
				a.t = t
				a.want(b.status, "")
				if b.location != "" && !names(a, b.location) {
					t.Errorf("it does not name %s: %s", b.location, a.text)
				}
			})
		}
		if n := len(c.do("GET", "/payments", nil).want(200, "").items()); n != 0 {
			t.Errorf("bad input made %d payments", n)
		}
	})
}

func names(a answer, location string) bool {
	list, _ := a.body["errors"].([]any)
	for _, e := range list {
		if e := e.(object); strings.HasPrefix(e["location"].(string), location) && e["message"] != "" {
			return true
		}
	}
	return false
}

func everyBadInput(card, savings, method string) []bad {
	key := []string{"Idempotency-Key", "bad"}
	pay := func(amount string) string {
		return `{"account_id":"` + card + `","payment_method_id":"` + method + `","amount":` + amount + `}`
	}
	move := func(amount string) string {
		return `{"from_account_id":"` + savings + `","to_account_id":"` + card + `","amount":` + amount + `}`
	}
	list := []bad{
		{"pay without a key", "POST", "/payments", pay(`{"value":"1.00","currency":"USD"}`), 422, "header.Idempotency-Key", nil},
		{"pay with a long key", "POST", "/payments", pay(`{"value":"1.00","currency":"USD"}`), 422, "header.Idempotency-Key", []string{"Idempotency-Key", strings.Repeat("k", 129)}},
		{"move without a key", "POST", "/transfers", move(`{"value":"1.00","currency":"USD"}`), 422, "header.Idempotency-Key", nil},
		{"move with a long key", "POST", "/transfers", move(`{"value":"1.00","currency":"USD"}`), 422, "header.Idempotency-Key", []string{"Idempotency-Key", strings.Repeat("k", 129)}},
		{"move with a key with spaces", "POST", "/transfers", move(`{"value":"1.00","currency":"USD"}`), 422, "header.Idempotency-Key", []string{"Idempotency-Key", "a b"}},
		{"pay in words", "POST", "/payments", `pay it`, 400, "", key},
		{"move in words", "POST", "/transfers", `move it`, 400, "", key},
		{"move half", "POST", "/transfers", `{"from_account_id":"` + savings + `"`, 400, "", key},
		{"pay nothing", "POST", "/payments", `{}`, 422, "body.amount", key},
		{"move nothing", "POST", "/transfers", `{}`, 422, "body.amount", key},
		{"move a list", "POST", "/transfers", `[]`, 422, "", key},
		{"move twice", "POST", "/transfers", move(`{"value":"1.00","currency":"USD"}`) + `{}`, 400, "", key},
		{"move with more", "POST", "/transfers", strings.Replace(move(`{"value":"1.00","currency":"USD"}`), "{", `{"note":"x",`, 1), 422, "body.note", key},
		{"move from a number", "POST", "/transfers", `{"from_account_id":1,"to_account_id":"` + card + `","amount":{"value":"1.00","currency":"USD"}}`, 422, "body.from_account_id", key},
		{"move from a long id", "POST", "/transfers", `{"from_account_id":"` + strings.Repeat("x", 65) + `","to_account_id":"` + card + `","amount":{"value":"1.00","currency":"USD"}}`, 422, "body.from_account_id", key},
		{"pay on no date", "POST", "/payments", strings.Replace(pay(`{"value":"1.00","currency":"USD"}`), "{", `{"date":"2026-02-30",`, 1), 422, "body.date", key},
		{"pay on a past date", "POST", "/payments", strings.Replace(pay(`{"value":"1.00","currency":"USD"}`), "{", `{"date":"2001-01-01",`, 1), 422, "body.date", key},
		{"pay in the far future", "POST", "/payments", strings.Replace(pay(`{"value":"1.00","currency":"USD"}`), "{", `{"date":"9999-12-31",`, 1), 422, "body.date", key},
		{"pay as a form", "POST", "/payments", "amount=1", 415, "", append([]string{"Content-Type", "application/x-www-form-urlencoded"}, key...)},
		{"pay at length", "POST", "/payments", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "", key},
		{"move at length", "POST", "/transfers", `{"x":"` + strings.Repeat("x", 1<<20) + `"}`, 413, "", key},
		{"no kind of method", "POST", "/payment-methods", `{"kind":"piggy_bank","holder_name":"A"}`, 422, "body.kind", nil},
		{"a debit card", "POST", "/payment-methods", `{"kind":"debit_card","number":"4111111111111111","expires":"01/30","security_code":"123","holder_name":"A"}`, 422, "body.kind", nil},
		{"a wrong routing number", "POST", "/payment-methods", `{"kind":"bank_account","country":"US","routing_number":"021000022","account_number":"1234567","holder_name":"A"}`, 422, "body.routing_number", nil},
		{"no account number", "POST", "/payment-methods", `{"kind":"bank_account","country":"US","routing_number":"021000021","holder_name":"A"}`, 422, "body.account_number", nil},
		{"a wrong IBAN", "POST", "/payment-methods", `{"kind":"bank_account","iban":"DE89370400440532013001","holder_name":"A"}`, 422, "body.iban", nil},
		{"SQL as a sort code", "POST", "/payment-methods", `{"kind":"bank_account","country":"GB","sort_code":"'; DROP TABLE member","account_number":"12345678","holder_name":"A"}`, 422, "body.sort_code", nil},
		{"no holder", "POST", "/payment-methods", `{"kind":"bank_account","country":"US","routing_number":"021000021","account_number":"1234567","holder_name":""}`, 422, "body.holder_name", nil},
		{"a long holder", "POST", "/payment-methods", `{"kind":"bank_account","country":"US","routing_number":"021000021","account_number":"1234567","holder_name":"` + strings.Repeat("x", 101) + `"}`, 422, "body.holder_name", nil},
		{"NUL in a holder", "POST", "/payment-methods", `{"kind":"bank_account","country":"US","routing_number":"021000021","account_number":"1234567","holder_name":"a\u0000b"}`, 422, "body.holder_name", nil},
		{"no challenge", "POST", "/step-up", `{"code":"123456"}`, 422, "body.challenge_id", nil},
		{"a long cursor", "GET", "/payments?cursor=" + strings.Repeat("x", 513), "", 422, "query.cursor", nil},
		{"a wrong cursor", "GET", "/payments?cursor=%00%01", "", 422, "query.cursor", nil},
		{"a long list", "GET", "/payments?limit=1000", "", 422, "query.limit", nil},
		{"a body too large for a call without one", "POST", "/cards/" + card + "/freeze", strings.Repeat(" ", 1<<20+1), 413, "", nil},
	}
	for name, amount := range badAmounts() {
		list = append(list, bad{"pay " + name, "POST", "/payments", pay(amount), 422, "body.amount", key},
			bad{"move " + name, "POST", "/transfers", move(amount), 422, "body.amount", key})
	}
	return list
}

func badAmounts() map[string]string {
	return map[string]string{
		"a negative amount":          `{"value":"-1.00","currency":"USD"}`,
		"zero":                       `{"value":"0.00","currency":"USD"}`,
		"too precisely":              `{"value":"25.001","currency":"USD"}`,
		"too precisely with a zero":  `{"value":"25.000","currency":"USD"}`,
		"more than fits":             `{"value":"99999999999999999999","currency":"USD"}`,
		"the largest integer":        `{"value":"92233720368547758.07","currency":"USD"}`,
		"with an exponent":           `{"value":"1e3","currency":"USD"}`,
		"in hexadecimal":             `{"value":"0x10","currency":"USD"}`,
		"a plus sign":                `{"value":"+1.00","currency":"USD"}`,
		"with a comma":               `{"value":"1,00","currency":"USD"}`,
		"spaces":                     `{"value":" 1.00","currency":"USD"}`,
		"nothing":                    `{"value":"","currency":"USD"}`,
		"NaN":                        `{"value":"NaN","currency":"USD"}`,
		"other digits":               `{"value":"١.00","currency":"USD"}`,
		"a number":                   `{"value":25.00,"currency":"USD"}`,
		"null":                       `null`,
		"a text":                     `"25.00"`,
		"a list":                     `[]`,
		"an unknown currency":        `{"value":"1.00","currency":"XXQ"}`,
		"a currency in small":        `{"value":"1.00","currency":"usd"}`,
		"a long currency":            `{"value":"1.00","currency":"DOLLARS"}`,
		"no currency":                `{"value":"1.00"}`,
		"another currency":           `{"value":"1.00","currency":"EUR"}`,
		"no value":                   `{"currency":"USD"}`,
		"more than amount":           `{"value":"1.00","currency":"USD","tip":"1.00"}`,
		"a value of a thousand ones": `{"value":"` + strings.Repeat("1", 1000) + `","currency":"USD"}`,
	}
}

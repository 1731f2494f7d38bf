package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestMailboxListsNewestFirstAndEachMessageOnce(t *testing.T) {
	srv := httptest.NewServer(&mailbox{})
	defer srv.Close()
	post := func(body string) int {
		a, err := http.Post(srv.URL, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		return a.StatusCode
	}
	for i, to := range []string{"a@example.com", "b@example.com", "a@example.com"} {
		if got := post(fmt.Sprintf(`{"id":"m%d","to":%q,"code":"12345%d"}`, i, to, i)); got != http.StatusNoContent {
			t.Fatal(got)
		}
	}
	post(`{"id":"m2","to":"a@example.com"}`) // a repeat
	for body, want := range map[string]int{`{`: 400, `{"to":"x"}`: 400, `{"id":"` + strings.Repeat("x", mailboxMaxBytes) + `"}`: 400} {
		if got := post(body); got != want {
			t.Errorf("%.20s: %d", body, got)
		}
	}
	var list struct{ Items []Mail }
	a, err := http.Get(srv.URL + "?to=a@example.com")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if err := json.NewDecoder(a.Body).Decode(&list); err != nil || len(list.Items) != 2 || list.Items[0].ID != "m2" || list.Items[1].Code != "123450" {
		t.Fatalf("%+v %v", list, err)
	}
}

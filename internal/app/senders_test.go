package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"standfast/internal/core/notify"
	"standfast/internal/core/notify/gateway"
	"standfast/internal/doctor"
)

// file writes a small file and gives its path.
func secretFile(t *testing.T, contents string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(contents+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAConfiguredGatewayTakesTheMailboxsPlace(t *testing.T) {
	c := Defaults()
	c.Demo.Mailbox = "http://localhost:1"
	c.Text = GatewayConfig{URL: "https://gateway.example.com/v1/messages", SecretFile: secretFile(t, "Bearer t")}
	senders, err := newSenders(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := senders[notify.Text].(*gateway.Gateway); !ok {
		t.Errorf("text goes to %T", senders[notify.Text])
	}
	if _, ok := senders[notify.Voice].(*notify.Mailbox); !ok {
		t.Errorf("voice goes to %T", senders[notify.Voice])
	}
	c.Text.URL = "http://gateway.example.com"
	if _, err := newSenders(c); err == nil || !strings.Contains(err.Error(), "https://") {
		t.Error("a gateway in clear text:", err)
	}
}

func TestReceiptsHaveAnAddressOnlyWhereTheyAreProved(t *testing.T) {
	c := Defaults()
	c.Text = GatewayConfig{URL: "https://gateway.example.com/v1/messages"}
	h, err := newReceipts(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(h http.Handler, path string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}")))
		return w.Code
	}
	if got := ask(h, "/receipts/text"); got != http.StatusNotFound {
		t.Error("without a secret:", got)
	}
	c.Text.Receipts.SecretFile = secretFile(t, "a key of receipts, long enough")
	if h, err = newReceipts(c, nil); err != nil {
		t.Fatal(err)
	}
	if got := ask(h, "/receipts/text"); got != http.StatusUnauthorized {
		t.Error("without a signature:", got)
	}
	if got := ask(h, "/receipts/voice"); got != http.StatusNotFound {
		t.Error("of a channel that has none:", got)
	}
	c.Text.Receipts.SecretFile = secretFile(t, "short")
	if _, err := newReceipts(c, nil); err == nil {
		t.Error("a short secret is taken")
	}
}

func TestEveryRuleHasItsCountrysPrices(t *testing.T) {
	for rules, numbers := range map[string][2]string{"us": {"+12025550142", "+18765550100"}, "gb": {"+447700900123", "+447012345678"}, "eu": {"+4915112345678", "+12025550142"}} {
		c := Defaults()
		c.Cell.Rules = rules
		prices := c.tariff().Prices
		cost := func(number string) (units int64) {
			best := ""
			for p, u := range prices {
				if strings.HasPrefix(number, p) && len(p) > len(best) {
					best, units = p, u
				}
			}
			return units
		}
		if cost(numbers[0]) != 1 || cost(numbers[1]) != 0 {
			t.Errorf("%s: %d and %d units", rules, cost(numbers[0]), cost(numbers[1]))
		}
	}
}

func TestTheDoctorAsksTheGateway(t *testing.T) {
	sim := gateway.NewServer(gateway.ServerConfig{Token: "t"})
	defer sim.Close()
	srv := httptest.NewServer(sim)
	defer srv.Close()
	c := Defaults()
	c.Text = GatewayConfig{URL: srv.URL + "/v1/messages", SecretFile: secretFile(t, "Bearer t")}
	examine := func() doctor.Finding {
		list := doctor.Examine(context.Background(), doctor.Params{Probes: c.messageProbes()})
		return list[len(list)-1]
	}
	if f := examine(); f.State != doctor.OK || f.Check != "gateway text" {
		t.Errorf("%+v", f)
	}
	c.Text.SecretFile = secretFile(t, "Bearer wrong")
	if f := examine(); f.State != doctor.Fail || !strings.Contains(f.Found, "credential") {
		t.Errorf("%+v", f)
	}
	c.Text = GatewayConfig{}
	if f := examine(); f.State != doctor.Warn || f.Check != "codes" {
		t.Errorf("%+v", f)
	}
}

func TestTheReferenceGatewayRunsAsACommand(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- SimSMS(ctx, SimSMSOptions{Listen: "localhost:0", Token: "t", JSON: true, Fault: gateway.Fault{Mode: gateway.Deaf}, Out: in})
	}()
	var ready struct {
		Ready                 bool
		Messages, Inbox, Mode string
	}
	if err := json.NewDecoder(out).Decode(&ready); err != nil || !ready.Ready || ready.Mode != "deaf" {
		t.Fatal(ready, err)
	}
	req, _ := http.NewRequest(http.MethodPost, ready.Messages, bytes.NewReader([]byte(`{"id":"m1","channel":"text","to":"+12025550142","text":"hello"}`)))
	req.Header.Set("Authorization", "Bearer t")
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusAccepted {
		t.Fatal(res, err)
	}
	res.Body.Close()
	req, _ = http.NewRequest(http.MethodGet, ready.Inbox, nil)
	req.Header.Set("Authorization", "Bearer t")
	res, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var inbox struct{ Items []gateway.Arrived }
	if err := json.NewDecoder(res.Body).Decode(&inbox); err != nil || len(inbox.Items) != 0 {
		t.Fatal("a deaf gateway delivered:", inbox, err)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, bad := range []SimSMSOptions{{Listen: "0.0.0.0:0"}, {Listen: "localhost:0", ReceiptsTo: "http://localhost:1", Secret: "short"}} {
		if SimSMS(context.Background(), bad) == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}

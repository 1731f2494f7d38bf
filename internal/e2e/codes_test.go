package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// textGateway is a running `standfast sim sms`.
type textGateway struct {
	URL, Messages, Inbox, Faults, Token string
}

// startTexts starts the reference gateway, which reports to a demo's port.
func startTexts(t testing.TB, port int) *textGateway {
	t.Helper()
	cmd := exec.Command(program(t), "sim", "sms", "--json", "--listen", "localhost:0", "--receipts-to", fmt.Sprintf("http://localhost:%d/receipts/text", port))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(syscall.SIGTERM); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadBytes('\n')
	g := &textGateway{}
	if err != nil || json.Unmarshal(line, g) != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return g
}

// ask makes one request to the gateway.
func (g *textGateway) ask(t testing.TB, method, address, body string, into any) {
	t.Helper()
	q, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+g.Token)
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode >= 300 {
		t.Fatal(method, address, a.Status)
	}
	if into != nil {
		if err := json.NewDecoder(a.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
}

// newest gives the code of the newest text message, "" when there is none.
func (g *textGateway) newest(t testing.TB) string {
	t.Helper()
	var inbox struct{ Items []struct{ Code string } }
	g.ask(t, http.MethodGet, g.Inbox, "", &inbox)
	if len(inbox.Items) == 0 {
		return ""
	}
	return inbox.Items[0].Code
}

// begin signs a member in as far as the challenge.
func (c *client) begin(t testing.TB, who credentials) (challenge map[string]any) {
	t.Helper()
	status, a := c.do(t, "POST", "/sign-in", map[string]any{"username": who.Username, "password": who.Password}, nil)
	if status != 200 || a["status"] != "code_required" {
		t.Fatalf("sign-in: %d %v", status, a)
	}
	return a["challenge"].(map[string]any)
}

func (c *client) finish(t testing.TB, challenge map[string]any, code string) {
	t.Helper()
	status, a := c.do(t, "POST", "/sign-in/code", map[string]any{"challenge_id": challenge["id"], "code": code}, nil)
	if status != 200 || a["status"] != "signed_in" {
		t.Fatalf("code: %d %v", status, a)
	}
	c.token = a["session"].(map[string]any)["token"].(string)
}

// A text message goes through a gateway of its own process, whose receipt the
// sign-in page sees. What happens when texts stop is row 16 of the game day.
func TestATextArrivesAndItsReceiptIsSeen(t *testing.T) {
	port := freePort(t)
	texts := startTexts(t, port)
	d := startDemo(t, "--listen", fmt.Sprintf("localhost:%d", port), "--texts", texts.Messages)
	c := newClient(d.API, "healthy")
	ch := c.begin(t, d.Members[0])
	eventually(t, 2*time.Minute, "receipt", func() bool {
		_, a := c.do(t, "GET", "/sign-in/challenges/"+ch["id"].(string), nil, nil)
		return a["delivery"] == "delivered"
	})
	c.finish(t, ch, texts.newest(t))
	status, a := c.do(t, "GET", "/code-requests", nil, nil)
	if items := a["items"].([]any); status != 200 || len(items) != 1 || items[0].(map[string]any)["messages"] != 1.0 {
		t.Fatal(status, a)
	}
}

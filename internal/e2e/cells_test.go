package e2e

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"standfast/internal/pki"
)

// towards gives what reaches an address of ours: names under localhost are this
// machine, as browsers have it, whatever the machine's resolver says.
func towards(base string) http.RoundTripper {
	u, err := url.Parse(base)
	if err != nil || !strings.HasSuffix(u.Hostname(), ".localhost") {
		return http.DefaultTransport
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("localhost", u.Port()))
	}
	return t
}

// cell gives one cell of a demo as if it were all of it.
func (d *demo) cell(t testing.TB, name string) *demo {
	t.Helper()
	for _, c := range d.Cells {
		if c.Name == name {
			c.Mailbox, c.PIDs = d.Mailbox, d.PIDs
			return &demo{ready: c, cmd: d.cmd, log: d.log}
		}
	}
	t.Fatalf("no cell %s in %+v", name, d.ready)
	return nil
}

// Three cells: what one has given out, another refuses; whoever is lost costs the
// others nothing.
func TestCellsKnowNothingOfEachOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := startDemo(t, "--cells", "us,gb,eu", "--data", dir, "--no-restart")
	us, gb := d.cell(t, "us"), d.cell(t, "gb")
	british, american := signIn(t, gb, 0), signIn(t, us, 0)
	british.speaksOf(t, "GBP")
	american.speaksOf(t, "USD")
	t.Run("a session", func(t *testing.T) { refusesSessions(t, us, british) })
	t.Run("a name and password", func(t *testing.T) {
		who := gb.Members[0]
		if status, a := newClient(us.API, "flow").do(t, "POST", "/sign-in", map[string]any{"username": who.Username, "password": who.Password}, nil); status != http.StatusUnauthorized && status != http.StatusUnprocessableEntity {
			t.Errorf("%d %v", status, a)
		}
	})
	t.Run("certificates", func(t *testing.T) { refusesCertificates(t, dir) })
	t.Run("keys", func(t *testing.T) { haveKeysOfTheirOwn(t, dir) })
	for _, p := range []string{"gb/core", "gb/standin"} {
		d.signal(t, p, syscall.SIGKILL)
	}
	if status, _ := american.do(t, "GET", "/dashboard", nil, nil); status != http.StatusOK {
		t.Errorf("with gb lost, us answers %d", status)
	}
	eventually(t, startLimit, "honest answer of gb's", func() bool {
		status, a, err := british.send("GET", "/dashboard", nil, nil)
		if status == http.StatusUnauthorized || status == http.StatusOK {
			t.Fatalf("the lost cell answers %d %v", status, a)
		}
		return err == nil && status == http.StatusServiceUnavailable && a["telephone"] == "0808 157 0100"
	})
}

// speaksOf wants every amount of the dashboard in a currency.
func (c *client) speaksOf(t *testing.T, currency string) {
	t.Helper()
	_, a := c.do(t, "GET", "/dashboard", nil, nil)
	b, _ := json.Marshal(a) // it was JSON before
	if n := strings.Count(string(b), `"currency":"`); n == 0 || n != strings.Count(string(b), `"currency":"`+currency+`"`) {
		t.Errorf("not all in %s: %s", currency, b)
	}
}

// refusesSessions shows a session of another cell, as programs do and as browsers
// would.
func refusesSessions(t *testing.T, us *demo, british *client) {
	stranger := newClient(us.API, "flow")
	stranger.token, stranger.device = british.token, british.device
	if status, a := stranger.do(t, "GET", "/dashboard", nil, nil); status != http.StatusUnauthorized {
		t.Errorf("as bearer: %d %v", status, a)
	}
	for _, name := range []string{"sf_us_session_v1", "sf_gb_session_v1"} {
		q, _ := http.NewRequest("GET", us.Portal+"dashboard", nil) // the demo's own address
		q.AddCookie(&http.Cookie{Name: name, Value: british.token})
		a, err := towards(us.Portal).RoundTrip(q)
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/sign-in") {
			t.Errorf("as %s: %d %s", name, a.StatusCode, a.Header.Get("Location"))
		}
	}
}

// insides is what the test reads of a process's file.
type insides struct {
	Internal struct{ Listen string }
	Core     struct {
		FeedKey string `toml:"feed_key"`
	}
	StandIn struct {
		PublicKey string `toml:"public_key"`
	} `toml:"standin"`
}

func readInsides(t *testing.T, path ...string) (c insides) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	if err := toml.Unmarshal(b, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// refusesCertificates asks us' core for its feed with each cell's certificates:
// the stand-in of gb gets no connection, though one authority made both.
func refusesCertificates(t *testing.T, dir string) {
	core := readInsides(t, dir, "us", "demo.toml").Internal.Listen
	for cell, allowed := range map[string]bool{"us": true, "gb": false} {
		mine := filepath.Join(dir, cell, "pki")
		conf, err := pki.Client(filepath.Join(mine, pki.AuthorityFile), pki.CertificateFile(mine, pki.StandIn), pki.KeyFile(mine, pki.StandIn), "us", pki.Core)
		if err != nil {
			t.Fatal(err)
		}
		if answered := feeds(t, core, conf); answered != allowed {
			t.Errorf("the stand-in of %s is answered: %v", cell, answered)
		}
	}
	edge := filepath.Join(dir, "pki")
	conf, err := pki.Client(filepath.Join(edge, pki.AuthorityFile), pki.CertificateFile(edge, pki.Edge), pki.KeyFile(edge, pki.Edge), "gb", pki.Core)
	if err != nil {
		t.Fatal(err)
	}
	if feeds(t, core, conf) {
		t.Error("the edge takes us' core for gb's")
	}
}

// feeds tells whether the feed is given.
func feeds(t *testing.T, at string, conf *tls.Config) bool {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: conf}
	defer tr.CloseIdleConnections()
	a, err := (&http.Client{Transport: tr, Timeout: startLimit}).Get("https://" + at + "/internal/v1/feed?limit=1")
	if err != nil {
		return false
	}
	defer a.Body.Close()
	b, _ := io.ReadAll(a.Body)
	return a.StatusCode == http.StatusOK && strings.Contains(string(b), `"cell":"us"`)
}

// haveKeysOfTheirOwn compares the keys by which feeds and sessions are believed.
func haveKeysOfTheirOwn(t *testing.T, dir string) {
	seen := map[string]string{}
	for _, cell := range []string{"us", "gb", "eu"} {
		for what, key := range map[string]string{"feed": readInsides(t, dir, cell, "standin.toml").Core.FeedKey, "stand-in": readInsides(t, dir, cell, "demo.toml").StandIn.PublicKey} {
			if key == "" || seen[key] != "" {
				t.Errorf("%s of %s is %q, as %s", what, cell, key, seen[key])
			}
			seen[key] = what + " of " + cell
		}
	}
}

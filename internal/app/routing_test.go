package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pelletier/go-toml/v2"

	"standfast/internal/edge/route"
	"standfast/internal/fault"
	"standfast/internal/pki"
	"standfast/internal/steer"
)

// controlled is an edge of one cell whose processes are ready, with its control
// listener open, and the file that says where.
func controlled(t *testing.T) (file string, c EdgeConfig) {
	t.Helper()
	dir := t.TempDir()
	if err := pki.Create(filepath.Join(dir, "pki"), "us"); err != nil {
		t.Fatal(err)
	}
	l := loopbackSocket(t)
	c = EdgeDefaults()
	c.Store = filepath.Join(dir, "edge.db")
	c.Internal = EdgeInternalConfig{Listen: l.Addr().String(), CA: filepath.Join(dir, "pki", "ca.pem"), Certificate: filepath.Join(dir, "pki", "edge.pem"), Key: filepath.Join(dir, "pki", "edge.key")}
	c.Cells = []EdgeCellConfig{{Name: "us", Hosts: []string{"my.example.com"}, Telephone: "1", Standin: EdgeStandinConfig{URL: "https://localhost:3"},
		Builds: []EdgeBuildConfig{{Name: "a", URL: "https://localhost:1"}, {Name: "b", URL: "https://localhost:2"}}}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	routes, err := newRouting(c, log)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range routes.Targets() {
		routes.Probed(p, route.Probe{Answered: true, Ready: true})
	}
	e := &edgeProcess{config: c, routes: routes, log: log}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.serveInternal(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		routes.decisions.finish()
	})
	raw, err := toml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "edge.toml")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, c
}

func TestRoutingIsSeenAndChangedWithoutCore(t *testing.T) {
	file, _ := controlled(t)
	var out bytes.Buffer
	at := RoutingTarget{Config: file, Out: &out}
	if err := RoutingOverride(t.Context(), at, steer.Override{Journey: "pay", Side: steer.Standin, Who: "Ada", Reason: "drill"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := RoutingShare(t.Context(), at, steer.Share{Build: "b", Share: 2500, Who: "Ada", Reason: "release 7"}); err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := RoutingShow(t.Context(), at, "us"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Ada until", "core b", "25 %", "core alone can"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, &out)
		}
	}
	for name, err := range map[string]error{
		"another cell":       RoutingShow(t.Context(), at, "mars"),
		"no override to end": RoutingOverride(t.Context(), at, steer.Override{Journey: "freeze", Who: "Ada", Reason: "r"}, 0),
		"no edge named":      RoutingShow(t.Context(), RoutingTarget{Out: &out}, ""),
	} {
		if !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The wire form is written down twice, once for each side of the import table:
// every field that the edge sends is one that steer reads.
func TestWhatTheEdgeTellsIsAllRead(t *testing.T) {
	file, c := controlled(t)
	at := RoutingTarget{Config: file, Out: io.Discard}
	if err := RoutingOverride(t.Context(), at, steer.Override{Journey: "*", Side: steer.Standin, Who: "Ada", Reason: "drill"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	conf, err := pki.Client(c.Internal.CA, filepath.Join(filepath.Dir(c.Internal.CA), "console.pem"), filepath.Join(filepath.Dir(c.Internal.CA), "console.key"), pki.AnyCell, pki.Edge)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: conf}
	defer transport.CloseIdleConnections()
	a, err := (&http.Client{Transport: transport}).Get("https://" + c.Internal.Listen + "/edge/v1/routing")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var s steer.State
	d := json.NewDecoder(a.Body)
	d.DisallowUnknownFields()
	var raw map[string]any
	if err := d.Decode(&raw); err != nil {
		t.Fatal(err)
	}
	delete(raw, "decisions") // with the tallies that led to them, which nobody shows yet
	b, err := json.Marshal(raw)
	if err != nil {
		t.Fatal(err)
	}
	d = json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		t.Error(err)
	}
	if j := s.Cell("us").Journey("pay"); j == nil || j.Override == nil || j.Side != steer.Standin || j.Mark == "" {
		t.Errorf("%+v", j)
	}
}

// Who decides by what they saw is refused when it is not so any more.
func TestAMarkThatIsOverIsRefused(t *testing.T) {
	file, _ := controlled(t)
	client, err := RoutingTarget{Config: file}.client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	seen, err := client.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	say := steer.Override{Cell: "us", Journey: "pay", Side: steer.Standin, Mark: seen.Cell("us").MarkOf("pay"), Until: time.Now().Add(time.Hour), Who: "Ada", Reason: "drill"}
	if _, err := client.Override(t.Context(), say); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Override(t.Context(), say); !fault.Is(err, fault.Conflict) || fault.As(err).Code != "routing.changed" {
		t.Errorf("a second time: %v", err)
	}
	say.Journey, say.Mark = "*", seen.Cell("us").Mark
	if _, err := client.Override(t.Context(), say); !fault.Is(err, fault.Conflict) {
		t.Errorf("all, by what is over: %v", err)
	}
}

func TestAnEdgeThatIsNotThereIsSaidToBe(t *testing.T) {
	dir := t.TempDir()
	if err := pki.Create(dir, "us"); err != nil {
		t.Fatal(err)
	}
	l := loopbackSocket(t)
	l.Close()
	err := RoutingShow(t.Context(), RoutingTarget{Edge: "https://" + l.Addr().String(), PKI: dir, Out: io.Discard}, "")
	if fault.As(err).Code != "routing.edge" {
		t.Error(err)
	}
}

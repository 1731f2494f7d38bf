package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"standfast/internal/edge/route"
	"standfast/internal/pki"
)

// What an operator decides by mutual TLS is in the record, and holds after the
// edge has started again.
func TestAnOperatorsShareOutlivesTheEdge(t *testing.T) {
	dir := t.TempDir()
	if err := pki.Create(filepath.Join(dir, "pki"), "us"); err != nil {
		t.Fatal(err)
	}
	c := EdgeDefaults()
	c.Store = filepath.Join(dir, "edge.db")
	c.Internal = EdgeInternalConfig{CA: filepath.Join(dir, "pki", "ca.pem"), Certificate: filepath.Join(dir, "pki", "edge.pem"), Key: filepath.Join(dir, "pki", "edge.key")}
	c.Cells = []EdgeCellConfig{{Name: "us", Builds: []EdgeBuildConfig{{Name: "a", URL: "https://localhost:1"}, {Name: "b", URL: "https://localhost:2"}}}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	routes, err := newRouting(c, log)
	if err != nil {
		t.Fatal(err)
	}
	e := &edgeProcess{config: c, routes: routes, log: log}
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- e.serveInternal(ctx, l) }()

	said := `{"cell":"us","build":"b","share":2500,"who":"Ada","reason":"release 7"}`
	conf, err := pki.Client(c.Internal.CA, filepath.Join(dir, "pki", "operator.pem"), filepath.Join(dir, "pki", "operator.key"), pki.AnyCell, pki.Edge)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: conf}
	answer, err := (&http.Client{Transport: transport}).Post("https://"+l.Addr().String()+"/edge/v1/shares", "application/json", strings.NewReader(said))
	if err != nil {
		t.Fatal(err)
	}
	var state route.State
	if err := json.NewDecoder(answer.Body).Decode(&state); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status, err)
	}
	answer.Body.Close()
	transport.CloseIdleConnections()
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	routes.decisions.run(ctx) // what waits is written, and the file closed

	again, err := newRouting(c, log)
	if err != nil {
		t.Fatal(err)
	}
	defer again.decisions.finish()
	if b := again.State().Cells[0].Processes[1]; b.Share != 100 || b.Target != 2500 {
		t.Errorf("after a restart the build has %d and grows to %d", b.Share, b.Target)
	}
	list, err := again.decisions.list(context.Background(), "us", 10)
	if err != nil || len(list) != 1 || list[0].Who != "Ada" {
		t.Errorf("%+v %v", list, err)
	}
}

package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"standfast/internal/pki"
	"standfast/internal/token"
)

// coreOf starts an internal listener over members' handler and gives a way to ask as a role.
func coreOf(t *testing.T, i internal) func(as pki.Role, path string, header map[string]string) *http.Response {
	t.Helper()
	dir := t.TempDir()
	if err := pki.Create(dir, "us"); err != nil {
		t.Fatal(err)
	}
	srv, err := internalServer(InternalConfig{CA: filepath.Join(dir, pki.AuthorityFile), Certificate: pki.CertificateFile(dir, pki.Core), Key: pki.KeyFile(dir, pki.Core)},
		i.handler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = srv.ServeTLS(l, "", "") }()
	t.Cleanup(func() { srv.Close() })
	return func(as pki.Role, path string, header map[string]string) *http.Response {
		t.Helper()
		conf, err := pki.Client(filepath.Join(dir, pki.AuthorityFile), pki.CertificateFile(dir, as), pki.KeyFile(dir, as), "us", pki.Core)
		if err != nil {
			t.Fatal(err)
		}
		tr := &http.Transport{TLSClientConfig: conf, ForceAttemptHTTP2: true}
		defer tr.CloseIdleConnections()
		r, err := http.NewRequest(http.MethodGet, "https://"+l.Addr().String()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, v := range header {
			r.Header.Set(name, v)
		}
		resp, err := (&http.Client{Transport: tr}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
}

// seen is what members' handler saw of a request.
type seen struct {
	Remote, Forwarded string
	Left              time.Duration
	Bounded           bool
}

func showing() internal {
	return internal{build: "b1", ready: func(context.Context) []string { return nil }, keys: func() []token.PublicKey { return []token.PublicKey{{ID: "k", Key: make([]byte, 32)}} },
		members: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			deadline, bounded := r.Context().Deadline()
			writeJSON(w, http.StatusOK, seen{r.RemoteAddr, r.Header.Get("X-Forwarded-For") + r.Header.Get("X-Forwarded-Proto"), time.Until(deadline), bounded})
		}),
		standIn: map[string]http.Handler{"GET /internal/v1/feed": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })}}
}

func TestTheEdgeSaysWhoTheClientIs(t *testing.T) {
	ask := coreOf(t, showing())
	resp := ask(pki.Edge, "/dashboard", map[string]string{"X-Forwarded-For": "2001:db8::7", "X-Forwarded-Proto": "https", deadlineHeader: "1500"})
	var s seen
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil {
		t.Fatal(err)
	}
	if s.Remote != "[2001:db8::7]:0" || s.Forwarded != "" || !s.Bounded || s.Left > 1500*time.Millisecond || resp.Header.Get(buildHeader) != "b1" {
		t.Errorf("%+v, build %q", s, resp.Header.Get(buildHeader))
	}
}

func TestWhatTheEdgeMustNotSendIsRefused(t *testing.T) {
	ask := coreOf(t, showing())
	for name, header := range map[string]map[string]string{
		"no address":      {},
		"a list":          {"X-Forwarded-For": "192.0.2.1, 192.0.2.2"},
		"no real address": {"X-Forwarded-For": "unknown"},
		"no deadline":     {"X-Forwarded-For": "192.0.2.1", deadlineHeader: "soon"},
		"a past one":      {"X-Forwarded-For": "192.0.2.1", deadlineHeader: "-1"},
	} {
		if got := ask(pki.Edge, "/", header).StatusCode; got != http.StatusBadRequest {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestEachRoleGetsWhatIsIts(t *testing.T) {
	ask := coreOf(t, showing())
	for _, c := range []struct {
		as   pki.Role
		path string
		want int
	}{
		{pki.Edge, "/internal/v1/ready", 200}, {pki.Edge, "/internal/v1/keys", 200}, {pki.Edge, "/internal/v1/feed", 404},
		{pki.StandIn, "/internal/v1/ready", 200}, {pki.StandIn, "/internal/v1/keys", 200}, {pki.StandIn, "/internal/v1/feed", 204}, {pki.StandIn, "/dashboard", 404},
	} {
		if got := ask(c.as, c.path, nil).StatusCode; got != c.want {
			t.Errorf("%s asks %s: %d, want %d", c.as, c.path, got, c.want)
		}
	}
}

func TestACoreThatIsNotReadySaysWhy(t *testing.T) {
	i := showing()
	i.ready = readiness(&health{})
	resp := coreOf(t, i)(pki.Edge, "/internal/v1/ready", nil)
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || string(body) != `{"build":"b1","ready":false,"reasons":["starting or stopping"]}`+"\n" {
		t.Errorf("%d %s %v", resp.StatusCode, body, err)
	}
}

func TestAStoppingCoreServesOnForAWhile(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	said := make(chan struct{})
	serving, done := lingering(ctx, time.Hour, func() { close(said) })
	defer done()
	stop()
	<-said
	if serving.Err() != nil {
		t.Error("it stopped at once")
	}
}

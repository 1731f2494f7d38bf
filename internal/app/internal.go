package app

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"time"

	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/journey"
	"standfast/internal/pki"
	"standfast/internal/token"
)

// InternalConfig is where the cell's other processes reach a core, by mutual TLS.
type InternalConfig struct {
	Listen      string   `toml:"listen"` // empty: the process stands alone
	CA          string   `toml:"ca"`
	Certificate string   `toml:"certificate"`
	Key         string   `toml:"key"`
	Build       string   `toml:"build"` // as the edge and the operator know it; empty: what the binary says of itself
	Linger      Duration `toml:"linger"`
}

func (c Config) checkInternal(no func(key, why string)) {
	i := c.Internal
	if i.Listen == "" {
		return
	}
	if i.CA == "" || i.Certificate == "" || i.Key == "" {
		no("internal", "needs ca, certificate and key, as `standfast certificates` makes them")
	}
	if i.Linger.Duration < 0 || i.Linger.Duration > maxLinger {
		no("internal.linger", "is between 0s and 1m")
	}
}

// The headers between our processes, beside the journey's record.
const (
	buildHeader    = "Standfast-Build"
	deadlineHeader = "Standfast-Deadline" // milliseconds that are left
)

const (
	internalPrefix = "/internal/"
	// linger is how long a core that stops still serves while it says that it is
	// not ready, so that an edge looks twice before the connections close.
	linger    = 2 * time.Second
	maxLinger = time.Minute
)

// build names this build: as configured, or by what it was made from.
func (c Config) build() string {
	if c.Internal.Build != "" {
		return c.Internal.Build
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return s.Value[:12]
		}
	}
	return cmp.Or(info.Main.Version, "unknown")
}

// internal is what a core gives the cell's other processes.
type internal struct {
	build   string
	ready   func(ctx context.Context) []string // why not; empty when it is
	keys    func() []token.PublicKey
	members http.Handler            // pages and API, with the journey's record left on
	standIn map[string]http.Handler // by pattern, for the cell's stand-in alone
}

// handler answers the edge and the stand-in, each what is theirs.
func (i internal) handler() http.Handler {
	state := http.NewServeMux()
	state.HandleFunc("GET /internal/v1/ready", i.serveReady)
	state.HandleFunc("GET /internal/v1/keys", i.serveKeys)
	standIn := http.NewServeMux()
	standIn.Handle("/internal/v1/ready", state)
	standIn.Handle("/internal/v1/keys", state)
	for pattern, h := range i.standIn {
		standIn.Handle(pattern, h)
	}
	edge := http.NewServeMux()
	edge.Handle(internalPrefix, state)
	edge.Handle("/", fromEdge(i.members))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(buildHeader, i.build)
		r, done, err := bounded(r)
		if err != nil {
			fault.WriteProblem(w, err)
			return
		}
		defer done()
		switch _, role := pki.RoleOf(r); role {
		case pki.Edge:
			edge.ServeHTTP(w, r)
		case pki.StandIn:
			standIn.ServeHTTP(w, r)
		default: // the TLS configuration let nobody else in
			fault.WriteProblem(w, fault.New(fault.Forbidden, "internal.role", "This is not for your role."))
		}
	})
}

// bounded gives the request no more time than its sender has left.
func bounded(r *http.Request) (*http.Request, func(), error) {
	given := r.Header.Get(deadlineHeader)
	if given == "" {
		return r, func() {}, nil
	}
	left, err := strconv.ParseInt(given, 10, 32)
	if err != nil || left < 0 {
		return nil, nil, fault.New(fault.Malformed, "internal.deadline", deadlineHeader+" is a number of milliseconds.")
	}
	ctx, cancel := context.WithTimeout(r.Context(), time.Duration(left)*time.Millisecond)
	r = r.WithContext(ctx)
	r.Header.Del(deadlineHeader)
	return r, cancel, nil
}

// fromEdge makes the client's address, which only the edge knows, the request's
// own, so that nothing behind has to judge who may claim one.
func fromEdge(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given := r.Header.Values("X-Forwarded-For")
		client, err := netip.ParseAddr(cmp.Or(append(given, "")[0], "none"))
		if err != nil || len(given) != 1 {
			fault.WriteProblem(w, fault.New(fault.Malformed, "internal.client", "X-Forwarded-For is exactly one address here."))
			return
		}
		r.RemoteAddr = net.JoinHostPort(client.Unmap().String(), "0")
		for _, name := range []string{"X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", journey.Header, buildHeader} {
			r.Header.Del(name)
		}
		h.ServeHTTP(w, r)
	})
}

func (i internal) serveReady(w http.ResponseWriter, r *http.Request) {
	reasons := i.ready(r.Context())
	status := http.StatusOK
	if len(reasons) > 0 {
		status = http.StatusServiceUnavailable
	}
	writeJSON(w, status, map[string]any{"ready": len(reasons) == 0, "build": i.build, "reasons": append([]string{}, reasons...)})
}

type publicKey struct {
	ID     string `json:"id"`
	Public string `json:"public_key"` // base64url of the raw 32 bytes
}

func (i internal) serveKeys(w http.ResponseWriter, _ *http.Request) {
	list := []publicKey{}
	for _, k := range i.keys() {
		list = append(list, publicKey{k.ID, base64.RawURLEncoding.EncodeToString(k.Key)})
	}
	writeJSON(w, http.StatusOK, map[string]any{"keys": list})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// readiness says why a core should be sent nobody.
func readiness(h *health) func(ctx context.Context) []string {
	return func(ctx context.Context) []string {
		d := h.db.Load()
		if d == nil {
			return []string{"starting or stopping"}
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		if answers(ctx, d) != nil {
			return []string{"the database does not answer"}
		}
		return nil
	}
}

// answers asks the database at the side, so that one which hangs costs the
// context's time and no more.
func answers(ctx context.Context, d *db.DB) error {
	done := make(chan error, 1)
	go func() { done <- d.Ping(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reader names who reads the feed.
func reader(r *http.Request) string {
	_, role := pki.RoleOf(r)
	return string(role)
}

// newInternal wires what the other processes get.
func (r *Rooms) newInternal(c Config, h *health, t *telemetry) internal {
	return internal{build: c.build(), ready: readiness(h), keys: r.SignIn.PublicKeys, members: t.wrapInternal(r.Handler),
		standIn: map[string]http.Handler{
			"GET /internal/v1/feed":          r.Feed.Handler(reader),
			"GET /internal/v1/feed/snapshot": r.Feed.SnapshotHandler(r.log),
			"POST /internal/v1/advices":      r.Advice.Handler(),
		}}
}

// internalServer gives the server of the internal listener.
func internalServer(c InternalConfig, h http.Handler, log *slog.Logger) (*http.Server, error) {
	conf, err := pki.Server(c.CA, c.Certificate, c.Key, pki.Edge, pki.StandIn)
	if err != nil {
		return nil, err
	}
	s := newServer(h)
	s.TLSConfig, s.ErrorLog = conf, slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	return s, nil
}

// lingering gives a context that ends a while after ctx, in which the process
// serves on and says that it is about to go. stopping is called at its begin.
func lingering(ctx context.Context, d time.Duration, stopping func()) (context.Context, func()) {
	later, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		stopping()
		time.AfterFunc(d, cancel)
	})
	return later, func() { stop(); cancel() }
}

package app

import (
	"context"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"standfast/internal/db"
)

// health answers whether the process lives and whether it may be sent members.
type health struct{ db atomic.Pointer[db.DB] }

// set says that the rooms are open (or, with nil, that they are closing).
func (h *health) set(d *db.DB) { h.db.Store(d) }

// stopping tells whether the process serves on, but not for long.
func (h *health) stopping() bool { return h.db.Load() == nil }

// handler gives the admin listener: /healthz is 200 while the process runs,
// /readyz only when it serves and its database answers, /metrics, and profiles.
func (h *health) handler(t *telemetry) http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("alive\n")) })
	m.HandleFunc("GET /readyz", h.ready)
	m.Handle("GET /metrics", t.handler())
	m.HandleFunc("GET /debug/pprof/", pprof.Index)
	m.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	m.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return m
}

func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	d := h.db.Load()
	if d == nil {
		http.Error(w, "starting or stopping", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := d.Ping(ctx); err != nil {
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ready\n"))
}

package feed

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"standfast/internal/fault"
)

// Limits of a request.
const (
	maxLimit     = 1000
	defaultLimit = 500
	maxWait      = 25 * time.Second
	// others is how often a waiting reader's place is looked at without news: rows
	// that another replica numbered are found this way.
	others    = 250 * time.Millisecond
	pageLimit = 10 * time.Second // for reading one page
	lineLimit = 30 * time.Second // for a reader to take a piece of a snapshot
)

// SignatureHeader carries a page's signature.
const SignatureHeader = "Standfast-Signature"

// Handler serves GET /internal/v1/feed.
func (s *Service) Handler(consumer func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		after, limit, wait, err := query(r)
		if err != nil {
			fault.WriteProblem(w, err)
			return
		}
		p, err := s.next(r.Context(), after, limit, wait)
		if err != nil {
			fault.WriteProblem(w, err)
			return
		}
		s.lag.note(consumer(r), p.CompleteTo)
		s.write(w, r, p)
	})
}

func query(r *http.Request) (after string, limit int, wait time.Duration, err error) {
	q := r.URL.Query()
	limit, wait = defaultLimit, 0
	if v := q.Get("limit"); v != "" {
		if limit, err = strconv.Atoi(v); err != nil || limit < 1 || limit > maxLimit {
			return "", 0, 0, fault.New(fault.Malformed, "feed.limit", "limit is 1 to 1000.")
		}
	}
	if v := q.Get("wait"); v != "" {
		seconds, err := strconv.Atoi(v)
		if err != nil || seconds < 0 || time.Duration(seconds)*time.Second > maxWait {
			return "", 0, 0, fault.New(fault.Malformed, "feed.wait", "wait is 0 to 25 seconds.")
		}
		wait = time.Duration(seconds) * time.Second
	}
	return q.Get("after"), limit, wait, nil
}

// next gives the page behind a cursor, and waits for one that has something in it.
func (s *Service) next(ctx context.Context, after string, limit int, wait time.Duration) (Page, error) {
	waiting, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	tick := time.NewTicker(others)
	defer tick.Stop()
	for {
		news := s.news()
		p, err := s.bounded(ctx, after, limit)
		if err != nil || p.more || waiting.Err() != nil {
			return p, err
		}
		select {
		case <-news:
		case <-tick.C:
		case <-waiting.Done():
		}
	}
}

func (s *Service) bounded(ctx context.Context, after string, limit int) (Page, error) {
	ctx, cancel := context.WithTimeout(ctx, pageLimit)
	defer cancel()
	return s.Page(ctx, after, limit)
}

// write sends a page with its signature, compressed for who takes that.
func (s *Service) write(w http.ResponseWriter, r *http.Request, p Page) {
	body, err := json.Marshal(p)
	if err != nil {
		fault.WriteProblem(w, err)
		return
	}
	sum := sha256.Sum256(body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set(SignatureHeader, s.sign("standfast-feed-1\n"+s.config.Cell+"\n"+p.After+"\n"+hex.EncodeToString(sum[:])))
	out, done := compressed(w, r)
	_, _ = out.Write(body) // a reader that has gone asks again
	_ = done()
}

// compressed gives where to write an answer's body, and what to call behind it.
func compressed(w http.ResponseWriter, r *http.Request) (io.Writer, func() error) {
	w.Header().Add("Vary", "Accept-Encoding")
	if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return w, func() error { return nil }
	}
	w.Header().Set("Content-Encoding", "gzip")
	z := gzip.NewWriter(w)
	return z, z.Close
}

// SnapshotHandler serves GET /internal/v1/feed/snapshot.
func (s *Service) SnapshotHandler(log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case s.snapshots <- struct{}{}:
			defer func() { <-s.snapshots }()
		default:
			fault.WriteProblem(w, fault.New(fault.Unavailable, "feed.snapshots", "Other snapshots are being written.").After(10*time.Second))
			return
		}
		w.Header().Set("Content-Type", "application/x-ndjson")
		w.Header().Set("Cache-Control", "no-store")
		out, done := compressed(w, r)
		err := s.Snapshot(r.Context(), &patient{to: out, control: http.NewResponseController(w)})
		if err == nil {
			err = done()
		}
		if err != nil {
			log.WarnContext(r.Context(), "a snapshot was cut short", "err", err)
			panic(http.ErrAbortHandler) // so that the reader does not take it for whole
		}
	})
}

// patient gives the reader time for each piece, however long the whole takes.
type patient struct {
	to      io.Writer
	control *http.ResponseController
	pieces  int
}

func (p *patient) Write(b []byte) (int, error) {
	if p.pieces%chunk == 0 {
		_ = p.control.SetWriteDeadline(time.Now().Add(lineLimit)) // where it cannot be set, the server's own holds
	}
	p.pieces++
	return p.to.Write(b)
}

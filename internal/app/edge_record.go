package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"standfast/internal/edge/control"
	"standfast/internal/edge/record"
	"standfast/internal/edge/route"
	"standfast/internal/fault"
	"standfast/internal/pki"
)

// decisions writes what the router decides to the edge's record, behind it: a
// slow or full disk costs lines of the record, never a switch.
type decisions struct {
	book  *record.Book // nil: there is none
	queue chan route.Decision
	log   *slog.Logger
}

// Bounds of the record.
const (
	decisionQueue = 1024 // decisions that wait to be written
	recordTime    = 3 * time.Second
)

// openDecisions opens the record. Without a usable one the edge goes on: members
// matter more than who sent them where.
func openDecisions(path string, log *slog.Logger) *decisions {
	d := &decisions{queue: make(chan route.Decision, decisionQueue), log: log}
	if path == "" {
		return d
	}
	var err error
	if d.book, err = record.Open(path); err != nil {
		log.Error("the record of decisions cannot be opened; the edge goes on without it", "file", path, "err", err)
	}
	return d
}

// standing gives what the router takes up again when the edge starts.
func (d *decisions) standing() []route.Decision {
	if d.book == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), recordTime)
	defer cancel()
	list, err := d.book.Standing(ctx)
	if err != nil {
		d.log.Error("earlier decisions cannot be read", "err", err)
	}
	return list
}

// note puts a decision into the queue; it never waits.
func (d *decisions) note(decided route.Decision) {
	if d.book == nil {
		return
	}
	select {
	case d.queue <- decided:
	default:
		d.log.Error("a decision is not in the record: too many wait", "cell", decided.Cell, "cause", decided.Cause)
	}
}

// run writes until ctx ends, and then what still waits.
func (d *decisions) run(ctx context.Context) {
	for {
		select {
		case next := <-d.queue:
			d.write(next)
		case <-ctx.Done():
			d.finish()
			return
		}
	}
}

func (d *decisions) finish() {
	for {
		select {
		case next := <-d.queue:
			d.write(next)
		default:
			if d.book != nil {
				d.book.Close()
			}
			return
		}
	}
}

func (d *decisions) write(next route.Decision) {
	ctx, cancel := context.WithTimeout(context.Background(), recordTime)
	defer cancel()
	if _, err := d.book.Add(ctx, next); err != nil {
		d.log.Error("a decision is not in the record", "cell", next.Cell, "cause", next.Cause, "err", err)
	}
}

// list gives the newest decisions for whoever looks.
func (d *decisions) list(ctx context.Context, cell string, limit int) ([]route.Decision, error) {
	if d.book == nil {
		return nil, fault.New(fault.Unavailable, "edge.record", "This edge keeps no record.")
	}
	return d.book.List(ctx, cell, 0, limit)
}

// serveInternal answers the console and operators until ctx ends, by mutual TLS alone.
func (e *edgeProcess) serveInternal(ctx context.Context, l net.Listener) error {
	c := e.config.Internal
	conf, err := pki.Server(c.CA, c.Certificate, c.Key, pki.Console, pki.Operator)
	if err != nil {
		return err
	}
	desk := control.Control{Router: e.routes.Router, Decided: e.routes.decisions.list, Cell: decidesFor}
	srv := newServer(desk.Handler())
	srv.TLSConfig = conf
	return serve(ctx, srv, l, TLSConfig{})
}

// decidesFor gives the cell that a caller may decide about, by its certificate.
func decidesFor(r *http.Request) string {
	cell, role := pki.RoleOf(r)
	if role == pki.Operator && cell == pki.AnyCell {
		return control.Every
	}
	return cell
}

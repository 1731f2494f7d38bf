package bench

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"standfast/internal/pgserver"
)

// scale of pgbench's own tables: a million rows, so that its updates meet about
// as seldom as ours.
const scale = 10

// server is a PostgreSQL server that the benchmark may make databases on.
type server struct {
	url  string
	stop func() error
}

// openServer gives the server that url names, or a throwaway one.
func openServer(url string) (*server, error) {
	if url == "" {
		url = os.Getenv("STANDFAST_TEST_POSTGRES")
	}
	if url != "" {
		return &server{url: url, stop: func() error { return nil }}, nil
	}
	s, err := pgserver.Start()
	if err != nil {
		return nil, err
	}
	return &server{url: s.URL, stop: s.Stop}, nil
}

// exec runs one statement in the server's own database.
func (s *server) exec(ctx context.Context, statement string) error {
	c, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

// database makes an empty database and gives its URL and what drops it.
func (s *server) database(ctx context.Context, name string) (target string, drop func(), err error) {
	name = fmt.Sprintf("standfast_bench_%s_%d", name, os.Getpid())
	if err := s.exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	u, err := url.Parse(s.url)
	if err != nil {
		return "", nil, err
	}
	u.Path = "/" + name
	drop = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_ = s.exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") // at the end; a failure leaves a database behind and nothing else
	}
	return u.String(), drop, nil
}

// pgbench runs PostgreSQL's own benchmark in a database of its own.
type pgbench struct {
	program string
	target  string
}

func newPgbench(ctx context.Context, target string) (*pgbench, error) {
	bin, err := pgserver.Bin()
	if err != nil {
		return nil, err
	}
	p := &pgbench{filepath.Join(bin, "pgbench"), target}
	_, err = p.run(ctx, "-i", "-q", "-s", strconv.Itoa(scale))
	return p, err
}

func (p *pgbench) run(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, p.program, append(args, p.target)...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pgbench %v: %w: %s", args, err, out)
	}
	return string(out), nil
}

// rate gives the transactions a second of `pgbench -N` (update one row, read
// it, insert one row; one commit each) with that many clients.
func (p *pgbench) rate(ctx context.Context, clients int, d time.Duration) (float64, error) {
	out, err := p.run(ctx, "-N", "-c", strconv.Itoa(clients), "-T", strconv.Itoa(max(1, int(d.Seconds()))))
	if err != nil {
		return 0, err
	}
	return pgbenchRate(out)
}

// pgbenchRate reads "tps = 4655.9 (without initial connection time)".
func pgbenchRate(out string) (float64, error) {
	m := regexp.MustCompile(`(?m)^tps = ([0-9.]+)`).FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("pgbench said no rate: %s", out)
	}
	return strconv.ParseFloat(m[1], 64)
}

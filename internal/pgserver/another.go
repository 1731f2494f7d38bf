package pgserver

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// Another makes one more empty database on the server of a URL, and gives its URL
// and what drops it.
func Another(ctx context.Context, server, name string) (target string, drop func(), err error) {
	name = fmt.Sprintf("standfast_%s_%d_%d", name, os.Getpid(), time.Now().UnixNano()%1_000_000)
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, err
	}
	if err := execute(ctx, server, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_ = execute(ctx, server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)") // a failure leaves a database behind and nothing else
	}, nil
}

func execute(ctx context.Context, server, statement string) error {
	c, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, statement)
	return err
}

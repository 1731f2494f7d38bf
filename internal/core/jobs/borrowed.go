package jobs

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// borrowed is PostgreSQL's connection under a transaction of ours, in the form
// that River takes. Only the owner ends the transaction.
type borrowed struct{ conn *pgx.Conn }

var errBorrowed = errors.New("jobs: the transaction belongs to db.WithTx")

func (borrowed) Begin(context.Context) (pgx.Tx, error) { return nil, errBorrowed }
func (borrowed) Commit(context.Context) error          { return errBorrowed }
func (borrowed) Rollback(context.Context) error        { return errBorrowed }
func (borrowed) LargeObjects() pgx.LargeObjects        { return pgx.LargeObjects{} }
func (b borrowed) Conn() *pgx.Conn                     { return b.conn }

func (b borrowed) Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	return b.conn.Exec(ctx, query, args...)
}

func (b borrowed) Query(ctx context.Context, query string, args ...any) (pgx.Rows, error) {
	return b.conn.Query(ctx, query, args...)
}

func (b borrowed) QueryRow(ctx context.Context, query string, args ...any) pgx.Row {
	return b.conn.QueryRow(ctx, query, args...)
}

func (b borrowed) Prepare(ctx context.Context, name, query string) (*pgconn.StatementDescription, error) {
	return b.conn.Prepare(ctx, name, query)
}

func (b borrowed) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	return b.conn.SendBatch(ctx, batch)
}

func (b borrowed) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	return b.conn.CopyFrom(ctx, table, columns, rows)
}

package backup

import (
	"archive/zip"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// postgres copies every table of the schema from one snapshot.
func (a *archive) postgres(ctx context.Context, d *db.DB, m *Manifest) error {
	return d.View(ctx, func(tx *db.Tx) (err error) {
		if m.Schema, err = schema(ctx, tx); err != nil {
			return err
		}
		if m.Entries, err = tables(ctx, tx); err != nil {
			return err
		}
		for i := range m.Entries {
			if err := a.table(ctx, tx, &m.Entries[i], m); err != nil {
				return err
			}
		}
		// Sequences stand outside transactions. Read after the rows they are
		// never behind them, and a gap does no harm.
		m.Sequences, err = sequences(ctx, tx)
		return err
	})
}

func (a *archive) table(ctx context.Context, tx *db.Tx, e *Entry, m *Manifest) error {
	return a.add(e, m.CreatedAt, func(w io.Writer) error {
		tag, err := tx.PG().PgConn().CopyTo(ctx, w, copyStatement(*e, "TO STDOUT"))
		e.Rows = tag.RowsAffected()
		return err
	})
}

func copyStatement(e Entry, direction string) string {
	names := make([]string, len(e.Columns))
	for i, c := range e.Columns {
		names[i] = quote(c.Name)
	}
	return fmt.Sprintf("COPY %s (%s) %s", quote(e.Table), strings.Join(names, ", "), direction)
}

func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

// tables lists the tables of the current schema in an order in which they can
// be loaded: a table after those that its foreign keys name.
func tables(ctx context.Context, tx *db.Tx) ([]Entry, error) {
	rows, err := tx.Query(ctx, `
		SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
		FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
			AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		ORDER BY c.relname, a.attnum`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Entry
	for rows.Next() {
		var table string
		var c Column
		if err := rows.Scan(&table, &c.Name, &c.Type); err != nil {
			return nil, err
		}
		if len(list) == 0 || list[len(list)-1].Table != table {
			list = append(list, Entry{Path: "tables/" + table + ".copy", Table: table})
		}
		last := &list[len(list)-1]
		last.Columns = append(last.Columns, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return inLoadingOrder(ctx, tx, list)
}

func inLoadingOrder(ctx context.Context, tx *db.Tx, list []Entry) ([]Entry, error) {
	type link struct{ from, to string }
	rows, err := tx.Query(ctx, `SELECT f.relname, t.relname FROM pg_constraint k
		JOIN pg_class f ON f.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
		WHERE k.contype = 'f' AND f.relnamespace = current_schema()::regnamespace AND f.oid <> t.oid`)
	links, err := db.Collect(rows, err, func(r *sql.Rows) (l link, err error) { return l, r.Scan(&l.from, &l.to) })
	if err != nil {
		return nil, err
	}
	loaded := map[string]bool{}
	waits := func(e Entry) bool {
		return slices.ContainsFunc(links, func(l link) bool { return l.from == e.Table && !loaded[l.to] })
	}
	var order []Entry
	for len(order) < len(list) {
		before := len(order)
		for _, e := range list {
			if !loaded[e.Table] && !waits(e) {
				loaded[e.Table] = true
				order = append(order, e)
			}
		}
		if len(order) == before {
			return nil, errors.New("foreign keys form a circle, so no order of tables can be loaded")
		}
	}
	return order, nil
}

func sequences(ctx context.Context, tx *db.Tx) ([]Counter, error) {
	rows, err := tx.Query(ctx, `SELECT sequencename, last_value FROM pg_sequences
		WHERE schemaname = current_schema() AND last_value IS NOT NULL ORDER BY sequencename`)
	return db.Collect(rows, err, func(r *sql.Rows) (c Counter, err error) { return c, r.Scan(&c.Name, &c.Last) })
}

// restorePostgreSQL makes this build's schema in an empty database and loads all
// rows in one transaction: afterwards there is all or nothing of them.
func restorePostgreSQL(ctx context.Context, z *zip.ReadCloser, m Manifest, target string, prepare Prepare) error {
	d, err := db.Open(ctx, target, db.Options{MaxConns: 4})
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.View(ctx, func(tx *db.Tx) error { return empty(ctx, tx) }); err != nil {
		return err
	}
	if err := prepare(ctx, d); err != nil {
		return err
	}
	err = d.WithTx(ctx, func(tx *db.Tx) error { return load(ctx, tx, z, m) })
	if err == nil {
		_, err = d.Pool().Exec(ctx, `ANALYZE`)
	}
	if _, ok := errors.AsType[*fault.Error](err); err != nil && !ok {
		return cannotRestore(err)
	}
	return err
}

func empty(ctx context.Context, tx *db.Tx) error {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'S')`).Scan(&n)
	if err != nil {
		return cannotRestore(err)
	}
	if n > 0 {
		return fault.New(fault.Conflict, "restore.not-empty", "The database has tables already. A backup is only restored into an empty database (createdb); nothing was changed.")
	}
	return nil
}

func load(ctx context.Context, tx *db.Tx, z *zip.ReadCloser, m Manifest) error {
	if err := sameSchema(ctx, tx, m); err != nil {
		return err
	}
	names := make([]string, len(m.Entries))
	for i, e := range m.Entries {
		names[i] = quote(e.Table)
	}
	// Migrations leave rows of their own; the backup has them too.
	if _, err := tx.Exec(ctx, `TRUNCATE `+strings.Join(names, ", ")); err != nil {
		return err
	}
	for _, e := range m.Entries {
		if err := loadTable(ctx, tx, z, e); err != nil {
			return err
		}
	}
	for _, s := range m.Sequences {
		if _, err := tx.Exec(ctx, `SELECT setval($1::regclass, $2)`, quote(s.Name), s.Last); err != nil {
			return err
		}
	}
	return nil
}

func loadTable(ctx context.Context, tx *db.Tx, z *zip.ReadCloser, e Entry) error {
	r, err := open(z, e)
	if err != nil {
		return err
	}
	defer r.Close()
	tag, err := tx.PG().PgConn().CopyFrom(ctx, r, copyStatement(e, "FROM STDIN"))
	if err != nil {
		return fmt.Errorf("table %s: %w", e.Table, err)
	}
	if err := r.check(); err != nil {
		return err
	}
	if tag.RowsAffected() != e.Rows {
		return damaged(fmt.Errorf("%s has %d rows of %d", e.Table, tag.RowsAffected(), e.Rows))
	}
	return nil
}

// sameSchema refuses rows of another schema: loaded into a newer one they would
// miss what its migrations do to rows.
func sameSchema(ctx context.Context, tx *db.Tx, m Manifest) error {
	now, err := schema(ctx, tx)
	if err != nil {
		return err
	}
	have, err := tables(ctx, tx)
	if err != nil {
		return err
	}
	sameTable := func(a, b Entry) bool { return a.Table == b.Table && slices.Equal(a.Columns, b.Columns) }
	if slices.Equal(now, m.Schema) && slices.EqualFunc(have, m.Entries, sameTable) {
		return nil
	}
	return fault.Wrap(fault.Conflict, "restore.other-schema",
		fmt.Sprintf("The backup was written by release %s with another schema. Restore it with that release, then upgrade. Nothing was loaded.", m.Build),
		fmt.Errorf("schema %v of the backup, %v of this release", m.Schema, now))
}

package dbtest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgreSQL takes a tenth to half a second to copy a database, however empty, so
// one that a test has left is emptied and given to the next. One whose schema or
// settings the test has changed is dropped.

// mostUses bounds what deleted rows leave behind in a table's file.
const mostUses = 40

// migrated is a migrated database of the server.
type migrated struct {
	name, url string
	uses      int
	marks     string           // what has to be as it was: schema, settings, rows that migrations wrote
	sequences map[string]int64 // where each stands; 0: not used yet
}

// idle are those that no test has just now; beyond its room they are dropped.
var idle = make(chan *migrated, 16)

// borrow gives an empty migrated database until the test ends.
func borrow(t testing.TB, base string) string {
	t.Helper()
	var m *migrated
	select {
	case m = <-idle:
	default:
		m = copied(t, base)
	}
	t.Cleanup(func() {
		if m.uses++; m.uses >= mostUses || m.inside(m.empty) != nil {
			drop(base, m.name)
			return
		}
		select {
		case idle <- m:
		default:
			drop(base, m.name)
		}
	})
	return m.url
}

func copied(t testing.TB, base string) *migrated {
	t.Helper()
	name := newName()
	m := &migrated{name: name, url: inDatabase(base, name)}
	if err := asAdmin(base, `CREATE DATABASE `+name+` TEMPLATE `+templateName()); err != nil {
		t.Fatal(err)
	}
	if err := m.inside(m.look); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *migrated) inside(do func(context.Context, *pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, m.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return do(ctx, conn)
}

// look remembers how the database is when it is new.
func (m *migrated) look(ctx context.Context, conn *pgx.Conn) (err error) {
	if m.sequences, err = sequences(ctx, conn); err != nil {
		return err
	}
	m.marks, err = marks(ctx, conn)
	return err
}

// empty deletes what a test has written. Its error means that the database is
// not what it was.
func (m *migrated) empty(ctx context.Context, conn *pgx.Conn) error {
	if _, err := conn.Exec(ctx, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`); err != nil {
		return err
	}
	tables, err := tables(ctx, conn)
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("SET session_replication_role = replica;") // foreign keys are not looked at
	for _, t := range tables {
		if !ofMigrations(t) {
			fmt.Fprintf(&b, "DELETE FROM %s;", t)
		}
	}
	for name, at := range m.sequences {
		fmt.Fprintf(&b, "SELECT setval('%s', %d, %t);", name, max(at, 1), at > 0)
	}
	b.WriteString("SET session_replication_role = origin;")
	if _, err := conn.Exec(ctx, b.String()); err != nil {
		return err
	}
	now, err := marks(ctx, conn)
	if err == nil && now != m.marks {
		err = fmt.Errorf("dbtest: %s is not what it was", m.name)
	}
	return err
}

// ofMigrations tells the tables in which migrations write down that they ran.
func ofMigrations(table string) bool {
	return strings.Contains(table, "goose_db_version") || strings.Contains(table, "river_migration")
}

func tables(ctx context.Context, conn *pgx.Conn) ([]string, error) {
	rows, err := conn.Query(ctx, `SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' ORDER BY 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func sequences(ctx context.Context, conn *pgx.Conn) (map[string]int64, error) {
	rows, err := conn.Query(ctx, `SELECT format('%I.%I', schemaname, sequencename), COALESCE(last_value, 0) FROM pg_sequences`)
	if err != nil {
		return nil, err
	}
	at := map[string]int64{}
	var name string
	var value int64
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error { at[name] = value; return nil })
	return at, err
}

// marks is a digest of everything but the rows of tests: relations, columns,
// constraints, triggers, functions, settings, and what migrations wrote down.
func marks(ctx context.Context, conn *pgx.Conn) (digest string, err error) {
	err = conn.QueryRow(ctx, `SELECT md5(concat_ws('|',
		(SELECT string_agg(concat_ws(',', c.oid, c.relname, c.relkind, c.relnamespace, c.reloptions), ';' ORDER BY c.oid) FROM pg_class c WHERE c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace, 'information_schema'::regnamespace)),
		(SELECT string_agg(concat_ws(',', a.attrelid, a.attname, a.atttypid, a.attnotnull, a.attisdropped), ';' ORDER BY a.attrelid, a.attnum) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace NOT IN ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace, 'information_schema'::regnamespace)),
		(SELECT string_agg(concat_ws(',', k.oid, k.conname, k.convalidated), ';' ORDER BY k.oid) FROM pg_constraint k),
		(SELECT string_agg(concat_ws(',', t.oid, t.tgname, t.tgenabled), ';' ORDER BY t.oid) FROM pg_trigger t),
		(SELECT string_agg(concat_ws(',', p.oid, p.proname), ';' ORDER BY p.oid) FROM pg_proc p WHERE p.pronamespace <> 'pg_catalog'::regnamespace),
		(SELECT string_agg(s::text, ';') FROM pg_db_role_setting s WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))),
		(SELECT string_agg(v::text, ';' ORDER BY v.id) FROM goose_db_version v),
		(SELECT string_agg(r::text, ';' ORDER BY r.version) FROM river_migration r)))`).Scan(&digest)
	return digest, err
}

package db

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Into is a table that many rows are added to at once. Its texts are constants of
// the program, because statements made of them are kept.
type Into struct {
	Table   string
	Columns string // names with types, as `id uuid, ref text`, in the order of a row's values
}

// InsertAll adds rows, as Queue does: on PostgreSQL in one statement whatever
// their number, on SQLite some dozens in each.
//
// Whoever adds many rows has looked up before which keys are free. A key that is
// taken all the same was taken by another transaction in between, and makes WithTx
// run its closure again, which then finds it.
func (tx *Tx) InsertAll(ctx context.Context, into Into, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	names, types := into.columns()
	head := fmt.Sprintf(`INSERT INTO %s (%s) `, into.Table, strings.Join(names, ", "))
	if tx.Engine() == PostgreSQL && len(rows) > 1 {
		return tx.Queue(ctx, raced, head+`SELECT * FROM `+unnest(types), columnwise(rows, len(names))...)
	}
	return tx.inParts(ctx, rows, func(n int) string { return head + values(tx.Engine(), n, len(names)) })
}

// UpdateAll sets columns of rows that are there, in as few statements as InsertAll.
// The first column is the key; a row that is not there is passed over.
func (tx *Tx) UpdateAll(ctx context.Context, into Into, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	names, types := into.columns()
	text := func(from string) string {
		sets := make([]string, len(names))
		for i, name := range names {
			sets[i] = name + ` = u.` + name
		}
		return fmt.Sprintf(`UPDATE %s AS t SET %s FROM %s WHERE t.%s = u.%s`, into.Table, strings.Join(sets[1:], ", "), from, names[0], names[0])
	}
	list := strings.Join(names, ", ")
	if tx.Engine() == PostgreSQL {
		return tx.Queue(ctx, nil, text(unnest(types)+` u(`+list+`)`), columnwise(rows, len(names))...)
	}
	return tx.inParts(ctx, rows, func(n int) string {
		return `WITH u(` + list + `) AS (` + values(SQLite, n, len(names)) + `) ` + text(`u`)
	})
}

// inParts runs a statement for all rows, which takes some of them at once.
func (tx *Tx) inParts(ctx context.Context, rows [][]any, text func(rows int) string) error {
	for len(rows) > 0 {
		n := rowsAtOnce(len(rows))
		args := make([]any, 0, n*len(rows[0]))
		for _, r := range rows[:n] {
			args = append(args, r...)
		}
		if err := tx.Queue(ctx, raced, text(n), args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// array gives the type in which PostgreSQL takes a list of values. pgx has no
// binary form of texts as UUIDs, so they are sent as texts.
func array(kind string) string {
	if kind == "uuid" {
		return "text[]::uuid[]"
	}
	return kind + "[]"
}

func (i Into) columns() (names, types []string) {
	for column := range strings.SplitSeq(i.Columns, ",") {
		name, kind, _ := strings.Cut(strings.TrimSpace(column), " ")
		names, types = append(names, name), append(types, kind)
	}
	return names, types
}

// rowsAtOnce gives how many of n rows go into one statement. There are three sizes,
// which bounds the number of texts; more than 64 rows gain nothing.
func rowsAtOnce(n int) int {
	for _, size := range []int{64, 8} {
		if n >= size {
			return size
		}
	}
	return 1
}

// values gives a VALUES clause of some rows, for SQLite with parameters that have
// no names: it looks for the name of each among all of them, which with hundreds
// takes longer than the insert.
func values(e Engine, rows, columns int) string {
	names := make([]string, columns)
	for i := range names {
		if names[i] = "?"; e == PostgreSQL {
			names[i] = fmt.Sprintf("$%d", i+1)
		}
	}
	row := "(" + strings.Join(names, ", ") + ")"
	return "VALUES " + strings.Join(slices.Repeat([]string{row}, rows), ", ")
}

func unnest(types []string) string {
	lists := make([]string, len(types))
	for i, kind := range types {
		lists[i] = fmt.Sprintf(`$%d::%s`, i+1, array(kind))
	}
	return `unnest(` + strings.Join(lists, ", ") + `)`
}

// columnwise turns rows into one list for each column.
func columnwise(rows [][]any, columns int) []any {
	lists := make([]any, columns)
	for c := range lists {
		list := make([]any, len(rows))
		for i, r := range rows {
			list[i] = r[c]
		}
		lists[c] = list
	}
	return lists
}

// raced marks a key that was taken in between.
func raced(_ int64, err error) error {
	if IsUnique(err) {
		return fmt.Errorf("%w: %w", errRaced, err)
	}
	return err
}

// In gives the condition that a column of type "text" or "uuid" is one of a list,
// and the list as the statement's parameter n, in each engine's own way.
func (tx *Tx) In(column, kind string, n int, list []string) (condition string, arg any) {
	if tx.Engine() == PostgreSQL {
		return fmt.Sprintf(`%s = ANY($%d::%s)`, column, n, array(kind)), list
	}
	text, _ := json.Marshal(list) // strings always marshal
	return fmt.Sprintf(`%s IN (SELECT value FROM json_each($%d))`, column, n), string(text)
}

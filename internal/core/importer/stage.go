package importer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// item is a row on its way. A row with err is rejected; added tells that it was
// not there before.
type item[T any] struct {
	rec   record
	value T
	err   error
	added bool
}

// stage says how rows of one kind are read and written. decode runs beside
// apply, which writes a batch in one transaction and judges each row.
type stage[T any] struct {
	layout layout
	batch  int
	decode func(row) (T, error)
	apply  func(context.Context, []*item[T]) error
}

// ahead is how many batches are read while one is being written.
const ahead = 2

// load imports one file.
func load[T any](ctx context.Context, r *run, path string, s stage[T]) (sum FileSummary, err error) {
	sum.File = filepath.Base(path)
	t, err := openTable(path, s.layout)
	if err != nil {
		return sum, err
	}
	defer t.file.Close()
	sum.Ignored = t.ignored
	out, err := newRejects(path, t)
	if err != nil {
		return sum, err
	}
	batches := make(chan []*item[T], ahead)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(batches)
		return read(ctx, t, s, batches)
	})
	group.Go(func() error {
		for batch := range batches {
			if err := write(ctx, s, batch, out, &sum.Counts); err != nil {
				return err
			}
			r.progress(sum.Counts)
		}
		return nil
	})
	err = group.Wait()
	rejected, closing := out.close()
	sum.Rejects = rejected
	return sum, errors.Join(err, closing)
}

// read turns a file into batches of decoded rows.
func read[T any](ctx context.Context, t *table, s stage[T], batches chan<- []*item[T]) error {
	for {
		batch := make([]*item[T], 0, s.batch)
		var err error
		for len(batch) < s.batch && err == nil {
			var rec record
			if rec, err = t.next(); err == nil {
				batch = append(batch, decode(t, s, rec))
			}
		}
		if len(batch) > 0 {
			select {
			case batches <- batch:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fault.Wrap(fault.Invalid, "import.file", filepath.Base(t.file.Name())+" cannot be read to its end.", err)
		}
	}
}

func decode[T any](t *table, s stage[T], rec record) *item[T] {
	it := &item[T]{rec: rec, err: t.check(rec)}
	if it.err == nil {
		it.value, it.err = s.decode(row{t, rec.fields})
	}
	return it
}

// write applies the rows of a batch that could be read, and passes on the others.
func write[T any](ctx context.Context, s stage[T], batch []*item[T], out *rejects, n *Counts) error {
	good := make([]*item[T], 0, len(batch))
	for _, it := range batch {
		if it.err == nil {
			good = append(good, it)
		}
	}
	if len(good) > 0 {
		if err := s.apply(ctx, good); err != nil {
			return err
		}
	}
	for _, it := range batch {
		n.Rows++
		switch {
		case it.err != nil:
			n.Rejected++
			if err := out.add(it.rec, it.err); err != nil {
				return err
			}
		case it.added:
			n.New++
		}
	}
	return nil
}

// reference is how a row is known, and a digest of what it says.
type reference struct {
	ref    string
	digest []byte
}

// newReference makes the digest over contents, each with its length before it.
func newReference(ref string, contents ...string) reference {
	var b []byte
	for _, s := range contents {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	sum := sha256.Sum256(b)
	return reference{ref, sum[:]}
}

// lookUp finds which references of a kind were imported, and the digests of what
// they said.
func lookUp(ctx context.Context, tx *db.Tx, kind string, refs []string) (map[string]string, error) {
	where, list := tx.In("ref", "text", 2, refs)
	rows, err := tx.Query(ctx, `SELECT ref, digest FROM import_row WHERE kind = $1 AND `+where, kind, list)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var ref string
		var digest []byte
		if err := rows.Scan(&ref, &digest); err != nil {
			return nil, err
		}
		found[ref] = string(digest)
	}
	return found, rows.Err()
}

var errOtherContents = errors.New("this reference was imported before with other contents")

// outcome is the id of the object that a row became, or why it was refused.
type outcome struct {
	id  string
	err error
}

// once writes those rows of a batch in one transaction that were not imported
// before. write takes many rows, no two with one reference, and gives an outcome
// for each; of a row that it refuses it has written nothing.
func once[T any](ctx context.Context, d *db.DB, kind string, batch []*item[T], of func(T) reference, write func(*db.Tx, []T) ([]outcome, error)) error {
	refs := make([]string, len(batch))
	for i, it := range batch {
		refs[i] = of(it.value).ref
	}
	return d.WithTx(ctx, func(tx *db.Tx) error {
		known, err := lookUp(ctx, tx, kind, refs)
		if err != nil {
			return err
		}
		var fresh []*item[T]
		for rest := batch; len(rest) > 0; {
			fresh, rest = sift(rest, of, known)
			if err := writeFresh(ctx, tx, kind, fresh, of, known, write); err != nil {
				return err
			}
		}
		return nil
	})
}

// sift judges the rows whose references are known, and parts the others into the
// first ones of each reference and those that come after them.
func sift[T any](batch []*item[T], of func(T) reference, known map[string]string) (fresh, later []*item[T]) {
	seen := map[string]bool{}
	for _, it := range batch {
		it.added, it.err = false, nil // the closure may run again
		ref := of(it.value)
		before, ok := known[ref.ref]
		switch {
		case ok && before != string(ref.digest):
			it.err = errOtherContents
		case ok:
		case seen[ref.ref]:
			later = append(later, it)
		default:
			seen[ref.ref] = true
			fresh = append(fresh, it)
		}
	}
	return fresh, later
}

var marks = db.Into{Table: "import_row", Columns: `kind text, ref text, digest bytea, object_id uuid, decimals bigint`}

// writeFresh writes rows and remembers those that were taken.
func writeFresh[T any](ctx context.Context, tx *db.Tx, kind string, fresh []*item[T], of func(T) reference, known map[string]string, write func(*db.Tx, []T) ([]outcome, error)) error {
	values := make([]T, len(fresh))
	for i, it := range fresh {
		values[i] = it.value
	}
	outcomes, err := write(tx, values)
	if err != nil {
		return err
	}
	var rows [][]any
	for i, it := range fresh {
		if it.err = outcomes[i].err; it.err != nil {
			continue
		}
		ref := of(it.value)
		it.added, known[ref.ref] = true, string(ref.digest)
		rows = append(rows, []any{kind, ref.ref, ref.digest, outcomes[i].id, 0})
	}
	return tx.InsertAll(ctx, marks, rows)
}

// attempt does the work of one row so that nothing of it stays when the row is
// refused, and gives the refusal. err ends the batch.
type attempt func(do func() error) (refusal, err error)

// errCarefully says that a row was refused and the batch must be begun again.
var errCarefully = errors.New("a row was refused")

// inBatch runs work in one transaction. Most batches have no bad row, so it is
// first done without a way back; when a row is refused everything is undone and
// done again with a savepoint before each row, which costs a quarter more.
func inBatch(ctx context.Context, d *db.DB, work func(*db.Tx, attempt) error) error {
	err := d.WithTx(ctx, func(tx *db.Tx) error {
		return work(tx, func(do func() error) (error, error) {
			err := do()
			if refused(err) {
				return nil, errCarefully
			}
			return nil, err
		})
	})
	if !errors.Is(err, errCarefully) {
		return err
	}
	return d.WithTx(ctx, func(tx *db.Tx) error {
		return work(tx, func(do func() error) (error, error) { return carefully(ctx, tx, do) })
	})
}

func carefully(ctx context.Context, tx *db.Tx, do func() error) (refusal, err error) {
	if _, err := tx.Exec(ctx, `SAVEPOINT import_row`); err != nil {
		return nil, err
	}
	if refusal = do(); refusal != nil {
		if !refused(refusal) {
			return nil, refusal
		}
		if _, err := tx.Exec(ctx, `ROLLBACK TO SAVEPOINT import_row`); err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec(ctx, `RELEASE SAVEPOINT import_row`)
	return refusal, err
}

// refused tells whether err is about the row and not about us.
func refused(err error) bool {
	if err == nil {
		return false
	}
	switch fault.As(err).Kind {
	case fault.Invalid, fault.Conflict, fault.NotFound, fault.Malformed, fault.TooLarge, fault.Forbidden:
		return true
	}
	return false
}

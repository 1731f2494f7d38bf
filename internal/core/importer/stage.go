package importer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
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

// imported is a row that was imported before.
type imported struct {
	digest   string
	objectID string
}

// lookUp finds which references of a kind were imported. A list is one
// parameter on both engines, in each engine's own way.
func lookUp(ctx context.Context, tx *db.Tx, kind string, refs []string) (map[string]imported, error) {
	condition, list := `ref = ANY($2)`, any(refs)
	if tx.Engine() == db.SQLite {
		b, _ := json.Marshal(refs) // strings always marshal
		condition, list = `ref IN (SELECT value FROM json_each($2))`, string(b)
	}
	rows, err := tx.Query(ctx, `SELECT ref, digest, object_id FROM import_row WHERE kind = $1 AND `+condition, kind, list)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]imported{}
	for rows.Next() {
		var ref, id string
		var digest []byte
		if err := rows.Scan(&ref, &digest, &id); err != nil {
			return nil, err
		}
		found[ref] = imported{string(digest), id}
	}
	return found, rows.Err()
}

var errOtherContents = errors.New("this reference was imported before with other contents")

// once writes those rows of a batch in one transaction that were not imported
// before. write gives the id of the object that a row became; when it refuses
// one, nothing of that row stays.
func once[T any](ctx context.Context, d *db.DB, kind string, batch []*item[T], of func(T) reference, write func(*db.Tx, T) (string, error)) error {
	return inBatch(ctx, d, func(tx *db.Tx, each attempt) error {
		refs := make([]string, len(batch))
		for i, it := range batch {
			refs[i] = of(it.value).ref
		}
		known, err := lookUp(ctx, tx, kind, refs)
		if err != nil {
			return err
		}
		for _, it := range batch {
			ref := of(it.value)
			before, ok := known[ref.ref]
			it.added, it.err = false, nil // the closure may run again
			if ok && before.digest != string(ref.digest) {
				it.err = errOtherContents
			}
			if ok {
				continue
			}
			it.err, err = each(func() error { return mark(ctx, tx, kind, ref, it.value, write) })
			if err != nil {
				return err
			}
			if it.added = it.err == nil; it.added {
				known[ref.ref] = imported{digest: string(ref.digest)}
			}
		}
		return nil
	})
}

func mark[T any](ctx context.Context, tx *db.Tx, kind string, ref reference, value T, write func(*db.Tx, T) (string, error)) error {
	id, err := write(tx, value)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO import_row (kind, ref, digest, object_id, decimals) VALUES ($1, $2, $3, $4, 0)`, kind, ref.ref, ref.digest, id)
	return err
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

// resolve gives the ids of members by reference: those imported, and for the
// rest those that came to be in another way.
func (r *run) resolve(ctx context.Context, refs []string) (ids map[string]string, err error) {
	ids = map[string]string{}
	err = r.DB.View(ctx, func(tx *db.Tx) error {
		found, err := lookUp(ctx, tx, "member", refs)
		for ref, m := range found {
			ids[ref] = m.objectID
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, ref := range refs {
		if _, ok := ids[ref]; ok {
			continue
		}
		m, err := r.Members.ByRef(ctx, ref)
		if err == nil {
			ids[ref] = m.ID
		} else if !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	return ids, nil
}

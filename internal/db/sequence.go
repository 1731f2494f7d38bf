package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"time"
)

// Rows of concurrent transactions commit out of order, so a number drawn while
// writing would let readers skip rows. Tables that others follow are therefore
// written unnumbered and numbered after commit, in one order, by Number.

// Chained names a table whose committed rows are numbered. Such a table has
//
//	id UUID PRIMARY KEY, digest BYTEA, seq BIGINT UNIQUE, chain BYTEA
//
// where digest covers the row's contents and seq and chain are NULL until the
// row is numbered. A partial index on (id) WHERE seq IS NULL keeps it cheap.
type Chained string

// Link gives the chain value of a row: SHA-256 over the value before it, the
// row's number and the row's digest. The first row follows an empty value.
func Link(before []byte, seq int64, digest []byte) []byte {
	h := sha256.New()
	h.Write(before)
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(seq))
	h.Write(b[:])
	h.Write(digest)
	return h.Sum(nil)
}

// Number numbers up to limit committed rows and gives how many it numbered. Any
// process may call it: the sequence's row lets one work at a time.
func (d *DB) Number(ctx context.Context, table Chained, limit int) (n int, err error) {
	err = d.WithTx(ctx, func(tx *Tx) error {
		last, chain, err := tx.lockSequence(ctx, table)
		if err != nil {
			return err
		}
		rows, err := tx.unnumbered(ctx, table, limit)
		if err != nil || len(rows) == 0 {
			n = 0
			return err
		}
		for i := range rows {
			last++
			chain = Link(chain, last, rows[i].digest)
			rows[i].seq, rows[i].chain = last, chain
		}
		n = len(rows)
		if err := tx.writeNumbers(ctx, table, rows); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE sequence SET last_seq = $2, last_chain = $3 WHERE name = $1`, string(table), last, chain)
		return err
	})
	return n, err
}

func (tx *Tx) lockSequence(ctx context.Context, table Chained) (last int64, chain []byte, err error) {
	if _, err = tx.Exec(ctx, `INSERT INTO sequence (name, last_seq, last_chain) VALUES ($1, 0, $2) ON CONFLICT (name) DO NOTHING`, string(table), []byte{}); err != nil {
		return 0, nil, err
	}
	lock := ""
	if tx.Engine() == PostgreSQL {
		lock = ` FOR UPDATE`
	}
	err = tx.QueryRow(ctx, `SELECT last_seq, last_chain FROM sequence WHERE name = $1`+lock, string(table)).Scan(&last, &chain)
	return last, chain, err
}

type numbered struct {
	id     string
	digest []byte
	seq    int64
	chain  []byte
}

func (tx *Tx) unnumbered(ctx context.Context, table Chained, limit int) ([]numbered, error) {
	q := fmt.Sprintf(`SELECT id, digest FROM %s WHERE seq IS NULL ORDER BY id LIMIT $1`, table)
	rows, err := tx.Query(ctx, q, limit)
	return Collect(rows, err, func(r *sql.Rows) (v numbered, err error) { return v, r.Scan(&v.id, &v.digest) })
}

func (tx *Tx) writeNumbers(ctx context.Context, table Chained, rows []numbered) error {
	if tx.pg != nil {
		ids, seqs, chains := make([]string, len(rows)), make([]int64, len(rows)), make([][]byte, len(rows))
		for i, r := range rows {
			ids[i], seqs[i], chains[i] = r.id, r.seq, r.chain
		}
		_, err := tx.pg.Exec(ctx, fmt.Sprintf(`UPDATE %s t SET seq = u.seq, chain = u.chain
			FROM unnest($1::text[]::uuid[], $2::bigint[], $3::bytea[]) u(id, seq, chain) WHERE t.id = u.id`, table), ids, seqs, chains)
		return err
	}
	q := fmt.Sprintf(`UPDATE %s SET seq = $2, chain = $3 WHERE id = $1`, table)
	for _, r := range rows {
		if _, err := tx.Exec(ctx, q, r.id, r.seq, r.chain); err != nil {
			return err
		}
	}
	return nil
}

// Lease takes or renews the right to do a piece of background work for ttl and
// tells whether holder has it. It spares replicas double work; correctness rests
// on row locks and keys, never on a lease.
func (d *DB) Lease(ctx context.Context, name, holder string, ttl time.Duration) (held bool, err error) {
	err = d.WithTx(ctx, func(tx *Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO lease (name, holder, until) VALUES ($1, $2, $3)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE lease.holder = excluded.holder OR lease.until < $4`,
			name, holder, Micros(tx.Now.Add(ttl)), Micros(tx.Now))
		held = n == 1
		return err
	})
	return held, err
}

package app

import (
	"context"
	"fmt"
	"io"
	"slices"

	"standfast/internal/core/account"
	"standfast/internal/core/audit"
	"standfast/internal/core/ledger"
	"standfast/internal/core/payment"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// VerifyReport is what `standfast verify` found.
type VerifyReport struct {
	OK       bool     `json:"ok"`
	Accounts int64    `json:"accounts"`
	Rows     int64    `json:"transfers"`
	Sealed   int64    `json:"sealed_batches"`
	Payments int64    `json:"payments"`
	Proofs   int64    `json:"proofs"` // of what members agreed to
	Audit    int64    `json:"audit_records"`
	Head     string   `json:"audit_head"` // end of the audit log's chain; kept elsewhere, it also shows that nobody rebuilt the whole chain
	Problems []string `json:"problems"`
}

// Verify recomputes the ledger, its chain and the audit log of a database,
// compares all payments with the ledger, and checks what members agreed to
// against its evidence.
func Verify(ctx context.Context, t Target) (VerifyReport, error) {
	d, err := t.open(ctx)
	if err != nil {
		return VerifyReport{}, err
	}
	defer d.Close()
	return verify(ctx, d)
}

func verify(ctx context.Context, d *db.DB) (VerifyReport, error) {
	books := ledger.New(d, ledger.Options{})
	l, err := books.Verify(ctx)
	if err != nil {
		return VerifyReport{}, err
	}
	p, err := payment.Verify(ctx, d, books)
	if err = unreadable(&l, err, "payments"); err != nil {
		return VerifyReport{}, err
	}
	accounts, err := account.Verify(ctx, d, books)
	if err = unreadable(&l, err, "accounts"); err != nil {
		return VerifyReport{}, err
	}
	proofs, err := signin.VerifyEvidence(ctx, d)
	if err != nil {
		return VerifyReport{}, err
	}
	a, err := audit.Verify(ctx, d)
	if err != nil {
		return VerifyReport{}, err
	}
	rep := VerifyReport{Accounts: l.Accounts, Rows: l.Transfers, Sealed: l.Sealed, Payments: p.Payments, Proofs: proofs.Proofs, Audit: a.Rows, Head: a.Head,
		Problems: slices.Concat(l.Problems, accounts, p.Problems, proofs.Problems)}
	if a.Problem != "" {
		rep.Problems = append(rep.Problems, a.Problem)
	}
	rep.OK = len(rep.Problems) == 0
	return rep, nil
}

// unreadable takes a failure as a problem where there are others: rows that are
// wrong can also fail the comparison.
func unreadable(r *ledger.Report, err error, what string) error {
	if err == nil || len(r.Problems) == 0 || fault.Is(err, fault.Unavailable) {
		return err
	}
	r.Problems = append(r.Problems, "the "+what+" could not be compared: "+err.Error())
	return nil
}

// First names the first thing that is wrong.
func (r VerifyReport) First() string {
	if r.OK {
		return ""
	}
	return r.Problems[0]
}

// Print writes the report for people.
func (r VerifyReport) Print(w io.Writer) error {
	for _, p := range r.Problems {
		if _, err := fmt.Fprintln(w, "WRONG  "+p); err != nil {
			return err
		}
	}
	word := "whole"
	if !r.OK {
		word = "NOT whole"
	}
	_, err := fmt.Fprintf(w, "%s: %d accounts, %d transfers, %d sealed batches, %d payments, %d proofs, %d audit records\naudit log ends in %s\n", word, r.Accounts, r.Rows, r.Sealed, r.Payments, r.Proofs, r.Audit, r.Head)
	return err
}

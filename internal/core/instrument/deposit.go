package instrument

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"math/big"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/jobs"
	"standfast/internal/db"
	"standfast/internal/fault"
)

const (
	maxDeposit = 99 // minor units of each credit, from 1
	tries      = 3  // wrong answers that stop a method; with two of 99 amounts a guess is right once in 1,617
)

// depositJob sends a method's micro-deposits.
type depositJob struct {
	MethodID string `json:"method_id"`
}

// Kind names the job.
func (depositJob) Kind() string { return "instrument.deposit" }

// prepareDeposits draws two amounts, keeps them sealed and has them sent after the commit.
func (s *Service) prepareDeposits(ctx context.Context, tx *db.Tx, m Method, synthetic bool) (*Deposit, error) {
	minor, err := drawAmounts()
	if err != nil {
		return nil, err
	}
	sealed, err := s.vault.Seal(minor[:], depositContext(m.ID))
	if err != nil {
		return nil, err
	}
	expires := tx.Now.Add(s.config.ProofLasts)
	if err := insertDeposit(ctx, tx, m.ID, sealed, tries, time.Time{}, expires); err != nil {
		return nil, err
	}
	if !synthetic {
		err = s.jobs.Enqueue(ctx, tx, depositJob{m.ID}, jobs.Options{})
	}
	return &Deposit{TriesLeft: tries, ExpiresAt: expires}, err
}

// drawAmounts draws two different amounts, the smaller one first.
func drawAmounts() (minor [2]byte, err error) {
	for minor[0] == minor[1] {
		for i := range minor {
			n, err := rand.Int(rand.Reader, big.NewInt(maxDeposit))
			if err != nil {
				return minor, err
			}
			minor[i] = byte(n.Int64()) + 1
		}
	}
	return [2]byte{min(minor[0], minor[1]), max(minor[0], minor[1])}, nil
}

// depositContext binds sealed amounts to their method.
func depositContext(id string) []byte { return []byte("instrument.deposit/" + id) }

// deposit has the rail credit the account, and notes that it did. A crash between
// the two repeats the call, which the rail knows by the method's id.
func (s *Service) deposit(ctx context.Context, methodID string) error {
	c, due, err := s.credits(ctx, methodID)
	if err != nil || !due {
		return err
	}
	if err := s.rail.Deposit(ctx, c); err != nil {
		return err
	}
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := markSent(ctx, tx, methodID, tx.Now.Add(s.config.ProofLasts))
		return err
	})
}

// credits gives what is to be sent; due is false when there is nothing any more.
func (s *Service) credits(ctx context.Context, methodID string) (c Credits, due bool, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		m, err := scanMethod(tx.QueryRow(ctx, selectMethod+`WHERE m.id = $1`, methodID))
		if err != nil {
			return err
		}
		if due = m.Proof != nil && !m.Proof.Sent; !due {
			return nil
		}
		c = Credits{MethodID: m.ID, MemberID: m.MemberID, Currency: s.config.Currency}
		if c.To, err = s.number(ctx, tx, m.ID); err != nil {
			return err
		}
		sealed, err := sealedDeposit(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		minor, err := s.vault.Open(sealed, depositContext(m.ID))
		if err != nil {
			return err
		}
		c.Minor = [2]int64{int64(minor[0]), int64(minor[1])}
		return nil
	})
	return c, due, err
}

// ConfirmDeposits proves a method with the two amounts, in minor units and any
// order. Three wrong answers stop the method. Once it is proved, repeating the
// call gives it again.
func (s *Service) ConfirmDeposits(ctx context.Context, memberID, id string, a, b int64) (m Method, err error) {
	var verdict error // of an answer that is wrong, which is committed all the same
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		verdict = nil
		if m, err = getMethod(ctx, tx, memberID, id); err != nil {
			return err
		}
		if m.Status == Verified {
			return nil
		}
		if err := answerable(m, tx.Now); err != nil {
			return err
		}
		verdict, err = s.answer(ctx, tx, &m, a, b)
		return err
	})
	if err == nil {
		err = verdict
	}
	if err != nil {
		return Method{}, err
	}
	return m, nil
}

// answerable tells why a method's deposits cannot be confirmed now.
func answerable(m Method, now time.Time) error {
	switch {
	case m.Status == Stopped:
		return errStopped()
	case m.Status == Removed:
		return errNotFound()
	case m.Proof == nil || !m.Proof.Sent:
		return fault.New(fault.Conflict, "method.deposits-not-sent", "The two small deposits are not on their way yet. They arrive within two days.")
	case !now.Before(m.Proof.ExpiresAt):
		return fault.New(fault.Conflict, "method.deposits-expired", "It is too late to confirm these deposits. Please remove this account and add it again.")
	}
	return nil
}

// answer compares and moves the method on: to verified, to one try less, or to stopped.
func (s *Service) answer(ctx context.Context, tx *db.Tx, m *Method, a, b int64) (verdict, err error) {
	left, sealed, err := takeTry(ctx, tx, m.ID)
	if err == db.ErrNoRows {
		return errStopped(), nil
	}
	if err != nil {
		return nil, err
	}
	want, err := s.vault.Open(sealed, depositContext(m.ID))
	if err != nil {
		return nil, err
	}
	if sameAmounts(want, a, b) {
		if err := s.change(ctx, tx, *m, Verified, "", "verified", audit.OK, ""); err != nil {
			return nil, err
		}
		*m, err = getMethod(ctx, tx, m.MemberID, m.ID)
		return nil, err
	}
	if left == 0 {
		return errStopped(), s.change(ctx, tx, *m, Stopped, "tries", "stopped", audit.Refused, "")
	}
	wrong := fault.InvalidField("body.amounts", "deposits.wrong", "These are not the two amounts. Please look at your statement again.")
	wrong.Fields[0].Args = map[string]any{"Left": left}
	return wrong, audit.Record(ctx, tx, auditEntry(*m, "deposits-wrong", audit.Refused, ""))
}

// sameAmounts compares in constant time; want is the smaller amount, then the larger.
func sameAmounts(want []byte, a, b int64) bool {
	low, high := min(a, b), max(a, b)
	if low < 1 || high > maxDeposit {
		return false
	}
	return subtle.ConstantTimeCompare(want, []byte{byte(low), byte(high)}) == 1
}

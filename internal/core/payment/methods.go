package payment

import (
	"context"
	"encoding/hex"

	"standfast/internal/core/instrument"
	"standfast/internal/core/notify"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// MethodRequest is a method that a member wants to add.
type MethodRequest struct {
	instrument.Request
	Proof   string // of a step-up; empty for none
	Session signin.Session
	Client  signin.Client
}

// AddMethod adds a method, or gives the one that stands for the same number.
// Where the cell's rules ask for a proof and there is none, the refusal is
// step-up-required, with a challenge bound to exactly this number and name.
func (s *Service) AddMethod(ctx context.Context, q MethodRequest) (m instrument.Method, created bool, err error) {
	contact, err := s.Contact(ctx, q.Session.MemberID)
	if err != nil {
		return instrument.Method{}, false, err
	}
	fresh := s.config.Rules.MethodAfterProof
	needed := fresh == 0 || !s.SignIn.Fresh(q.Session, fresh)
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		m, created, err = s.Instruments.Add(ctx, tx, instrument.Addition{
			Request: q.Request, MemberID: q.Session.MemberID, From: q.Client.IP, Synthetic: contact.Synthetic,
		})
		if err != nil || !created {
			return err
		}
		if needed && q.Proof == "" {
			return errNeedsProof
		}
		if needed {
			if err := s.SignIn.Redeem(ctx, tx, q.Session, q.Proof, s.methodAction(q)); err != nil {
				return err
			}
		}
		return s.post(ctx, tx, contact, notify.Message{MemberID: q.Session.MemberID, Template: "method-added", Data: map[string]any{"Method": m.Display}})
	})
	if err == errNeedsProof {
		action := s.methodAction(q)
		action.Data = map[string]any{"Payee": m.Display}
		err = s.stepUp(ctx, q.Session, action, q.Client)
	}
	if err != nil {
		return instrument.Method{}, false, err
	}
	return m, created, nil
}

// methodAction is what a proof of adding a method is bound to. The number goes in
// as the vault's fingerprint: account numbers are short enough to be guessed from
// a plain digest.
func (s *Service) methodAction(q MethodRequest) signin.Action {
	return signin.Action{Kind: "payment-method", Parts: []string{q.Session.MemberID, hex.EncodeToString(s.Instruments.Fingerprint(q.Request))}}
}

// RemoveMethod takes a method away. While a payment waits for it, scheduled or
// about to be sent, it is a fault.Conflict: the member cancels that payment
// first, and is never surprised by one that did not happen. Payments that the
// bank already has go on.
func (s *Service) RemoveMethod(ctx context.Context, memberID, id string) error {
	if !db.ValidID(id) || !db.ValidID(memberID) {
		return fault.New(fault.NotFound, "method.not-found", "We could not find this payment method.")
	}
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		// Removed first, counted after: a payment that is being taken from the
		// method holds it, so that it is stored and counted once we have it.
		if err := s.Instruments.Remove(ctx, tx, memberID, id, ""); err != nil {
			return err
		}
		n, err := waitingFor(ctx, tx, memberID, id)
		if err == nil && n > 0 {
			err = fault.New(fault.Conflict, "method.in-use", "A payment is waiting to be made from this account. Please cancel it first.")
		}
		return err
	})
}

// Package desk is where staff look at what the stand-in promised and core could not
// keep, and say that they have dealt with it. Every look at one advice is in the
// audit log, as it shows something of a member.
package desk

import (
	"context"
	"strings"

	"standfast/internal/core/account"
	"standfast/internal/core/advice"
	"standfast/internal/core/member"
	"standfast/internal/core/staff"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Limits.
const (
	pageSize = 50
	maxNote  = 300 // characters
)

// Service is the desk of one cell. It is safe for use by many goroutines and processes.
type Service struct {
	staff    *staff.Service
	members  *member.Store
	accounts *account.Service
}

// New makes the desk.
func New(s *staff.Service, m *member.Store, a *account.Service) *Service {
	return &Service{staff: s, members: m, accounts: a}
}

// Page is a part of the list, the newest first.
type Page struct {
	List  []advice.Entry
	Dealt bool   // those that were dealt with
	Next  string // the id behind which the list goes on; empty at its end
}

// List gives a page behind the advice of an id; "" begins. Errors: Forbidden,
// Unauthenticated; NotFound for an id that there is not.
func (s *Service) List(ctx context.Context, sess staff.Session, c staff.Client, dealt bool, after string) (Page, error) {
	p := Page{Dealt: dealt}
	err := s.staff.Act(ctx, sess, c, staff.SeeAdvices, after, func(a staff.Acting) error {
		list, more, err := advice.UnfinishedTx(ctx, a.Tx, advice.Filter{Dealt: dealt, After: after, Limit: pageSize})
		p.List, p.Next = list, ""
		if more {
			p.Next = list[len(list)-1].ID
		}
		return err
	})
	return p, err
}

// Case is one advice with who and what it was about.
type Case struct {
	advice.Entry
	Username string // empty: there is no such member
	Account  string // name and last four digits; empty: there is none, or the advice is of none
	Dealer   string // who dealt with it
}

// One gives an advice, and leaves in the audit log who looked. Errors: Forbidden,
// Unauthenticated, NotFound.
func (s *Service) One(ctx context.Context, sess staff.Session, c staff.Client, id string) (found Case, err error) {
	err = s.staff.Act(ctx, sess, c, staff.SeeAdvices, id, func(a staff.Acting) error {
		e, err := advice.OneTx(ctx, a.Tx, id)
		if err != nil {
			return err
		}
		if found, err = s.fill(ctx, a.Tx, e); err != nil {
			return err
		}
		return a.Done(ctx, "advice", id, map[string]string{})
	})
	return found, err
}

func (s *Service) fill(ctx context.Context, tx *db.Tx, e advice.Entry) (Case, error) {
	found := Case{Entry: e}
	m, err := s.members.ByIDTx(ctx, tx, e.MemberID)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return found, err
	}
	found.Username = m.Username
	if e.Subject.AccountID != "" {
		list, err := s.accounts.AccountsTx(ctx, tx, []string{e.Subject.AccountID})
		if err != nil {
			return found, err
		}
		for _, a := range list {
			found.Account = strings.TrimSpace(a.Name + " " + a.Last4)
		}
	}
	if e.Dealt.By == "" {
		return found, nil
	}
	names, err := s.staff.Names(ctx, tx, []string{e.Dealt.By})
	found.Dealer = names[e.Dealt.By]
	return found, err
}

// Deal says that a refused advice is dealt with, once. Errors: Forbidden,
// Unauthenticated, NotFound; Invalid for a note that is missing or too long;
// Conflict advice.waits and advice.dealt.
func (s *Service) Deal(ctx context.Context, sess staff.Session, c staff.Client, id, note string) error {
	switch n := len([]rune(note)); {
	case n == 0:
		return fault.InvalidField("body.note", "advice.note", "Say what was done.")
	case n > maxNote:
		return fault.InvalidField("body.note", "advice.note-long", "This note is too long.")
	}
	return s.staff.Act(ctx, sess, c, staff.SettleAdvice, id, func(a staff.Acting) error {
		e, err := advice.DealTx(ctx, a.Tx, id, a.Who.ID, note)
		if err != nil {
			return err
		}
		return a.Done(ctx, "advice", id, map[string]string{"kind": e.Kind, "code": e.Code, "note": note})
	})
}

package importer

import (
	"context"
	"errors"
	"fmt"

	"standfast/internal/core/instrument"
	"standfast/internal/core/member"
	"standfast/internal/db"
)

// peopleBatch is how many members, accounts or holders share one transaction.
const peopleBatch = 500

type memberRow struct {
	reference
	spec     member.Spec
	password string // PHC string of the password's hash, or ""
}

var memberLayout = layout{
	required: []string{"member_ref", "username", "display_name", "email", "phone", "locale", "region"},
	optional: []string{"birth_date", "password_hash"},
	secret:   []string{"password_hash"},
}

func (r *run) members(ctx context.Context, path string) (FileSummary, error) {
	return load(ctx, r, path, stage[memberRow]{layout: memberLayout, batch: peopleBatch, decode: decodeMember,
		apply: func(ctx context.Context, batch []*item[memberRow]) error {
			return once(ctx, r.DB, "member", batch, func(m memberRow) reference { return m.reference },
				func(tx *db.Tx, m memberRow) (string, error) { return r.addMember(ctx, tx, m) })
		}})
}

func decodeMember(w row) (memberRow, error) {
	s := member.Spec{Ref: w.get("member_ref"), Username: w.get("username"), DisplayName: w.get("display_name"), Email: w.get("email"),
		Phone: w.get("phone"), Locale: w.get("locale"), Region: w.get("region"), BirthDate: w.get("birth_date")}
	password := w.get("password_hash")
	if s.Ref == "" {
		return memberRow{}, errors.New("member_ref is empty")
	}
	return memberRow{newReference(s.Ref, s.Username, s.DisplayName, s.Email, s.Phone, s.Locale, s.Region, s.BirthDate, password), s, password}, nil
}

func (r *run) addMember(ctx context.Context, tx *db.Tx, m memberRow) (string, error) {
	made, err := r.Members.Create(ctx, tx, m.spec)
	if err != nil || m.password == "" {
		return made.ID, err
	}
	return made.ID, r.SignIn.SetPasswordHash(ctx, tx, made.ID, m.password)
}

type holderRow struct {
	reference
	account, member, role string
}

var holderLayout = layout{required: []string{"account_ref", "member_ref", "role"}}

func (r *run) holders(ctx context.Context, path string) (FileSummary, error) {
	return load(ctx, r, path, stage[holderRow]{layout: holderLayout, batch: peopleBatch,
		decode: func(w row) (holderRow, error) {
			h := holderRow{account: w.get("account_ref"), member: w.get("member_ref"), role: w.get("role")}
			h.reference = newReference(h.account+"\n"+h.member, h.role)
			return h, nil
		},
		apply: r.addHolders})
}

func (r *run) addHolders(ctx context.Context, batch []*item[holderRow]) error {
	members, accounts := make([]string, len(batch)), make([]string, len(batch))
	for i, it := range batch {
		members[i], accounts[i] = it.value.member, it.value.account
	}
	who, err := r.resolve(ctx, distinct(members))
	if err != nil {
		return err
	}
	what, err := r.Accounts.ByRefs(ctx, distinct(accounts))
	if err != nil {
		return err
	}
	return once(ctx, r.DB, "holder", batch, func(h holderRow) reference { return h.reference }, func(tx *db.Tx, h holderRow) (string, error) {
		a, ok := what[h.account]
		if !ok {
			return "", unknown("account_ref", "account", h.account)
		}
		id, ok := who[h.member]
		if !ok {
			return "", unknown("member_ref", "member", h.member)
		}
		return a.ID, r.Members.AddHolder(ctx, tx, id, a.ID, h.role)
	})
}

type methodRow struct {
	member  string
	request instrument.Request
}

// methodLayout is of bank accounts that the issuer vouches for: they can pay at
// once. Which of the numbers a row needs depends on its country.
var methodLayout = layout{
	required: []string{"member_ref", "country", "holder_name"},
	optional: []string{"routing_number", "sort_code", "account_number", "iban"},
	secret:   []string{"account_number", "iban"},
}

func (r *run) methods(ctx context.Context, path string) (FileSummary, error) {
	return load(ctx, r, path, stage[methodRow]{layout: methodLayout, batch: peopleBatch,
		decode: func(w row) (methodRow, error) {
			return methodRow{w.get("member_ref"), instrument.Request{Kind: instrument.KindBankAccount, Country: w.get("country"),
				RoutingNumber: w.get("routing_number"), SortCode: w.get("sort_code"), AccountNumber: w.get("account_number"),
				IBAN: w.get("iban"), HolderName: w.get("holder_name")}}, nil
		},
		apply: r.addMethods})
}

func (r *run) addMethods(ctx context.Context, batch []*item[methodRow]) error {
	members := make([]string, len(batch))
	for i, it := range batch {
		members[i] = it.value.member
	}
	who, err := r.resolve(ctx, distinct(members))
	if err != nil {
		return err
	}
	return inBatch(ctx, r.DB, func(tx *db.Tx, each attempt) error {
		for _, it := range batch {
			it.added = false // the closure may run again
			it.err, err = each(func() (err error) {
				id, ok := who[it.value.member]
				if !ok {
					return unknown("member_ref", "member", it.value.member)
				}
				_, it.added, err = r.Instruments.ImportVerified(ctx, tx, id, it.value.request)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func unknown(column, what, ref string) error {
	return invalid(column, fmt.Sprintf("There is no %s %q.", what, ref))
}

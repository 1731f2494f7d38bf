package importer

import (
	"context"
	"errors"
	"fmt"

	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/member"
	"standfast/internal/core/signin"
	"standfast/internal/db"
)

// peopleBatch is how many members, accounts or holders share one transaction.
const peopleBatch = 1_000

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
				func(tx *db.Tx, rows []memberRow) ([]outcome, error) { return r.addMembers(ctx, tx, rows) })
		}})
}

func decodeMember(w row) (memberRow, error) {
	s := member.Spec{Ref: w.get("member_ref"), Username: w.get("username"), DisplayName: w.get("display_name"), Email: w.get("email"),
		Phone: w.get("phone"), Locale: w.get("locale"), Region: w.get("region"), BirthDate: w.get("birth_date")}
	password := w.get("password_hash")
	if s.Ref == "" {
		return memberRow{}, errors.New("member_ref is empty")
	}
	if password != "" {
		if err := signin.CheckPasswordHash(password); err != nil {
			return memberRow{}, err
		}
	}
	return memberRow{newReference(s.Ref, s.Username, s.DisplayName, s.Email, s.Phone, s.Locale, s.Region, s.BirthDate, password), s, password}, nil
}

func (r *run) addMembers(ctx context.Context, tx *db.Tx, rows []memberRow) ([]outcome, error) {
	specs := make([]member.Spec, len(rows))
	for i, m := range rows {
		specs[i] = m.spec
	}
	created, err := r.Members.CreateAll(ctx, tx, specs)
	if err != nil {
		return nil, err
	}
	outcomes := make([]outcome, len(rows))
	for i, c := range created {
		outcomes[i] = outcome{c.Member.ID, c.Err}
		if c.Err != nil || rows[i].password == "" {
			continue
		}
		if err := r.SignIn.SetPasswordHash(ctx, tx, c.Member.ID, rows[i].password); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
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
	who, err := r.Members.IDsByRefs(ctx, distinct(members))
	if err != nil {
		return err
	}
	what, err := r.Accounts.ByRefs(ctx, distinct(accounts))
	if err != nil {
		return err
	}
	return once(ctx, r.DB, "holder", batch, func(h holderRow) reference { return h.reference },
		func(tx *db.Tx, rows []holderRow) ([]outcome, error) { return r.shareAccounts(ctx, tx, rows, who, what) })
}

// shareAccounts gives members their roles in accounts, both by reference.
func (r *run) shareAccounts(ctx context.Context, tx *db.Tx, rows []holderRow, who map[string]string, what map[string]account.Account) ([]outcome, error) {
	outcomes := make([]outcome, len(rows))
	var shares []member.Share
	var of []int
	for i, h := range rows {
		a, known := what[h.account]
		id, there := who[h.member]
		switch {
		case !known:
			outcomes[i].err = unknown("account_ref", "account", h.account)
		case !there:
			outcomes[i].err = unknown("member_ref", "member", h.member)
		default:
			shares, of = append(shares, member.Share{MemberID: id, AccountID: a.ID, Role: h.role}), append(of, i)
		}
	}
	refusals, err := r.Members.AddHolders(ctx, tx, shares)
	for i, refusal := range refusals {
		outcomes[of[i]] = outcome{shares[i].AccountID, refusal}
	}
	return outcomes, err
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
	who, err := r.Members.IDsByRefs(ctx, distinct(members))
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

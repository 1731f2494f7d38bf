package staff

import (
	"fmt"
	"testing"
	"time"

	"standfast/internal/core/passkey/softkey"
	"standfast/internal/fault"
)

// Every role and every action: what the table says is what happens. The table of
// this test is written out, so that a grant cannot change by itself.
func TestRolesMayDoWhatIsGrantedAndNothingElse(t *testing.T) {
	all := map[Action]string{
		SeePeople: "operator auditor", Invite: "operator", Relink: "operator", EndPerson: "operator", ChangeRole: "operator", Renew: "operator",
		AddOrganisation: "operator", EndOrganisation: "operator", OwnPasskeys: "agent supervisor operator auditor",
		SeeCases: "agent supervisor auditor", SubmitCase: "agent supervisor", DecideCase: "supervisor",
		SeeRouting: "supervisor operator auditor", DecideRouting: "operator", ShareRouting: "operator",
		SeeAdvices: "supervisor operator auditor", SettleAdvice: "operator",
	}
	if len(all) != len(Actions()) {
		t.Fatalf("%d actions of %d", len(all), len(Actions()))
	}
	each(t, func(h *house) {
		chief := h.operator()
		firm := h.supplier(chief)
		for _, role := range Roles() {
			w := h.hire(chief, Invitation{Name: "W", Role: role})
			for _, action := range Actions() {
				err := h.try(w, action, firm, h.hire(chief, Invitation{Name: "X", Role: Agent, OrganisationID: firm.ID, Until: h.in(time.Hour)}))
				if want := contains(all[action], string(role)); want != (err == nil) || !want && !fault.Is(err, fault.Forbidden) {
					t.Errorf("%s %s: %v", role, action, err)
				}
				if action == EndOrganisation && err == nil {
					firm = h.supplier(chief)
				}
			}
		}
		refused := h.number(`SELECT count(*) FROM audit WHERE outcome = 'refused' AND details LIKE '%staff.forbidden%'`)
		want := 0
		for _, role := range Roles() {
			for _, action := range Actions() {
				if !contains(all[action], string(role)) {
					want++
				}
			}
		}
		if refused != want {
			t.Errorf("%d refusals in the audit log, want %d", refused, want)
		}
	})
}

func contains(list, word string) bool {
	var a, b, c, d string
	_, _ = fmt.Sscan(list, &a, &b, &c, &d) // fewer words are no error here
	return word == a || word == b || word == c || word == d
}

// try does an action in its simplest form.
func (h *house) try(w worker, a Action, firm Organisation, on worker) (err error) {
	s := h.session(w)
	switch a {
	case SeePeople:
		_, err = h.People(ctx, s, here)
	case Invite:
		_, _, err = h.Invite(ctx, s, here, Invitation{Name: "N", Role: Agent, OrganisationID: s.Person.Organisation.ID})
	case Relink:
		_, err = h.Relink(ctx, s, here, on.id)
	case EndPerson:
		err = h.End(ctx, s, here, on.id)
	case ChangeRole:
		err = h.ChangeRole(ctx, s, here, on.id, Supervisor)
	case Renew:
		err = h.Renew(ctx, s, here, on.id, h.in(24*time.Hour))
	case AddOrganisation:
		_, err = h.AddOrganisation(ctx, s, here, "Another")
	case EndOrganisation:
		err = h.EndOrganisation(ctx, s, here, firm.ID)
	case OwnPasskeys:
		err = h.act(ctx, s, here, OwnPasskeys, "", func(doing) error { return nil })
	case SeeCases, SubmitCase, DecideCase, SeeRouting, DecideRouting, ShareRouting, SeeAdvices, SettleAdvice:
		err = h.Act(ctx, s, here, a, "", func(Acting) error { return nil })
	default:
		h.Fatalf("no way to try %s", a)
	}
	return err
}

func TestAnUnknownRoleMayDoNothing(t *testing.T) {
	for _, a := range Actions() {
		if Role("").May(a) || Role("root").May(a) {
			t.Error(a)
		}
	}
}

func TestWhoEndsIsRefusedAtTheNextRequest(t *testing.T) {
	each(t, func(h *house) {
		chief := h.operator()
		second := h.hire(chief, Invitation{Name: "Second", Role: Operator})
		before := h.session(second) // a request that is under way
		h.must(h.End(ctx, h.session(chief), here, second.id))
		_, err := h.Check(ctx, second.token)
		h.want(err, "staff.session-over")
		h.want(h.End(ctx, before, here, chief.id), "staff.session-over")
		_, err = h.signIn(second)
		h.want(err, "staff.ended")
		h.want(h.End(ctx, h.session(chief), here, second.id), "staff.has-ended")
		_, err = h.Relink(ctx, h.session(chief), here, second.id)
		h.want(err, "staff.has-ended")
	})
}

func TestAnotherRoleCountsFromTheNextRequest(t *testing.T) {
	each(t, func(h *house) {
		chief := h.operator()
		second := h.hire(chief, Invitation{Name: "Second", Role: Operator})
		before := h.session(second)
		h.must(h.ChangeRole(ctx, h.session(chief), here, second.id, Auditor))
		_, err := h.AddOrganisation(ctx, before, here, "Mine")
		h.want(err, "staff.forbidden")
		if h.session(second).May(Invite) {
			t.Error("still an operator")
		}
	})
}

func TestTheLastOperatorStays(t *testing.T) {
	each(t, func(h *house) {
		chief := h.operator()
		h.hire(chief, Invitation{Name: "Agent", Role: Agent})
		_, _, err := h.Invite(ctx, h.session(chief), here, Invitation{Name: "Not here yet", Role: Operator, OrganisationID: h.session(chief).Person.Organisation.ID})
		h.must(err)
		h.want(h.End(ctx, h.session(chief), here, chief.id), "staff.last-operator")
		h.want(h.ChangeRole(ctx, h.session(chief), here, chief.id, Agent), "staff.last-operator")
		h.must(h.ChangeRole(ctx, h.session(chief), here, chief.id, Operator))
		h.want(h.EndOrganisation(ctx, h.session(chief), here, h.session(chief).Person.Organisation.ID), "staff.issuer")
	})
}

// Two operators who end each other at the same time: one of them stays.
func TestOperatorsWhoEndEachOtherLeaveOne(t *testing.T) {
	each(t, func(h *house) {
		a := h.operator()
		b := h.hire(a, Invitation{Name: "B", Role: Operator})
		sa, sb := h.session(a), h.session(b)
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return h.End(ctx, sa, here, b.id)
			}
			return h.End(ctx, sb, here, a.id)
		})
		if count(errs, nil) != 1 {
			t.Fatal(errs)
		}
		if n := h.number(`SELECT count(*) FROM staff_person WHERE ended_at = 0`); n != 1 {
			t.Fatalf("%d operators left", n)
		}
	})
}

func TestASuppliersPeopleEndByTheirDate(t *testing.T) {
	each(t, func(h *house) {
		chief := h.operator()
		firm := h.supplier(chief)
		w := h.hire(chief, Invitation{Name: "Sam", Role: Agent, OrganisationID: firm.ID, Until: h.in(10 * time.Minute)})
		h.clock.Advance(10*time.Minute - time.Microsecond)
		h.session(w)
		h.clock.Advance(time.Microsecond)
		_, err := h.Check(ctx, w.token)
		h.want(err, "staff.session-over")
		_, err = h.signIn(w)
		h.want(err, "staff.ended")
		h.must(h.Renew(ctx, h.session(chief), here, w.id, h.in(MaxTerm)))
		_, err = h.signIn(w)
		h.must(err)
	})
}

func TestTermsAndRolesThatCannotBe(t *testing.T) {
	each(t, func(h *house) {
		chief := h.operator()
		firm, own := h.supplier(chief), h.session(chief).Person.Organisation
		for _, c := range []struct {
			i    Invitation
			code string
		}{
			{Invitation{Name: "A", Role: Agent, OrganisationID: firm.ID}, "staff.until-missing"},
			{Invitation{Name: "A", Role: Agent, OrganisationID: firm.ID, Until: h.clock.Now()}, "staff.until-past"},
			{Invitation{Name: "A", Role: Agent, OrganisationID: firm.ID, Until: h.in(MaxTerm + time.Second)}, "staff.until-far"},
			{Invitation{Name: "A", Role: Operator, OrganisationID: firm.ID, Until: h.in(time.Hour)}, "staff.operator-elsewhere"},
			{Invitation{Name: "A", Role: Agent, OrganisationID: own.ID, Until: h.in(time.Hour)}, "staff.until-issuer"},
			{Invitation{Name: "A", Role: "root", OrganisationID: own.ID}, "staff.no-role"},
			{Invitation{Name: " ", Role: Agent, OrganisationID: own.ID}, "required"},
			{Invitation{Name: "A\x00", Role: Agent, OrganisationID: own.ID}, "not-text"},
			{Invitation{Name: "A", Role: Agent, OrganisationID: "1"}, "staff.no-organisation"},
			{Invitation{Name: "A", Role: Agent, OrganisationID: newTicket().id}, "staff.no-organisation"},
		} {
			_, _, err := h.Invite(ctx, h.session(chief), here, c.i)
			h.want(err, c.code)
		}
	})
}

func TestASuppliersEndEndsAllItsPeopleAtOnce(t *testing.T) {
	each(t, func(h *house) {
		chief := h.operator()
		firm := h.supplier(chief)
		term := h.in(time.Hour)
		a := h.hire(chief, Invitation{Name: "A", Role: Agent, OrganisationID: firm.ID, Until: term})
		b := h.hire(chief, Invitation{Name: "B", Role: Supervisor, OrganisationID: firm.ID, Until: term})
		_, link, err := h.Invite(ctx, h.session(chief), here, Invitation{Name: "C", Role: Agent, OrganisationID: firm.ID, Until: term})
		h.must(err)
		h.must(h.EndOrganisation(ctx, h.session(chief), here, firm.ID))
		for _, w := range []worker{a, b} {
			_, err := h.Check(ctx, w.token)
			h.want(err, "staff.session-over")
			_, err = h.signIn(w)
			h.want(err, "staff.ended")
			h.want(h.Renew(ctx, h.session(chief), here, w.id, term), "staff.has-ended")
		}
		_, err = h.setUp(link, "")
		h.want(err, "staff.link-over")
		_, _, err = h.Invite(ctx, h.session(chief), here, Invitation{Name: "D", Role: Agent, OrganisationID: firm.ID, Until: term})
		h.want(err, "staff.no-organisation")
		h.session(chief)
	})
}

func TestANewLinkTakesTheOldPasskeysPlace(t *testing.T) {
	each(t, func(h *house) {
		chief := h.operator()
		w := h.hire(chief, Invitation{Name: "Ann", Role: Agent})
		link, err := h.Relink(ctx, h.session(chief), here, w.id)
		h.must(err)
		_, err = h.Check(ctx, w.token)
		h.want(err, "staff.session-over")
		again, err := h.setUp(link, "Somebody Else")
		h.must(err)
		if p := h.session(again).Person; p.Name != "Ann" || p.ID != w.id {
			t.Fatalf("%+v", p)
		}
		_, err = h.signIn(w)
		h.want(err, "passkey.refused")
		_, err = h.signIn(again)
		h.must(err)
	})
}

func TestTheLastPasskeyStays(t *testing.T) {
	each(t, func(h *house) {
		w := h.operator()
		sess := h.session(w)
		list, err := h.Passkeys(ctx, sess)
		h.must(err)
		h.want(h.RemovePasskey(ctx, sess, list[0].ID, here), "passkey.last")
		p, err := h.BeginAddPasskey(ctx, sess, here)
		h.must(err)
		other := worker{key: &softkey.Authenticator{}}
		answer, err := other.key.Create(p.Options, origin)
		h.must(err)
		h.must(h.AddPasskey(ctx, sess, "Second", p.State, answer, here))
		h.must(h.RemovePasskey(ctx, sess, list[0].ID, here))
		_, err = h.signIn(other)
		h.must(err)
		_, err = h.signIn(w)
		h.want(err, "passkey.refused")
	})
}

func TestTheCommandLetsSomebodyIn(t *testing.T) {
	each(t, func(h *house) {
		h.operator()
		link, err := h.SetUpLink(ctx)
		h.must(err)
		w, err := h.setUp(link, "Rescue")
		h.must(err)
		if p := h.session(w).Person; p.Role != Operator || p.Organisation.Kind != Issuer {
			t.Fatalf("%+v", p)
		}
		if n := h.number(`SELECT count(*) FROM audit WHERE action = 'staff.relink' AND actor = 'system' AND origin = 'command'`); n != 1 {
			t.Fatalf("%d entries", n)
		}
	})
}

package staff

// Role is what a person is here for. A person has one.
type Role string

// The roles.
const (
	Agent      Role = "agent"      // helps members
	Supervisor Role = "supervisor" // approves what agents may not do alone
	Operator   Role = "operator"   // runs the service, and says who else works here
	Auditor    Role = "auditor"    // looks, and changes nothing
)

// Roles lists all roles, as a form offers them.
func Roles() []Role { return []Role{Agent, Supervisor, Operator, Auditor} }

// Action is something that not everybody may do. Its name is also the action's in
// the audit log.
type Action string

// The actions. Of a member none of them shows more than its piece of work needs: a
// case has what staff checked, and who did; an advice whose it was and what about.
const (
	SeePeople       Action = "staff.see"
	Invite          Action = "staff.invite"
	Relink          Action = "staff.relink" // a new set-up link, for somebody who lost every passkey
	EndPerson       Action = "staff.end"
	ChangeRole      Action = "staff.role"
	Renew           Action = "staff.renew"
	AddOrganisation Action = "staff.organisation-add"
	EndOrganisation Action = "staff.organisation-end"
	OwnPasskeys     Action = "staff.passkeys"
	SeeCases        Action = "case.see"
	SubmitCase      Action = "case.submit"
	DecideCase      Action = "case.decide" // of somebody else
	SeeRouting      Action = "routing.see"
	DecideRouting   Action = "routing.override" // says which side answers members
	ShareRouting    Action = "routing.share"    // says how many a build answers, and what the stand-in is shown
	SeeAdvices      Action = "advice.see"       // of the stand-in's that could not be carried out
	SettleAdvice    Action = "advice.settle"    // says that one of them is dealt with
)

// Actions lists all actions.
func Actions() []Action {
	return []Action{SeePeople, Invite, Relink, EndPerson, ChangeRole, Renew, AddOrganisation, EndOrganisation, OwnPasskeys, SeeCases, SubmitCase, DecideCase, SeeRouting, DecideRouting, ShareRouting, SeeAdvices, SettleAdvice}
}

// grants says who may do what. What does not stand here is refused.
var grants = map[Role]map[Action]bool{
	Agent:      {OwnPasskeys: true, SeeCases: true, SubmitCase: true},
	Supervisor: {OwnPasskeys: true, SeeCases: true, SubmitCase: true, DecideCase: true, SeeRouting: true, SeeAdvices: true},
	Auditor:    {OwnPasskeys: true, SeePeople: true, SeeCases: true, SeeRouting: true, SeeAdvices: true},
	Operator: {
		OwnPasskeys: true, SeePeople: true, Invite: true, Relink: true, EndPerson: true,
		ChangeRole: true, Renew: true, AddOrganisation: true, EndOrganisation: true,
		SeeRouting: true, DecideRouting: true, ShareRouting: true, SeeAdvices: true, SettleAdvice: true,
	},
}

// May tells whether a role may do something.
func (r Role) May(a Action) bool { return grants[r][a] }

func (r Role) known() bool { return grants[r] != nil }

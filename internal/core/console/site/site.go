// Package site is every address of the console as a typed value, as package route
// is the member portal's.
package site

import "standfast/internal/core/portal/route"

// The console's pages, and the addresses that only take forms.
const (
	Home            route.Page = "/"
	Language        route.Page = "/language"
	SignIn          route.Page = "/sign-in"
	SignInPrompt    route.Page = "/sign-in/prompt"
	SignOut         route.Page = "/sign-out"
	SetUp           route.Item = "/set-up/{id}"
	People          route.Page = "/people"
	Invite          route.Page = "/people/invite"
	Person          route.Item = "/people/{id}"
	PersonRole      route.Item = "/people/{id}/role"
	PersonUntil     route.Item = "/people/{id}/until"
	PersonLink      route.Item = "/people/{id}/link"
	PersonEnd       route.Item = "/people/{id}/end"
	Organisations   route.Page = "/organisations"
	OrganisationEnd route.Item = "/organisations/{id}/end"
	Passkeys        route.Page = "/passkeys"
	PasskeyAdd      route.Page = "/passkeys/add"
	PasskeyProve    route.Page = "/passkeys/prove"
	PasskeyRemove   route.Item = "/passkeys/{id}/remove"
	Cases           route.Page = "/cases"
	CaseFind        route.Page = "/cases/find"
	CaseNew         route.Page = "/cases/new"
	CaseSubmit      route.Page = "/cases/submit"
	Case            route.Item = "/cases/{id}"
	CaseApprove     route.Item = "/cases/{id}/approve"
	CaseRefuse      route.Item = "/cases/{id}/refuse"
	Advices         route.Page = "/advices"
	Advice          route.Item = "/advices/{id}"
	AdviceDeal      route.Item = "/advices/{id}/deal"
	Routing         route.Page = "/routing"
	RoutingChange   route.Page = "/routing/change"
	RoutingDecide   route.Page = "/routing/decide"
	RoutingShare    route.Page = "/routing/share"
	RoutingSet      route.Page = "/routing/share/set"
)

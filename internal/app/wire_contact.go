package app

import "standfast/internal/core/portal/route"

// stopLink gives the address that notices carry: of the page where a change of
// telephone or e-mail is stopped, on the members' own site.
func stopLink(publicURL string) func(token string) string {
	origin := originOf(publicURL)
	return func(token string) string { return origin + string(route.ContactLink.URL("token", token)) }
}

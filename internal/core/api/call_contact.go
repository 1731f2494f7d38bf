package api

import (
	"context"
	"net/http"
	"time"

	"standfast/internal/core/signin"
	"standfast/internal/journey"
)

// contactInfo is how the member is reached.
type contactInfo struct {
	Email   string          `json:"email" doc:"The e-mail address; empty when there is none." example:"ada@example.org"`
	Phone   string          `json:"phone" doc:"The telephone number in international form; empty when there is none." example:"+12025550142"`
	Waiting []contactChange `json:"waiting" nullable:"false" doc:"Changes that are proved and take effect later: at most one of each kind."`
}

// contactChange is a change of one contact point.
type contactChange struct {
	ID            string     `json:"id" doc:"Names the change in the calls that go on with it or stop it." example:"019cada2-6c00-7000-8000-2d5f3ab0c00a"`
	Kind          string     `json:"kind" enum:"email,phone" doc:"Which contact point." example:"phone"`
	Address       string     `json:"address" doc:"The new one; empty takes the contact point away." example:"+12025550199"`
	State         string     `json:"state" enum:"unproved,waiting,done,stopped,replaced,refused" doc:"unproved: the code that went to the new address is waited for. waiting: it takes effect at effective_at, and until then codes go where they went. replaced: another change came first. refused: no code could reach the member." example:"waiting"`
	EffectiveAt   *time.Time `json:"effective_at,omitempty" doc:"From when on it holds; missing while it is unproved." example:"2026-03-03T12:00:00Z"`
	CodeChallenge *challenge `json:"code_challenge,omitempty" doc:"While it is unproved: the code at the new address. It is sent again like a sign-in's."`
}

type changeContactRequest struct {
	Address string `json:"address" maxLength:"320" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"The new address or number; empty takes the contact point away." example:"+12025550199"`
}

type proveContactRequest struct {
	Code string `json:"code" minLength:"1" maxLength:"32" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"The code that went to the new address." example:"123 456"`
}

func (a *api) contactCalls() {
	const path, changes = "/api/v1/contacts", "/api/v1/contacts/changes/{id}"
	register(a, operation{id: "get-contacts", method: http.MethodGet, path: path, tag: "Contacts", journey: journey.Session,
		summary: "How the member is reached", description: "And what is to change."}, a.getContacts)
	register(a, operation{id: "change-contact", method: http.MethodPut, path: path + "/{kind}", tag: "Contacts", use: signin.Change, journey: journey.Session,
		errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests}, summary: "Begin to change telephone or e-mail",
		description: "Needs a code or passkey within the last ten minutes, or a proof of exactly this address. A code goes to the new address; the same call again sends none. The last contact point that can get codes stays."}, a.changeContact)
	register(a, operation{id: "prove-contact", method: http.MethodPost, path: changes + "/code", tag: "Contacts", use: signin.Change, journey: journey.StepUp,
		errors: []int{http.StatusForbidden, http.StatusTooManyRequests}, summary: "Prove a new telephone or e-mail",
		description: "All old contact points are told. It takes effect at once where passkey, app or recovery code proved who asks, else after a day."}, a.proveContact)
	register(a, operation{id: "stop-contact-change", method: http.MethodDelete, path: changes, tag: "Contacts", use: signin.Change, journey: journey.Session,
		status: http.StatusNoContent, errors: []int{http.StatusNotFound}, summary: "Stop a change that waits", description: "All contact points are told."}, a.stopContact)
}

func (a *api) getContacts(ctx context.Context, c *call, _ *nothing) (*body[contactInfo], error) {
	i, err := a.SignIn.Contacts(ctx, c.session)
	if err != nil {
		return nil, err
	}
	out := contactInfo{Email: i.Email, Phone: i.Phone, Waiting: make([]contactChange, len(i.Waiting))}
	for n, w := range i.Waiting {
		out.Waiting[n] = contactChangeOf(w)
	}
	return bodyOf(out), nil
}

func (a *api) changeContact(ctx context.Context, c *call, in *struct {
	ClientHeaders
	ProofHeaders
	Kind string `path:"kind" doc:"Which contact point: email or phone." example:"phone"`
	Body changeContactRequest
}) (*body[contactChange], error) {
	return contactAnswer(a.SignIn.ChangeContact(ctx, a.change(c, in.Proof), in.Kind, in.Body.Address))
}

func (a *api) proveContact(ctx context.Context, c *call, in *struct {
	ClientHeaders
	ByID
	Body proveContactRequest
}) (*body[contactChange], error) {
	return contactAnswer(a.SignIn.ProveContact(ctx, a.change(c, ""), in.ID, in.Body.Code))
}

func (a *api) stopContact(ctx context.Context, c *call, in *ByID) (*nothing, error) {
	return nil, a.SignIn.StopContact(ctx, c.session, in.ID, a.Cookies.Client(c.w, c.r))
}

func contactAnswer(c signin.ContactChange, err error) (*body[contactChange], error) {
	if err != nil {
		return nil, err
	}
	return bodyOf(contactChangeOf(c)), nil
}

func contactChangeOf(c signin.ContactChange) contactChange {
	out := contactChange{ID: c.ID, Kind: c.Kind, Address: c.Address, State: c.State, EffectiveAt: instant(c.From)}
	if c.Code != nil {
		code := challengeOf(*c.Code)
		out.CodeChallenge = &code
	}
	return out
}

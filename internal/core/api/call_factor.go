package api

import (
	"context"
	"net/http"
	"time"

	"standfast/internal/core/signin"
	"standfast/internal/journey"
)

// authenticatorInfo is the member's authenticator app.
type authenticatorInfo struct {
	ID         string     `json:"id" doc:"The app's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c009"`
	AddedAt    time.Time  `json:"added_at" doc:"Since when its codes are taken." example:"2026-03-02T12:00:00Z"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"When a code of it was last taken; missing when never." example:"2026-03-05T08:00:00Z"`
}

// authenticatorSetUp is a secret on its way into an app.
type authenticatorSetUp struct {
	ID        string    `json:"id" doc:"Names the set-up in the call that confirms it." example:"019cada2-6c00-7000-8000-2d5f3ab0c009"`
	Secret    string    `json:"secret" doc:"The key in base 32, as apps take it." example:"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"`
	URI       string    `json:"uri" doc:"The same as an otpauth address, for a QR code."`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when it can be confirmed." example:"2026-03-02T12:15:00Z"`
}

type confirmAuthenticatorRequest struct {
	Code string `json:"code" minLength:"1" maxLength:"32" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"The code that the app shows now." example:"123 456"`
}

// recoveryInfo is how the member stands with recovery codes.
type recoveryInfo struct {
	Left   int        `json:"left" doc:"How many codes can still be used." example:"7"`
	MadeAt *time.Time `json:"made_at,omitempty" doc:"When they were made; missing when never." example:"2026-03-02T12:00:00Z"`
}

type recoveryCodes struct {
	Codes []string `json:"codes" nullable:"false" doc:"The codes, given this once. Each counts once in place of a sign-in code." example:"[\"1234 5678 9012\"]"`
}

func (a *api) factorCalls() {
	const app, codes = "/api/v1/authenticators", "/api/v1/recovery-codes"
	refusals := []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests}
	register(a, operation{id: "list-authenticators", method: http.MethodGet, path: app, tag: "Second factors", journey: journey.Devices,
		summary: "The member's authenticator app", description: "At most one is in use."}, a.listAuthenticators)
	register(a, operation{id: "set-up-authenticator", method: http.MethodPost, path: app, tag: "Second factors", use: signin.Change, journey: journey.Devices,
		status: http.StatusCreated, errors: refusals, summary: "Begin to set up an authenticator app",
		description: "Needs a code or passkey within the last ten minutes, or a proof. The app in use before stays until the new one is confirmed."}, a.setUpAuthenticator)
	register(a, operation{id: "confirm-authenticator", method: http.MethodPost, path: app + "/{id}/confirm", tag: "Second factors", use: signin.Change, journey: journey.Devices,
		status: http.StatusNoContent, errors: refusals, summary: "Take an authenticator app into use", description: "With the first code that it shows. The member is told."}, a.confirmAuthenticator)
	register(a, operation{id: "remove-authenticator", method: http.MethodDelete, path: app + "/{id}", tag: "Second factors", use: signin.Change, journey: journey.Devices,
		status: http.StatusNoContent, errors: refusals, summary: "Remove the authenticator app", description: "The last way to confirm who is there stays."}, a.removeAuthenticator)
	register(a, operation{id: "get-recovery-codes", method: http.MethodGet, path: codes, tag: "Second factors", journey: journey.Devices,
		summary: "How many recovery codes are left"}, a.getRecoveryCodes)
	register(a, operation{id: "make-recovery-codes", method: http.MethodPost, path: codes, tag: "Second factors", use: signin.Change, journey: journey.Devices,
		status: http.StatusCreated, errors: []int{http.StatusForbidden, http.StatusTooManyRequests}, summary: "Make recovery codes",
		description: "Needs a code or passkey within the last ten minutes, or a proof. Older codes are worthless then. The member is told."}, a.makeRecoveryCodes)
}

func (a *api) listAuthenticators(ctx context.Context, c *call, _ *nothing) (*body[list[authenticatorInfo]], error) {
	app, err := a.SignIn.Authenticator(ctx, c.session)
	if err != nil {
		return nil, err
	}
	var all []signin.AuthenticatorInfo
	if app != nil {
		all = append(all, *app)
	}
	return listOf(all, "", func(i signin.AuthenticatorInfo) authenticatorInfo {
		return authenticatorInfo{ID: i.ID, AddedAt: i.AddedAt.UTC(), LastUsedAt: instant(i.LastUsedAt)}
	}), nil
}

func (a *api) setUpAuthenticator(ctx context.Context, c *call, in *struct {
	ClientHeaders
	ProofHeaders
}) (*created[authenticatorSetUp], error) {
	s, err := a.SignIn.SetUpAuthenticator(ctx, a.change(c, in.Proof))
	if err != nil {
		return nil, err
	}
	return &created[authenticatorSetUp]{Status: http.StatusCreated, Location: "/api/v1/authenticators/" + s.ID,
		Body: authenticatorSetUp{ID: s.ID, Secret: s.Secret, URI: s.URI, ExpiresAt: s.ExpiresAt.UTC()}}, nil
}

func (a *api) confirmAuthenticator(ctx context.Context, c *call, in *struct {
	ByID
	ProofHeaders
	Body confirmAuthenticatorRequest
}) (*nothing, error) {
	return nil, a.SignIn.ConfirmAuthenticator(ctx, a.change(c, in.Proof), in.ID, in.Body.Code)
}

func (a *api) removeAuthenticator(ctx context.Context, c *call, in *struct {
	ByID
	ProofHeaders
}) (*nothing, error) {
	return nil, a.SignIn.RemoveAuthenticator(ctx, a.change(c, in.Proof), in.ID)
}

func (a *api) getRecoveryCodes(ctx context.Context, c *call, _ *nothing) (*body[recoveryInfo], error) {
	i, err := a.SignIn.RecoveryCodes(ctx, c.session)
	if err != nil {
		return nil, err
	}
	return bodyOf(recoveryInfo{Left: i.Left, MadeAt: instant(i.MadeAt)}), nil
}

func (a *api) makeRecoveryCodes(ctx context.Context, c *call, in *struct {
	ClientHeaders
	ProofHeaders
}) (*created[recoveryCodes], error) {
	codes, err := a.SignIn.MakeRecoveryCodes(ctx, a.change(c, in.Proof))
	if err != nil {
		return nil, err
	}
	return &created[recoveryCodes]{Status: http.StatusCreated, Location: "/api/v1/recovery-codes", Body: recoveryCodes{Codes: codes}}, nil
}

package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"standfast/internal/core/signin"
	"standfast/internal/fault"
	"standfast/internal/journey"
)

// passkeyPrompt is what a browser is asked.
type passkeyPrompt struct {
	PublicKey map[string]any `json:"publicKey" doc:"Options for navigator.credentials, as PublicKeyCredential.parseRequestOptionsFromJSON and parseCreationOptionsFromJSON read them."`
	State     string         `json:"state" doc:"To be sent back with the answer: good once, in the same flow, for five minutes." example:"Ac3fJx…"`
}

// passkeyInfo is one of the member's passkeys.
type passkeyInfo struct {
	ID         string     `json:"id" doc:"The passkey's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c006"`
	Name       string     `json:"name" doc:"What the member calls it." example:"Phone"`
	Synced     bool       `json:"synced" doc:"Whether it can be on several devices of the member, not bound to one." example:"true"`
	CreatedAt  time.Time  `json:"created_at" doc:"When it was added." example:"2026-03-02T12:00:00Z"`
	LastUsedAt *time.Time `json:"last_used_at,omitempty" doc:"When it was last used; missing when never." example:"2026-03-05T08:00:00Z"`
}

type passkeySignInRequest struct {
	State       string         `json:"state,omitempty" maxLength:"2048" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"Of /sign-in/passkey/options, when signing in without a user name."`
	ChallengeID string         `json:"challenge_id,omitempty" maxLength:"64" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"Of the answer to a password, in place of a code." example:"019cada2-6c00-7000-8000-2d5f3ab0c001"`
	Assertion   map[string]any `json:"assertion" doc:"What navigator.credentials.get gave, as its toJSON."`
	TrustDevice bool           `json:"trust_device,omitempty" doc:"Remember this device, so that no code is asked for." example:"true"`
}

type addPasskeyRequest struct {
	State      string         `json:"state" minLength:"1" maxLength:"2048" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"Of /passkeys/options."`
	Name       string         `json:"name,omitempty" maxLength:"60" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"What to call it; the browser's name when missing." example:"Phone"`
	Credential map[string]any `json:"credential" doc:"What navigator.credentials.create gave, as its toJSON."`
}

type renamePasskeyRequest struct {
	Name string `json:"name" minLength:"1" maxLength:"60" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"What to call it." example:"Phone"`
}

func (a *api) passkeyCalls() {
	const path = "/api/v1/passkeys"
	register(a, operation{id: "passkey-sign-in-options", method: http.MethodPost, path: "/api/v1/sign-in/passkey/options", tag: "Sign-in", public: true,
		journey: journey.SignIn, errors: []int{http.StatusNotFound}, summary: "Begin to sign in with a passkey",
		description: "Names nobody: whoever has a passkey of this site can answer."}, a.passkeyOptions)
	register(a, operation{id: "passkey-sign-in", method: http.MethodPost, path: "/api/v1/sign-in/passkey", tag: "Sign-in", public: true,
		journey: journey.SignIn, errors: []int{http.StatusUnauthorized, http.StatusNotFound, http.StatusTooManyRequests}, summary: "Sign in with a passkey",
		description: "With state, by passkey alone, from any device, without a code. With challenge_id, after a password and in place of the code."}, a.passkeySignIn)
	register(a, operation{id: "list-passkeys", method: http.MethodGet, path: path, tag: "Passkeys", journey: journey.Devices,
		summary: "The member's passkeys"}, a.listPasskeys)
	register(a, operation{id: "passkey-options", method: http.MethodPost, path: path + "/options", tag: "Passkeys", use: signin.Change, journey: journey.Devices,
		errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests}, summary: "Begin to add a passkey",
		description: "Needs a code or passkey within the last ten minutes, or a proof."}, a.addPasskeyOptions)
	register(a, operation{id: "add-passkey", method: http.MethodPost, path: path, tag: "Passkeys", use: signin.Change, journey: journey.Devices,
		status: http.StatusCreated, errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests}, summary: "Add a passkey",
		description: "The member is told."}, a.addPasskey)
	register(a, operation{id: "rename-passkey", method: http.MethodPatch, path: path + "/{id}", tag: "Passkeys", use: signin.Change, journey: journey.Devices,
		errors: []int{http.StatusNotFound}, summary: "Name a passkey"}, a.renamePasskey)
	register(a, operation{id: "remove-passkey", method: http.MethodDelete, path: path + "/{id}", tag: "Passkeys", use: signin.Change, journey: journey.Devices,
		status: http.StatusNoContent, errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusTooManyRequests}, summary: "Remove a passkey",
		description: "Needs a code or passkey within the last ten minutes, or a proof. The last way to sign in stays."}, a.removePasskey)
}

func (a *api) passkeyOptions(_ context.Context, c *call, _ *struct{ ClientHeaders }) (*body[passkeyPrompt], error) {
	p, err := a.SignIn.BeginPasskey(a.Cookies.Client(c.w, c.r))
	if err != nil {
		return nil, err
	}
	return promptOf(p)
}

func (a *api) passkeySignIn(ctx context.Context, c *call, in *struct {
	ClientHeaders
	Body passkeySignInRequest
}) (*body[signInAnswer], error) {
	k, b := a.Cookies.Client(c.w, c.r), in.Body
	answer, err := json.Marshal(b.Assertion)
	if err != nil {
		return nil, err
	}
	var out signin.Outcome
	switch {
	case (b.State == "") == (b.ChallengeID == ""):
		return nil, fault.InvalidField("body.state", "passkey.state-or-challenge", "Send either state or challenge_id.")
	case b.State != "":
		out, err = a.SignIn.SignInPasskey(ctx, b.State, answer, b.TrustDevice, k)
	default:
		out, err = a.SignIn.SubmitPasskey(ctx, b.ChallengeID, answer, b.TrustDevice, k)
	}
	if err != nil {
		return nil, err
	}
	return a.signInOutcome(c, k, out), nil
}

func (a *api) listPasskeys(ctx context.Context, c *call, _ *nothing) (*body[list[passkeyInfo]], error) {
	all, err := a.SignIn.Passkeys(ctx, c.session)
	if err != nil {
		return nil, err
	}
	return listOf(all, "", passkeyOf), nil
}

func (a *api) addPasskeyOptions(ctx context.Context, c *call, in *struct {
	ClientHeaders
	ProofHeaders
}) (*body[passkeyPrompt], error) {
	p, err := a.SignIn.BeginAddPasskey(ctx, a.change(c, in.Proof))
	if err != nil {
		return nil, err
	}
	return promptOf(p)
}

func (a *api) addPasskey(ctx context.Context, c *call, in *struct {
	ClientHeaders
	ProofHeaders
	Body addPasskeyRequest
}) (*created[passkeyInfo], error) {
	answer, err := json.Marshal(in.Body.Credential)
	if err != nil {
		return nil, err
	}
	p, err := a.SignIn.AddPasskey(ctx, a.change(c, in.Proof), in.Body.Name, in.Body.State, answer)
	if err != nil {
		return nil, err
	}
	return &created[passkeyInfo]{Status: http.StatusCreated, Location: "/api/v1/passkeys/" + p.ID, Body: passkeyOf(p)}, nil
}

func (a *api) renamePasskey(ctx context.Context, c *call, in *struct {
	ByID
	Body renamePasskeyRequest
}) (*body[passkeyInfo], error) {
	p, err := a.SignIn.RenamePasskey(ctx, c.session, in.ID, in.Body.Name, a.Cookies.Client(c.w, c.r))
	if err != nil {
		return nil, err
	}
	return bodyOf(passkeyOf(p)), nil
}

func (a *api) removePasskey(ctx context.Context, c *call, in *struct {
	ByID
	ProofHeaders
}) (*nothing, error) {
	return nil, a.SignIn.RemovePasskey(ctx, a.change(c, in.Proof), in.ID)
}

// change is a request to alter what the member signs in with.
func (a *api) change(c *call, proof string) signin.ChangeRequest {
	return signin.ChangeRequest{Session: c.session, Client: a.Cookies.Client(c.w, c.r), Proof: proof}
}

func passkeyOf(p signin.Passkey) passkeyInfo {
	return passkeyInfo{ID: p.ID, Name: p.Name, Synced: p.Synced, CreatedAt: p.CreatedAt.UTC(), LastUsedAt: instant(p.LastUsedAt)}
}

func promptOf(p signin.PasskeyPrompt) (*body[passkeyPrompt], error) {
	out := passkeyPrompt{State: p.State}
	if err := json.Unmarshal(p.Options, &out); err != nil {
		return nil, err
	}
	return bodyOf(out), nil
}

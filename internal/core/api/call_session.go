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

// memberInfo is who is signed in.
type memberInfo struct {
	ID          string `json:"id" doc:"The member's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c002"`
	Username    string `json:"username" doc:"The username." example:"ada"`
	DisplayName string `json:"display_name" doc:"How the member is addressed." example:"Ada Lovelace"`
	Locale      string `json:"locale" doc:"The language of messages." example:"en-US"`
	Region      string `json:"region" doc:"The cell that keeps the member." example:"us"`
}

type sessionAnswer struct {
	Member          memberInfo `json:"member" doc:"Who is signed in."`
	ExpiresAt       time.Time  `json:"expires_at" doc:"When the session ends unless it is used before." example:"2026-03-02T13:00:00Z"`
	AuthenticatedAt time.Time  `json:"authenticated_at" doc:"When the member signed in." example:"2026-03-02T12:00:00Z"`
	Methods         []string   `json:"methods" nullable:"false" doc:"How the member proved who they are: password, code, device." example:"[\"password\",\"device\"]"`
}

// sessionInfo is one of the member's sessions.
type sessionInfo struct {
	ID         string    `json:"id" doc:"The session's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c003"`
	Current    bool      `json:"current" doc:"Whether this is the session that asks." example:"true"`
	Device     string    `json:"device" doc:"The browser or program, as far as it says." example:"Firefox on Linux"`
	From       string    `json:"from" doc:"The IP address that signed in." example:"203.0.113.7"`
	Place      string    `json:"place,omitempty" doc:"Where that address is, if it is known." example:"Albany, New York, United States"`
	SignedInAt time.Time `json:"signed_in_at" doc:"When the member signed in." example:"2026-03-02T12:00:00Z"`
	LastUsedAt time.Time `json:"last_used_at" doc:"When it was last used, to within five minutes." example:"2026-03-02T12:20:00Z"`
	ExpiresAt  time.Time `json:"expires_at" doc:"When it ends at the latest." example:"2026-03-03T12:00:00Z"`
}

func sessionOf(s signin.SessionInfo) sessionInfo {
	return sessionInfo{ID: s.ID, Current: s.Current, Device: s.DeviceName, From: s.IP, Place: s.Place, SignedInAt: s.SignedInAt.UTC(),
		LastUsedAt: s.LastUsedAt.UTC(), ExpiresAt: s.ExpiresAt.UTC()}
}

// proof is what a step-up gives.
type proof struct {
	Proof string `json:"proof" doc:"Repeat the refused call with this as Step-Up-Proof and the same Idempotency-Key." example:"v4.public.eyJ…"`
}

type stepUpRequest struct {
	ChallengeID string         `json:"challenge_id" minLength:"1" maxLength:"64" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"The challenge of the refusal." example:"019cada2-6c00-7000-8000-2d5f3ab0c001"`
	Code        string         `json:"code,omitempty" maxLength:"16" pattern:"^[0-9 ]*$" patternDescription:"digits" doc:"The code that was sent." example:"483920"`
	Assertion   map[string]any `json:"assertion,omitempty" doc:"In place of the code: what navigator.credentials.get gave for the challenge's passkey options, as its toJSON."`
}

// ByID is a request for one object.
type ByID struct {
	ID string `path:"id" doc:"The object's id. Another member's answers exactly like one that does not exist." example:"019cada2-6c00-7000-8000-2d5f3ab0c004"`
}

func (a *api) sessionCalls() {
	register(a, operation{id: "get-session", method: http.MethodGet, path: "/api/v1/session", tag: "Session",
		journey: journey.Session, summary: "Who is signed in"}, a.getSession)
	register(a, operation{id: "sign-out", method: http.MethodDelete, path: "/api/v1/session", tag: "Session", // whoever may look may leave
		journey: journey.SignOut, status: http.StatusNoContent, summary: "Sign out here", description: "The device stays remembered."}, a.signOut)
	register(a, operation{id: "list-sessions", method: http.MethodGet, path: "/api/v1/sessions", tag: "Session",
		journey: journey.Session, summary: "All of the member's sessions"}, a.listSessions)
	register(a, operation{id: "sign-out-everywhere", method: http.MethodDelete, path: "/api/v1/sessions", tag: "Session", use: signin.Change,
		journey: journey.SignOut, status: http.StatusNoContent, summary: "Sign out everywhere", description: "Ends every session of the member, this one included."}, a.signOutEverywhere)
	register(a, operation{id: "report-misuse", method: http.MethodPost, path: "/api/v1/sessions/report-misuse", tag: "Session", use: signin.Change,
		journey: journey.SignOut, status: http.StatusNoContent, summary: "Somebody else used my login",
		description: "Ends every session of the member, this one included, forgets every device and makes open codes worthless. The next sign-in needs password and code."}, a.reportMisuse)
	register(a, operation{id: "end-session", method: http.MethodDelete, path: "/api/v1/sessions/{id}", tag: "Session", use: signin.Change,
		journey: journey.SignOut, status: http.StatusNoContent, errors: []int{http.StatusNotFound}, summary: "End one session"}, a.endSession)
	register(a, operation{id: "step-up", method: http.MethodPost, path: "/api/v1/step-up", tag: "Session", use: signin.Change,
		journey: journey.StepUp, errors: []int{http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests}, summary: "Prove one action",
		description: "Answers the challenge of a refusal of type step-up-required. The proof is good for exactly the action that was refused, once."}, a.stepUp)
}

func (a *api) getSession(ctx context.Context, c *call, _ *nothing) (*body[sessionAnswer], error) {
	m, err := a.Members.Shown(ctx, c.session.MemberID)
	if err != nil {
		return nil, err
	}
	return bodyOf(sessionAnswer{
		Member:    memberInfo{ID: m.ID, Username: m.Username, DisplayName: m.DisplayName, Locale: m.Locale, Region: m.Region},
		ExpiresAt: c.session.ExpiresAt.UTC(), AuthenticatedAt: c.session.AuthenticatedAt.UTC(),
		Methods: append([]string{}, c.session.Methods...),
	}), nil
}

func (a *api) signOut(ctx context.Context, c *call, _ *nothing) (*nothing, error) {
	if err := a.SignIn.SignOut(ctx, c.session); err != nil {
		return nil, err
	}
	a.Cookies.ClearSession(c.w)
	return nil, nil
}

func (a *api) signOutEverywhere(ctx context.Context, c *call, _ *nothing) (*nothing, error) {
	if err := a.SignIn.SignOutEverywhere(ctx, c.session); err != nil {
		return nil, err
	}
	a.Cookies.ClearSession(c.w)
	return nil, nil
}

func (a *api) reportMisuse(ctx context.Context, c *call, _ *nothing) (*nothing, error) {
	if err := a.SignIn.ReportMisuse(ctx, c.session, a.Cookies.Client(c.w, c.r)); err != nil {
		return nil, err
	}
	a.Cookies.ClearSession(c.w)
	return nil, nil
}

func (a *api) listSessions(ctx context.Context, c *call, _ *nothing) (*body[list[sessionInfo]], error) {
	all, err := a.SignIn.Sessions(ctx, c.session)
	if err != nil {
		return nil, err
	}
	return listOf(all, "", sessionOf), nil
}

func (a *api) endSession(ctx context.Context, c *call, in *ByID) (*nothing, error) {
	return nil, a.SignIn.EndSession(ctx, c.session, in.ID)
}

func (a *api) stepUp(ctx context.Context, c *call, in *struct{ Body stepUpRequest }) (*body[proof], error) {
	p, err := a.prove(ctx, c, in.Body)
	if err != nil {
		return nil, err
	}
	return bodyOf(proof{Proof: p}), nil
}

// prove takes whichever answer to the challenge was sent.
func (a *api) prove(ctx context.Context, c *call, b stepUpRequest) (string, error) {
	switch {
	case (b.Assertion == nil) == (b.Code == ""):
		return "", fault.InvalidField("body.code", "step-up.code-or-assertion", "Send either code or assertion.")
	case b.Assertion == nil:
		return a.SignIn.Prove(ctx, c.session, b.ChallengeID, b.Code)
	}
	answer, err := json.Marshal(b.Assertion)
	if err != nil {
		return "", err
	}
	return a.SignIn.ProvePasskey(ctx, c.session, b.ChallengeID, answer, a.Cookies.Client(c.w, c.r))
}

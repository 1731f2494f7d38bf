package api

import (
	"context"
	"net/http"
	"time"

	"standfast/internal/core/signin"
	"standfast/internal/journey"
)

// Delivery is what is known of a code that was sent; a challenge holds it.
type Delivery struct {
	Delivery    string     `json:"delivery,omitempty" enum:"waiting,delivered,late,failed" doc:"What is known of the latest message: waiting (no news, and none is due yet), delivered (its channel says so, or took it and never says more), late (no news for 15 seconds), failed. Missing when nothing was sent." example:"waiting"`
	NextChannel string     `json:"next_channel,omitempty" enum:"email,text,voice" doc:"With late and failed: the channel to ask for now. Missing when none is left." example:"voice"`
	ResendAt    *time.Time `json:"resend_at,omitempty" doc:"From when on the code is sent again by the same channel." example:"2026-03-02T12:00:30Z"`
	OtherAt     *time.Time `json:"other_at,omitempty" doc:"From when on it is sent by another channel." example:"2026-03-02T12:00:15Z"`
	Reference   string     `json:"reference,omitempty" doc:"When no channel is left: what to say on the telephone. It tells nothing by itself." example:"7K2M-94QX"`
}

func deliveryOf(c signin.Challenge) Delivery {
	d := Delivery{Delivery: c.Delivery, NextChannel: c.NextChannel, Reference: c.Reference}
	if c.Delivery != "" {
		resend, other := c.ResendAt.UTC(), c.OtherAt.UTC()
		d.ResendAt, d.OtherAt = &resend, &other
	}
	return d
}

// codePreference is how a member wants to get codes.
type codePreference struct {
	Ways     []string `json:"ways" nullable:"false" minItems:"1" maxItems:"3" enum:"text,voice,email" doc:"Channels in the order in which they are tried. E-mail is always the last, and is no channel for codes in gb and eu." example:"[\"text\",\"voice\"]"`
	ByItself bool     `json:"by_itself" doc:"Whether the next channel is used when nothing says within 15 seconds that a code has arrived." example:"true"`
}

// codeRequestInfo is one time that a code was asked for.
type codeRequestInfo struct {
	AskedAt  time.Time `json:"asked_at" doc:"When." example:"2026-03-02T12:00:00Z"`
	Purpose  string    `json:"purpose" doc:"What for: sign-in, step-up and others." example:"sign-in"`
	Device   string    `json:"device" doc:"The browser or program, as far as it says." example:"Firefox on Linux"`
	From     string    `json:"from" doc:"The IP address." example:"203.0.113.7"`
	Messages int       `json:"messages" doc:"How many messages were sent; 0 when no channel was left." example:"1"`
	Used     bool      `json:"used" doc:"Whether the code was given." example:"true"`
}

func (a *api) codeCalls() {
	register(a, operation{id: "get-challenge", method: http.MethodGet, path: "/api/v1/sign-in/challenges/{id}", tag: "Sign-in", public: true,
		journey: journey.SignIn, errors: []int{http.StatusUnauthorized}, summary: "What is known of a challenge",
		description: "For the flow that it belongs to. Ask it again to learn whether the code has arrived, and which other channel is offered."}, a.getChallenge)
	register(a, operation{id: "get-code-preference", method: http.MethodGet, path: "/api/v1/code-preference", tag: "Session",
		journey: journey.Session, summary: "How the member wants to get codes"}, a.getCodePreference)
	register(a, operation{id: "set-code-preference", method: http.MethodPut, path: "/api/v1/code-preference", tag: "Session", use: signin.Change,
		journey: journey.Session, summary: "Change how the member gets codes"}, a.setCodePreference)
	register(a, operation{id: "list-code-requests", method: http.MethodGet, path: "/api/v1/code-requests", tag: "Session",
		journey: journey.Session, summary: "When codes were asked for", description: "Of the last 30 days, the newest first. Codes that nobody used may have been asked for by somebody else who knows the password."}, a.listCodeRequests)
}

func (a *api) getChallenge(ctx context.Context, c *call, in *struct {
	ClientHeaders
	ByID
}) (*body[challenge], error) {
	ch, err := a.SignIn.Challenge(ctx, in.ID, a.Cookies.Client(c.w, c.r))
	if err != nil {
		return nil, err
	}
	return bodyOf(challengeOf(ch)), nil
}

func (a *api) getCodePreference(ctx context.Context, c *call, _ *nothing) (*body[codePreference], error) {
	p, err := a.SignIn.CodePreference(ctx, c.session)
	if err != nil {
		return nil, err
	}
	return bodyOf(codePreference{Ways: p.Ways, ByItself: p.ByItself}), nil
}

func (a *api) setCodePreference(ctx context.Context, c *call, in *struct{ Body codePreference }) (*body[codePreference], error) {
	err := a.SignIn.SetCodePreference(ctx, c.session, signin.CodePreference{Ways: in.Body.Ways, ByItself: in.Body.ByItself}, a.Cookies.Client(c.w, c.r))
	if err != nil {
		return nil, err
	}
	return a.getCodePreference(ctx, c, nil)
}

func (a *api) listCodeRequests(ctx context.Context, c *call, _ *nothing) (*body[list[codeRequestInfo]], error) {
	all, err := a.SignIn.AskedCodes(ctx, c.session)
	if err != nil {
		return nil, err
	}
	return listOf(all, "", func(q signin.AskedCode) codeRequestInfo {
		return codeRequestInfo{AskedAt: q.At.UTC(), Purpose: q.Purpose, Device: q.Device, From: q.IP, Messages: q.Messages, Used: q.Used}
	}), nil
}

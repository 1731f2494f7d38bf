package api

import (
	"context"
	"net/http"
	"time"

	"standfast/internal/core/signin"
	"standfast/internal/journey"
)

// deviceInfo is a device that the member had us remember.
type deviceInfo struct {
	ID         string    `json:"id" doc:"The device's id." example:"019cada2-6c00-7000-8000-2d5f3ab0c005"`
	Name       string    `json:"name" doc:"The browser or program, as far as it says." example:"Firefox on Linux"`
	Current    bool      `json:"current" doc:"Whether the session that asks was begun on it." example:"true"`
	From       string    `json:"from" doc:"The IP address of its last sign-in." example:"203.0.113.7"`
	Place      string    `json:"place,omitempty" doc:"Where that address is, if it is known." example:"Albany, New York, United States"`
	HasKey     bool      `json:"has_key" doc:"Whether a key is bound to it: then its token counts only with a proof." example:"true"`
	TrustedAt  time.Time `json:"trusted_at" doc:"Since when it is remembered." example:"2026-03-02T12:00:00Z"`
	LastUsedAt time.Time `json:"last_used_at" doc:"When it was last used to sign in." example:"2026-03-02T12:00:00Z"`
	ExpiresAt  time.Time `json:"expires_at" doc:"Until when it is remembered." example:"2026-08-29T12:00:00Z"`
}

func (a *api) deviceCalls() {
	register(a, operation{id: "list-devices", method: http.MethodGet, path: "/api/v1/devices", tag: "Devices",
		journey: journey.Devices, summary: "The member's remembered devices"}, a.listDevices)
	register(a, operation{id: "rename-device", method: http.MethodPatch, path: "/api/v1/devices/{id}", tag: "Devices", use: signin.Change,
		journey: journey.Devices, status: http.StatusNoContent, errors: []int{http.StatusNotFound}, summary: "Give a device a name"}, a.renameDevice)
	register(a, operation{id: "remove-device", method: http.MethodDelete, path: "/api/v1/devices/{id}", tag: "Devices", use: signin.Change,
		journey: journey.Devices, status: http.StatusNoContent, errors: []int{http.StatusNotFound}, summary: "Forget a device",
		description: "Signing in from it needs a code again, and its sessions end."}, a.removeDevice)
}

func (a *api) listDevices(ctx context.Context, c *call, _ *nothing) (*body[list[deviceInfo]], error) {
	all, err := a.SignIn.Devices(ctx, c.session)
	if err != nil {
		return nil, err
	}
	return listOf(all, "", deviceOf), nil
}

func (a *api) removeDevice(ctx context.Context, c *call, in *ByID) (*nothing, error) {
	return nil, a.SignIn.RemoveDevice(ctx, c.session, in.ID)
}

type renameRequest struct {
	Name string `json:"name" minLength:"1" maxLength:"80" doc:"How the member calls it, at most 40 characters." example:"The old laptop"`
}

func (a *api) renameDevice(ctx context.Context, c *call, in *struct {
	ByID
	Body renameRequest
}) (*nothing, error) {
	return nil, a.SignIn.RenameDevice(ctx, c.session, in.ID, in.Body.Name)
}

func deviceOf(d signin.DeviceInfo) deviceInfo {
	return deviceInfo{ID: d.ID, Name: d.Name, Current: d.Current, From: d.IP, Place: d.Place, HasKey: d.HasKey, TrustedAt: d.TrustedAt.UTC(),
		LastUsedAt: d.LastUsedAt.UTC(), ExpiresAt: d.ExpiresAt.UTC()}
}

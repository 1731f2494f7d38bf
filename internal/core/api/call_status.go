package api

import (
	"context"
	"net/http"
	"time"

	"standfast/internal/journey"
)

// State is how well a part of the service works for members.
type State string

// The states, from best to worst.
const (
	Operational State = "operational"
	Degraded    State = "degraded"
	Down        State = "down"
)

// Health is what the process knows of its own state.
type Health struct {
	AsOf       time.Time
	Components []Component
}

// Component is one channel of the service, as a member would name it.
type Component struct {
	Name    string
	Channel string // web, api or phone
	State   State
}

type statusAnswer struct {
	State      string            `json:"state" enum:"operational,degraded,down" doc:"The worst of the components." example:"operational"`
	AsOf       time.Time         `json:"as_of" doc:"When this was true." example:"2026-03-02T12:00:00Z"`
	Components []statusComponent `json:"components" nullable:"false" doc:"One a channel."`
	Incidents  []statusIncident  `json:"incidents" nullable:"false" doc:"The open ones."`
}

type statusComponent struct {
	Name    string `json:"name" doc:"What it is." example:"Online banking"`
	Channel string `json:"channel" doc:"How members reach it: web, api or phone." example:"web"`
	State   string `json:"state" enum:"operational,degraded,down" doc:"How well it works." example:"operational"`
}

type statusIncident struct {
	ID        string    `json:"id" doc:"The incident's id."`
	Title     string    `json:"title" doc:"What members notice."`
	State     string    `json:"state" doc:"How far it is dealt with."`
	StartedAt time.Time `json:"started_at" doc:"Since when."`
}

func (a *api) statusCalls() {
	register(a, operation{id: "status", method: http.MethodGet, path: "/api/v1/status", tag: "Public", public: true, journey: journey.Status,
		summary: "How well the service works now"}, a.status)
}

func (a *api) status(ctx context.Context, c *call, _ *nothing) (*body[statusAnswer], error) {
	h := a.Health(ctx)
	out := statusAnswer{State: string(worst(h.Components)), AsOf: h.AsOf.UTC(), Components: make([]statusComponent, len(h.Components)), Incidents: []statusIncident{}}
	for i, p := range h.Components {
		out.Components[i] = statusComponent{Name: p.Name, Channel: p.Channel, State: string(p.State)}
	}
	if out.State != string(Operational) {
		c.outcome = journey.Partial
	}
	return bodyOf(out), nil
}

func worst(parts []Component) State {
	w := Operational
	for _, p := range parts {
		if p.State == Down {
			return Down
		}
		if p.State != Operational {
			w = Degraded
		}
	}
	return w
}

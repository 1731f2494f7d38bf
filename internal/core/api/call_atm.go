package api

import (
	"context"
	"net/http"

	"standfast/internal/core/locator"
	"standfast/internal/journey"
)

type atm struct {
	ID        string  `json:"id" doc:"The machine's reference." example:"mta-0042"`
	Name      string  `json:"name" doc:"Where it stands." example:"Grand Central"`
	Address   string  `json:"address" doc:"Street and number." example:"89 E 42nd St"`
	City      string  `json:"city" doc:"Town." example:"New York"`
	Country   string  `json:"country" doc:"ISO 3166-1 code." example:"US"`
	Lat       float64 `json:"lat" doc:"Latitude in degrees, WGS 84." example:"40.7527"`
	Lon       float64 `json:"lon" doc:"Longitude in degrees, WGS 84." example:"-73.9772"`
	DistanceM int64   `json:"distance_m" doc:"Distance in metres as the crow flies." example:"120"`
}

type atmQuery struct {
	Lat   float64 `query:"lat" required:"true" minimum:"-90" maximum:"90" doc:"Latitude in degrees." example:"40.7527"`
	Lon   float64 `query:"lon" required:"true" minimum:"-180" maximum:"180" doc:"Longitude in degrees." example:"-73.9772"`
	Limit int     `query:"limit" default:"25" minimum:"1" maximum:"100" doc:"The greatest number of items to answer."`
}

func (a *api) atmCalls() {
	register(a, operation{id: "list-atms", method: http.MethodGet, path: "/api/v1/atms", tag: "Public", public: true, journey: journey.Locate,
		summary: "Cash machines, nearest first"}, a.listATMs)
}

func (a *api) listATMs(ctx context.Context, _ *call, in *atmQuery) (*body[list[atm]], error) {
	near, err := a.Locator.Near(ctx, in.Lat, in.Lon, in.Limit)
	if err != nil {
		return nil, err
	}
	return listOf(near, "", atmOf), nil
}

func atmOf(f locator.Found) atm {
	return atm{ID: f.Ref, Name: f.Name, Address: f.Address, City: f.City, Country: f.Country, Lat: f.Lat, Lon: f.Lon, DistanceM: f.DistanceM}
}

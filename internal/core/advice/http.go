package advice

import (
	"encoding/json"
	"errors"
	"net/http"

	"standfast/internal/fault"
)

// Limits of one request.
const (
	maxBody  = 1 << 20
	maxItems = 500
	maxName  = 100 // of a stand-in's store
)

type request struct {
	Version int    `json:"version"`
	StandIn string `json:"standin"`
	Items   []Item `json:"items"`
}

type response struct {
	AppliedTo int64     `json:"applied_to"` // the last that is taken
	Last      int64     `json:"last"`       // the last of this store that was ever taken
	Outcomes  []Outcome `json:"outcomes"`
}

// Handler serves POST /internal/v1/advices.
func (s *Service) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q, err := read(w, r)
		if err != nil {
			fault.WriteProblem(w, err)
			return
		}
		outcomes, err := s.Take(r.Context(), q.StandIn, q.Items)
		if err != nil && len(outcomes) == 0 {
			fault.WriteProblem(w, err)
			return
		}
		a := response{Outcomes: outcomes}
		if len(outcomes) > 0 { // what came after them is sent again and then told
			a.AppliedTo = outcomes[len(outcomes)-1].Seq
		}
		if a.Last, err = s.last(r.Context(), q.StandIn); err != nil {
			fault.WriteProblem(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		_ = json.NewEncoder(w).Encode(a)
	})
}

func read(w http.ResponseWriter, r *http.Request) (q request, err error) {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	if err := d.Decode(&q); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return q, fault.New(fault.TooLarge, "advice.size", "At most 1 MiB comes at once.")
		}
		return q, fault.Wrap(fault.Malformed, "advice.form", "These advices cannot be read.", err)
	}
	if q.Version != 1 || q.StandIn == "" || len(q.StandIn) > maxName || len(q.Items) > maxItems {
		return q, fault.New(fault.Malformed, "advice.form", "Advices have version 1, a stand-in's name, and at most 500 items.")
	}
	return q, nil
}

// Package locator finds the cash machines nearest to a point.
package locator

import (
	"context"
	"math"
	"unicode"
	"unicode/utf8"

	"standfast/internal/db"
	"standfast/internal/fault"
)

// Machine is a cash machine. Lat and Lon are degrees of WGS 84, north and east positive.
type Machine struct {
	Ref     string
	Name    string
	Address string
	City    string
	Country string // ISO 3166-1 alpha-2
	Lat     float64
	Lon     float64
}

// Found is a machine and how far away it is in a straight line.
type Found struct {
	Machine
	DistanceM int64 // metres along the great circle, rounded
}

// Limits of a machine's fields and of an answer.
const (
	maxRef       = 64
	maxText      = 200
	DefaultLimit = 10
	MaxLimit     = 100
)

// Store keeps the cash machines of a cell.
type Store struct{ db *db.DB }

// New makes a Store.
func New(d *db.DB) *Store { return &Store{d} }

// Put writes a machine, or what changed about it, and tells whether that was
// anything. A broken rule is a fault.Invalid that names the field as the import
// file does.
func (s *Store) Put(ctx context.Context, tx *db.Tx, m Machine) (changed bool, err error) {
	if bad := check(m); len(bad) > 0 {
		return false, fault.InvalidFields(bad...)
	}
	n, err := tx.Exec(ctx, `INSERT INTO cash_machine (ref, name, address, city, country, lat, lon) VALUES ($1,$2,$3,$4,$5,$6,$7)
		ON CONFLICT (ref) DO UPDATE SET name = excluded.name, address = excluded.address, city = excluded.city,
			country = excluded.country, lat = excluded.lat, lon = excluded.lon
		WHERE (cash_machine.name, cash_machine.address, cash_machine.city, cash_machine.country, cash_machine.lat, cash_machine.lon)
			<> (excluded.name, excluded.address, excluded.city, excluded.country, excluded.lat, excluded.lon)`,
		m.Ref, m.Name, m.Address, m.City, m.Country, micro(m.Lat), micro(m.Lon))
	return n > 0, err
}

func check(m Machine) (bad []fault.Field) {
	rule := func(ok bool, field, code, message string) {
		if !ok {
			bad = append(bad, fault.Field{Location: field, Code: code, Message: message})
		}
	}
	rule(text(m.Ref, 1, maxRef), "atm_ref", "atm.ref", "A reference has 1 to 64 characters.")
	rule(text(m.Name, 1, maxText), "name", "atm.name", "A name has 1 to 200 characters.")
	rule(text(m.Address, 0, maxText), "address", "atm.address", "An address has at most 200 characters.")
	rule(text(m.City, 0, maxText), "city", "atm.city", "A city has at most 200 characters.")
	rule(country(m.Country), "country", "atm.country", "The country is two capital letters of ISO 3166, as GB.")
	return append(bad, checkPoint(m.Lat, m.Lon, "lat", "lon")...)
}

func checkPoint(lat, lon float64, atLat, atLon string) (bad []fault.Field) {
	if !(math.Abs(lat) <= 90) { // also catches NaN
		bad = append(bad, fault.Field{Location: atLat, Code: "latitude", Message: "A latitude is -90 to 90 degrees."})
	}
	if !(math.Abs(lon) <= 180) {
		bad = append(bad, fault.Field{Location: atLon, Code: "longitude", Message: "A longitude is -180 to 180 degrees."})
	}
	return bad
}

func country(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

func text(s string, least, most int) bool {
	for _, r := range s {
		if !unicode.IsGraphic(r) {
			return false
		}
	}
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && n >= least && n <= most
}

func micro(degrees float64) int64 { return int64(math.Round(degrees * 1e6)) }

func degrees(micro int64) float64 { return float64(micro) / 1e6 }

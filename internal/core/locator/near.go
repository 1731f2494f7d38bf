package locator

import (
	"cmp"
	"context"
	"database/sql"
	"math"
	"slices"

	"standfast/internal/db"
	"standfast/internal/fault"
)

const (
	earthRadius = 6_371_008.8 // metres, the mean radius of WGS 84 (IUGG R1)
	halfWay     = math.Pi * earthRadius
	firstRadius = 2_000.0 // metres of the first look
	widen       = 4.0     // each further look is this much wider
)

// Near gives the machines nearest to a point, nearest first. A limit of 0 means
// DefaultLimit.
func (s *Store) Near(ctx context.Context, lat, lon float64, limit int) ([]Found, error) {
	if limit == 0 {
		limit = DefaultLimit
	}
	bad := checkPoint(lat, lon, "query.lat", "query.lon")
	if limit < 1 || limit > MaxLimit {
		bad = append(bad, fault.Field{Location: "query.limit", Code: "query.limit", Message: "A list has 1 to 100 items."})
	}
	if len(bad) > 0 {
		return nil, fault.InvalidFields(bad...)
	}
	var found []Found
	err := s.db.View(ctx, func(tx *db.Tx) (err error) {
		found, err = widening(ctx, tx, lat, lon, limit)
		return err
	})
	return found, err
}

// widening looks in ever larger boxes until one holds enough machines. A box
// around a circle holds everything in the circle, so that what lies within the
// radius is nearer than anything outside the box.
func widening(ctx context.Context, tx *db.Tx, lat, lon float64, limit int) ([]Found, error) {
	for radius := firstRadius; ; radius *= widen {
		list, err := inBox(ctx, tx, boxAround(lat, lon, radius))
		if err != nil {
			return nil, err
		}
		found := nearest(list, lat, lon, min(radius, halfWay), limit)
		if len(found) == limit || radius >= halfWay {
			return found, nil
		}
	}
}

func nearest(list []Machine, lat, lon, radius float64, limit int) []Found {
	type measured struct {
		Machine
		away float64
	}
	var within []measured
	for _, m := range list {
		if d := distance(lat, lon, m.Lat, m.Lon); d <= radius {
			within = append(within, measured{m, d})
		}
	}
	slices.SortFunc(within, func(a, b measured) int {
		return cmp.Or(cmp.Compare(a.away, b.away), cmp.Compare(a.Ref, b.Ref))
	})
	found := make([]Found, min(len(within), limit))
	for i := range found {
		found[i] = Found{within[i].Machine, int64(math.Round(within[i].away))}
	}
	return found
}

// distance gives the great-circle distance in metres by the haversine formula,
// which is exact enough on a sphere also for points close together.
func distance(lat1, lon1, lat2, lon2 float64) float64 {
	const radians = math.Pi / 180
	sinLat, sinLon := math.Sin((lat2-lat1)*radians/2), math.Sin((lon2-lon1)*radians/2)
	h := sinLat*sinLat + math.Cos(lat1*radians)*math.Cos(lat2*radians)*sinLon*sinLon
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}

// box is a range of latitudes and one or two ranges of longitudes, in
// millionths of a degree; two where it crosses the 180th meridian.
type box struct {
	south, north int64
	west, east   [2]int64
}

const worldWide = 180_000_000

// boxAround gives a box that holds the circle of radius metres around a point.
func boxAround(lat, lon, radius float64) box {
	const margin = 2 // millionths, against rounding
	reach := radius / earthRadius * 180 / math.Pi
	b := box{south: micro(lat-reach) - margin, north: micro(lat+reach) + margin,
		west: [2]int64{-worldWide, 1}, east: [2]int64{worldWide, 0}} // the second range is empty
	if lat-reach <= -90 || lat+reach >= 90 {
		return b // a pole is inside: every longitude
	}
	// The widest half-width of the circle: asin(sin r / cos lat).
	width := math.Asin(math.Sin(reach*math.Pi/180)/math.Cos(lat*math.Pi/180)) * 180 / math.Pi
	w, e := micro(lon-width)-margin, micro(lon+width)+margin
	switch {
	case w < -worldWide:
		b.west, b.east = [2]int64{-worldWide, w + 2*worldWide}, [2]int64{e, worldWide}
	case e > worldWide:
		b.west, b.east = [2]int64{w, -worldWide}, [2]int64{worldWide, e - 2*worldWide}
	default:
		b.west[0], b.east[0] = w, e
	}
	return b
}

func inBox(ctx context.Context, tx *db.Tx, b box) ([]Machine, error) {
	rows, err := tx.Query(ctx, `SELECT ref, name, address, city, country, lat, lon FROM cash_machine
		WHERE lat BETWEEN $1 AND $2 AND (lon BETWEEN $3 AND $4 OR lon BETWEEN $5 AND $6)`,
		b.south, b.north, b.west[0], b.east[0], b.west[1], b.east[1])
	return db.Collect(rows, err, func(r *sql.Rows) (m Machine, err error) {
		var lat, lon int64
		err = r.Scan(&m.Ref, &m.Name, &m.Address, &m.City, &m.Country, &lat, &lon)
		m.Lat, m.Lon = degrees(lat), degrees(lon)
		return m, err
	})
}

package locator

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

func put(t interface {
	Helper()
	Fatal(...any)
}, d *db.DB, list ...Machine) (changed int) {
	t.Helper()
	s := New(d)
	err := d.WithTx(context.Background(), func(tx *db.Tx) error {
		changed = 0
		for _, m := range list {
			c, err := s.Put(context.Background(), tx, m)
			if err != nil {
				return err
			}
			if c {
				changed++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		name                   string
		lat1, lon1, lat2, lon2 float64
		want, tolerance        float64
	}{
		{"same point", 51.5, -0.1, 51.5, -0.1, 0, 0.001},
		{"one degree of latitude", 0, 0, 1, 0, 111_195, 1},
		{"London to Paris", 51.5007, -0.1246, 48.8584, 2.2945, 340_560, 1_000},
		{"across the date line", 0, 179.5, 0, -179.5, 111_195, 1},
		{"antipodes", 0, 0, 0, 180, halfWay, 1},
		{"pole to pole", 90, 12, -90, -50, halfWay, 1},
	} {
		if got := distance(c.lat1, c.lon1, c.lat2, c.lon2); math.Abs(got-c.want) > c.tolerance {
			t.Errorf("%s: %.1f m, want %.1f", c.name, got, c.want)
		}
	}
}

func TestPutIsRepeatable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := Machine{Ref: "a", Name: "Bank", Country: "GB", Lat: 51.5, Lon: -0.1}
		if n := put(t, d, m); n != 1 {
			t.Fatal("first", n)
		}
		if n := put(t, d, m); n != 0 {
			t.Fatal("again", n)
		}
		m.Name = "Other bank"
		if n := put(t, d, m); n != 1 {
			t.Fatal("changed", n)
		}
	})
}

func TestBadInputNamesItsField(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	err := d.WithTx(context.Background(), func(tx *db.Tx) error {
		_, err := New(d).Put(context.Background(), tx, Machine{Name: "x\x00", Country: "gb", Lat: 91, Lon: math.NaN()})
		return err
	})
	var fields []string
	for _, f := range fault.As(err).Fields {
		fields = append(fields, f.Location)
	}
	if want := []string{"atm_ref", "name", "country", "lat", "lon"}; !slices.Equal(fields, want) {
		t.Fatalf("%v, want %v", fields, want)
	}
	for _, q := range [][3]float64{{math.NaN(), 0, 1}, {0, math.Inf(1), 1}, {0, 0, 101}, {0, 0, -1}, {90.1, 0, 1}} {
		if _, err := New(d).Near(context.Background(), q[0], q[1], int(q[2])); !fault.Is(err, fault.Invalid) {
			t.Errorf("%v: %v", q, err)
		}
	}
}

// Near agrees with measuring the way to every machine, anywhere on Earth.
func TestNearIsNearest(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		degree := func(t *rapid.T, most float64, name string) float64 {
			return degrees(rapid.Int64Range(-int64(most*1e6), int64(most*1e6)).Draw(t, name))
		}
		var all []Machine
		add := rapid.Custom(func(t *rapid.T) Machine {
			return Machine{Name: "x", Country: "GB", Lat: degree(t, 90, "lat"), Lon: degree(t, 180, "lon")}
		})
		for i := range 400 {
			m := add.Example(i)
			if i%2 == 0 { // a crowd near the date line and one near the pole
				m.Lat, m.Lon = m.Lat/1000+float64(i%4)*44, math.Mod(m.Lon/1000+180+180, 360)-180
			}
			m.Ref = fmt.Sprint(i)
			m.Lat, m.Lon = degrees(micro(m.Lat)), degrees(micro(m.Lon))
			all = append(all, m)
		}
		put(t, d, all...)
		rapid.Check(t, func(t *rapid.T) {
			lat, lon, limit := degree(t, 90, "lat"), degree(t, 180, "lon"), rapid.IntRange(1, 100).Draw(t, "limit")
			got, err := New(d).Near(context.Background(), lat, lon, limit)
			if err != nil {
				t.Fatal(err)
			}
			if want := nearest(all, lat, lon, math.Inf(1), limit); !slices.Equal(got, want) {
				t.Fatalf("near %f, %f: %v, want %v", lat, lon, got, want)
			}
		})
	})
}

func TestNearOfNothing(t *testing.T) {
	d := dbtest.SQLite(t, db.Options{})
	if got, err := New(d).Near(context.Background(), 1, 2, 0); err != nil || len(got) != 0 {
		t.Fatal(got, err)
	}
}

package proxy

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"standfast/internal/edge/route"
	"standfast/internal/journey"
)

// late is a body that breaks off after its first part, as one does whose time is over.
type late struct{ io.Reader }

func (l late) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b)
	if err == io.EOF {
		err = errLate
	}
	return n, err
}

// taking is a member who takes some time to read each part.
type taking struct {
	*httptest.ResponseRecorder
	now *time.Time
	d   time.Duration
}

func (t taking) Write(b []byte) (int, error) {
	*t.now = t.now.Add(t.d)
	return t.ResponseRecorder.Write(b)
}

// Whoever reads so slowly that the time runs out is cut off, and that is no failure
// of the target: else a single member could make all others be sent elsewhere.
func TestASlowReaderSaysNothingAboutTheTarget(t *testing.T) {
	for _, c := range []struct {
		reads time.Duration
		left  bool
	}{{time.Millisecond, false}, {time.Minute, true}} {
		s := newStand(t, Limits{}, says(""))
		now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
		s.proxy.Now = func() time.Time { return now }
		target, _ := s.table.give(0)
		up := s.proxy.upstreams[target.URL]
		up.places <- struct{}{}
		x := exchange{p: s.proxy, cell: s.proxy.cells["my.example.com"], w: taking{httptest.NewRecorder(), &now, c.reads},
			in: httptest.NewRequest("GET", "/dashboard", nil), start: now, errand: route.Errand{Journey: journey.Dashboard}}
		a := answer{target: target, up: up, place: &place{up: up}, cancel: func(error) {}, wait: &wait{timer: time.NewTimer(time.Hour)},
			Response: &http.Response{StatusCode: 200, ContentLength: -1, Header: http.Header{}, Body: io.NopCloser(late{strings.NewReader("half")})}}
		func() {
			defer func() {
				if recover() != http.ErrAbortHandler {
					t.Error("the answer looks whole")
				}
			}()
			x.pass(a)
		}()
		if r := s.table.reports[0]; r.Left != c.left || r.Lost == c.left {
			t.Errorf("reads for %s: reported %+v", c.reads, r)
		}
	}
}

// What our own processes ask each other is not for members, however it is written:
// the edge's certificate would open it.
func TestNobodyOutsideAsksWhatOurProcessesAsk(t *testing.T) {
	s := newStand(t, Limits{}, says("inner"))
	for _, path := range []string{"/internal/v1/ready", "/internal/v1/keys", "/%69nternal/v1/keys", "/internal%2Fv1/ready"} {
		if a, body := s.do("GET", path, ""); a.StatusCode != http.StatusNotFound || strings.Contains(body, "inner") {
			t.Errorf("%s: %d %s", path, a.StatusCode, body)
		}
	}
	if a, body := s.do("GET", "/internals", ""); a.StatusCode != http.StatusOK {
		t.Errorf("a page whose name begins alike: %d %s", a.StatusCode, body)
	}
}

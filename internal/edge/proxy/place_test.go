package proxy

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// blocked is a member who reads nothing until told to.
type blocked struct {
	*httptest.ResponseRecorder
	writing, read chan struct{}
}

func (b *blocked) Write(p []byte) (int, error) {
	close(b.writing)
	<-b.read
	return b.ResponseRecorder.Write(p)
}

// A member who reads slowly holds no place at the target.
func TestASlowReaderHoldsNoPlace(t *testing.T) {
	s := newStand(t, Limits{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(make([]byte, 20<<10))
		http.NewResponseController(w).Flush() // in pieces, of a length that is not announced
		w.Write(make([]byte, 20<<10))
	}))
	q := httptest.NewRequest(http.MethodGet, "http://my.example.com/x", nil)
	w := &blocked{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	done := make(chan struct{})
	go func() { defer close(done); s.proxy.ServeHTTP(w, q) }()
	<-w.writing
	if n := len(s.proxy.upstreams[s.table.targets[0].URL].places); n != 0 {
		t.Errorf("%d places are held for a reader", n)
	}
	close(w.read)
	<-done
	if w.Body.Len() != 40<<10 {
		t.Errorf("%d bytes", w.Body.Len())
	}
}

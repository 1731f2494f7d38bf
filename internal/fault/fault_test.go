package fault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAsKeepsOurErrorsAndHidesOthers(t *testing.T) {
	secret := errors.New("password=hunter2")
	for _, c := range []struct {
		err  error
		kind Kind
		code string
	}{
		{New(NotFound, "account.not-found", "…"), NotFound, "account.not-found"},
		{fmt.Errorf("while reading: %w", New(Conflict, "x", "…")), Conflict, "x"},
		{secret, Internal, "internal"},
		{context.DeadlineExceeded, Unavailable, "late"},
		{fmt.Errorf("query: %w", context.Canceled), Unavailable, "late"},
	} {
		if e := As(c.err); e.Kind != c.kind || e.Code != c.code {
			t.Errorf("%v became %v %s", c.err, e.Kind, e.Code)
		}
	}
	w := httptest.NewRecorder()
	WriteProblem(w, secret)
	if strings.Contains(w.Body.String(), "hunter2") {
		t.Error("a cause went out:", w.Body)
	}
}

func TestProblemSaysWhatRFC9457Wants(t *testing.T) {
	err := InvalidFields(Field{Location: "body.amount", Code: "amount.too-precise", Message: "Too many decimals."})
	err.Extra = map[string]any{"challenge": map[string]string{"id": "c1"}, "status": 200}
	w := httptest.NewRecorder()
	WriteProblem(w, err)
	var p struct {
		Type, Title, Detail string
		Status              int
		Errors              []struct{ Location, Message string }
		Challenge           struct{ ID string }
	}
	if e := json.Unmarshal(w.Body.Bytes(), &p); e != nil {
		t.Fatal(e)
	}
	if w.Code != 422 || p.Status != 422 || p.Type != "/problems/invalid" || p.Title == "" || p.Detail != "Too many decimals." ||
		len(p.Errors) != 1 || p.Errors[0].Location != "body.amount" || p.Challenge.ID != "c1" {
		t.Fatalf("%d %+v", w.Code, p)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Error(got)
	}
}

func TestRetryAfterIsThereWhenItIsDueAndOnlyThen(t *testing.T) {
	for kind, want := range map[Kind]string{Unavailable: "2", TooMany: "2", Conflict: ""} {
		w := httptest.NewRecorder()
		WriteProblem(w, New(kind, "x", "…").After(1100*time.Millisecond))
		if got := w.Header().Get("Retry-After"); got != want {
			t.Errorf("%d: Retry-After %q, want %q", kind.Status(), got, want)
		}
	}
}

func TestWhoIsTurnedAwayForTheLoadIsMarked(t *testing.T) {
	for want, e := range map[string]*Error{"1": New(Unavailable, "busy", "…").OfLoad(), "": New(Unavailable, "late", "…")} {
		w := httptest.NewRecorder()
		WriteProblem(w, e)
		if got := w.Header().Get(ShedHeader); got != want {
			t.Errorf("%s: %q, want %q", e.Code, got, want)
		}
	}
}

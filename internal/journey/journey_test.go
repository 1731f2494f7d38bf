package journey

import (
	"net/http"
	"testing"
)

func TestEveryRecordIsReadBack(t *testing.T) {
	for _, n := range Names() {
		for _, o := range Outcomes() {
			h := http.Header{}
			Set(h, Pay, Failed)
			Set(h, n, o)
			if len(h.Values(Header)) != 1 {
				t.Fatalf("%s: an earlier record stayed: %v", n, h)
			}
			gotN, gotO, err := Parse(h.Get(Header))
			if err != nil || gotN != n || gotO != o {
				t.Errorf("%q reads as %s, %s, %v", h.Get(Header), gotN, gotO, err)
			}
		}
	}
}

func TestOtherTextsAreNoRecord(t *testing.T) {
	for _, s := range []string{"", "pay", "pay; outcome=", "pay; outcome=great", "juggle; outcome=done", "pay;outcome=done", "pay; outcome=done; x"} {
		if _, _, err := Parse(s); err == nil {
			t.Errorf("%q was read", s)
		}
	}
}

func TestAStatusIsJudgedAsTheMemberWould(t *testing.T) {
	for status, want := range map[int]Outcome{200: Done, 201: Done, 204: Done, 304: Done, 400: Refused, 401: Refused,
		403: Refused, 404: Refused, 409: Refused, 422: Refused, 429: Failed, 500: Failed, 503: Failed} {
		if got := Of(status); got != want {
			t.Errorf("%d is judged %s, want %s", status, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("pay; outcome=done")
	f.Fuzz(func(t *testing.T, s string) {
		n, o, err := Parse(s)
		if err != nil {
			return
		}
		h := http.Header{}
		Set(h, n, o)
		if h.Get(Header) != s {
			t.Errorf("%q was written back as %q", s, h.Get(Header))
		}
	})
}

package signin

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
)

const (
	goodPIN  = "739 152"
	otherPIN = "84026173"
	badPIN   = "640928"
	caller   = "telephone"
)

func TestReadPIN(t *testing.T) {
	for typed, want := range map[string]string{"739152": "739152", " 73-91 52 ": "739152", "84026173": "84026173",
		"12345": "", "123456789": "", "73915a": "", "": "", "７３９１５２": ""} {
		got, err := readPIN(typed)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v", typed, got, err)
		}
	}
}

func TestGuessablePINs(t *testing.T) {
	own := ownDigits{birthDate: "1985-03-24", numbers: []string{"+12025550142", "4417", "demo-card-5120", "", "12", "019abcde-f000-7abc-8def-abcd84026173"}}
	for pin, code := range map[string]string{
		"111111": "guessable", "123456": "guessable", "654321": "guessable", "890123": "guessable", "121212": "guessable", "123123": "guessable",
		"12341234": "guessable", "321321": "guessable", "123321": "guessable", "147258": "guessable", "98765432": "guessable", "112233": "guessable",
		"240385": "own", "032485": "own", "850324": "own", "24031985": "own", "19850324": "own", "119857": "own", "552403": "own",
		"555014": "own", "730142": "own", "441793": "own", "975120": "own", "202555": "own",
		"739152": "", "84026173": "", "640928": "", "120512": "",
	} {
		err := allowedPIN(pin, own)
		got := ""
		if err != nil {
			got = fault.As(err).Fields[0].Code
		}
		if code != "" {
			code = "pin." + code
		}
		if got != code {
			t.Errorf("%s is refused as %q, want %q", pin, got, code)
		}
	}
}

// Of a million PINs few are refused, or the rules would make guessing easier.
func TestFewPINsAreRefused(t *testing.T) {
	own := ownDigits{birthDate: "1985-03-24", numbers: []string{"+12025550142", "4417", "8841"}}
	refused := 0
	for range 20_000 {
		if allowedPIN(randomDigits(6), own) != nil {
			refused++
		}
	}
	if refused > 20_000/100 {
		t.Errorf("%d of 20,000", refused)
	}
}

// pins signs a member in and sets the PIN.
func (h *house) pins(name, pin string) (m member.Member, q ChangeRequest) {
	h.t.Helper()
	m, b := h.member(name), browser(name)
	q = ChangeRequest{Session: h.check(h.enter(name, b, false).Session.Token), Client: *b}
	must(h.t, h.SetPIN(ctx, q, pin))
	return m, q
}

func TestAPINIsKnownAndNothingElse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, q := h.pins("ada", goodPIN)
		must(t, h.VerifyPIN(ctx, m.ID, "739152", caller))
		must(t, h.VerifyPIN(ctx, m.ID, "7391-52", caller))
		stranger := h.member("bob") // has none
		for name, try := range map[string][2]string{"wrong": {m.ID, badPIN}, "letters": {m.ID, "secret"}, "empty": {m.ID, ""},
			"no PIN": {stranger.ID, "739152"}, "nobody": {db.NewID(), "739152"}, "no id": {"ada", "739152"}} {
			e := fault.As(h.VerifyPIN(ctx, try[0], try[1], caller))
			if e == nil || e.Kind != fault.Unauthenticated || e.Code != "pin.refused" {
				t.Errorf("%s: %v", name, e)
			}
		}
		must(t, h.SetPIN(ctx, q, otherPIN))
		h.want(h.VerifyPIN(ctx, m.ID, goodPIN, caller), fault.Unauthenticated, "pin.refused")
		must(t, h.VerifyPIN(ctx, m.ID, otherPIN, caller))
		var phc string
		must(t, h.db.View(ctx, func(tx *db.Tx) error { return tx.QueryRow(ctx, `SELECT phc FROM pin`).Scan(&phc) }))
		stored, err := parsePHC(phc)
		if must(t, err); stored.matches("84026173") || !stored.matches(h.peppered(m.ID, "84026173")) || stored.matches(h.peppered(stranger.ID, "84026173")) {
			t.Error("the PIN is not hashed under the key and for its member")
		}
	})
}

func TestAPINIsNotSetFromWhatOthersKnow(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, q := h.pins("ada", goodPIN)
		h.holds(m.ID, account.Spec{Ref: "acct-550712", Kind: account.Card, Last4: "4417"})
		for _, pin := range []string{"441793", "935501", "071293", "123456", "12345", "pinpin"} {
			err := fault.As(h.SetPIN(ctx, q, pin))
			if pin == "935501" { // holds nothing that betrays it
				if err != nil {
					t.Error(err)
				}
				continue
			}
			if err == nil || err.Kind != fault.Invalid || err.Fields[0].Location != "body.pin" {
				t.Errorf("%s: %v", pin, err)
			}
		}
	})
}

// A session that has proved nothing lately is asked before anything is typed.
func TestAPINIsSetByTheMemberOnly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		_, q := h.pins("ada", goodPIN)
		h.wait(changeAfterProof + time.Minute)
		for _, err := range []error{h.MaySetPIN(ctx, q), h.SetPIN(ctx, q, otherPIN)} {
			h.want(err, fault.Forbidden, "step-up-required")
		}
		info, err := h.PIN(ctx, q.Session)
		if must(t, err); info.SetAt.IsZero() || info.Blocked {
			t.Error(info)
		}
	})
}

// However many are tried at once, five wrong ones are the end, and the right one
// is refused after them; a new PIN ends that.
func TestParallelPINsAreCountedExactly(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, q := h.pins("ada", goodPIN)
		var wg sync.WaitGroup
		var refused, blocked atomic.Int64
		for range 24 {
			wg.Go(func() {
				switch e := fault.As(h.VerifyPIN(ctx, m.ID, badPIN, caller)); {
				case e == nil:
					t.Error("a wrong PIN was right")
				case e.Code == "pin.refused":
					refused.Add(1)
				case e.Code == "pin.blocked":
					blocked.Add(1)
				default:
					t.Error(e)
				}
			})
		}
		wg.Wait()
		if refused.Load() != 5 || blocked.Load() != 19 {
			t.Errorf("%d were tried, %d not", refused.Load(), blocked.Load())
		}
		h.want(h.VerifyPIN(ctx, m.ID, goodPIN, caller), fault.Forbidden, "pin.blocked")
		h.wait(90 * 24 * time.Hour)
		h.want(h.VerifyPIN(ctx, m.ID, goodPIN, caller), fault.Forbidden, "pin.blocked")
		if info, err := h.PIN(ctx, q.Session); err != nil || !info.Blocked {
			t.Error(info, err)
		}
		b := browser("again")
		q = ChangeRequest{Session: h.check(h.enter("ada", b, false).Session.Token), Client: *b}
		must(t, h.SetPIN(ctx, q, otherPIN))
		must(t, h.VerifyPIN(ctx, m.ID, otherPIN, caller))
	})
}

// A right PIN takes back the wrong ones before it.
func TestARightPINEndsTheCount(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, _ := h.pins("ada", goodPIN)
		for range 3 {
			for range 4 {
				h.want(h.VerifyPIN(ctx, m.ID, badPIN, caller), fault.Unauthenticated, "pin.refused")
			}
			must(t, h.VerifyPIN(ctx, m.ID, goodPIN, caller))
		}
	})
}

// A PIN that was right until a new one was set, while it was being checked, is wrong.
func TestAPINThatWasReplacedMeanwhileIsWrong(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, q := h.pins("ada", goodPIN)
		p, err := h.triedPIN(ctx, m.ID)
		must(t, err)
		must(t, h.SetPIN(ctx, q, otherPIN))
		h.want(h.decidePIN(ctx, p, true, caller), fault.Unauthenticated, "pin.refused")
	})
}

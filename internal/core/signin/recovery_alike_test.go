package signin

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/fault"
)

// work is what answering cost: rows that were written, by table, and hashes made.
type work struct {
	rows   map[string]int64
	hashes time.Duration // the pool's average, which every hash moves
}

// worked counts the rows of every table that an answer writes to.
func (h *house) worked() (w work) {
	h.t.Helper()
	w.rows = map[string]int64{}
	for _, table := range []string{"claim", "challenge", "code_request", "throttle", "audit", "outbox", "notification", "river_job", "device_proof", "step_up_evidence"} {
		w.rows[table] = h.number(`SELECT count(*) FROM ` + table)
	}
	w.hashes = h.hashes.each
	return w
}

func (w work) since(before work) string {
	var s strings.Builder
	for _, table := range []string{"claim", "challenge", "code_request", "throttle", "audit", "outbox", "notification", "river_job", "device_proof", "step_up_evidence"} {
		fmt.Fprintf(&s, "%s %d, ", table, w.rows[table]-before.rows[table])
	}
	fmt.Fprintf(&s, "hashed %v", w.hashes != before.hashes)
	return s.String()
}

// traced is a house whose statements are written down.
type traced struct {
	*house
	mu   sync.Mutex
	seen []string
}

func (h *traced) trace(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, text)
}

// taken gives the statements since it was last asked.
func (h *traced) taken() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := h.seen
	h.seen = nil
	slices.Sort(list) // counts are locked in the order of their keys, which are random
	return list
}

// answered is one answer as it was given: its bytes, less what is drawn at random
// for each claim, and what it cost.
func (h *traced) answered(do func() (Claim, error)) string {
	h.t.Helper()
	before := h.worked()
	h.taken()
	c, err := do()
	statements := h.taken()
	said := "error: "
	if err == nil {
		said = h.shown(c)
	} else {
		e := fault.As(err)
		said += fmt.Sprintf("%v %s %s %v %v %v", e.Kind, e.Code, e.Message, e.RetryAfter, e.Args, e.Extra)
	}
	return said + "\n" + h.worked().since(before) + fmt.Sprintf(", %d statements:\n%s", len(statements), strings.Join(statements, "\n"))
}

// Nobody learns from a recovery which names exist: every name gets the same bytes,
// for the same statements, rows and hashes, from the first page to the last refusal.
func TestARecoveryTellsNobodyWhichNamesExist(t *testing.T) {
	clock, tr := dbtest.NewClock(), &traced{}
	dbtest.EachAt(t, db.Options{Now: clock.Now, Trace: tr.trace}, func(t *testing.T, d *db.DB) {
		h := tr
		h.house = newClaimHouse(t, d, clock, Config{})
		names := h.unlike()
		var all [][]string
		for _, name := range names {
			all = append(all, h.transcript(name))
			must(t, h.jobs.Drain(ctx))
		}
		for i, got := range all {
			if len(got) < 10 || !reflect.DeepEqual(got, all[0]) {
				tell(t, names[i], got, all[0])
			}
		}
	})
}

// tell shows the first line by which a name differs from one with a member.
func tell(t *testing.T, name string, got, want []string) {
	for step := range got {
		a, b := strings.Split(got[step], "\n"), strings.Split(want[step], "\n")
		for i := range a {
			if i >= len(b) || a[i] != b[i] {
				t.Errorf("%s, step %d, line %d: %s\nelse: %s", name, step, i, a[i], strings.Join(b[min(i, len(b)):], "\n"))
				return
			}
		}
	}
}

// shown is a claim without what is drawn at random for each, its times as they are
// from now on.
func (h *house) shown(c Claim) string {
	h.t.Helper()
	if len(c.ID) != len(nobody) || len(c.Reference) != claimReference || (len(c.Passkey) == 0) != (c.Kind == Enrolment) {
		h.t.Errorf("%+v lacks something", c)
	}
	lives, resend := c.ExpiresAt.Sub(h.clock.Now()), c.ResendAt.Sub(h.clock.Now())
	bytes := len(c.Passkey)
	c.ID, c.Reference, c.ExpiresAt, c.ResendAt, c.Passkey = "", "", time.Time{}, time.Time{}, nil
	b, err := json.Marshal(struct {
		Claim
		Lives, Resend time.Duration
		PasskeyBytes  int
	}{c, lives, resend, bytes})
	must(h.t, err)
	return string(b)
}

// unlike are names that a guesser wants to tell apart.
func (h *house) unlike() []string {
	h.t.Helper()
	h.member("ada")
	must(h.t, h.db.WithTx(ctx, func(tx *db.Tx) error {
		for _, s := range []member.Spec{
			{Username: "other-region", DisplayName: "O", Email: "o@example.org", Phone: "+442079460000", Region: "gb"},
			{Username: "no-contact", DisplayName: "N"},
		} {
			m, err := h.members.Create(ctx, tx, s)
			if err != nil {
				return err
			}
			if err := h.SetPassword(ctx, tx, m.ID, right); err != nil {
				return err
			}
		}
		_, err := h.members.Create(ctx, tx, member.Spec{Username: "never-enrolled", DisplayName: "E", Email: "e@example.org", Phone: "+12025550143"})
		return err
	}))
	h.withApp("with-app", 0)
	return []string{"ada", "unknown", "other-region", "no-contact", "never-enrolled", "with-app"}
}

// transcript is a whole attempt of somebody who knows a name and no more. Each name
// is tried from an address of its own.
func (h *traced) transcript(name string) (said []string) {
	b := browser("alike-" + name)
	b.IP = "198.51.100." + fmt.Sprint(len(name))
	var id string
	step := func(do func() (Claim, error)) { said = append(said, h.answered(do)) }
	step(func() (Claim, error) {
		c, err := h.BeginRecovery(ctx, name, true, *b)
		id = c.ID
		return c, err
	})
	step(func() (Claim, error) { return h.BeginRecovery(ctx, strings.ToUpper(name), true, *b) })
	step(func() (Claim, error) { return h.Recovery(ctx, id, *b) })
	step(func() (Claim, error) { return h.SendRecoveryCode(ctx, id, "text", *b) })
	h.wait(time.Minute)
	for _, channel := range []string{"text", "email", "voice"} {
		step(func() (Claim, error) { return h.SendRecoveryCode(ctx, id, channel, *b) })
		h.wait(time.Minute)
	}
	step(func() (Claim, error) { return h.AnswerRecoveryByPasskey(ctx, id, []byte("{}"), *b) })
	step(func() (Claim, error) { return h.AnswerRecovery(ctx, id, "0000 0000 0000", *b) })
	step(func() (Claim, error) {
		_, err := h.CompleteRecovery(ctx, id, renewed, *b)
		return Claim{}, err
	})
	for range claimTries {
		step(func() (Claim, error) { return h.AnswerRecovery(ctx, id, "000000", *b) })
	}
	for range int(perClaim().free) + 2 {
		b.FlowID += "+"
		step(func() (Claim, error) { return h.BeginRecovery(ctx, name, true, *b) })
	}
	h.wait(48 * time.Hour)
	step(func() (Claim, error) { return h.BeginRecovery(ctx, name, false, *b) })
	return said
}

package scenario

import (
	"context"
	"net/http"
	"strings"
	"time"

	"standfast/internal/gameday/report"
)

// Row13 has core dead for a while, and core and stand-in killed once more in the
// middle of the handing over; and core that commits payments and hangs before it
// answers, while members try the same again.
func Row13(ctx context.Context, o Options, r *report.Report) error {
	row := r.Row(13, "Core dead, then back; core commits a payment, hangs before answering, and the member tries again")
	row.Note("Core is dead for the length of a fault, not for hours: what the stand-in hands over does not depend on it.")
	for _, f := range []outage{
		{name: "core dead, and both killed again while advices are handed over", standin: true, possible: possible,
			set: func(s *Stage) error { return s.kill(coreProcess) }, heal: handOverInPieces},
		{name: "core commits payments, hangs before it answers them, and dies", between: true, standin: true, possible: possible,
			set: hangThenDie, heal: func(s *Stage) error { return s.restart(coreProcess) }},
	} {
		if !o.wants(f.name) {
			continue
		}
		if err := f.play(ctx, o, row); err != nil {
			return err
		}
	}
	return nil
}

// handOver is how long processes run, in turn, between being started and being killed.
const handOver = 700 * time.Millisecond

// handOverInPieces starts core, and kills it and the stand-in, each twice, while
// the one tells the other what was done.
func handOverInPieces(s *Stage) error {
	for _, process := range []string{coreProcess, standinProcess, coreProcess, standinProcess} {
		if s.again[coreProcess] == nil {
			if err := s.restart(coreProcess); err != nil {
				return err
			}
		}
		time.Sleep(handOver) // wherever it is by then
		if err := s.kill(process); err != nil {
			return err
		}
		if err := s.restart(process); err != nil {
			return err
		}
	}
	return nil
}

// hangsFor is how long members wait for payments that core has committed.
const hangsFor = 6 * time.Second

// hangThenDie keeps the answers to payments until core dies. Members are told then
// that it is not known what became of theirs, and try the same again.
func hangThenDie(s *Stage) error {
	s.way.HangAfter(aPayment)
	time.AfterFunc(hangsFor, func() {
		_ = s.kill(coreProcess) // where that fails, the row misses its figures
		s.way.Heal()
	})
	return nil
}

// aPayment tells a member's payment, by page or call, from everything else.
func aPayment(r *http.Request) bool {
	return r.Method == http.MethodPost && (r.URL.Path == "/pay" || strings.HasSuffix(r.URL.Path, "/v1/payments"))
}

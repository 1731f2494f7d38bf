// Package proofing lets a member back in who has lost every way in, on the word of
// two people of staff (NIST SP 800-63B-4 §4.2.1.3, repeated identity proofing).
//
// A case has a reference that the member reads out, what an agent checked, and
// what a second person decided. It has nothing of the member: whose claim it is,
// and whether it is anybody's, only package signin knows. Both people sign with a
// fresh passkey for exactly this case.
//
//	          Submit            Approve            the member sets a password
//	(claim) ──────────▶ submitted ──────────▶ approved ──────────────▶ done
//	                        │ Refuse             │ the link of a notice
//	                        ▼                    ▼
//	                     refused              stopped
//
// The last two states, and that a case expires, are the claim's; see State.
package proofing

import (
	"slices"
	"strings"
	"time"

	"standfast/internal/core/signin"
	"standfast/internal/core/staff"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Proof is something that an agent checked.
type Proof string

// The proofs that there are.
const (
	DocumentSeen  Proof = "document-seen"  // a government document with a photograph, of somebody present
	DocumentVideo Proof = "document-video" // the same, in a video call
	CallBack      Proof = "call-back"      // the member answered a call to the number on file
	Transactions  Proof = "transactions"   // knows recent transactions
	Letter        Proof = "letter"         // read out the code of a letter to the address on file
)

// Proofs lists all proofs, as a form offers them.
func Proofs() []Proof { return []Proof{DocumentSeen, DocumentVideo, CallBack, Transactions, Letter} }

// kind is what a proof counts as: one document seen in two ways is one proof.
func (p Proof) kind() string {
	if p == DocumentSeen || p == DocumentVideo {
		return "document"
	}
	return string(p)
}

// Reason is why somebody refuses a case.
type Reason string

// The reasons that there are. There is no free text: people would write members'
// data into it.
const (
	TooLittle     Reason = "too-little"    // what was checked does not convince
	Contradiction Reason = "contradiction" // what was said does not fit together
	Suspicion     Reason = "suspicion"     // somebody else pretends to be the member
	Mistake       Reason = "mistake"       // entered by mistake
)

// Reasons lists all reasons, as a form offers them.
func Reasons() []Reason { return []Reason{TooLittle, Contradiction, Suspicion, Mistake} }

// State is how far a case has come.
type State string

// The states.
const (
	Submitted State = "submitted" // waits for the second person
	Approved  State = "approved"  // the member may set a new password
	Refused   State = "refused"
	Done      State = "done"    // the member did
	Stopped   State = "stopped" // by the link of a notice
	Expired   State = "expired" // or ended otherwise, as by a new recovery
)

// Content is what an agent enters.
type Content struct {
	Reference string // of the claim, in any grouping
	Proofs    []Proof
	Lost      []string // of signin.Lost()
	Phone     string   // new ones, "" for as before
	Email     string
}

// Case is one case.
type Case struct {
	Content
	ID          string
	State       State
	Reason      Reason
	SubmittedBy string // a person's id
	Submitter   string // and name
	SubmittedAt time.Time
	DecidedBy   string
	Decider     string
	DecidedAt   time.Time
	ExpiresAt   time.Time // of the claim

	claimID string
}

// Config says how much is enough.
type Config struct {
	Minimum int // different proofs, one of them a document; default and least 2
}

// MinimumLeast and MinimumMost bound Config.Minimum.
const (
	MinimumLeast = 2
	MinimumMost  = 4
)

// Service keeps the cases of one cell. It is safe for use by many goroutines.
type Service struct {
	db     *db.DB
	staff  *staff.Service
	signIn *signin.Service
	conf   Config
}

// New makes the service.
func New(d *db.DB, st *staff.Service, si *signin.Service, c Config) *Service {
	c.Minimum = max(c.Minimum, MinimumLeast)
	return &Service{db: d, staff: st, signIn: si, conf: c}
}

// Minimum is how many different proofs a case needs.
func (s *Service) Minimum() int { return s.conf.Minimum }

const referenceDigits = 10

// readReference takes a reference as people write it down.
func readReference(typed string) (string, error) {
	digits := strings.NewReplacer(" ", "", "-", "", " ", "").Replace(typed)
	if len(digits) != referenceDigits || strings.Trim(digits, "0123456789") != "" {
		return "", fault.InvalidField("body.reference", "case.reference", "A reference has 10 digits.")
	}
	return digits, nil
}

// check normalises a content and holds it to the rules.
func (s *Service) check(c Content) (Content, error) {
	var err error
	if c.Reference, err = readReference(c.Reference); err != nil {
		return c, err
	}
	kinds, document := map[string]bool{}, false
	for _, p := range c.Proofs {
		if !slices.Contains(Proofs(), p) {
			return c, fault.InvalidField("body.proofs", "case.no-proof", "There is no such proof.")
		}
		kinds[p.kind()] = true
		document = document || p.kind() == "document"
	}
	switch {
	case !document:
		return c, fault.InvalidField("body.proofs", "case.no-document", "A government document with a photograph has to be among the proofs.")
	case len(kinds) < s.conf.Minimum:
		return c, fault.InvalidField("body.proofs", "case.too-few", "More different proofs are needed.")
	}
	a, err := signin.Assistance{Lost: c.Lost, New: signin.Contacts{Email: c.Email, Phone: c.Phone}}.Check()
	c.Phone, c.Email = a.New.Phone, a.New.Email
	return c, err
}

// Errors of the room.

func noCase() error { return fault.New(fault.NotFound, "case.not-found", "There is no such case.") }

func decided() error {
	return fault.New(fault.Conflict, "case.decided", "This case is over, or was decided already.")
}

func samePerson() error {
	return fault.New(fault.Forbidden, "case.same-person", "Whoever submitted a case does not decide it. Ask somebody else.")
}

func openAlready() error {
	return fault.New(fault.Conflict, "case.open-already", "There is a case under this reference already.")
}

package instrument

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/jobs"
	"standfast/internal/core/outbox"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Service keeps members' methods. It is safe for use by many goroutines.
type Service struct {
	db     *db.DB
	jobs   *jobs.Jobs
	vault  Vault
	table  *ModulusTable
	rail   Depositor
	config Config
}

// depositTimeout bounds one call of the Depositor.
const depositTimeout = 30 * time.Second

// NewService makes a Service and registers its job. Without a table British account
// numbers are not checked, and their methods say so.
func NewService(d *db.DB, j *jobs.Jobs, vault Vault, table *ModulusTable, to Depositor, c Config) *Service {
	s := &Service{db: d, jobs: j, vault: vault, table: table, rail: to, config: c.withDefaults()}
	jobs.Handle(j, depositTimeout, func(ctx context.Context, a depositJob, _ jobs.Attempt) error { return s.deposit(ctx, a.MethodID) })
	return s
}

// List gives a member's methods that are not removed, oldest first.
func (s *Service) List(ctx context.Context, memberID string) (list []Method, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		list, err = listMethods(ctx, tx, memberID)
		return err
	})
	return list, err
}

// Get gives one method of a member, also a removed one. Another member's and one
// that does not exist are the same fault.NotFound.
func (s *Service) Get(ctx context.Context, memberID, id string) (m Method, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		m, err = getMethod(ctx, tx, memberID, id)
		return err
	})
	return m, err
}

// Usable gives a method that may pay now, within the caller's transaction, and
// holds it to that until the transaction ends: a removal or a stop comes before or
// after. A method that may not pay is a fault.Conflict that says why.
func (s *Service) Usable(ctx context.Context, tx *db.Tx, memberID, id string) (Method, error) {
	offers, err := s.UsableAll(ctx, tx, []Choice{{memberID, id}})
	if err != nil {
		return Method{}, err
	}
	return offers[0].Method, offers[0].Err
}

func (m Method) usable() (Method, error) {
	switch m.Status {
	case Verified:
		return m, nil
	case New:
		return Method{}, fault.New(fault.Conflict, "method.not-proved", "This account is not confirmed yet. Please confirm the two small deposits first.")
	case Stopped:
		return Method{}, errStopped()
	}
	return Method{}, errNotFound()
}

// Choice is a method that a member wants to pay from.
type Choice struct{ MemberID, MethodID string }

// Offer is what Usable would give for a Choice.
type Offer struct {
	Method
	Err error
}

// UsableAll is Usable for many choices in one query. Offers stand in the order of
// the choices; an error is of all of them.
func (s *Service) UsableAll(ctx context.Context, tx *db.Tx, choices []Choice) ([]Offer, error) {
	methods, err := lockMethods(ctx, tx, choices)
	if err != nil {
		return nil, err
	}
	offers := make([]Offer, len(choices))
	for i, c := range choices {
		m, found := methods[c]
		if !found {
			offers[i].Err = errNotFound()
			continue
		}
		offers[i].Method, offers[i].Err = m.usable()
	}
	return offers, nil
}

// Number opens a method's whole number. It is for a rail's instruction and for
// nothing else.
func (s *Service) Number(ctx context.Context, id string) (n Number, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		n, err = s.number(ctx, tx, id)
		return err
	})
	return n, err
}

func (s *Service) number(ctx context.Context, tx *db.Tx, id string) (n Number, err error) {
	sealed, err := sealedNumber(ctx, tx, id)
	if err != nil {
		return Number{}, err
	}
	plain, err := s.vault.Open(sealed, numberContext(id))
	if err != nil {
		return Number{}, err
	}
	var v vaulted
	if err := json.Unmarshal(plain, &v); err != nil {
		return Number{}, fault.Wrap(fault.Internal, "method.number", "Something went wrong on our side.", err)
	}
	return Number(v), nil
}

// vaulted is a Number as the vault keeps it: the one form that spells it out.
type vaulted struct {
	Country string `json:"country"`
	Routing string `json:"routing,omitempty"`
	Account string `json:"account,omitempty"`
	IBAN    string `json:"iban,omitempty"`
	Holder  string `json:"holder"`
}

// numberContext binds a sealed number to its row.
func numberContext(id string) []byte { return []byte("instrument.number/" + id) }

// Add validates and stores a method in the caller's transaction, who has decided
// that the member may. The same number again, while it is not removed, gives the
// method that stands, and created is false.
//
// A new method pays nothing yet, and its micro-deposits are sent after the commit.
func (s *Service) Add(ctx context.Context, tx *db.Tx, a Addition) (m Method, created bool, err error) {
	if m, created, err = s.insert(ctx, tx, a, New); err != nil || !created {
		return m, created, err
	}
	if err := s.limits(ctx, tx, a.MemberID); err != nil {
		return Method{}, false, err
	}
	if m.Proof, err = s.prepareDeposits(ctx, tx, m, a.Synthetic); err != nil {
		return Method{}, false, err
	}
	return m, true, s.record(ctx, tx, m, "added", audit.OK, a.From)
}

// ImportVerified stores a method that the issuer vouches for, in the caller's
// transaction. The same number again gives the method that stands.
func (s *Service) ImportVerified(ctx context.Context, tx *db.Tx, memberID string, r Request) (m Method, created bool, err error) {
	if m, created, err = s.insert(ctx, tx, Addition{Request: r, MemberID: memberID}, Verified); err != nil || !created {
		return m, created, err
	}
	return m, true, s.record(ctx, tx, m, "imported", audit.OK, "import")
}

// insert stores a method, or gives the one that has the number.
func (s *Service) insert(ctx context.Context, tx *db.Tx, a Addition, status Status) (Method, bool, error) {
	n, checked, err := a.Request.read(s.table)
	if err == nil {
		err = n.collectable(s.config.Currency)
	}
	if err != nil {
		return Method{}, false, err
	}
	m := Method{
		ID: db.NewID(), MemberID: a.MemberID, Kind: KindBankAccount, Country: n.Country, Last4: n.last4(), Display: display(n.last4()),
		HolderName: n.Holder, Status: status, Checked: checked, AddedProved: true, CreatedAt: tx.Now, Version: 1,
	}
	plain, err := json.Marshal(vaulted(n))
	if err != nil {
		return Method{}, false, err
	}
	sealed, err := s.vault.Seal(plain, numberContext(m.ID))
	if err != nil {
		return Method{}, false, err
	}
	print := s.vault.Fingerprint("instrument.number", n.canonical())
	if inserted, err := insertMethod(ctx, tx, m, sealed, print); err != nil || !inserted {
		if err == nil {
			m, err = methodWithNumber(ctx, tx, a.MemberID, print)
		}
		return m, false, err
	}
	if stopped, err := wasStopped(ctx, tx, a.MemberID, print); err != nil || stopped {
		if err == nil {
			err = errStopped()
		}
		return Method{}, false, err
	}
	return m, true, nil
}

// Fingerprint gives bytes that are equal for equal requests and tell nothing else,
// for binding a proof to what is added.
func (s *Service) Fingerprint(r Request) []byte {
	var all []byte
	for _, part := range []string{r.Kind, r.Country, r.RoutingNumber, r.SortCode, r.AccountNumber, r.IBAN, r.HolderName} {
		all = append(binary.BigEndian.AppendUint32(all, uint32(len(part))), part...)
	}
	return s.vault.Fingerprint("instrument.request", all)
}

// limits keeps the number of methods, and with it of guesses at micro-deposits,
// small. Two additions at the same moment may both pass; a limit is not a lock.
func (s *Service) limits(ctx context.Context, tx *db.Tx, memberID string) error {
	standing, today, err := countMethods(ctx, tx, memberID, tx.Now.Add(-24*time.Hour))
	switch {
	case err != nil:
		return err
	case standing > s.config.MaxMethods:
		return fault.New(fault.Conflict, "method.too-many", "You have as many payment methods as we can keep. Please remove one first.")
	case today > s.config.MaxPerDay:
		return fault.New(fault.TooMany, "method.too-many-today", "You have added many payment methods today. Please add the next one tomorrow.").After(24 * time.Hour)
	}
	return nil
}

// Remove takes a method away from its member, in the caller's transaction, who
// has made sure that no payment waits for it. Repeating it changes nothing.
func (s *Service) Remove(ctx context.Context, tx *db.Tx, memberID, id, from string) error {
	m, err := getMethod(ctx, tx, memberID, id)
	if err != nil || m.Status == Removed {
		return err
	}
	return s.change(ctx, tx, m, Removed, m.StopCode, "removed", audit.OK, from)
}

// Stop ends a method that a bank says it may not be used, with the return's
// code, in the caller's transaction. Repeating it changes nothing. Also a removed
// one remembers it, so that adding the number again does not help.
func (s *Service) Stop(ctx context.Context, tx *db.Tx, memberID, id, code string) error {
	m, err := getMethod(ctx, tx, memberID, id)
	if err != nil || m.StopCode != "" {
		return err
	}
	to := Stopped
	if m.Status == Removed {
		to = Removed
	}
	return s.change(ctx, tx, m, to, code, "stopped", audit.OK, "rail")
}

// change moves a method on from the version that was read.
func (s *Service) change(ctx context.Context, tx *db.Tx, m Method, to Status, stopCode, what, outcome, from string) error {
	m.Status, m.StopCode = to, stopCode
	m.Version++
	if err := updateMethod(ctx, tx, m); err != nil {
		return err
	}
	return s.record(ctx, tx, m, what, outcome, from)
}

// record tells followers and the audit log. Neither sees more than the last four.
func (s *Service) record(ctx context.Context, tx *db.Tx, m Method, what, outcome, from string) error {
	err := outbox.Append(ctx, tx, outbox.Change{Entity: "payment_method", EntityID: m.ID, Kind: what, Version: m.Version, Payload: map[string]any{
		"id": m.ID, "member_id": m.MemberID, "kind": m.Kind, "country": m.Country, "display": m.Display, "status": m.Status, "stop_code": m.StopCode,
	}})
	if err != nil {
		return err
	}
	return audit.Record(ctx, tx, auditEntry(m, what, outcome, from))
}

func auditEntry(m Method, what, outcome, from string) audit.Entry {
	return audit.Entry{
		Actor: "member", ActorID: m.MemberID, Action: "method." + what, Object: "payment_method", ObjectID: m.ID,
		Outcome: outcome, From: from, Details: map[string]string{"status": string(m.Status), "stop_code": m.StopCode},
	}
}

func errNotFound() error {
	return fault.New(fault.NotFound, "method.not-found", "We could not find this payment method.")
}

func errStopped() error {
	return fault.New(fault.Conflict, "method.stopped", "Payments from this account were stopped. Please use another one, or call us.")
}

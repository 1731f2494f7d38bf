package signin

import (
	"context"
	"slices"
	"strings"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/passkey"
	"standfast/internal/db"
)

// completion is what a claim gives its member.
type completion struct {
	password verifier      // the new one; nil leaves what there is
	notice   string        // template of what all contacts are told, as "password-recovered"
	forget   bool          // no device is trusted any more
	caution  time.Duration // how long methods added from now on do not pay, see CautionTx; 0 for not at all
	from     Client
	also     []Contacts // told too: addresses that the member had until now
}

// Contacts are the addresses of a member.
type Contacts = member.Contacts

// completeClaim ends a claim that is ready, in the transaction that gives its
// member a new way in: the password is set, every session ends, what else was
// open is worth nothing, all contacts on file are told (SP 800-63B-4 §4.2.3), and
// it stands in the audit log and as evidence. The caller holds the claim, see
// openClaim; fn does what its kind does besides, and may be nil.
func (s *Service) completeClaim(ctx context.Context, tx *db.Tx, c *claim, d completion, fn func() error) error {
	if c.memberID == "" || c.state() != ClaimReady {
		return claimOver()
	}
	if err := c.end(ctx, tx, claimDone); err != nil {
		return err
	}
	if d.password != nil {
		if err := s.store(ctx, tx, c.memberID, d.password, "member"); err != nil {
			return err
		}
	}
	if err := s.revokeAll(ctx, tx, c.memberID, string(c.kind), d.forget, d.from); err != nil {
		return err
	}
	if d.caution > 0 {
		if err := s.CautionTx(ctx, tx, c.memberID, tx.Now.Add(d.caution), string(c.kind)); err != nil {
			return err
		}
	}
	if fn != nil {
		if err := fn(); err != nil {
			return err
		}
	}
	if err := forgive(ctx, tx, s.claimLimits(*c)); err != nil {
		return err
	}
	if err := c.evident(ctx, tx); err != nil {
		return err
	}
	if err := s.tellAll(ctx, tx, c.memberID, d); err != nil {
		return err
	}
	return c.record(ctx, tx, "completed", audit.OK, map[string]string{"ways": strings.Join(c.proved, " "), "reference": c.reference})
}

// revokeAll ends what a member has open: sessions, codes, changes of contact that
// wait, claims, and where wanted the trust in devices.
func (s *Service) revokeAll(ctx context.Context, tx *db.Tx, memberID, reason string, devices bool, from Client) error {
	if err := s.cutOff(ctx, tx, memberID, reason); err != nil {
		return err
	}
	if err := closeChallenges(ctx, tx, `member_id = $1`, memberID); err != nil {
		return err
	}
	if err := s.StopContactsTx(ctx, tx, memberID, from); err != nil {
		return err
	}
	if err := endClaims(ctx, tx, memberID); err != nil || !devices {
		return err
	}
	return s.forgetDevices(ctx, tx, memberID)
}

// tellAll tells a member something about the login on every contact on file: who
// got in by one of them is still read about on the others.
func (s *Service) tellAll(ctx context.Context, tx *db.Tx, memberID string, d completion) error {
	m, err := s.memberIn(ctx, tx, memberID)
	if err != nil {
		return err
	}
	data := map[string]any{"Device": agentName(d.from.UserAgent), "Place": s.placeOf(d.from.IP), "Time": tx.Now}
	return s.tellContacts(ctx, tx, m, d.also, d.notice, data)
}

// placeOf is roughly where an address is: its place, or the address itself.
func (s *Service) placeOf(ip string) string {
	if place := s.conf.Place(ip); place != "" {
		return place
	}
	return ip
}

// addressee is one address with the channel that reaches it.
type addressee struct {
	channel notify.Channel
	address string
}

// addresses lists contacts, each once.
func addresses(all []Contacts) (list []addressee) {
	for _, c := range all {
		for _, a := range []addressee{{notify.Email, c.Email}, {notify.Text, c.Phone}} {
			if a.address != "" && !slices.Contains(list, a) {
				list = append(list, a)
			}
		}
	}
	return list
}

// evident keeps what shows that the member agreed: the ways that were proved. In
// place of a session stands the claim.
func (c claim) evident(ctx context.Context, tx *db.Tx) error {
	ch := challenge{id: c.id, memberID: c.memberID, sessionID: c.id}
	if err := agreeTo(ctx, tx, ch, c.action()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE step_up_evidence SET asked_at = $2, way = $3, proved_at = $4 WHERE challenge_id = $1`,
		c.id, db.Micros(c.createdAt), strings.Join(c.proved, " "), db.Micros(c.readyAt))
	if err != nil {
		return err
	}
	return usedFor(ctx, tx, ch, c.id)
}

// signedBy adds what a passkey signed to a claim's evidence, before it is completed.
func (c claim) signedBy(ctx context.Context, tx *db.Tx, e passkey.Evidence) error {
	ch := challenge{id: c.id, memberID: c.memberID, sessionID: c.id}
	if err := agreeTo(ctx, tx, ch, c.action()); err != nil {
		return err
	}
	return signed(ctx, tx, ch, e)
}

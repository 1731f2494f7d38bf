package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// SubmitCode answers a challenge. A right code gives a session, once; the same
// code again from the same flow within two minutes (a double click, a reload, a
// lost answer) gives the same session. From anywhere else it is refused.
//
// Errors: Invalid for what cannot be a code (nothing is counted), Unauthenticated
// for a wrong one, with the tries that are left in Extra, or for one that is over.
func (s *Service) SubmitCode(ctx context.Context, challengeID, code string, trustDevice bool, c Client) (out Outcome, err error) {
	typed, err := readCode(code)
	if err != nil {
		return Outcome{}, err
	}
	deviceID, issued, err := s.device(ctx, c.DeviceToken)
	if err != nil {
		return Outcome{}, err
	}
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		out, refusal = Outcome{}, nil
		ch, err := s.ownChallenge(ctx, tx, challengeID, c)
		if err != nil {
			return err
		}
		a := attempt{challenge: ch, typed: typed, device: deviceID, issued: issued, trust: trustDevice, client: c}
		out, refusal, err = s.answer(ctx, tx, a)
		return err
	})
	if err == nil {
		err = refusal
	}
	return out, err
}

// attempt is one code that was typed.
type attempt struct {
	challenge challenge
	typed     string
	device    string    // the browser's identity, "" when it has none
	issued    time.Time // when its token was made
	trust     bool
	client    Client
}

// ownChallenge locks and gives the client's challenge. One of another flow does
// not exist for it, so that nobody else can use up its tries.
func (s *Service) ownChallenge(ctx context.Context, tx *db.Tx, id string, c Client) (challenge, error) {
	if !db.ValidID(id) {
		return challenge{}, codeOver(signIn)
	}
	// The credential's lock comes first here as everywhere, or two transactions
	// could wait for each other.
	var memberID string
	err := tx.QueryRow(ctx, `SELECT member_id FROM challenge WHERE id = $1`, id).Scan(&memberID)
	if err == db.ErrNoRows {
		if err := s.db.Sound(ctx); err != nil { // a right code is not refused by a database that has lost its rows
			return challenge{}, err
		}
		return challenge{}, codeOver(signIn)
	}
	if err != nil {
		return challenge{}, err
	}
	if _, err := lockCredential(ctx, tx, memberID); err != nil && err != db.ErrNoRows {
		return challenge{}, err
	}
	ch, err := readChallenge(ctx, tx, `id = $1`, id)
	if err != nil {
		return challenge{}, err
	}
	if subtle.ConstantTimeCompare(ch.flow, s.flowHash(c)) != 1 {
		return challenge{}, codeOver(signIn)
	}
	return ch, nil
}

// openChallenge is ownChallenge for one whose code can still be typed.
func (s *Service) openChallenge(ctx context.Context, tx *db.Tx, id string, c Client) (challenge, error) {
	ch, err := s.ownChallenge(ctx, tx, id, c)
	if err == nil && (!ch.closedAt.IsZero() || !tx.Now.Before(ch.expiresAt)) {
		err = codeOver(ch.purpose)
	}
	return ch, err
}

// answer decides about one attempt.
func (s *Service) answer(ctx context.Context, tx *db.Tx, a attempt) (out Outcome, refusal, err error) {
	again, ok := a.usable(tx.Now)
	if !ok {
		return out, codeOver(signIn), nil
	}
	if refusal, err = s.try(ctx, tx, &a.challenge, a.typed, a.client); err != nil || refusal != nil {
		return out, refusal, errors.Join(err, a.record(ctx, tx, audit.Refused, ""))
	}
	if again {
		return s.repeat(ctx, tx, a)
	}
	out, err = s.enter(ctx, tx, a)
	return out, nil, err
}

// usable tells whether a code may be tried, and whether as a repetition.
func (a attempt) usable(now time.Time) (again, ok bool) {
	ch := a.challenge
	if ch.purpose != signIn {
		return false, false
	}
	if !ch.usedAt.IsZero() {
		return true, a.client.FlowID != "" && now.Sub(ch.usedAt) <= replayWindow
	}
	return false, ch.closedAt.IsZero() && now.Before(ch.expiresAt)
}

// enter makes the session of a right code.
func (s *Service) enter(ctx context.Context, tx *db.Tx, a attempt) (out Outcome, err error) {
	ch, device := a.challenge, a.device
	news, err := s.isNew(ctx, tx, ch.memberID, device)
	if err != nil {
		return out, err
	}
	if device == "" {
		device = db.NewID()
	}
	if a.trust {
		rebound, err := s.remember(ctx, tx, ch.memberID, device, a.client)
		if err != nil {
			return out, err
		}
		news = news || rebound
	}
	if out.Session, err = s.open(ctx, tx, ch.memberID, device, []string{byPassword, methodOf(ch.way)}, a.client); err != nil {
		return out, err
	}
	if a.trust || a.device != "" { // a browser that is not to be remembered gets no identity
		if out.DeviceToken, err = s.deviceToken(device, latest(tx.Now, a.issued)); err != nil {
			return out, err
		}
	}
	if err := s.use(ctx, tx, ch, out.Session.ID); err != nil {
		return out, err
	}
	if news {
		if err := s.tell(ctx, tx, ch.memberID, "new-device", a.client); err != nil {
			return out, err
		}
	}
	return out, a.record(ctx, tx, audit.OK, out.Session.ID)
}

// repeat gives the session of a code that was right before, with the same
// device's identity.
func (s *Service) repeat(ctx context.Context, tx *db.Tx, a attempt) (out Outcome, refusal, err error) {
	out.Session, err = s.reissue(ctx, tx, a.challenge.made)
	if fault.Is(err, fault.Unauthenticated) {
		return Outcome{}, err, nil
	}
	if err != nil {
		return Outcome{}, nil, err
	}
	var device string
	if err := tx.QueryRow(ctx, `SELECT device_id FROM session WHERE id = $1`, a.challenge.made).Scan(&device); err != nil {
		return Outcome{}, nil, err
	}
	t, err := remembered(ctx, tx, a.challenge.memberID, device, tx.Now, tx.Now)
	if err == nil && t.id != "" {
		out.DeviceToken, err = s.deviceToken(device, latest(tx.Now, a.issued))
	}
	return out, nil, err
}

func (a attempt) record(ctx context.Context, tx *db.Tx, outcome, session string) error {
	e := audit.Entry{
		Actor: "member", ActorID: a.challenge.memberID, Action: "signin.code", Object: "challenge", ObjectID: a.challenge.id,
		Outcome: outcome, From: a.client.IP,
	}
	if session != "" {
		e.Details = map[string]string{"session": session}
	}
	return audit.Record(ctx, tx, e)
}

// isNew tells whether a member has never had the device remembered.
func (s *Service) isNew(ctx context.Context, tx *db.Tx, memberID, device string) (bool, error) {
	if device == "" {
		return true, nil
	}
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM device_trust WHERE member_id = $1 AND device_id = $2`, memberID, device).Scan(&n)
	return n == 0, err
}

// tell sends a member a notice about the login: by e-mail where there is an
// address, since the text messages carry the codes.
func (s *Service) tell(ctx context.Context, tx *db.Tx, memberID, template string, c Client) error {
	m, err := s.memberIn(ctx, tx, memberID)
	if err != nil {
		return err
	}
	to, channel := m.Email, notify.Email
	if to == "" || !s.notify.Can(channel) {
		to, channel = m.Phone, notify.Text
	}
	if to == "" || !s.notify.Can(channel) {
		return nil // nobody to tell; the audit log has it
	}
	return s.notify.Send(ctx, tx, notify.Message{
		MemberID: m.ID, To: to, Channel: channel, Locale: m.Locale, Template: template,
		Data: map[string]any{"Device": agentName(c.UserAgent), "IP": c.IP, "Time": tx.Now},
	})
}

// memberIn reads the member inside the transaction: asking the member store
// would wait for a connection that this transaction may hold.
func (s *Service) memberIn(ctx context.Context, tx *db.Tx, id string) (m member.Member, err error) {
	err = tx.QueryRow(ctx, `SELECT id, email, phone, locale, display_name FROM member WHERE id = $1`, id).
		Scan(&m.ID, &m.Email, &m.Phone, &m.Locale, &m.DisplayName)
	return m, err
}

// Challenge gives a challenge of either purpose that is open in the client's
// flow, for the code page after a reload.
func (s *Service) Challenge(ctx context.Context, challengeID string, c Client) (out Challenge, err error) {
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		ch, err := s.openChallenge(ctx, tx, challengeID, c)
		if err != nil {
			return err
		}
		if ch.ways, err = s.ways(ctx, tx, &ch); err != nil {
			return err
		}
		offered, err := s.offer(ctx, tx, ch)
		if err == nil {
			out = *offered
		}
		return err
	})
	return out, err
}

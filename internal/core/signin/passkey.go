package signin

import (
	"context"
	"strings"
	"time"

	"standfast/internal/core/audit"
	"standfast/internal/core/passkey"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// What passkeys look like to pages and calls.
type (
	Passkey       = passkey.Passkey
	PasskeyPrompt = passkey.Prompt
)

// WayPasskey is a challenge that is answered by a passkey.
const WayPasskey = "passkey"

// noPasskeys is the answer of a cell that has none.
func noPasskeys() error {
	return fault.New(fault.NotFound, "passkey.none", "Passkeys are not offered here.")
}

// BeginPasskey makes the prompt for signing in without a user name. It asks no
// database and sends nothing, so a page may show it to everybody.
func (s *Service) BeginPasskey(c Client) (passkey.Prompt, error) {
	if s.conf.Passkeys == nil {
		return passkey.Prompt{}, noPasskeys()
	}
	return s.conf.Passkeys.BeginLogin(c.FlowID)
}

// passkeyByDatabase is SignInPasskey while the database answers.
func (s *Service) passkeyByDatabase(ctx context.Context, state string, answer []byte, trustDevice bool, c Client) (out Outcome, err error) {
	if s.conf.Passkeys == nil {
		return Outcome{}, noPasskeys()
	}
	limits := s.strangerLimits(c)
	if err := s.mayTry(ctx, limits); err != nil {
		return Outcome{}, err
	}
	v, err := s.conf.Passkeys.VerifyLogin(ctx, state, c.FlowID, answer)
	if fault.Is(err, fault.Unauthenticated) {
		return Outcome{}, s.strange(ctx, limits, err, c)
	}
	if err != nil {
		return Outcome{}, err
	}
	b, err := s.arrival(ctx, trustDevice, c)
	if err != nil {
		return Outcome{}, err
	}
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		out, refusal = Outcome{}, nil
		if _, err := lockCredential(ctx, tx, v.OwnerID()); err != nil && err != db.ErrNoRows {
			return err
		}
		var by passkey.Assertion
		if by, refusal, err = s.accept(ctx, tx, v, c); err != nil || refusal != nil {
			return err
		}
		out, err = s.admitPasskey(ctx, tx, by, b)
		return err
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return Outcome{}, err
	}
	return out, nil
}

// accept makes an assertion count. The member is told of one that is refused
// because its counter went back, as when two copies of its key are in use.
func (s *Service) accept(ctx context.Context, tx *db.Tx, v passkey.Verified, c Client) (by passkey.Assertion, refusal, err error) {
	by, refusal, err = s.conf.Passkeys.Accept(ctx, tx, v, c.IP)
	if err == nil {
		err = s.tellWentBack(ctx, tx, by.OwnerID, by.WentBack, c)
	}
	return by, refusal, err
}

// tellWentBack tells a member of a counter that went back: of the first time and
// then each time that their number has doubled, so that nobody who has a copy of
// the key can fill a mailbox.
func (s *Service) tellWentBack(ctx context.Context, tx *db.Tx, memberID string, times int64, c Client) error {
	if times == 0 || times&(times-1) != 0 {
		return nil
	}
	return s.tell(ctx, tx, memberID, "passkey-counter", c)
}

// arrival is where somebody signs in, and with what browser.
type arrival struct {
	client Client
	device string    // its identity, "" when it has none
	issued time.Time // when that one's token was made
	trust  bool      // the member wants it remembered
}

func (s *Service) arrival(ctx context.Context, trust bool, c Client) (b arrival, err error) {
	b.client, b.trust = c, trust
	b.device, b.issued, err = s.device(ctx, c.DeviceToken)
	return b, err
}

// strangerLimits are what attempts without a user name are counted by.
func (s *Service) strangerLimits(c Client) []gauge {
	if c.IP == "" {
		return nil
	}
	return []gauge{s.gauge(perAddress(), "", network(c.IP))}
}

func (s *Service) mayTry(ctx context.Context, limits []gauge) error {
	if len(limits) == 0 {
		return nil
	}
	err := s.db.Read(ctx, func(tx *db.Tx) error { return read(ctx, tx, limits, false) })
	if err != nil {
		return err
	}
	return blocked(limits, s.now())
}

// strange counts and records an answer that did not hold, and gives its refusal.
func (s *Service) strange(ctx context.Context, limits []gauge, refusal error, c Client) error {
	err := s.db.WithTx(ctx, func(tx *db.Tx) error {
		if err := count(ctx, tx, limits); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Actor: "member", Action: "signin.passkey", Object: "member", Outcome: audit.Refused, From: c.IP,
			Details: map[string]string{"why": fault.As(refusal).Cause.Error()}})
	})
	if err != nil {
		return err
	}
	return refusal
}

// admitPasskey makes the session of an accepted passkey. A browser that the
// member had remembered stays so for longer, as after a code.
func (s *Service) admitPasskey(ctx context.Context, tx *db.Tx, by passkey.Assertion, b arrival) (out Outcome, err error) {
	known, err := remembered(ctx, tx, by.OwnerID, b.device, b.issued, tx.Now)
	if err != nil {
		return out, err
	}
	b.trust = b.trust || known.id != ""
	out, err = s.arrive(ctx, tx, by.OwnerID, by.Methods, b)
	if err != nil {
		return Outcome{}, err
	}
	return out, audit.Record(ctx, tx, audit.Entry{
		Actor: "member", ActorID: by.OwnerID, Action: "signin.session", Object: "session", ObjectID: out.Session.ID, Outcome: audit.OK, From: b.client.IP,
		Details: map[string]string{"by": "passkey", "passkey": by.PasskeyID, "methods": strings.Join(by.Methods, " ")},
	})
}

// arrive makes the session of a member who has proved to be there, remembers the
// browser where that is wanted, and tells the member of one that is new.
func (s *Service) arrive(ctx context.Context, tx *db.Tx, memberID string, methods []string, b arrival) (out Outcome, err error) {
	out, news, err := s.letIn(ctx, tx, memberID, methods, b)
	if err != nil || !news {
		return out, err
	}
	return out, s.tell(ctx, tx, memberID, "new-device", b.client)
}

// letIn is arrive for a member who is told about it anyway; news says that the
// device is new to them.
func (s *Service) letIn(ctx context.Context, tx *db.Tx, memberID string, methods []string, b arrival) (out Outcome, news bool, err error) {
	device := b.device
	news, err = s.isNew(ctx, tx, memberID, device)
	if err != nil {
		return out, news, err
	}
	if device == "" {
		device = db.NewID()
	}
	if b.trust {
		rebound, err := s.remember(ctx, tx, memberID, device, b.client)
		if err != nil {
			return out, news, err
		}
		news = news || rebound
	}
	if out.Session, err = s.open(ctx, tx, memberID, device, methods, b.client); err != nil {
		return out, news, err
	}
	if b.trust || b.device != "" { // a browser that is not to be remembered gets no identity
		if out.DeviceToken, err = s.deviceToken(device, latest(tx.Now, b.issued)); err != nil {
			return out, news, err
		}
	}
	return out, news, nil
}

package advice

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"standfast/internal/core/payment"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// effect is what an advice does, once what needs no transaction is known.
type effect struct {
	confirmation string
	run          func(ctx context.Context, tx *db.Tx) (Outcome, error)
}

// prepare finds out what an advice does. An error is one of this moment: it is
// sent again. What can never be done is an effect that refuses.
func (s *Service) prepare(ctx context.Context, i Item) (effect, error) {
	switch i.Kind {
	case KindPayment:
		return s.payment(ctx, i)
	case KindFreeze:
		return s.freeze(ctx, i)
	case KindOpened:
		return s.opened(i), nil
	case KindEnded:
		return s.ended(i), nil
	case KindFailures:
		return s.failures(i), nil
	case KindCounter:
		return s.counterBack(i), nil
	}
	return refusing(fault.New(fault.Invalid, "advice.kind", "Nobody here knows such an advice.")), nil
}

// refusing is the effect of what cannot be done.
func refusing(why error) effect {
	return effect{run: func(context.Context, *db.Tx) (Outcome, error) { return refusal(why), nil }}
}

func refusal(why error) Outcome {
	e := fault.As(why)
	return Outcome{State: Refused, Code: e.Code, Message: e.Message, Result: map[string]string{}}
}

// codeUnreadable is the code of an advice whose body is none: nobody is told of it.
const codeUnreadable = "advice.body"

func unreadable(err error) effect {
	return refusing(fault.Wrap(fault.Invalid, codeUnreadable, "What this advice says cannot be read.", err))
}

// judged gives the outcome of an effect that err ended: a rule's no is an outcome,
// anything else is an error of this moment.
func judged(o Outcome, err error) (Outcome, error) {
	if err == nil {
		return o, nil
	}
	switch fault.As(err).Kind {
	case fault.Internal, fault.Unavailable, fault.TooMany:
		return Outcome{}, err
	}
	return refusal(err), nil
}

type paymentBody struct {
	AccountID    string       `json:"account_id"`
	MethodID     string       `json:"payment_method_id"`
	Amount       money.Amount `json:"amount"`
	Key          string       `json:"idempotency_key"`
	Confirmation string       `json:"confirmation_number"`
	ReceivedAt   time.Time    `json:"received_at"`
	SessionID    string       `json:"session_id"`
}

// The templates by which a member hears of a payment that is none of its own.
const (
	templateRefused = "advice-refused"
	templateAlready = "advice-already"
)

func (s *Service) payment(ctx context.Context, i Item) (effect, error) {
	var b paymentBody
	if err := json.Unmarshal(i.Body, &b); err != nil || b.ReceivedAt.IsZero() {
		return unreadable(err), nil
	}
	order, err := s.payments.ReadAdvised(ctx, payment.Advised{ID: i.ID, MemberID: i.MemberID, Key: b.Key, AccountID: b.AccountID, MethodID: b.MethodID,
		Amount: b.Amount, Confirmation: b.Confirmation, ReceivedAt: notAfter(b.ReceivedAt, s.db.Now())})
	if err != nil {
		return effect{}, err
	}
	number, _ := payment.ReadConfirmation(b.Confirmation)
	return effect{number, func(ctx context.Context, tx *db.Tx) (Outcome, error) {
		p, again, refused, err := s.payments.TakeAdvisedTx(ctx, tx, order)
		switch {
		case err != nil:
			return Outcome{}, err
		case refused != nil:
			return refusal(refused), s.payments.TellAdvisedTx(ctx, tx, order, templateRefused)
		}
		o := Outcome{State: Applied, Result: map[string]string{"payment_id": p.ID, "confirmation_number": p.ConfirmationNumber, "credited_on": p.CreditedOn}}
		if again {
			o.State = Already
			return o, s.payments.TellAdvisedTx(ctx, tx, order, templateAlready)
		}
		return o, nil
	}}, nil
}

// notAfter bounds what another machine's clock says by our own.
func notAfter(at, now time.Time) time.Time {
	if at.After(now) {
		return now
	}
	return at
}

func (s *Service) freeze(ctx context.Context, i Item) (effect, error) {
	var b struct {
		AccountID string `json:"account_id"`
	}
	if err := json.Unmarshal(i.Body, &b); err != nil {
		return unreadable(err), nil
	}
	if o, err := judged(Outcome{}, s.accounts.MayFreeze(ctx, i.MemberID, b.AccountID)); err != nil || o.State == Refused {
		return effect{run: func(context.Context, *db.Tx) (Outcome, error) { return o, nil }}, err
	}
	return effect{run: func(ctx context.Context, tx *db.Tx) (Outcome, error) {
		status, err := s.accounts.FreezeSinceTx(ctx, tx, i.MemberID, b.AccountID, i.At)
		return judged(Outcome{State: Applied, Result: map[string]string{"status": status}}, err)
	}}, nil
}

func (s *Service) opened(i Item) effect {
	var b struct {
		SessionID string    `json:"session_id"`
		DeviceID  string    `json:"device_id"`
		Methods   []string  `json:"methods"`
		IP        string    `json:"ip"`
		UserAgent string    `json:"user_agent"`
		ExpiresAt time.Time `json:"expires_at"`
		PasskeyID string    `json:"passkey_id"`
		SignCount uint32    `json:"sign_count"`
	}
	if err := json.Unmarshal(i.Body, &b); err != nil {
		return unreadable(err)
	}
	return s.signInEffect(func(ctx context.Context, tx *db.Tx) error {
		return s.signIn.RecordOpenedTx(ctx, tx, signin.OpenedElsewhere{ID: b.SessionID, MemberID: i.MemberID, DeviceID: b.DeviceID, Methods: b.Methods,
			At: i.At, ExpiresAt: b.ExpiresAt, IP: b.IP, UserAgent: b.UserAgent, PasskeyID: b.PasskeyID, SignCount: b.SignCount})
	})
}

// counterBack is a passkey that was refused because two copies of it may be in use.
func (s *Service) counterBack(i Item) effect {
	var b struct {
		PasskeyID string `json:"passkey_id"`
		Came      uint32 `json:"came"`
		IP        string `json:"ip"`
		UserAgent string `json:"user_agent"`
	}
	if err := json.Unmarshal(i.Body, &b); err != nil {
		return unreadable(err)
	}
	return s.signInEffect(func(ctx context.Context, tx *db.Tx) error {
		return s.signIn.RecordCounterBackTx(ctx, tx, signin.OpenedElsewhere{MemberID: i.MemberID, PasskeyID: b.PasskeyID, SignCount: b.Came, At: i.At, IP: b.IP, UserAgent: b.UserAgent})
	})
}

func (s *Service) ended(i Item) effect {
	var b struct {
		SessionID string `json:"session_id"`
	}
	if err := json.Unmarshal(i.Body, &b); err != nil {
		return unreadable(err)
	}
	return s.signInEffect(func(ctx context.Context, tx *db.Tx) error {
		return s.signIn.RecordEndedTx(ctx, tx, i.MemberID, b.SessionID)
	})
}

func (s *Service) failures(i Item) effect {
	var b struct {
		Count int `json:"count"`
	}
	if err := json.Unmarshal(i.Body, &b); err != nil || b.Count < 0 {
		return unreadable(fmt.Errorf("count %d: %w", b.Count, err))
	}
	return s.signInEffect(func(ctx context.Context, tx *db.Tx) error {
		return s.signIn.CountElsewhereTx(ctx, tx, i.MemberID, b.Count)
	})
}

func (s *Service) signInEffect(run func(ctx context.Context, tx *db.Tx) error) effect {
	return effect{run: func(ctx context.Context, tx *db.Tx) (Outcome, error) {
		return judged(Outcome{State: Applied, Result: map[string]string{}}, run(ctx, tx))
	}}
}

package app

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"standfast/internal/core/instrument"
	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/core/payment"
	"standfast/internal/core/rail/sim"
	"standfast/internal/db"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// wirePayments joins instruments, payments and their rail. The simulated rail is
// the only one of this release.
func (r *Rooms) wirePayments(c Config, cell cell) error {
	table, err := loadModulus(c.Modulus)
	if err != nil {
		return err
	}
	railConfig := sim.Config{After: c.Payments.SettleAfter.Duration}
	if c.Demo.Mailbox != "" {
		railConfig.Deposit = r.showStatement
	}
	rail := sim.New(railConfig)
	r.Instruments = instrument.NewService(r.DB, r.Jobs, r.Key, table, rail, instrument.Config{Currency: c.Cell.Currency})
	pc, err := paymentConfig(c, cell)
	if err != nil {
		return err
	}
	r.Payments, err = payment.New(r.DB, r.Jobs, payment.Deps{Accounts: r.Accounts, Ledger: r.Ledger, Instruments: r.Instruments,
		SignIn: r.SignIn, Notify: r.Notify, Contact: r.contact, Log: r.log}, map[string]payment.Rail{"sim": rail}, pc)
	return err
}

func paymentConfig(c Config, cell cell) (payment.Config, error) {
	most, err := cell.amount(c.Payments.Maximum)
	if err != nil {
		return payment.Config{}, err
	}
	at, err := time.Parse("15:04", c.Payments.CutOff)
	if err != nil {
		return payment.Config{}, err
	}
	cutOff := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
	rules := map[string]payment.Rules{"us": payment.USRules(), "gb": payment.GBRules(), "eu": payment.EURules()}[c.Cell.Rules]
	if c.Payments.StepUpAbove != "" {
		free, err := cell.amount(c.Payments.StepUpAbove)
		if err != nil {
			return payment.Config{}, err
		}
		rules.FreeUpTo = free.Minor
	}
	return payment.Config{Zone: cell.zone, CutOff: cutOff, Maximum: most.Minor, Rules: rules}, nil
}

// contact tells payments how to reach a member.
func (r *Rooms) contact(ctx context.Context, memberID string) (payment.Contact, error) {
	m, err := r.Members.ByID(ctx, memberID)
	return payment.Contact{Email: m.Email, Phone: m.Phone, Locale: m.Locale, Synthetic: m.Synthetic}, err
}

// showStatement plays the other bank in a demo: it sends the two small amounts
// that a member would read on the statement to the demo's mailbox.
func (r *Rooms) showStatement(ctx context.Context, s sim.Statement) error {
	m, err := r.Members.ByID(ctx, s.MemberID)
	if err != nil {
		return err
	}
	return r.DB.WithTx(ctx, func(tx *db.Tx) error {
		return r.Notify.Send(ctx, tx, statementMessage(m, s))
	})
}

func statementMessage(m member.Member, s sim.Statement) notify.Message {
	return notify.Message{MemberID: m.ID, To: m.Email, Channel: notify.Email, Locale: m.Locale, Template: "micro-deposits",
		Data: map[string]any{"Last4": s.Last4, "First": money.New(s.Minor[0], s.Currency), "Second": money.New(s.Minor[1], s.Currency)}}
}

// loadModulus reads the United Kingdom's tables, or gives nil where there are none.
func loadModulus(c ModulusConfig) (*instrument.ModulusTable, error) {
	if c.Weights == "" {
		return nil, nil
	}
	weights, err := os.Open(c.Weights)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "config.modulus", "modulus.weights cannot be read.", err)
	}
	defer weights.Close()
	var substitutions io.Reader = io.LimitReader(weights, 0)
	if c.Substitutions != "" {
		f, err := os.Open(c.Substitutions)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "config.modulus", "modulus.substitutions cannot be read.", err)
		}
		defer f.Close()
		substitutions = f
	}
	table, err := instrument.LoadModulus(weights, substitutions)
	if err != nil {
		return nil, fmt.Errorf("modulus tables: %w", err)
	}
	return table, nil
}

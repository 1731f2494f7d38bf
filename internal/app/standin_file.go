package app

import (
	"errors"
	"path/filepath"
	"time"

	"standfast/internal/core/payment"
	"standfast/internal/fault"
	"standfast/internal/money"
	"standfast/internal/standin/store"
)

// StandInFile is the configuration file of a stand-in (docs/operations.md).
type StandInFile struct {
	Cell     CellConfig          `toml:"cell"`
	Store    string              `toml:"store"` // path of its SQLite file; what core tells it is beside it
	Keys     string              `toml:"keys"`  // its private keys; made at the first start
	Listen   StandInFileListen   `toml:"listen"`
	Internal InternalConfig      `toml:"internal"`
	Core     StandInFileCore     `toml:"core"`
	SignIn   StandInFileSignIn   `toml:"sign_in"`
	Payments StandInFilePayments `toml:"payments"`
	Limits   StandInFileLimits   `toml:"limits"`
}

// StandInFileListen is where the process itself is looked at.
type StandInFileListen struct {
	Admin string `toml:"admin"` // health, readiness, metrics; never public
}

// StandInFileCore is the core that it follows.
type StandInFileCore struct {
	URL     string   `toml:"url"`      // of core's internal listener
	Also    []string `toml:"also"`     // those of its other builds, which are asked when that does not answer
	FeedKey string   `toml:"feed_key"` // as core's init prints it
}

// StandInFileSignIn holds the limits of sessions; those of core's configuration.
type StandInFileSignIn struct {
	Idle Duration `toml:"idle"`
	Max  Duration `toml:"max"`
}

// StandInFilePayments holds the rules of paying; those of core's configuration.
type StandInFilePayments struct {
	CutOff      string `toml:"cut_off"`
	StepUpAbove string `toml:"step_up_above"` // empty: what the cell's rules say
}

// StandInFileLimits bounds what is done without core: amounts and counts of one
// business day, and how old the knowledge may be.
type StandInFileLimits struct {
	MemberAmount string   `toml:"member_amount"`
	MemberCount  int64    `toml:"member_count"`
	TotalAmount  string   `toml:"total_amount"`
	TotalCount   int64    `toml:"total_count"`
	Look         Duration `toml:"look"`
	Pay          Duration `toml:"pay"`
}

const (
	maxLookAge = 72 * time.Hour
	maxPayAge  = 24 * time.Hour
)

// standInDefaults gives what a file need not say.
func standInDefaults() StandInFile {
	d := Defaults()
	return StandInFile{Cell: d.Cell, Store: "standin.db", Keys: "standin.key", Listen: StandInFileListen{Admin: "localhost:9446"},
		Internal: InternalConfig{Listen: "localhost:9445", Linger: Duration{linger}}, SignIn: StandInFileSignIn{Max: d.SignIn.Max},
		Payments: StandInFilePayments{CutOff: d.Payments.CutOff},
		Limits: StandInFileLimits{MemberAmount: "1000.00", MemberCount: 5, TotalAmount: "1000000.00", TotalCount: 20_000,
			Look: Duration{maxLookAge}, Pay: Duration{maxPayAge}}}
}

// LoadStandIn reads and checks a stand-in's configuration file.
func LoadStandIn(path string) (StandInFile, error) {
	c := standInDefaults()
	if err := readConfig(path, &c, &c.Cell); err != nil {
		return c, err
	}
	dir := filepath.Dir(path)
	for _, p := range []*string{&c.Store, &c.Keys, &c.Internal.CA, &c.Internal.Certificate, &c.Internal.Key} {
		*p = under(dir, *p)
	}
	return c, c.check()
}

func (c StandInFile) check() error {
	_, zone := time.LoadLocation(c.Cell.TimeZone)
	_, cutOff := time.Parse("15:04", c.Payments.CutOff)
	_, limits := c.limits()
	_, stepUp := money.Parse(c.stepUpAbove(), c.Cell.Currency)
	if err := errors.Join(zone, cutOff, limits, stepUp); err != nil {
		return fault.Wrap(fault.Invalid, "config.standin", "The stand-in's configuration cannot work: "+err.Error(), err)
	}
	switch l := c.Limits; {
	case l.Look.Duration > maxLookAge || l.Pay.Duration > maxPayAge || l.Look.Duration <= 0 || l.Pay.Duration <= 0:
		return fault.New(fault.Invalid, "config.standin", "limits.look is at most 72h and limits.pay at most 24h: they can be tightened, not loosened.")
	case c.Core.URL == "" || c.Core.FeedKey == "":
		return fault.New(fault.Invalid, "config.standin", "core.url and core.feed_key say whom the stand-in follows.")
	}
	return nil
}

func (c StandInFile) limits() (store.Limits, error) {
	one, err1 := money.Parse(c.Limits.MemberAmount, c.Cell.Currency)
	all, err2 := money.Parse(c.Limits.TotalAmount, c.Cell.Currency)
	return store.Limits{MemberMinor: one.Minor, MemberCount: c.Limits.MemberCount, TotalMinor: all.Minor, TotalCount: c.Limits.TotalCount}, errors.Join(err1, err2)
}

// stepUpAbove is what a payment may be without a further proof: in gb and eu the
// low-value exemption (RTS (EU) 2018/389 Art 16).
func (c StandInFile) stepUpAbove() string {
	switch {
	case c.Payments.StepUpAbove != "":
		return c.Payments.StepUpAbove
	case c.Cell.Rules == "gb":
		return "25.00"
	case c.Cell.Rules == "eu":
		return "30.00"
	}
	return "500.00"
}

// free gives the bounds of payments without a proof since the last with one, in
// minor units and in number: those that core has (RTS (EU) 2018/389 Art 16(b) and (c)).
func (c StandInFile) free() (total, count int64) {
	rules := map[string]payment.Rules{"gb": payment.GBRules(), "eu": payment.EURules()}[c.Cell.Rules]
	return rules.FreeTotal, int64(rules.FreeCount)
}

// rest is how long a session may rest, as core has it.
func (c StandInFile) rest() time.Duration {
	return Config{Cell: c.Cell, SignIn: SignInConfig{Idle: c.SignIn.Idle}}.rest()
}

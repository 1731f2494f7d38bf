// Package doctor looks at each thing that a core process depends on and says
// what it found and, where something is wrong, what to do about it. It changes
// nothing: what it writes to a database it takes back.
package doctor

import (
	"context"
	"fmt"
	"time"
)

// State is how a finding is to be taken.
type State string

// The states.
const (
	OK   State = "ok"
	Warn State = "warning" // works now; somebody should look at it
	Fail State = "failed"  // core will not run, or not safely
)

// Finding is the outcome of one check.
type Finding struct {
	Check string `json:"check"`
	State State  `json:"state"`
	Found string `json:"found"`
	Do    string `json:"do,omitempty"` // what the operator does now; empty when all is well
}

// Params is what is checked: the settings of a configuration file in plain form.
type Params struct {
	Database   string // postgres:// URL or the path of an SQLite file
	MasterKey  string
	PublicURL  string
	TimeZone   string
	Public     string // listen addresses
	Admin      string
	TLS        TLS
	Mail       Mail
	Probes     []Probe // what only the caller knows how to reach
	Now        func() time.Time
	FreeWanted uint64 // bytes of free disk below which it warns; a GiB when 0
}

// TLS names the certificate and key files; both empty means plain HTTP.
type TLS struct{ Certificate, Key string }

// Mail is the SMTP relay; an empty Server means that none is used.
type Mail struct{ Server, User, Password, Mode string }

// Probe is a check of the caller's: a source of accounts, a table file.
type Probe struct {
	Check string
	Do    string // what to do when Run fails
	Soft  bool   // core runs safely all the same, so it is a warning
	Run   func(ctx context.Context) (found string, err error)
}

// probeTime bounds each check, so that one dead dependency does not hide the others.
const probeTime = 10 * time.Second

// Examine runs all checks, one after the other.
func Examine(ctx context.Context, p Params) []Finding {
	if p.Now == nil {
		p.Now = time.Now
	}
	if p.FreeWanted == 0 {
		p.FreeWanted = 1 << 30
	}
	var all []Finding
	for _, check := range []func(context.Context, Params) []Finding{
		database, disk, key, certificate, mail, ports, clock, zone, probes,
	} {
		all = append(all, bounded(ctx, p, check)...)
	}
	return all
}

func bounded(ctx context.Context, p Params, check func(context.Context, Params) []Finding) []Finding {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	return check(ctx, p)
}

// Worst gives the worst state among the findings.
func Worst(list []Finding) State {
	worst := OK
	for _, f := range list {
		if f.State == Fail || f.State == Warn && worst == OK {
			worst = f.State
		}
	}
	return worst
}

func probes(ctx context.Context, p Params) (list []Finding) {
	for _, probe := range p.Probes {
		found, err := probe.Run(ctx)
		if err != nil && probe.Soft {
			list = append(list, warn(probe.Check, err.Error(), probe.Do))
			continue
		}
		if err != nil {
			list = append(list, fail(probe.Check, err.Error(), probe.Do))
			continue
		}
		list = append(list, ok(probe.Check, "%s", found))
	}
	return list
}

func ok(check, found string, args ...any) Finding {
	return Finding{Check: check, State: OK, Found: fmt.Sprintf(found, args...)}
}

func warn(check, found, do string) Finding {
	return Finding{Check: check, State: Warn, Found: found, Do: do}
}

func fail(check, found, do string) Finding {
	return Finding{Check: check, State: Fail, Found: found, Do: do}
}

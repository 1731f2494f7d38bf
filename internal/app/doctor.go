package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"text/tabwriter"

	"standfast/internal/core/instrument"
	"standfast/internal/doctor"
	"standfast/internal/fault"
)

// Doctor checks what the configuration file names and prints what it found. It
// fails when core would not run, or not safely.
func Doctor(ctx context.Context, configPath string, asJSON bool, out io.Writer) error {
	c, err := LoadConfig(configPath)
	if err != nil {
		return err
	}
	p, err := c.examined()
	if err != nil {
		return err
	}
	found := doctor.Examine(ctx, p)
	if err := printFindings(out, found, asJSON); err != nil {
		return err
	}
	if doctor.Worst(found) == doctor.Fail {
		return fault.Wrap(fault.Unavailable, "doctor", "Something must be put right before core can run.", errors.New("see the lines marked failed"))
	}
	return nil
}

func printFindings(out io.Writer, list []doctor.Finding, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"state": doctor.Worst(list), "findings": list})
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, f := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\n", f.State, f.Check, f.Found)
		if f.Do != "" {
			fmt.Fprintf(w, "\t\t→ %s\n", f.Do)
		}
	}
	return w.Flush()
}

// examined gives the configuration in the form that the doctor takes.
func (c Config) examined() (doctor.Params, error) {
	password, err := secret(c.Mail.PasswordFile)
	if err != nil {
		return doctor.Params{}, err
	}
	p := doctor.Params{
		Database: c.Database, MasterKey: c.MasterKey, PublicURL: c.Cell.PublicURL, TimeZone: c.Cell.TimeZone,
		Public: c.Listen.Public, Admin: c.Listen.Admin,
		TLS:  doctor.TLS{Certificate: c.TLS.Certificate, Key: c.TLS.Key},
		Mail: doctor.Mail{Server: c.Mail.Server, User: c.Mail.User, Password: password, Mode: c.Mail.TLS},
	}
	for name, s := range c.Sources {
		p.Probes = append(p.Probes, doctor.Probe{Check: "source " + name, Run: s.answers,
			Do: "Accounts held there show their last known balance until it answers: check sources." + name + " and ask whoever runs it."})
	}
	p.Probes = append(p.Probes, c.messageProbes()...)
	if c.Modulus.Weights != "" {
		p.Probes = append(p.Probes, doctor.Probe{Check: "modulus table", Run: c.Modulus.readable, Do: "Fetch the current files and correct [modulus]."})
	}
	if c.SignIn.BreachedPasswords != "" {
		p.Probes = append(p.Probes, doctor.Probe{Check: "breached passwords", Run: c.SignIn.passwordList, Do: "Make the file with `standfast passwords build`; core does not start with a broken one."})
	}
	return p, nil
}

// messageProbes look at the ways out for codes.
func (c Config) messageProbes() (list []doctor.Probe) {
	if c.Text.URL == "" && c.Voice.URL == "" {
		list = append(list, doctor.Probe{Check: "codes", Run: c.codesByMailOnly, Soft: true,
			Do: "Give [text] the address of a gateway (docs/formats/sms-gateway.md): e-mail is the last resort for codes in us, and none in gb and eu."})
	}
	for channel, g := range c.gateways() {
		list = append(list, doctor.Probe{Check: "gateway " + string(channel), Run: g.answers,
			Do: "Codes go by the members' other channels until it answers: check [" + string(channel) + "], its secret file, and ask whoever runs the gateway."})
	}
	return list
}

// codesByMailOnly is the finding of a cell without a gateway.
func (c Config) codesByMailOnly(context.Context) (string, error) {
	if c.Cell.Rules != "us" || c.Mail.Server == "" {
		return "", errors.New("there is no way to send members a code: nobody can sign in on a new device")
	}
	return "", errors.New("codes go by e-mail alone")
}

func (g GatewayConfig) answers(ctx context.Context) (string, error) {
	s, err := g.sender()
	if err != nil {
		return "", err
	}
	return s.Check(ctx)
}

// answers tells whether the source's address speaks HTTP; whether it speaks the
// truth is core's to judge, account by account.
func (s SourceConfig) answers(ctx context.Context) (string, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL, nil)
	if err != nil {
		return "", err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return "", err
	}
	defer a.Body.Close()
	if a.StatusCode >= http.StatusInternalServerError {
		return "", errors.New(s.URL + " answers " + a.Status)
	}
	return s.URL + " answers", nil
}

func (m ModulusConfig) readable(context.Context) (string, error) {
	weights, err := os.Open(m.Weights)
	if err != nil {
		return "", err
	}
	defer weights.Close()
	substitutions, err := os.Open(m.Substitutions)
	if err != nil {
		return "", err
	}
	defer substitutions.Close()
	if _, err := instrument.LoadModulus(weights, substitutions); err != nil {
		return "", err
	}
	return m.Weights + " can be read", nil
}

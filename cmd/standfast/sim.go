package main

import (
	"time"

	"standfast/internal/app"
	"standfast/internal/core/notify/gateway"
)

type simCmd struct {
	Source simSourceCmd `cmd:"" help:"An issuer's own system that holds accounts."`
	Sms    simSMSCmd    `cmd:"" help:"A gateway for text messages and calls."`
}

type simSourceCmd struct {
	Listen string `help:"Address to listen on." default:"localhost:8090"`
	Token  string `help:"Bearer token that callers must send." default:"standfast-sim"`
	JSON   bool   `help:"Print one line of JSON once it answers."`
}

func (c *simSourceCmd) Run(w *world) error { return app.SimSource(w, c.Listen, c.Token, c.JSON, w.out) }

type simSMSCmd struct {
	Listen     string        `help:"Address to listen on." default:"localhost:8091"`
	Token      string        `help:"Bearer token that callers must send." default:"standfast-sim"`
	ReceiptsTo string        `help:"Where receipts are posted, as http://localhost:8080/receipts/text." placeholder:"URL"`
	Secret     string        `help:"Key of the receipts' signatures." default:"standfast-sim-receipts"`
	Slow       time.Duration `help:"Deliver, and say so, only after this long." xor:"fault" placeholder:"20s"`
	Deaf       bool          `help:"Accept messages, deliver none and say nothing more." xor:"fault"`
	Lying      bool          `help:"Say that messages were delivered, and deliver none." xor:"fault"`
	Down       bool          `help:"Answer 503." xor:"fault"`
	JSON       bool          `help:"Print one line of JSON once it answers."`
}

func (c *simSMSCmd) Run(w *world) error {
	return app.SimSMS(w, app.SimSMSOptions{Listen: c.Listen, Token: c.Token, ReceiptsTo: c.ReceiptsTo, Secret: c.Secret, Fault: c.fault(), JSON: c.JSON, Out: w.out})
}

func (c *simSMSCmd) fault() gateway.Fault {
	switch {
	case c.Slow > 0:
		return gateway.Fault{Mode: gateway.Slow, DelayMS: c.Slow.Milliseconds()}
	case c.Deaf:
		return gateway.Fault{Mode: gateway.Deaf}
	case c.Lying:
		return gateway.Fault{Mode: gateway.Lying}
	case c.Down:
		return gateway.Fault{Mode: gateway.Down}
	}
	return gateway.Fault{}
}

package main

import (
	"errors"
	"fmt"

	"standfast/internal/app"
	"standfast/internal/fault"
)

type importCmd struct {
	store
	Members        string `help:"CSV of members." type:"existingfile" placeholder:"F"`
	Accounts       string `help:"CSV of accounts." type:"existingfile" placeholder:"F"`
	Transactions   string `help:"CSV of transactions." type:"existingfile" placeholder:"F"`
	Holders        string `help:"CSV of further holders." type:"existingfile" placeholder:"F"`
	PaymentMethods string `help:"CSV of verified bank accounts." type:"existingfile" placeholder:"F"`
	Atms           string `help:"CSV of cash machines." type:"existingfile" placeholder:"F"`
	JSON           bool   `help:"Print the summary as JSON."`
}

func (c *importCmd) Run(w *world) error {
	t, err := c.target()
	if err != nil {
		return err
	}
	sum, err := app.Import(w, t, app.ImportFiles{Members: c.Members, Accounts: c.Accounts, Transactions: c.Transactions,
		Holders: c.Holders, PaymentMethods: c.PaymentMethods, ATMs: c.Atms}, w.log)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(w.out, sum)
	} else {
		_, err = fmt.Fprintf(w.out, "accounts %d, transactions %d, rejected %d\n", sum.Accounts, sum.Transactions, sum.Rejected)
	}
	if err == nil && sum.Rejected > 0 {
		return errRejected
	}
	return err
}

type balancesCmd struct {
	store
	CSV bool `help:"As account_ref,currency,transactions,balance (the only form there is)." name:"csv"`
}

func (c *balancesCmd) Run(w *world) error {
	t, err := c.target()
	if err != nil {
		return err
	}
	return app.Balances(w, t, w.out, w.log)
}

type verifyCmd struct {
	store
	JSON bool `help:"Print the report as JSON."`
}

func (c *verifyCmd) Run(w *world) error {
	t, err := c.target()
	if err != nil {
		return err
	}
	rep, err := app.Verify(w, t)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(w.out, rep)
	} else {
		err = rep.Print(w.out)
	}
	if err == nil && !rep.OK {
		return fault.Wrap(fault.Internal, "verify", "The records are not whole; the report names what is wrong.", errors.New(rep.First()))
	}
	return err
}

type doctorCmd struct {
	Config string `help:"Configuration file to check." required:"" type:"path"`
	JSON   bool   `help:"Print the findings as JSON."`
}

func (c *doctorCmd) Run(w *world) error { return app.Doctor(w, c.Config, c.JSON, w.out) }

type backupCmd struct {
	store
	To   string `help:"File to write; must not exist." required:"" type:"path" placeholder:"FILE"`
	JSON bool   `help:"Print the summary as JSON."`
}

func (c *backupCmd) Run(w *world) error {
	t, err := c.target()
	if err != nil {
		return err
	}
	sum, err := app.Backup(w, t, c.To)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(w.out, sum)
	}
	_, err = fmt.Fprintf(w.out, "%s\n", sum)
	return err
}

type restoreCmd struct {
	store
	From string `help:"Backup file." required:"" type:"existingfile" placeholder:"FILE"`
	JSON bool   `help:"Print the summary as JSON."`
}

func (c *restoreCmd) Run(w *world) error {
	t, err := c.target()
	if err != nil {
		return err
	}
	rep, err := app.Restore(w, t, c.From)
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(w.out, rep)
	} else {
		err = rep.Print(w.out)
	}
	if err == nil && !rep.OK {
		return fault.Wrap(fault.Internal, "verify", "The backup was restored, but its records are not whole.", errors.New(rep.First()))
	}
	return err
}

type keysCmd struct {
	Rotate keysRotateCmd `cmd:"" help:"Sign with a new key from now on; nobody is signed out."`
}

type keysRotateCmd struct {
	Config string `help:"Configuration file." required:"" type:"path"`
}

func (c *keysRotateCmd) Run(w *world) error { return app.RotateKeys(w, c.Config, w.out) }

package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"standfast/internal/app"
)

type passwordsCmd struct {
	Build passwordsBuildCmd `cmd:"" help:"Make the file of breached passwords that members may not choose."`
}

type passwordsBuildCmd struct {
	In      string `arg:"" help:"List: a password a line, or a SHA-1 in hexadecimal digits with or without :COUNT; - for standard input."`
	Out     string `arg:"" help:"File to write or, once it is complete, to replace." type:"path"`
	Form    string `help:"What the lines are: plain, sha1, or auto, as the first line looks." enum:"auto,plain,sha1" default:"auto"`
	AtLeast uint64 `help:"Leave out what was seen less often." placeholder:"N"`
	JSON    bool   `help:"Print the summary as JSON."`
}

func (c *passwordsBuildCmd) Run(w *world) error {
	form := c.Form
	if form == "auto" {
		form = ""
	}
	sum, err := app.BuildPasswords(w, app.PasswordList{From: c.In, To: c.Out, Form: form, AtLeast: c.AtLeast}, os.Stdin)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(w.out, sum)
	}
	_, err = fmt.Fprintf(w.out, "lines %d, passwords %d, skipped %d, bytes %d\n", sum.Lines, sum.Passwords, sum.Skipped, sum.Bytes)
	return err
}

// hashCmd is what core starts (see signin.ServeHashes). It ends with core, not by
// the signals that core gets, since core may still need it to finish.
type hashCmd struct{}

func (hashCmd) Run(w *world) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM)
	return app.HashPasswords(os.Stdin, w.out)
}

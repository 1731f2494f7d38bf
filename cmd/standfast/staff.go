package main

import "standfast/internal/app"

type staffCmd struct {
	SetUpLink setUpLinkCmd `cmd:"" help:"Print a link that makes an operator of whoever opens it first."`
}

type setUpLinkCmd struct{ store }

func (c *setUpLinkCmd) Run(w *world) error {
	t, err := c.target()
	if err != nil {
		return err
	}
	return app.SetUpLink(w, t, w.out)
}

package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"standfast/internal/fault"
	"standfast/internal/pki"
)

// A demo of one cell has its files straight in its folder and the host localhost.
// One of several has a folder and a host for each, as gb.localhost, and one edge
// before them all.

// demoLabels name the regions as those who live there do.
var demoLabels = map[string]string{"us": "United States", "gb": "United Kingdom", "eu": "Europäische Union"}

// checkCells refuses what cannot be run.
func (o DemoOptions) checkCells() error {
	for i, name := range o.Cells {
		if demoLabels[name] == "" || slices.Contains(o.Cells[:i], name) {
			return fault.New(fault.Invalid, "usage", "--cells names some of us, gb and eu, each once, as: --cells us,gb,eu")
		}
	}
	switch several := len(o.Cells) > 1; {
	case len(o.Cells) == 0:
		return fault.New(fault.Invalid, "usage", "--cells names at least one of us, gb and eu.")
	case several && o.Direct:
		return fault.New(fault.Invalid, "usage", "Several cells need an edge before them.")
	case several && len(o.Sources) > 0:
		return fault.New(fault.Invalid, "usage", "A reference source of accounts serves one cell: it has one currency.")
	case several && o.Database != "" && !strings.Contains(o.Database, cellInURL):
		return fault.New(fault.Invalid, "usage", "Each cell has a database of its own: write "+cellInURL+" where the name of the cell stands in --database.")
	}
	return nil
}

// cellInURL stands for the cell's name in the URL of a database.
const cellInURL = "{cell}"

// castCells gives the cells in their folders.
func (o DemoOptions) castCells(dir string) (list []*demoCell, err error) {
	for _, name := range o.Cells {
		c := &demoCell{name: name, host: "localhost", dir: dir}
		if len(o.Cells) > 1 {
			c.host, c.prefix, c.dir = name+".localhost", name+"/", filepath.Join(dir, name)
			err = errors.Join(err, os.MkdirAll(c.dir, 0o700))
		}
		c.database, c.key = demoStore(c.dir, o.Data, strings.ReplaceAll(o.Database, cellInURL, name))
		list = append(list, c)
	}
	return list, err
}

func (s *supervisor) several() bool { return len(s.cells) > 1 }

// publicURL is what members of a cell type.
func (s *supervisor) publicURL(c *demoCell) string { return "http://" + c.host + ":" + port(s.public) }

// regions are all cells as each one's pages offer them; none where there is one.
func (s *supervisor) regions() (list []RegionConfig) {
	if !s.several() {
		return nil
	}
	for _, c := range s.cells {
		list = append(list, RegionConfig{Name: c.name, Label: demoLabels[c.name], URL: s.publicURL(c)})
	}
	return list
}

// certify makes the throwaway authority by which the demo's processes know each
// other, unless it is there. Of several cells, each has its own certificates under
// the one authority: they say whose cell it is.
func (s *supervisor) certify() error {
	if !s.several() {
		return unlessThere(s.cells[0].pki(), func(dir string) error { return pki.Create(dir, s.cells[0].name) })
	}
	all := filepath.Join(s.dir, "pki")
	if err := unlessThere(all, func(dir string) error {
		return errors.Join(pki.CreateAuthority(dir), pki.Issue(dir, dir, pki.AnyCell, pki.Edge, pki.Operator))
	}); err != nil {
		return err
	}
	for _, c := range s.cells {
		if err := unlessThere(c.pki(), func(dir string) error { return pki.Issue(all, dir, c.name, pki.Core, pki.StandIn, pki.Console) }); err != nil {
			return err
		}
	}
	return nil
}

// unlessThere makes a folder of certificates that has none yet.
func unlessThere(dir string, make func(dir string) error) error {
	_, err := os.Stat(filepath.Join(dir, pki.AuthorityFile))
	if errors.Is(err, os.ErrNotExist) {
		return make(dir)
	}
	return err
}

func (s *supervisor) readyCell(c *demoCell) ReadyCell {
	r := ReadyCell{Name: c.name, Portal: s.publicURL(c) + "/", API: s.publicURL(c) + "/api/v1", Admin: localURL(c.core.admin),
		Console: localURL(c.core.console) + "/", Members: demoMembers(CellUnder(c.name)), Operators: c.operators()}
	if !s.o.Direct {
		r.StandIn = localURL(c.standin.admin)
	}
	return r
}

// tell writes where a cell answers, for people. Of several, each begins with its name.
func (c ReadyCell) tell(w io.Writer, mailbox string, several bool) {
	if several {
		fmt.Fprintf(w, "\n%s", demoLabels[c.Name])
	}
	fmt.Fprintf(w, "\n  Members' pages   %s\n  Staff console    %s\n  JSON API         %s\n  Mailbox          %s   (codes and notices arrive here)\n  Health, metrics  %s/metrics\n\n", c.Portal, c.Console, c.API, mailbox, c.Admin)
	for _, m := range c.Members {
		fmt.Fprintf(w, "  Sign in as %-7s password %s\n", m.Username, m.Password)
	}
	for _, o := range c.Operators {
		fmt.Fprintf(w, "\n  To become the first operator of the console, open\n  %s\n", o.SetUp)
	}
}

package app

import (
	"net"
	"path/filepath"
	"strconv"

	"standfast/internal/pki"
)

// demoExercise is the share of looking requests that a demo's stand-in answers
// all the time, in hundredths of a percent.
const demoExercise = 500

// demoEdge holds the edge's sockets, beside the one that members know.
type demoEdge struct{ admin, internal net.Listener }

func (e *demoEdge) open() error { return openAll(&e.admin, &e.internal) }

func (e *demoEdge) close() { closeAll(&e.admin, &e.internal) }

func (s *supervisor) edgePath() string { return filepath.Join(s.dir, "edge.toml") }

// writeEdgeConfig writes the file that the edge reads. Of several cells each has a
// host of its own, and the bare one leads to them.
func (s *supervisor) writeEdgeConfig(cores []Config) error {
	c, certificates := EdgeDefaults(), filepath.Join(s.dir, "pki")
	c.Store = filepath.Join(s.dir, "edge.db")
	c.Limits.PerClient = 0 // everybody comes from this machine, a game day's whole crowd too
	c.Listen.Public, c.Listen.Admin = s.public.Addr().String(), s.edge.admin.Addr().String()
	c.Internal = EdgeInternalConfig{Listen: s.edge.internal.Addr().String(), CA: filepath.Join(certificates, pki.AuthorityFile),
		Certificate: pki.CertificateFile(certificates, pki.Edge), Key: pki.KeyFile(certificates, pki.Edge)}
	for i, cell := range s.cells {
		core := cores[i].Cell
		c.Cells = append(c.Cells, EdgeCellConfig{Name: core.Name, Hosts: []string{cell.host}, Brand: brand, Telephone: core.Telephone, Locales: core.Locales,
			Builds:  []EdgeBuildConfig{{Name: "core", URL: insideURL(cell.core.internal)}},
			Standin: EdgeStandinConfig{URL: insideURL(cell.standin.internal), Share: demoExercise}})
	}
	if s.several() {
		c.Front = EdgeFrontConfig{Hosts: []string{"localhost"}, Brand: brand}
		for i, r := range s.regions() {
			c.Cells[i].Label, c.Cells[i].URL = r.Label, r.URL
		}
	}
	if s.o.Through != "" {
		c.Cells[0].Builds[0].URL = s.o.Through
	}
	return writeTOML(s.edgePath(), c)
}

// edgeChild is the edge's process.
func (s *supervisor) edgeChild() *child {
	return &child{name: "edge", args: []string{"edge", "--config", s.edgePath()}, sockets: []net.Listener{s.public, s.edge.admin, s.edge.internal},
		ready: localURL(s.edge.admin) + "/readyz", stays: s.o.NoRestart}
}

// localURL gives a socket's address with the name localhost: WebAuthn refuses 127.0.0.1.
func localURL(l net.Listener) string { return "http://localhost:" + port(l) }

func port(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

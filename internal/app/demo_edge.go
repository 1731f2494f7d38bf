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

// writeEdgeConfig writes the file that the edge reads.
func (s *supervisor) writeEdgeConfig(core Config) error {
	c, inside := EdgeDefaults(), s.cell.inside(s.edge.internal, pki.Edge)
	c.Store = filepath.Join(s.dir, "edge.db")
	c.Listen.Public, c.Listen.Admin = s.public.Addr().String(), s.edge.admin.Addr().String()
	c.Internal = EdgeInternalConfig{Listen: inside.Listen, CA: inside.CA, Certificate: inside.Certificate, Key: inside.Key}
	c.Cells = []EdgeCellConfig{{Name: core.Cell.Name, Hosts: []string{"localhost"}, Brand: brand, Telephone: core.Cell.Telephone, Locales: core.Cell.Locales,
		Builds:  []EdgeBuildConfig{{Name: "core", URL: insideURL(s.cell.core.internal)}},
		Standin: EdgeStandinConfig{URL: insideURL(s.cell.standin.internal), Share: demoExercise}}}
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

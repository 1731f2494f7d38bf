package app

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/pelletier/go-toml/v2"

	"standfast/internal/pki"
)

// demoEdge is what a demo has where its members come through an edge: the edge's
// own sockets, and core's behind it.
type demoEdge struct {
	admin          net.Listener // of the edge
	core, internal net.Listener // core's own door, which nobody is told of, and the one for the edge
}

// demoLinger is how long a demo's core still serves while it says that it goes.
const demoLinger = 200 * time.Millisecond

func openDemoEdge() (*demoEdge, error) {
	e := &demoEdge{}
	for _, l := range []*net.Listener{&e.admin, &e.core, &e.internal} {
		var err error
		if *l, err = listen("localhost:0"); err != nil {
			e.close()
			return nil, err
		}
	}
	return e, nil
}

func (e *demoEdge) close() {
	for _, l := range []net.Listener{e.admin, e.core, e.internal} {
		if l != nil {
			l.Close()
		}
	}
}

func (s *supervisor) pki() string { return filepath.Join(s.dir, "pki") }

// certify makes the throwaway authority by which the demo's processes know each other.
func (s *supervisor) certify(cell string) error {
	_, err := os.Stat(filepath.Join(s.pki(), pki.AuthorityFile))
	if errors.Is(err, os.ErrNotExist) {
		return pki.Create(s.pki(), cell)
	}
	return err
}

// behind has core answer the edge in place of members.
func (e *demoEdge) behind(c *Config, dir string) {
	c.Listen.Public = e.core.Addr().String()
	c.Internal = InternalConfig{Listen: e.internal.Addr().String(), CA: filepath.Join(dir, pki.AuthorityFile),
		Certificate: pki.CertificateFile(dir, pki.Core), Key: pki.KeyFile(dir, pki.Core), Linger: Duration{demoLinger}}
}

// writeEdgeConfig writes the file that the edge reads.
func (s *supervisor) writeEdgeConfig(core Config) error {
	c, dir := EdgeDefaults(), s.pki()
	c.Store = filepath.Join(s.dir, "edge.db")
	c.Listen.Public, c.Listen.Admin = s.public.Addr().String(), s.edge.admin.Addr().String()
	c.Internal = EdgeInternalConfig{CA: filepath.Join(dir, pki.AuthorityFile), Certificate: pki.CertificateFile(dir, pki.Edge), Key: pki.KeyFile(dir, pki.Edge)}
	c.Cells = []EdgeCellConfig{{Name: core.Cell.Name, Hosts: []string{"localhost"}, Brand: brand, Telephone: core.Cell.Telephone, Locales: core.Cell.Locales,
		Builds: []EdgeBuildConfig{{Name: "core", URL: "https://localhost:" + port(s.edge.internal)}}}}
	b, err := toml.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(s.edgePath(), b, 0o600)
}

func (s *supervisor) edgePath() string { return filepath.Join(s.dir, "edge.toml") }

func port(l net.Listener) string { return strconv.Itoa(l.Addr().(*net.TCPAddr).Port) }

// edgeChild is the edge's process.
func (s *supervisor) edgeChild() *child {
	return &child{name: "edge", args: []string{"edge", "--config", s.edgePath()}, sockets: []net.Listener{s.public, s.edge.admin},
		ready: s.url(s.edge.admin) + "/readyz", stays: s.o.NoRestart}
}

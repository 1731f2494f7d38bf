package app

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	"standfast/internal/edge/route"
	"standfast/internal/fault"
)

// EdgeConfig is the one configuration file of an edge process.
type EdgeConfig struct {
	Store    string             `toml:"store"` // SQLite file: decisions of the routing, overrides
	Listen   EdgeListenConfig   `toml:"listen"`
	TLS      EdgeTLSConfig      `toml:"tls"`
	Internal EdgeInternalConfig `toml:"internal"`
	Limits   EdgeLimitsConfig   `toml:"limits"`
	Rollout  EdgeRolloutConfig  `toml:"rollout"`
	Front    EdgeFrontConfig    `toml:"front"`
	Cells    []EdgeCellConfig   `toml:"cells"`
}

// EdgeFrontConfig is the host that belongs to no cell: there members choose where
// their accounts are.
type EdgeFrontConfig struct {
	Hosts []string `toml:"hosts"` // exact names, without a port; empty: there is none
	Brand string   `toml:"brand"`
}

// EdgeListenConfig says where the edge answers.
type EdgeListenConfig struct {
	Public string `toml:"public"`
	HTTP   string `toml:"http"`  // empty: nobody is sent on from http
	Admin  string `toml:"admin"` // health, readiness, metrics, profiles; never public
	// Linger is how long a stopping edge still takes connections while it says that
	// it is not ready, so that whatever stands before it notices.
	Linger Duration `toml:"linger"`
}

// EdgeTLSConfig is where the certificate that members see comes from: files, or an
// authority, or nowhere (plain HTTP, on this machine only).
type EdgeTLSConfig struct {
	Certificate string     `toml:"certificate"`
	Key         string     `toml:"key"`
	ACME        ACMEConfig `toml:"acme"`
}

// ACMEConfig is the authority that gives certificates by itself.
type ACMEConfig struct {
	Folder    string `toml:"folder"`    // keeps account and certificates; empty: none
	Directory string `toml:"directory"` // empty: Let's Encrypt
	Email     string `toml:"email"`
}

// EdgeInternalConfig is the edge's own certificate between our processes, and
// where the console and operators reach it.
type EdgeInternalConfig struct {
	Listen      string `toml:"listen"` // empty: nowhere
	CA          string `toml:"ca"`
	Certificate string `toml:"certificate"`
	Key         string `toml:"key"`
}

// EdgeLimitsConfig bounds what requests may take.
type EdgeLimitsConfig struct {
	Connections int      `toml:"connections"` // of members at once
	Body        int64    `toml:"body"`        // bytes of a call; pages' forms are bounded more tightly
	Deadline    Duration `toml:"deadline"`    // of one request
	Patience    Duration `toml:"patience"`    // with a page before another process is asked
	InFlight    int      `toml:"in_flight"`   // requests at one process at once
	Queue       int      `toml:"queue"`       // requests that wait for one
	Wait        Duration `toml:"wait"`        // how long one waits
	PerClient   int      `toml:"per_client"`  // requests of one client's address at once; 0: no bound
}

// EdgeRolloutConfig is how fast a new build of core gets its members.
type EdgeRolloutConfig struct {
	Step Duration `toml:"step"` // least time at each share
	Idle Duration `toml:"idle"` // the same where too few members come to tell
	Seen int      `toml:"seen"` // answers of the new build that are enough to tell
}

// rules gives them to the router; what is 0 has the router's own figure.
func (c EdgeRolloutConfig) rules() route.Rules {
	return route.Rules{BuildStep: c.Step.Duration, BuildIdle: c.Idle.Duration, BuildSeen: c.Seen}
}

// EdgeCellConfig is one cell behind the edge.
type EdgeCellConfig struct {
	Name      string            `toml:"name"`
	Hosts     []string          `toml:"hosts"` // exact names, without a port
	Telephone string            `toml:"telephone"`
	Brand     string            `toml:"brand"`
	Locales   []string          `toml:"locales"`
	StatusURL string            `toml:"status_url"`
	Label     string            `toml:"label"` // of the region, in its own language, as the front offers it
	URL       string            `toml:"url"`   // that members of it type
	Builds    []EdgeBuildConfig `toml:"builds"`
	Standin   EdgeStandinConfig `toml:"standin"`
}

// EdgeBuildConfig is one build of core that runs.
type EdgeBuildConfig struct {
	Name  string `toml:"name"`
	URL   string `toml:"url"`   // of its internal listener
	Share int    `toml:"share"` // of members, in hundredths of a percent; the first build has what the others leave
}

// EdgeStandinConfig is the cell's stand-in.
type EdgeStandinConfig struct {
	URL   string `toml:"url"`   // of its internal listener; empty: the cell has none
	Share int    `toml:"share"` // of looking requests that it answers all the time, in hundredths of a percent
}

// EdgeDefaults gives the configuration that the file only needs to differ from.
func EdgeDefaults() EdgeConfig {
	return EdgeConfig{Store: "edge.db", Listen: EdgeListenConfig{Public: ":443", Admin: "localhost:9444"}, Limits: EdgeLimitsConfig{Connections: 20_000, PerClient: 128}}
}

// LoadEdgeConfig reads and checks an edge's file. Unknown keys are errors.
func LoadEdgeConfig(path string) (EdgeConfig, error) {
	c := EdgeDefaults()
	b, err := os.ReadFile(path)
	if err != nil {
		return c, fault.Wrap(fault.Invalid, "config.file", "The configuration file cannot be read: "+path, err)
	}
	if len(b) > maxConfigBytes {
		return c, fault.New(fault.TooLarge, "config.file", "The configuration file is over 1 MiB.")
	}
	if err := toml.NewDecoder(strings.NewReader(string(b))).DisallowUnknownFields().Decode(&c); err != nil {
		return c, fault.Wrap(fault.Invalid, "config.syntax", configError(path, err), err)
	}
	dir := filepath.Dir(path)
	for _, p := range []*string{&c.Store, &c.TLS.Certificate, &c.TLS.Key, &c.TLS.ACME.Folder, &c.Internal.CA, &c.Internal.Certificate, &c.Internal.Key} {
		*p = under(dir, *p)
	}
	for i := range c.Cells {
		if c.Cells[i].Brand == "" {
			c.Cells[i].Brand = brand
		}
	}
	if c.Front.Brand == "" {
		c.Front.Brand = brand
	}
	return c, c.Check()
}

// Check names every setting that cannot work.
func (c EdgeConfig) Check() error {
	var bad []fault.Field
	no := func(key, why string) {
		bad = append(bad, fault.Field{Location: key, Code: "config", Message: key + ": " + why})
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		no("tls", "needs both certificate and key, or neither")
	}
	if c.TLS.Certificate != "" && c.TLS.ACME.Folder != "" {
		no("tls.acme", "stands beside a certificate; one of them is too many")
	}
	if i := c.Internal; (i.CA == "") != (i.Certificate == "") || (i.CA == "") != (i.Key == "") || i.Listen != "" && i.CA == "" {
		no("internal", "needs ca, certificate and key, as `standfast certificates` makes them")
	}
	if c.Listen.Linger.Duration < 0 || c.Listen.Linger.Duration > maxLinger {
		no("listen.linger", "is between 0s and 1m")
	}
	if c.Limits.Connections < 0 || c.Limits.Body < 0 || c.Limits.InFlight < 0 || c.Limits.Queue < 0 || c.Limits.PerClient < 0 ||
		c.Limits.Deadline.Duration < 0 || c.Limits.Patience.Duration < 0 || c.Limits.Wait.Duration < 0 {
		no("limits", "are not negative")
	}
	if c.Rollout.Step.Duration < 0 || c.Rollout.Idle.Duration < 0 || c.Rollout.Seen < 0 {
		no("rollout", "is not negative")
	}
	if len(c.Cells) == 0 {
		no("cells", "needs at least one")
	}
	c.checkFront(no)
	for i, cell := range c.Cells {
		cell.check(fmt.Sprintf("cells[%d]", i), c.Internal.CA != "", no)
	}
	if len(bad) == 0 {
		return nil
	}
	return fault.InvalidFields(bad...)
}

// checkFront wants a name and an address of each cell that the front leads to.
func (c EdgeConfig) checkFront(no func(key, why string)) {
	checkHosts("front.hosts", c.Front.Hosts, no)
	for i, cell := range c.Cells {
		u, err := url.Parse(cell.URL)
		if len(c.Front.Hosts) > 0 && (cell.Label == "" || err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
			no(fmt.Sprintf("cells[%d]", i), "needs a label and a url such as https://my.example.co.uk where there is a [front]")
		}
	}
}

func checkHosts(at string, hosts []string, no func(key, why string)) {
	for _, h := range hosts {
		if u, err := url.Parse("https://" + h); err != nil || u.Hostname() != h {
			no(at, h+" is no host name")
		}
	}
}

func (c EdgeCellConfig) check(at string, certified bool, no func(key, why string)) {
	if c.Name == "" || len(c.Hosts) == 0 || c.Telephone == "" {
		no(at, "needs a name, hosts and a telephone number")
	}
	checkHosts(at+".hosts", c.Hosts, no)
	for _, l := range c.Locales {
		if _, err := language.Parse(l); err != nil {
			no(at+".locales", l+" is no language tag")
		}
	}
	if u, err := url.Parse(c.StatusURL); c.StatusURL != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		no(at+".status_url", "is an address such as https://status.example.com")
	}
	if len(c.Builds) == 0 {
		no(at+".builds", "needs at least one build of core")
	}
	for _, t := range c.targets() {
		if why := wrongTarget(t.URL, certified); why != "" {
			no(at, why)
		}
	}
	for _, b := range c.Builds {
		if b.Name == "" || b.Share < 0 || b.Share > 10_000 {
			no(at+".builds", "each has a name, and a share from 0 to 10000 hundredths of a percent")
		}
	}
	if c.Standin.Share < 0 || c.Standin.Share > 10_000 {
		no(at+".standin.share", "is from 0 to 10000 hundredths of a percent")
	}
}

// wrongTarget says why an address cannot be one of a process behind; "" when it
// can. Members' requests cross a network only encrypted, both ends known.
func wrongTarget(s string, certified bool) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" || u.Scheme != "http" && u.Scheme != "https" {
		return s + " is no address such as https://core-1.internal:8444"
	}
	if u.Scheme == "https" && !certified {
		return s + " is reached by mutual TLS: [internal] needs ca, certificate and key"
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "http" && u.Hostname() != "localhost" && (err != nil || !ip.IsLoopback()) {
		return s + " is not on this machine and so must be https"
	}
	return ""
}

// targets are the processes behind the edge that belong to the cell.
func (c EdgeCellConfig) targets() []route.Target {
	var list []route.Target
	for _, b := range c.Builds {
		list = append(list, route.Target{Cell: c.Name, Side: route.Core, Build: b.Name, URL: b.URL})
	}
	if c.Standin.URL != "" {
		list = append(list, route.Target{Cell: c.Name, Side: route.Standin, URL: c.Standin.URL})
	}
	return list
}

// hosts are all names that the edge answers for.
func (c EdgeConfig) hosts() (list []string) {
	for _, h := range c.Front.Hosts {
		list = append(list, strings.ToLower(h))
	}
	for _, cell := range c.Cells {
		for _, h := range cell.Hosts {
			list = append(list, strings.ToLower(h))
		}
	}
	return list
}

package app

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const deployFolder = "../../deploy"

// deployed is one configuration of deploy/, read by the loader of its process.
type deployed struct {
	ports []int    // that the process opens beyond its own machine
	files []string // that it needs and does not make
	state []string // that it writes
}

// readDeployed reads core-a.toml, edge.toml or standin.toml.
func readDeployed(t *testing.T, path string) (d deployed) {
	t.Helper()
	var listens []string
	switch name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".toml"), "-"); name {
	case "core":
		c, err := LoadConfig(path)
		must(t, path, err)
		listens = []string{c.Listen.Public, c.Listen.Admin, c.Internal.Listen}
		d.files = []string{c.MasterKey, c.Internal.CA, c.Internal.Certificate, c.Internal.Key}
		d.state = []string{c.Offline.Folder}
	case "edge":
		c, err := LoadEdgeConfig(path)
		must(t, path, err)
		listens = []string{c.Listen.Public, c.Listen.HTTP, c.Listen.Admin, c.Internal.Listen}
		d.files = []string{c.TLS.Certificate, c.TLS.Key, c.Internal.CA, c.Internal.Certificate, c.Internal.Key}
		d.state = []string{c.Store}
	case "standin":
		c, err := LoadStandIn(path)
		must(t, path, err)
		listens = []string{c.Listen.Admin, c.Internal.Listen}
		d.files = []string{c.Internal.CA, c.Internal.Certificate, c.Internal.Key}
		d.state = []string{c.Store, c.Keys}
	default:
		t.Fatalf("%s: whose file is it?", path)
	}
	for _, l := range listens {
		host, port, err := net.SplitHostPort(l)
		must(t, path, err)
		if n, err := strconv.Atoi(port); err == nil && host == "" {
			d.ports = append(d.ports, n)
		}
	}
	return d
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// documents decodes every YAML document of a file; unknown fields are left alone.
func documents[T any](t *testing.T, path string) (list []T) {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, path, err)
	for d := yaml.NewDecoder(bytes.NewReader(b)); ; {
		var one T
		err := d.Decode(&one)
		if errors.Is(err, io.EOF) {
			return list
		}
		must(t, path, err)
		list = append(list, one)
	}
}

// beneath tells whether a path lies in one of the folders.
func beneath(path string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return path == f || strings.HasPrefix(path, f+"/") })
}

// object is a Kubernetes object as far as the test looks at it.
type object struct {
	Kind     string
	Metadata struct{ Name string }
	Spec     struct {
		Template struct {
			Spec struct {
				Automount       *bool `yaml:"automountServiceAccountToken"`
				Grace           int   `yaml:"terminationGracePeriodSeconds"`
				SecurityContext struct {
					NonRoot bool `yaml:"runAsNonRoot"`
					User    int  `yaml:"runAsUser"`
				} `yaml:"securityContext"`
				Containers []container
				Volumes    []struct {
					Name      string
					ConfigMap struct{ Name string } `yaml:"configMap"`
				}
			}
		}
	}
}

type container struct {
	Args  []string
	Ports []struct {
		Name          string
		ContainerPort int `yaml:"containerPort"`
	}
	SecurityContext struct {
		ReadOnly bool  `yaml:"readOnlyRootFilesystem"`
		Escalate *bool `yaml:"allowPrivilegeEscalation"`
	} `yaml:"securityContext"`
	Resources struct{ Requests, Limits map[string]string }
	Startup   probe `yaml:"startupProbe"`
	Liveness  probe `yaml:"livenessProbe"`
	Readiness probe `yaml:"readinessProbe"`
	Mounts    []struct {
		MountPath string `yaml:"mountPath"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"volumeMounts"`
}

type probe struct {
	HTTP struct{ Path, Port string } `yaml:"httpGet"`
	TCP  struct{ Port string }       `yaml:"tcpSocket"`
}

// Every port, path, file and probe that the manifests name is one of the process's,
// as its own loader reads it, and each has limits and a user that is not root.
func TestManifestsRunWhatTheConfigurationsSay(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(deployFolder, "kubernetes", "*.yaml"))
	must(t, "kubernetes", err)
	seen := 0
	for _, path := range paths {
		for _, o := range documents[object](t, path) {
			if o.Kind == "Secret" {
				t.Errorf("%s has the contents of a secret", path)
			}
			if o.Kind == "StatefulSet" {
				seen++
				checkWorkload(t, o)
			}
		}
	}
	if seen != 4 {
		t.Errorf("%d workloads", seen)
	}
}

func checkWorkload(t *testing.T, o object) {
	t.Helper()
	name, spec := o.Metadata.Name, o.Spec.Template.Spec
	conf := readDeployed(t, filepath.Join(deployFolder, "kubernetes", "config", name+".toml"))
	if !spec.SecurityContext.NonRoot || spec.SecurityContext.User != 65532 || spec.Automount == nil || *spec.Automount || spec.Grace < 45 {
		t.Errorf("%s: %+v", name, spec.SecurityContext)
	}
	c := spec.Containers[0]
	if !c.SecurityContext.ReadOnly || c.SecurityContext.Escalate == nil || *c.SecurityContext.Escalate || c.Resources.Limits["memory"] == "" || c.Resources.Requests["cpu"] == "" {
		t.Errorf("%s: %+v %+v", name, c.SecurityContext, c.Resources)
	}
	var ports []int
	names := map[string]bool{}
	for _, p := range c.Ports {
		ports, names[p.Name] = append(ports, p.ContainerPort), true
	}
	slices.Sort(ports)
	slices.Sort(conf.ports)
	if !slices.Equal(ports, conf.ports) {
		t.Errorf("%s has ports %v, its configuration %v", name, ports, conf.ports)
	}
	for _, p := range []probe{c.Startup, c.Liveness, c.Readiness} {
		if p.HTTP.Path != "/healthz" && p.HTTP.Path != "/readyz" && p.TCP.Port == "" || !names[p.HTTP.Port+p.TCP.Port] {
			t.Errorf("%s: probe %+v", name, p)
		}
	}
	var read, write []string
	for _, m := range c.Mounts {
		if m.ReadOnly {
			read = append(read, m.MountPath)
		} else {
			write = append(write, m.MountPath)
		}
	}
	checkFiles(t, name, conf, append(read, c.Args[len(c.Args)-1]), write)
}

func checkFiles(t *testing.T, name string, conf deployed, read, write []string) {
	t.Helper()
	for _, f := range conf.files {
		if !beneath(f, read) {
			t.Errorf("%s: %s is not there", name, f)
		}
	}
	for _, f := range conf.state {
		if !beneath(f, write) {
			t.Errorf("%s: %s cannot be written", name, f)
		}
	}
}

// composed is the compose file as far as the test looks at it.
type composed struct {
	Services map[string]struct {
		Command  []string
		User     string
		ReadOnly bool     `yaml:"read_only"`
		CapDrop  []string `yaml:"cap_drop"`
		Secrets  []string
		Volumes  []string
		Ports    []string
		Configs  []struct{ Source, Target string }
		Health   struct{ Test []string } `yaml:"healthcheck"`
		Deploy   struct {
			Resources struct{ Limits map[string]any }
		}
	}
	Secrets map[string]struct{ File string }
	Configs map[string]struct{ File string }
}

func TestComposeRunsWhatTheConfigurationsSay(t *testing.T) {
	c := documents[composed](t, filepath.Join(deployFolder, "compose", "compose.yaml"))[0]
	for _, name := range []string{"core", "standin", "edge"} {
		s := c.Services[name]
		if s.User != "65532:65532" || !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") || s.Deploy.Resources.Limits["memory"] == nil || s.Deploy.Resources.Limits["pids"] == nil || len(s.Health.Test) < 4 {
			t.Errorf("%s: %+v", name, s)
		}
		conf := readDeployed(t, filepath.Join(deployFolder, "compose", c.Configs[s.Configs[0].Source].File))
		if s.Command[0] != name || s.Command[2] != s.Configs[0].Target {
			t.Errorf("%s is started by %v", name, s.Command)
		}
		var read, write []string
		for _, secret := range s.Secrets {
			if c.Secrets[secret].File == "" {
				t.Errorf("%s: no secret %s", name, secret)
			}
			read = append(read, "/run/secrets/"+secret)
		}
		for _, v := range s.Volumes {
			_, at, _ := strings.Cut(v, ":")
			write = append(write, at)
		}
		checkFiles(t, name, conf, read, write)
		for _, p := range s.Ports {
			_, inside, _ := strings.Cut(p, ":")
			if n, err := strconv.Atoi(inside); err != nil || !slices.Contains(conf.ports, n) {
				t.Errorf("%s: nothing answers behind %s", name, p)
			}
		}
	}
}

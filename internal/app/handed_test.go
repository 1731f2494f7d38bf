package app

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// handedProcess is what the child of the test below does: it says for each door
// which port it has.
func handedProcess() {
	var public, admin, console net.Listener
	held := handedOver()
	err := held.open(door{"public", "127.0.0.1:0", &public}, door{"console", "", &console}, door{"admin", "127.0.0.1:0", &admin})
	if err != nil {
		os.Stdout.WriteString(err.Error())
		return
	}
	os.Stdout.WriteString(port(public) + " " + port(admin))
}

func TestSocketsAreTakenOverByNameOrInOrder(t *testing.T) {
	if os.Getenv("STANDFAST_TEST_HANDED") != "" {
		handedProcess()
		os.Exit(0)
	}
	a, b := held(t), held(t)
	for _, c := range []struct {
		name    string
		env     []string
		public  string // port; "" for one of its own
		admin   string
		sockets []net.Listener
	}{
		{"nothing", nil, "", "", nil},
		{"in order", []string{"LISTEN_FDS=2"}, port(a), port(b), []net.Listener{a, b}},
		{"the first alone", []string{"LISTEN_FDS=1"}, port(a), "", []net.Listener{a}},
		{"by name", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=admin:public"}, port(b), port(a), []net.Listener{a, b}},
		{"a name that is none of ours", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=http:public"}, port(b), "", []net.Listener{a, b}},
		{"names that say nothing", []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=x.socket:x.socket"}, port(a), port(b), []net.Listener{a, b}},
		{"for another process", []string{"LISTEN_FDS=2", "LISTEN_PID=1"}, "", "", []net.Listener{a, b}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.Command(os.Args[0], "-test.run=^"+strings.Split(t.Name(), "/")[0]+"$")
			cmd.Env = append(append(os.Environ(), "STANDFAST_TEST_HANDED=1"), c.env...)
			for _, l := range c.sockets {
				f, err := l.(*net.TCPListener).File()
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				cmd.ExtraFiles = append(cmd.ExtraFiles, f)
			}
			out, err := cmd.Output()
			ports := strings.Fields(string(out))
			if err != nil || len(ports) != 2 {
				t.Fatalf("%v: %s", err, out)
			}
			for i, want := range []string{c.public, c.admin} {
				own := ports[i] != port(a) && ports[i] != port(b)
				if ports[i] != want && !(want == "" && own) {
					t.Errorf("door %d is at %s, want %q", i, ports[i], want)
				}
			}
		})
	}
}

func held(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

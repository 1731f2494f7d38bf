package app

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
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
			release, err := HandOver(cmd, c.sockets...)
			if err != nil {
				t.Fatal(err)
			}
			defer release()
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

// TestASocketThatIsHandedOnStaysAsItIs: whether it blocks is one mark for everybody
// who holds it.
func TestASocketThatIsHandedOnStaysAsItIs(t *testing.T) {
	l := held(t)
	cmd := exec.Command("true")
	release, err := HandOver(cmd, l)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	raw, err := l.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) {
		flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, fd, syscall.F_GETFL, 0)
		if flags&syscall.O_NONBLOCK == 0 {
			t.Error("the socket blocks for everybody who holds it")
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// TestWhoeverMakesASocketBlockKeepsNobodyFromItsEnd: another supervisor than ours may
// hand the socket on and make it block for the process that has it.
func TestWhoeverMakesASocketBlockKeepsNobodyFromItsEnd(t *testing.T) {
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // whose accept knows no time limit
	first, err := plain.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	f, err := duplicate(first)
	if err != nil {
		t.Fatal(err)
	}
	own, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	l, err := inherited(uintptr(own))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.SetNonblock(int(f.Fd()), false); err != nil {
		t.Fatal(err)
	}
	accepted := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		accepted <- err
	}()
	for stack := make([]byte, 1<<20); !strings.Contains(string(stack[:runtime.Stack(stack, true)]), "syscall.accept4"); {
		runtime.Gosched()
	}
	closed := make(chan error, 1)
	go func() { closed <- l.Close() }()
	if err := <-accepted; err == nil {
		t.Error("a connection that nobody made")
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	f.Close()
}

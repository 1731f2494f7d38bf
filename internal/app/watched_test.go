package app

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// systemd stands for it: it hears what a process says.
func systemd(t *testing.T) (path string, heard func() string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return path, func() string {
		b := make([]byte, 100)
		_ = c.SetReadDeadline(time.Now().Add(30 * time.Second))
		n, err := c.Read(b)
		if err != nil {
			t.Fatal("nothing was heard:", err)
		}
		return string(b[:n])
	}
}

func TestWhoeverWatchesHearsThatTheProcessServesAndLives(t *testing.T) {
	path, heard := systemd(t)
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "20000")
	admin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer admin.Close()
	w := watchedBy()
	w.serves(t.Context(), admin.Listener.Addr())
	if got := heard(); got != "READY=1" {
		t.Errorf("first %q", got)
	}
	for range 2 {
		if got := heard(); got != "WATCHDOG=1" {
			t.Errorf("then %q", got)
		}
	}
	w.say("STOPPING=1")
	for got := ""; !strings.HasPrefix(got, "STOPPING"); got = heard() {
	}
	if again := watchedBy(); again != (watched{}) {
		t.Errorf("a child would be watched too: %+v", again)
	}
}

// A process that hangs is not said to live, and nobody watching is no error.
func TestAProcessThatHangsIsNotSaidToLive(t *testing.T) {
	l := held(t) // takes connections and answers nothing
	if lives(t.Context(), l.Addr().String(), 50*time.Millisecond) {
		t.Error("it lives")
	}
	watched{}.serves(t.Context(), l.Addr())
}

package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/smtp"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"standfast/internal/masterkey"
)

// key checks that the master key can be read by us and by nobody else.
func key(_ context.Context, p Params) []Finding {
	const name = "master key"
	k, err := masterkey.Load(p.MasterKey)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return []Finding{fail(name, p.MasterKey+" does not exist.", "Run `standfast init` for a new installation. For an existing database put back its own key: nothing else opens it.")}
	case err != nil:
		return []Finding{fail(name, err.Error(), "chmod 600 and chown it to the user that runs core; if it is damaged, put back the copy.")}
	case k.IsDemo():
		return []Finding{fail(name, "It is the demo's, which is published.", "Run `standfast init` in an empty folder and use its key.")}
	}
	return []Finding{ok(name, "%s, readable by its owner alone", p.MasterKey)}
}

// soon is when a certificate that runs out is worth a warning.
const soon = 21 * 24 * time.Hour

func certificate(_ context.Context, p Params) []Finding {
	const name = "TLS certificate"
	u, err := url.Parse(p.PublicURL)
	if err != nil {
		return []Finding{fail(name, err.Error(), "Correct cell.public_url.")}
	}
	if p.TLS == (TLS{}) {
		if host, _, _ := net.SplitHostPort(p.Public); u.Scheme == "https" && !loopback(host) {
			return []Finding{warn(name, "Core serves plain HTTP on "+p.Public+".", "Set tls.certificate and tls.key, or let only your proxy reach that address (listen on localhost).")}
		}
		return []Finding{ok(name, "none; a proxy on this machine has it")}
	}
	pair, err := tls.LoadX509KeyPair(p.TLS.Certificate, p.TLS.Key)
	if err != nil {
		return []Finding{fail(name, err.Error(), "The files must be PEM, readable by the user that runs core, and belong together.")}
	}
	list := []Finding{lifetime(name, pair, p.Now())}
	if err := pair.Leaf.VerifyHostname(u.Hostname()); err != nil {
		list = append(list, fail("TLS name", err.Error(), "Get a certificate for the host of cell.public_url."))
	}
	if st, err := os.Stat(p.TLS.Key); err == nil && st.Mode().Perm()&0o007 != 0 {
		list = append(list, warn("TLS key", fmt.Sprintf("Everybody may read it (mode %04o).", st.Mode().Perm()), "chmod 600 "+p.TLS.Key))
	}
	return list
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func lifetime(name string, pair tls.Certificate, now time.Time) Finding {
	c := pair.Leaf
	until := c.NotAfter.UTC().Format("2 January 2006 15:04 MST")
	switch {
	case now.After(c.NotAfter):
		return fail(name, "It ran out on "+until+".", "Renew it and restart core.")
	case now.Before(c.NotBefore):
		return fail(name, "It is not valid before "+c.NotBefore.UTC().Format(time.RFC3339)+".", "Check this machine's clock, or wait.")
	case now.Add(soon).After(c.NotAfter):
		return warn(name, "It runs out on "+until+".", "Renew it and restart core.")
	}
	return ok(name, "for %s until %s", strings.Join(c.DNSNames, ", "), until)
}

// mail greets the relay, upgrades and signs in as core would, and sends nothing.
func mail(ctx context.Context, p Params) []Finding {
	const name = "mail relay"
	if p.Mail.Server == "" {
		return []Finding{warn(name, "None is configured.", "Set mail.server: without it no sign-in code reaches anybody.")}
	}
	if err := greet(ctx, p.Mail); err != nil {
		return []Finding{fail(name, p.Mail.Server+": "+err.Error(), "Check mail.server, mail.tls, the user and the password file, and that a firewall lets this machine out.")}
	}
	return []Finding{ok(name, "%s takes our mail (%s)", p.Mail.Server, p.Mail.Mode)}
}

func greet(ctx context.Context, m Mail) error {
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, set := ctx.Deadline(); set {
		_ = conn.SetDeadline(deadline)
	}
	if m.Mode == "implicit" {
		conn = tls.Client(conn, &tls.Config{ServerName: host})
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	defer c.Close()
	if m.Mode == "starttls" {
		if err := c.StartTLS(&tls.Config{ServerName: host}); err != nil {
			return err
		}
	}
	if m.User != "" {
		if err := c.Auth(smtp.PlainAuth("", m.User, m.Password, host)); err != nil {
			return err
		}
	}
	return c.Quit()
}

// ports checks that the addresses are free, or that a core of ours has them.
func ports(ctx context.Context, p Params) (list []Finding) {
	running := answersAsCore(ctx, p.Admin)
	for _, at := range []struct{ name, addr string }{{"public address", p.Public}, {"admin address", p.Admin}} {
		l, err := net.Listen("tcp", at.addr)
		switch {
		case err == nil:
			l.Close()
			list = append(list, ok(at.name, "%s is free", at.addr))
		case running && errors.Is(err, syscall.EADDRINUSE):
			list = append(list, ok(at.name, "%s is in use while a core runs here", at.addr))
		case errors.Is(err, syscall.EADDRINUSE):
			list = append(list, fail(at.name, at.addr+" is in use by another program.", "Find it with `ss -ltnp`, stop it, or listen elsewhere."))
		case errors.Is(err, syscall.EACCES):
			list = append(list, fail(at.name, err.Error(), "Ports below 1024 need CAP_NET_BIND_SERVICE, or a socket that systemd passes on."))
		default:
			list = append(list, fail(at.name, err.Error(), "Correct the address in [listen]."))
		}
	}
	if host, _, err := net.SplitHostPort(p.Admin); err == nil && !loopback(host) {
		list = append(list, warn("admin address", p.Admin+" can be reached from a network.", "Listen on localhost, or see to it that only your monitoring reaches it."))
	}
	return list
}

// answersAsCore asks the admin listener whether it is ours.
func answersAsCore(ctx context.Context, admin string) bool {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+admin+"/healthz", nil)
	if err != nil {
		return false
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return false
	}
	defer a.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(a.Body, 64))
	return a.StatusCode == http.StatusOK && strings.TrimSpace(string(said)) == "alive"
}

// unsynchronized is TIME_ERROR of adjtimex(2).
const unsynchronized = 5

// clock asks the kernel whether something keeps this machine's time right.
func clock(_ context.Context, _ Params) []Finding {
	const name = "clock"
	var t syscall.Timex
	state, err := syscall.Adjtimex(&t)
	if err != nil {
		return []Finding{warn(name, "The kernel does not say: "+err.Error(), "See to it that NTP runs.")}
	}
	if state == unsynchronized {
		return []Finding{warn(name, "The kernel says that nothing sets this machine's clock.", "Run NTP (systemd-timesyncd, chrony): codes and cut-off times depend on the time of day.")}
	}
	return []Finding{ok(name, "kept by NTP, off by at most %d ms", t.Maxerror/1000)}
}

func zone(_ context.Context, p Params) []Finding {
	const name = "time zone"
	if _, err := time.LoadLocation(p.TimeZone); err != nil || p.TimeZone == "" {
		return []Finding{fail(name, fmt.Sprintf("%q is not known here.", p.TimeZone), "Install the package tzdata, or correct cell.time_zone.")}
	}
	return []Finding{ok(name, "%s", p.TimeZone)}
}

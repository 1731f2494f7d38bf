package signin

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func request(headers ...string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "192.0.2.7:4711"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func TestCookiesAreShutTight(t *testing.T) {
	for _, secure := range []bool{false, true} {
		k := Cookies{Cell: "us", Secure: secure}
		w := httptest.NewRecorder()
		k.SetSession(w, "s", time.Now().Add(time.Hour))
		k.SetDevice(w, "d")
		k.Client(w, request("User-Agent", "Mozilla/5.0"))
		k.ClearSession(w)
		names := []string{"sf_us_session_v1", "sf_us_device_v2", "sf_us_flow_v1", "sf_us_session_v1"}
		sites := []http.SameSite{http.SameSiteLaxMode, http.SameSiteStrictMode, http.SameSiteLaxMode, http.SameSiteLaxMode}
		list := w.Result().Cookies()
		if len(list) != len(names) {
			t.Fatal(list)
		}
		for i, c := range list {
			want := names[i]
			if secure {
				want = "__Host-" + want
			}
			if c.Name != want || !c.HttpOnly || c.Secure != secure || c.SameSite != sites[i] || c.Path != "/" || c.Domain != "" {
				t.Error(c.Raw)
			}
		}
		if list[3].MaxAge >= 0 || list[0].Expires.Before(time.Now()) {
			t.Error("lifetimes:", list)
		}
	}
}

func TestClientsAreReadAsTheySpeak(t *testing.T) {
	k := Cookies{Cell: "us"}
	cookies := "sf_us_session_v1=s; sf_us_device_v2=d; sf_us_flow_v1=f; sf_gb_flow_v1=other"
	for _, c := range []struct {
		name    string
		headers []string
		want    Client
	}{
		{"a program with headers", []string{FlowHeader, "F", DeviceHeader, "D", "Authorization", "bearer T"}, Client{FlowID: "F", DeviceToken: "D", SessionToken: "T"}},
		{"a program with headers and cookies", []string{FlowHeader, "F", "Cookie", cookies}, Client{FlowID: "F", SessionToken: "s"}},
		{"a program that says nothing", []string{"User-Agent", "curl/8"}, Client{Browser: true, UserAgent: "curl/8"}},
		{"a browser", []string{"Cookie", cookies}, Client{Browser: true, FlowID: "f", DeviceToken: "d", SessionToken: "s"}},
		{"a browser of the release before", []string{"Cookie", strings.Replace(cookies, "device_v2", "device_v1", 1)}, Client{Browser: true, FlowID: "f", DeviceToken: "d", DeviceOld: true, SessionToken: "s"}},
		{"both forms of the device", []string{"Cookie", "sf_us_device_v1=old; " + cookies}, Client{Browser: true, FlowID: "f", DeviceToken: "d", SessionToken: "s"}},
		{"a program with a key", []string{FlowHeader, "F", DeviceHeader, "D", ProofHeader, "n.s", KeyHeader, "k"}, Client{FlowID: "F", DeviceToken: "D", DeviceProof: "n.s", DeviceKey: "k"}},
		{"another scheme", []string{"Authorization", "Basic T", "Cookie", cookies}, Client{Browser: true, FlowID: "f", DeviceToken: "d", SessionToken: "s"}},
	} {
		c.want.IP = "192.0.2.7"
		if got := k.Client(httptest.NewRecorder(), request(c.headers...)); got != c.want {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
	w := httptest.NewRecorder()
	first := k.Client(w, request("User-Agent", "Mozilla/5.0"))
	if first.FlowID == "" {
		t.Fatal("a new browser has no flow")
	}
	back := request("User-Agent", "Mozilla/5.0", "Cookie", strings.Split(w.Header().Get("Set-Cookie"), ";")[0])
	if again := k.Client(httptest.NewRecorder(), back); again.FlowID != first.FlowID {
		t.Fatal("the flow has changed")
	}
	if tok, fromCookie := k.Token(request("Cookie", cookies)); tok != "s" || !fromCookie {
		t.Fatal(tok, fromCookie)
	}
	if tok, fromCookie := k.Token(request("Cookie", cookies, "Authorization", "Bearer T")); tok != "T" || fromCookie {
		t.Fatal(tok, fromCookie)
	}
}

func TestOnlyTrustedProxiesNameTheClient(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct {
		proxies   []netip.Prefix
		forwarded []string
		want      string
	}{
		{nil, []string{"203.0.113.9"}, "192.0.2.7"},
		{proxies, nil, "192.0.2.7"},
		{proxies, []string{"203.0.113.9"}, "203.0.113.9"},
		{proxies, []string{"1.2.3.4, 203.0.113.9, 10.1.1.1"}, "203.0.113.9"},
		{proxies, []string{"1.2.3.4", "203.0.113.9"}, "203.0.113.9"},
		{proxies, []string{"rubbish"}, "192.0.2.7"},
		{proxies, []string{"1.2.3.4, rubbish, 10.1.1.1"}, "10.1.1.1"},
		{proxies, []string{"2001:db8::1"}, "2001:db8::1"},
		{proxies, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
	} {
		var headers []string
		for _, f := range c.forwarded {
			headers = append(headers, "X-Forwarded-For", f)
		}
		if got := (Cookies{Proxies: c.proxies}).IP(request(headers...)); got != c.want {
			t.Errorf("%v: %s, want %s", c.forwarded, got, c.want)
		}
	}
	if got := network("2001:db8::beef"); got != "2001:db8::/64" {
		t.Error(got)
	}
}

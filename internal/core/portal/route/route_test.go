package route

import (
	"net/url"
	"strings"
	"testing"
)

func TestAddressesEscapeWhatTheyCarry(t *testing.T) {
	if got := Pay.URL("account", "a b&c", "method", ""); got != "/pay?account=a+b%26c" {
		t.Errorf("got %s", got)
	}
	if got := Account.URL("../x?y"); got != "/accounts/..%2Fx%3Fy" {
		t.Errorf("got %s", got)
	}
	if got := Dashboard.URL(); got != "/dashboard" {
		t.Errorf("got %s", got)
	}
}

func TestOnlyOurOwnPathsAreReturnedTo(t *testing.T) {
	for s, want := range map[string]string{
		"/pay?account=1&x=%2F": "/pay?account=1&x=%2F", "/": "/", "/dashboard#part": "/dashboard",
		"": "", "dashboard": "", "//evil.example": "", "/\\evil.example": "", "\\/evil.example": "", "https://evil.example": "",
		"/\t/evil.example": "", "/a\r\nSet-Cookie: x": "", "/%zz": "", "javascript:alert(1)": "", "/" + strings.Repeat("a", 1000): "",
		"///evil.example": "", "/%2F/evil.example": "",
	} {
		if got := Local(s); got != want {
			t.Errorf("Local(%q) = %q, want %q", s, got, want)
		}
	}
}

func FuzzLocal(f *testing.F) {
	for _, s := range []string{"/pay?x=1", "//e", "/\\e", "http://e/", "/%2f%2fe", "/.//e"} {
		f.Add(s)
	}
	base := &url.URL{Scheme: "https", Host: "bank.example", Path: "/sign-in"}
	f.Fuzz(func(t *testing.T, s string) {
		l := Local(s)
		if l == "" {
			return
		}
		to, err := base.Parse(l)
		if err != nil || to.Host != "bank.example" || to.Scheme != "https" || strings.HasPrefix(to.Path, "//") || strings.ContainsAny(l, "\\\r\n\t") {
			t.Errorf("Local(%q) = %q leads to %v, %v", s, l, to, err)
		}
		if Local(l) != l {
			t.Errorf("Local(%q) is %q the second time", l, Local(l))
		}
	})
}

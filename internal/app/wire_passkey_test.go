package app

import "testing"

func TestOriginsAreAsBrowsersWriteThem(t *testing.T) {
	for address, want := range map[string]string{
		"https://My.Example.com":      "https://my.example.com",
		"https://my.example.com:443/": "https://my.example.com",
		"https://my.example.com:8443": "https://my.example.com:8443",
		"http://localhost:80":         "http://localhost",
		"HTTP://localhost:8080":       "http://localhost:8080",
		"https://localhost:80":        "https://localhost:80",
	} {
		if got := originOf(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

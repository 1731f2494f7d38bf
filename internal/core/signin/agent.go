package signin

import "strings"

const (
	unknownAgent = "Unknown device"
	maxAgentName = 24 // bytes
)

// agentName makes a name that a member can recognise of a browser's User-Agent,
// as "Firefox on Windows". It decides nothing: anybody can send any.
func agentName(agent string) string {
	if agent == "" {
		return unknownAgent
	}
	browser := firstOf(agent, [][2]string{
		{"Edg", "Edge"}, {"OPR/", "Opera"}, {"SamsungBrowser/", "Samsung Internet"}, {"Firefox/", "Firefox"}, {"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"}, {"HeadlessChrome/", "Chrome"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
	})
	system := firstOf(agent, [][2]string{
		{"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Android", "Android"}, {"Windows", "Windows"}, {"Mac OS X", "Mac"}, {"CrOS", "Chromebook"}, {"Linux", "Linux"},
	})
	switch {
	case browser != "" && system != "":
		return browser + " on " + system
	case browser+system != "":
		return browser + system
	}
	name, _, _ := strings.Cut(agent, "/") // a program, as "curl/8.5"
	if name = clip(strings.Map(ofName, name), maxAgentName); name == "" {
		return unknownAgent
	}
	return name
}

func firstOf(agent string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(agent, n[0]) {
			return n[1]
		}
	}
	return ""
}

// ofName keeps what names of programs are made of. The name stands in messages of
// ours, so nobody may write a sentence, an address or a number to call there.
func ofName(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '-' || r == '_' {
		return r
	}
	return -1
}

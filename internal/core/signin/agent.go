package signin

import "strings"

// agentName makes a name that a member can recognise of a browser's User-Agent,
// as "Firefox on Windows". It decides nothing: anybody can send any.
func agentName(agent string) string {
	if agent == "" {
		return "Unknown device"
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
	return clip(strings.Map(printable, name), 40)
}

func firstOf(agent string, names [][2]string) string {
	for _, n := range names {
		if strings.Contains(agent, n[0]) {
			return n[1]
		}
	}
	return ""
}

func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r == '<' || r == '>' {
		return -1
	}
	return r
}

package entry

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"standfast/internal/core/signin"
)

const vectorPassword = "correct horse"

// vectors are hashes of one password as several programs make them.
var vectors = [...]string{
	"$argon2i$v=19$m=64,t=2,p=1$c29tZXNhbHQ4$YBoZvK4uTmqlrQ8+swgQv2XffLY1d+sEw/96D5OrPy4",
	"$argon2id$v=19$m=64,t=1,p=2$c29tZXNhbHQ4$SinQpkSBdZWhooJdAxdOaJ5YTzcFuYt7",
	"$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	"$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
	"$2y$05$ABCDEFGHIJKLMNOPQRSTUuoRzMfTz14Et2G0HCoDlm3q91eDCVDS2",
	"$pbkdf2-sha1$i=1000,l=20$MDEyMzQ1Njc4OWFiY2RlZg$aUfE2vx5Q7zgbb0jx49AaNpXUQQ",
	"$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$cBg8D2DungRB9k76szThf5ehfyBz991ay6PT8Srwk4M",
	"$pbkdf2-sha512$i=1000,l=64$MDEyMzQ1Njc4OWFiY2RlZg$OM0FAoIqCVK1sWtxDiffVlBejtLa+ks4TP71JiecwuSZCG8iLbnlIEPOMoVX+i2B2wkSxjQ8CRGR9OkNGuIPMQ",
	"$pbkdf2-sha256$29000$8PHy8/T19vf4.fr7/P3./w$y5nE41FP/R2/UmxDUlEQsFP4Nx.Xu.w8mgq1Jg6CG.g",
}

func TestHashesOfEveryKindAreChecked(t *testing.T) {
	for _, phc := range vectors {
		matches, ok := parseHash(phc)
		if !ok || !matches(vectorPassword) || matches(vectorPassword+"x") || matches("") {
			t.Errorf("%s: read %v", phc, ok)
		}
	}
	composed, ok := parseHash(vectors[0])
	if !ok || normal("pass\u00a0word é") != normal("pass word e\u0301") || composed(strings.Repeat("x", 1000)) {
		t.Error("a password has several forms")
	}
}

// Whatever core keeps can be checked here, and nothing else is: the two readers are
// apart on purpose and agree on every text, also on spoiled ones.
func TestHashesAreThoseThatCoreTakes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		phc := rapid.SampledFrom(vectors[:]).Draw(t, "hash")
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			at := rapid.IntRange(0, len(phc)).Draw(t, "at")
			part := rapid.SampledFrom([]string{"", "$", "0", "9", "16", "=", ",", "l=", ".", "A", "é", "-", "99999999", "sha1", "2"}).Draw(t, "part")
			phc = phc[:at] + part + phc[min(len(phc), at+rapid.IntRange(0, 2).Draw(t, "cut")):]
		}
		_, here := parseHash(phc)
		if there := signin.CheckPasswordHash(phc) == nil; here != there {
			t.Fatalf("%q: here %v, at core %v", phc, here, there)
		}
	})
}

func FuzzParseHash(f *testing.F) {
	for _, phc := range vectors {
		f.Add(phc)
	}
	f.Fuzz(func(t *testing.T, phc string) {
		if _, here := parseHash(phc); here != (signin.CheckPasswordHash(phc) == nil) {
			t.Errorf("%q: here %v", phc, here)
		}
	})
}

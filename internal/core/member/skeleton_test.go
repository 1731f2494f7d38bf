package member

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestANameHasLettersOfOneScript(t *testing.T) {
	for name, good := range map[string]bool{
		"ada.lovelace": true, "ada1815": true, "müller": true, "иван": true, "γιώργος": true, "山田taro": true, "やまだ太郎": true, "홍길동": true, "משה": true,
		"аda": false, "pаypal": false, "ρaul": false, "иvan": false, "ᏧᏣᎳ": false, "γиg": false, "山田иван": false,
	} {
		if _, err := usernameKey(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestNamesThatLookAlikeHaveOneSkeleton(t *testing.T) {
	for _, c := range [][2]string{{"scope", "ѕсоре"}, {"ёрс", "ëpc"}, {"anna1", "annal"}, {"modern", "rnodern"}, {"otto0", "ottoo"}, {"νον", "vov"}, {"hot", "нот"}, {"۴۵۶", "٤٥٦"}} {
		if a, b := skeleton(c[0]), skeleton(c[1]); a != b {
			t.Errorf("%q and %q: %q, %q", c[0], c[1], a, b)
		}
	}
	for _, c := range [][2]string{{"anna1", "anna2"}, {"user10", "user11"}, {"jose", "josé"}, {"ali", "all"}, {"hans", "hens"}} {
		if skeleton(c[0]) == skeleton(c[1]) {
			t.Errorf("%q and %q are held for the same", c[0], c[1])
		}
	}
}

func TestASkeletonIsItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, err := usernameKey(rapid.String().Draw(t, "name"))
		if err != nil {
			return
		}
		if s := skeleton(key); skeleton(s) != s {
			t.Fatalf("%q: %q, then %q", key, s, skeleton(s))
		}
	})
}

func TestNumbersNeverCollide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Uint32().Draw(t, "a"), rapid.Uint32().Draw(t, "b")
		if (skeleton(fmt.Sprint("member", a)) == skeleton(fmt.Sprint("member", b))) != (a == b) {
			t.Fatal("two numbers look alike")
		}
	})
}

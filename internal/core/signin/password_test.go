package signin

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"standfast/internal/db"
	"standfast/internal/fault"
)

func TestPasswordRules(t *testing.T) {
	about := []string{"us", "ada.lovelace", "Ada Lovelace", "ada@analytical.example"}
	for _, p := range []string{
		right, "correct horse battery staple", "Zx9-kq4!", "überaus-schwer", "パスワードは秘密だよ", strings.Repeat("ab cde fgh ", 23), "lovelace wrote the first program",
	} {
		if err := allowed(p, about...); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
	for p, code := range map[string]string{
		"short 7": "too-short", "üüüüüüü": "too-short", strings.Repeat("x", 257): "too-long", "with\x00null": "not-text", "line\nbreak": "not-text", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8": "not-text",
		"password": "guessable", "P@ssw0rd!": "guessable", "Passw0rd2026": "guessable", "Welcome123": "guessable", "letmein!!": "guessable",
		"12345678": "guessable", "87654321": "guessable", "abcdefgh": "guessable", "qwertyuiop": "guessable", "qwertz123": "guessable", "asdfghjkl1": "guessable",
		"aaaaaaaa": "guessable", "abababab": "guessable", "xyz!xyz!xyz!": "guessable", "lovelace1815": "guessable", "Ada.Lovelace": "guessable", "analytical!": "guessable", "standfast1": "guessable",
	} {
		err := allowed(p, about...)
		if e := fault.As(err); e == nil || e.Kind != fault.Invalid || e.Fields[0].Code != "password."+code {
			t.Errorf("%q: %v, want %s", p, err, code)
		}
	}
}

func TestAPasswordHasOneForm(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("ada")
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.SetPassword(ctx, tx, m.ID, "Ma\u0308rz\u00a0ist Fru\u0308hling") }))
		out, err := h.SignIn(ctx, "ada", "März ist Frühling", *browser("f"))
		if err != nil || out.Challenge == nil {
			t.Fatal(err)
		}
	})
}

func TestAHashIsRaisedSilently(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("ada")
		weak := hashPassword(right, HashParams{MemoryKiB: 8, Passes: 1, Parallelism: 1})
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.SetPasswordHash(ctx, tx, m.ID, weak.String()) }))
		stored := func() (s string) {
			must(t, h.db.View(ctx, func(tx *db.Tx) error {
				return tx.QueryRow(ctx, `SELECT phc FROM credential WHERE member_id = $1`, m.ID).Scan(&s)
			}))
			return s
		}
		_, err := h.SignIn(ctx, "ada", wrong, *browser("f"))
		h.want(err, fault.Unauthenticated, "signin.refused")
		if stored() != weak.String() {
			t.Fatal("a wrong password changed the hash")
		}
		b := browser("f")
		h.enter("ada", b, true)
		if s := stored(); !strings.HasPrefix(s, "$argon2id$v=19$m=64,t=1,p=1$") {
			t.Fatal(s)
		}
		h.signedIn("ada", b)
	})
}

// foreignHashes are of the password "correct horse", made by other programs.
func foreignHashes() []string {
	return []string{
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
}

func TestAForeignHashIsHonouredAndReplaced(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("ada")
		for _, s := range foreignHashes() {
			must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.SetPasswordHash(ctx, tx, m.ID, s) }))
			_, err := h.SignIn(ctx, "ada", "correct hors", *browser("f"))
			h.want(err, fault.Unauthenticated, "signin.refused")
			out, err := h.SignIn(ctx, "ada", "correct horse", *browser("f"))
			if err != nil || out.Challenge == nil {
				t.Fatal(s, out, err)
			}
			var now string
			must(t, h.db.View(ctx, func(tx *db.Tx) error {
				return tx.QueryRow(ctx, `SELECT phc FROM credential WHERE member_id = $1`, m.ID).Scan(&now)
			}))
			if !strings.HasPrefix(now, "$argon2id$v=19$m=64,t=1,p=1$") {
				t.Fatal(s, "became", now)
			}
		}
	})
}

// A name that does not exist is checked against a hash such as members have, and
// is refused even with that member's password.
func TestAnUnknownNameTakesAMembersTime(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		costs := map[string]int{}
		for i, s := range foreignHashes() {
			m := h.member(fmt.Sprint("member", i))
			must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.SetPasswordHash(ctx, tx, m.ID, s) }))
		}
		for i := range 60 {
			name := fmt.Sprint("nobody", i)
			who, err := h.claimant(ctx, name, *browser("f"))
			again, err2 := h.claimant(ctx, name, *browser("g"))
			if err != nil || err2 != nil || who.hash == nil || who.hash.String() != again.hash.String() {
				t.Fatal(who.hash, again.hash, err, err2)
			}
			if who.hash.matches("correct horse") {
				t.Fatal("somebody else's password was right")
			}
			costs[who.hash.String()]++
		}
		if len(costs) < 3 {
			t.Errorf("60 names share %d hashes", len(costs))
		}
	})
}

func TestAForeignHashIsHeldToLimits(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("ada")
		for _, s := range []string{
			"", right, "$2b$12$abc", "$2x$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e", "$2b$16$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
			"$argon2d$v=19$m=64,t=2,p=1$c29tZXNhbHQ4$YBoZvK4uTmqlrQ8+swgQv2XffLY1d+sEw/96D5OrPy4",
			"$pbkdf2-md5$i=1000$MDEyMzQ1Njc4OWFiY2RlZg$aUfE2vx5Q7zgbb0jx49AaNpXUQQ", "$pbkdf2-sha1$i=1000,l=21$MDEyMzQ1Njc4OWFiY2RlZg$aUfE2vx5Q7zgbb0jx49AaNpXUQQ",
			"$pbkdf2-sha1$i=2000001$MDEyMzQ1Njc4OWFiY2RlZg$aUfE2vx5Q7zgbb0jx49AaNpXUQQ", "$pbkdf2-sha1$i=01$MDEyMzQ1Njc4OWFiY2RlZg$aUfE2vx5Q7zgbb0jx49AaNpXUQQ",
			"$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5",
		} {
			err := h.db.WithTx(ctx, func(tx *db.Tx) error { return h.SetPasswordHash(ctx, tx, m.ID, s) })
			h.want(err, fault.Invalid, "invalid")
		}
	})
}

func TestAChangedPasswordEndsWhatTheOldOneOpened(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		home, office := browser("1"), browser("2")
		h.enter("ada", home, true)
		h.enter("ada", office, true)
		asked, err := h.SignIn(ctx, "ada", right, *browser("thief"))
		must(t, err)
		s := h.check(home.SessionToken)
		const fresh = "two owls read by starlight"
		h.want(h.newPassword(s, wrong, fresh, home), fault.Forbidden, "password.wrong")
		h.want(h.newPassword(s, right, "password", home), fault.Invalid, "invalid")
		h.want(h.newPassword(s, right, "ada ada ada", home), fault.Invalid, "invalid")
		must(t, h.newPassword(s, right, fresh, home))
		h.check(home.SessionToken)
		h.over(h.Service, office)
		_, err = h.SubmitCode(ctx, asked.Challenge.ID, h.codeOf(asked.Challenge.ID), true, *browser("thief"))
		h.want(err, fault.Unauthenticated, "signin.code-over")
		_, err = h.SignIn(ctx, "ada", right, *office)
		h.want(err, fault.Unauthenticated, "signin.refused")
		if out, err := h.SignIn(ctx, "ada", fresh, *office); err != nil || out.Session == nil {
			t.Fatal("a new password made a device unknown:", err)
		}
		must(t, h.jobs.Drain(ctx))
		told := 0
		for _, m := range h.box.mail {
			if m.Channel == "email" && strings.Contains(m.Subject, "password") {
				told++
			}
		}
		if told != 1 {
			t.Fatalf("told %d times", told)
		}
	})
}

func TestGuessingTheOldPasswordIsSlowedDown(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		s := h.check(b.SessionToken)
		n := 0
		for ; n < 30; n++ {
			err := h.newPassword(s, wrong, "two owls read by starlight", b)
			if e := fault.As(err); e.Kind == fault.TooMany {
				if e.RetryAfter >= 24*time.Hour {
					break
				}
				h.wait(e.RetryAfter)
				n--
			}
		}
		if n != 20 {
			t.Fatalf("%d guesses", n)
		}
	})
}

func TestPHCRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := HashParams{Passes: rapid.Uint32Range(1, 2).Draw(t, "t"), Parallelism: rapid.Uint8Range(1, 4).Draw(t, "p")}
		p.MemoryKiB = rapid.Uint32Range(8*uint32(p.Parallelism), 64).Draw(t, "m")
		password := rapid.String().Draw(t, "password")
		h := hashPassword(password, p)
		again, err := parsePHC(h.String())
		if err != nil || !again.current(p) || !again.matches(password) || again.matches(password+"x") {
			t.Fatal(h, err)
		}
	})
}

func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2id$v=19$m=8,t=1,p=1x$c2FsdHNhbHQ$a2V5a2V5a2V5a2V5a2V5a2V5")
	f.Add("$argon2i$v=19$m=8,t=1,p=1$$")
	f.Add("$$$$$")
	for _, s := range foreignHashes() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		if again, err := parsePHC(h.String()); err != nil || again.String() != h.String() {
			t.Fatalf("%q was read as %q", s, h)
		}
	})
}

// Codes are taken as people type them and as messages group them; what is not a
// digit is refused with the reason, and never silently left out.
func TestCodesAreReadAsPeopleTypeThem(t *testing.T) {
	for typed, want := range map[string]string{
		"123456": "123456", " 123 456 ": "123456", "123-456": "123456", "12\u201334\u201456": "123456", "1\u00a02\u20093 456": "123456",
		"1234 5678 9012": "123456789012",
		"12a456":         "code.digits", "I23456": "code.digits", "123456x": "code.digits", "12.34.56": "code.digits", "+123456": "code.digits",
		"\u0661\u0662\u0663\u0664\u0665\u0666": "code.digits", "\uff11\uff12\uff13\uff14\uff15\uff16": "code.digits",
		"": "code.length", "12345": "code.length", "1234567": "code.length", "12345678901": "code.length", "1234567890123": "code.length",
	} {
		got, err := readCode(typed)
		if e := fault.As(err); e != nil {
			if got = e.Fields[0].Code; e.Fields[0].Location != "body.code" || e.Fields[0].Message == "" {
				t.Errorf("%q: %+v", typed, e.Fields)
			}
		}
		if got != want {
			t.Errorf("%q is read as %q, want %q", typed, got, want)
		}
	}
}

func FuzzReadCode(f *testing.F) {
	f.Add("123 456")
	f.Add("12–34–56")
	f.Fuzz(func(t *testing.T, typed string) {
		code, err := readCode(typed)
		if err == nil && (len(code) != 6 && len(code) != 12 || strings.Trim(code, "0123456789") != "") {
			t.Fatalf("%q was read as %q", typed, code)
		}
	})
}

// Whoever knows a password can use up all codes that a member may be sent. A new
// password ends that.
func TestANewPasswordEndsTheCountsOfCodes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.member("ada")
		spend := func(tx *db.Tx) error {
			for range perDead().total {
				if err := h.gauge(perDead(), m.ID, m.ID).count(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		}
		must(t, h.db.WithTx(ctx, spend))
		h.wait(48 * time.Hour)
		_, err := h.SignIn(ctx, "ada", right, *browser("f"))
		h.want(err, fault.TooMany, "signin.too-many")
		must(t, h.db.WithTx(ctx, func(tx *db.Tx) error { return h.SetPassword(ctx, tx, m.ID, right+" again") }))
		if out, err := h.SignIn(ctx, "ada", right+" again", *browser("f")); err != nil || out.Challenge == nil {
			t.Fatal("shut out for good:", err)
		}
	})
}

// stolen stands for the list of breached passwords: these, or an error.
type stolen struct {
	list []string
	err  error
}

func (s *stolen) Holds(password string) (bool, error) {
	return slices.Contains(s.list, password), s.err
}

func TestABreachedPasswordIsNotTakenAndAnUnknownOneNeither(t *testing.T) {
	const taken, composed = "two owls read by starlight", "drei Käuze lesen"
	lists := &stolen{list: []string{taken, composed}}
	eachWith(t, Config{Breached: lists, Brand: "Harbour Card"}, func(t *testing.T, h *house) {
		lists.err = nil
		h.member("ada")
		b := browser("f")
		h.enter("ada", b, true)
		s := h.check(b.SessionToken)
		for _, p := range []string{taken, "drei Ka\u0308uze\u00a0lesen"} {
			err := h.newPassword(s, right, p, b)
			if e := fault.As(err); e == nil || e.Kind != fault.Invalid || e.Fields[0].Code != "password.breached" {
				t.Fatalf("%q: %v", p, err)
			}
		}
		h.want(h.newPassword(s, right, "Harbour2026!", b), fault.Invalid, "invalid")
		lists.err = fault.New(fault.Unavailable, "breached.unreadable", "Not now.")
		h.want(h.newPassword(s, right, "three owls sing at noon", b), fault.Unavailable, "breached.unreadable")
		lists.err = nil
		must(t, h.newPassword(s, right, "three owls sing at noon", b))
	})
}

package signin

import (
	"cmp"
	"context"
	"database/sql"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"standfast/internal/core/audit"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// Limits of what is looked at, in bytes.
const (
	maxUsername = 256
	maxPassword = 256
)

// nobody is looked for where a user name does not exist, so that it takes as long.
const nobody = "00000000-0000-0000-0000-000000000000"

// claimant is who says to be a member, as far as the database knows.
type claimant struct {
	member     member.Member // zero when there is none of this name
	hash       verifier      // nil when there is no such member, or no password
	version    int64         // of the password
	device     string        // the browser's identity, "" when it has none
	issued     time.Time     // when its token was made
	limits     []gauge       // what is counted when this attempt fails
	possession               // of the device's key, as the client shows it
	standing                 // of the device with this member
}

// SignIn checks a user name and password. From a remembered device it gives a
// session at once; otherwise a challenge, whose code is on its way. A user name
// that does not exist is answered like a wrong password, and takes as long.
//
// Errors: Unauthenticated for wrong credentials, TooMany while attempts are
// slowed down, Unavailable when the answer is not known or the house is full.
func (s *Service) SignIn(ctx context.Context, username, password string, c Client) (Outcome, error) {
	if err := readable(username, password); err != nil {
		return Outcome{}, err
	}
	password = normalPassword(password)
	leave, err := s.hashes.enter() // before anything is asked: who has to wait costs nothing
	if err != nil {
		return Outcome{}, err
	}
	defer leave()
	who, err := s.claimant(ctx, username, c)
	if err != nil {
		return Outcome{}, err
	}
	if err := blocked(who.limits, s.now()); err != nil {
		return Outcome{}, err
	}
	right, err := s.hashes.matches(ctx, who.hash, password)
	leave()
	if err != nil {
		return Outcome{}, err
	}
	out, err := s.decide(ctx, who, right, c)
	err = s.stranded(ctx, err, challenge{purpose: signIn, memberID: who.member.ID, scope: s.signInScope(who.member.ID, c), from: c})
	if right && err == nil && !who.hash.current(s.conf.Hash) {
		s.upgrade(ctx, who, password)
	}
	return out, err
}

// MayTry tells, before anything of a sign-in is read, whether there is room for
// one: its error is SignIn's when the house is full. Who passes may still find it
// full a moment later.
func (s *Service) MayTry() error { return s.hashes.full() }

func readable(username, password string) error {
	var bad []fault.Field
	check := func(location, v string, limit int) {
		switch {
		case v == "":
			bad = append(bad, fault.Field{Location: location, Code: "required", Message: "This is required."})
		case len(v) > limit:
			bad = append(bad, fault.Field{Location: location, Code: "too-long", Message: "This is too long.", Args: map[string]any{"Limit": limit}})
		case !utf8.ValidString(v):
			bad = append(bad, fault.Field{Location: location, Code: "not-text", Message: "This is not readable text."})
		}
	}
	check("body.username", username, maxUsername)
	check("body.password", password, maxPassword)
	if len(bad) > 0 {
		return fault.InvalidFields(bad...)
	}
	return nil
}

// claimant gathers what decides about an attempt, and takes the same steps
// whether or not there is such a member.
func (s *Service) claimant(ctx context.Context, username string, c Client) (who claimant, err error) {
	if who.device, who.issued, err = s.device(ctx, c.DeviceToken); err != nil {
		return who, err
	}
	who.possession = s.possession(c)
	who.member, err = s.members.ByUsername(ctx, username)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return who, err
	}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		if err := who.load(ctx, tx); err != nil {
			return err
		}
		if who.hash == nil {
			if who.hash, err = s.decoy(ctx, tx, username); err != nil {
				return err
			}
		}
		if who.standing, err = s.standing(ctx, tx, cmp.Or(who.member.ID, nobody), who); err != nil {
			return err
		}
		who.limits = s.limitsOf(who, username, c)
		return read(ctx, tx, who.limits, false)
	})
	if err == nil && who.member.ID == "" {
		err = s.db.Sound(ctx) // or somebody whom we know well would be refused
	}
	return who, err
}

// load reads the password's hash.
func (w *claimant) load(ctx context.Context, tx *db.Tx) error {
	id := cmp.Or(w.member.ID, nobody)
	var hash string
	err := tx.QueryRow(ctx, `SELECT phc, version FROM credential WHERE member_id = $1`, id).Scan(&hash, &w.version)
	if err != nil && err != db.ErrNoRows {
		return err
	}
	if err == nil {
		if w.hash, err = parsePHC(hash); err != nil {
			return err
		}
	}
	return nil
}

// limitsOf chooses the counts of an attempt. A device that the member knows has
// its own, so that strangers who guess never shut it out.
func (s *Service) limitsOf(w claimant, username string, c Client) []gauge {
	id := w.member.ID
	if w.known {
		strangers := s.gauge(perName(), id, id)
		strangers.resting = true
		return []gauge{s.gauge(perKnown(), id, id), s.gauge(perDevice(), id, id+w.device), strangers}
	}
	name := id
	if name == "" {
		name = strings.ToLower(norm.NFKC.String(username))
	}
	limits := []gauge{s.gauge(perName(), id, name)}
	if c.IP != "" {
		limits = append(limits, s.gauge(perAddress(), "", network(c.IP)))
	}
	return limits
}

// decide is the transaction after the password was checked. What was read
// before may have changed meanwhile, so the limits and the password's version
// are looked at again, under lock: of many guesses sent at once, no more count
// than of guesses one after the other.
func (s *Service) decide(ctx context.Context, who claimant, right bool, c Client) (out Outcome, err error) {
	var refusal error
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		out, refusal = Outcome{}, nil
		version, err := lockCredential(ctx, tx, cmp.Or(who.member.ID, nobody))
		if err != nil && err != db.ErrNoRows {
			return err
		}
		if err := read(ctx, tx, who.limits, true); err != nil {
			return err
		}
		if refusal = blocked(who.limits, tx.Now); refusal != nil {
			return nil
		}
		who, err := s.lookAgain(ctx, tx, who)
		if err != nil {
			return err
		}
		right := right && version == who.version
		if !right {
			refusal = badCredentials()
			return s.refuse(ctx, tx, who, c)
		}
		out, err = s.admit(ctx, tx, who, c)
		return err
	})
	if err == nil {
		err = refusal
	}
	return out, err
}

// refuse counts and records a wrong password.
func (s *Service) refuse(ctx context.Context, tx *db.Tx, who claimant, c Client) error {
	if err := count(ctx, tx, who.limits); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{
		Actor: "member", ActorID: who.member.ID, Action: "signin.password", Object: "member", ObjectID: who.member.ID,
		Outcome: audit.Refused, From: c.IP, Details: map[string]string{"device": who.device},
	})
}

// admit goes on after a right password, which takes back the member's own
// counts. An address goes on being counted, or an attacker with one login of his
// own could wipe it clean.
func (s *Service) admit(ctx context.Context, tx *db.Tx, who claimant, c Client) (Outcome, error) {
	if err := forgive(ctx, tx, forgivable(who.limits)); err != nil {
		return Outcome{}, err
	}
	if who.made != "" {
		return s.sameAgain(ctx, tx, who)
	}
	if who.known {
		return s.welcome(ctx, tx, who, c)
	}
	if err := who.doubted(ctx, tx, c); err != nil {
		return Outcome{}, err
	}
	asked, err := s.ask(ctx, tx, who.member, challenge{
		purpose: signIn, template: "sign-in-code", flow: s.flowHash(c), scope: s.signInScope(who.member.ID, c),
		data: map[string]any{"Device": agentName(c.UserAgent), reasonData: string(who.reason)}, from: c, device: who.device,
	})
	if err != nil {
		return Outcome{}, err
	}
	offered, err := s.offer(ctx, tx, asked)
	if err != nil {
		return Outcome{}, err
	}
	return Outcome{Challenge: offered}, audit.Record(ctx, tx, audit.Entry{
		Actor: "member", ActorID: who.member.ID, Action: "signin.password", Object: "challenge", ObjectID: asked.id, Outcome: audit.OK, From: c.IP,
	})
}

// signInScope is what has one open challenge: a member's attempt in one flow.
func (s *Service) signInScope(memberID string, c Client) []byte {
	if c.FlowID == "" {
		return nil
	}
	return s.key.Fingerprint("signin.scope/sign-in", []byte(memberID+c.FlowID))
}

// welcome signs in from a remembered device: no code, ever.
func (s *Service) welcome(ctx context.Context, tx *db.Tx, who claimant, c Client) (out Outcome, err error) {
	if err := touch(ctx, tx, who.member.ID, who.device, c); err != nil {
		return out, err
	}
	methods := []string{byPassword, byDevice}
	if who.proved {
		methods = append(methods, byKey)
	}
	if out.Session, err = s.open(ctx, tx, who.member.ID, who.device, methods, c); err != nil {
		return out, err
	}
	if err := s.settle(ctx, tx, who, out.Session.ID, c); err != nil {
		return out, err
	}
	if c.DeviceOld || tx.Now.Sub(who.issued) > renewDevice {
		if out.DeviceToken, err = s.deviceToken(who.device, latest(tx.Now, who.issued)); err != nil {
			return out, err
		}
	}
	return out, audit.Record(ctx, tx, audit.Entry{
		Actor: "member", ActorID: who.member.ID, Action: "signin.session", Object: "session", ObjectID: out.Session.ID,
		Outcome: audit.OK, From: c.IP, Details: map[string]string{"by": "known device", "device": who.device},
	})
}

// lockCredential gives the version of a member's password. Sign-ins, sign-outs
// and changes of the password of one member take turns behind this row.
func lockCredential(ctx context.Context, tx *db.Tx, memberID string) (version int64, err error) {
	err = tx.QueryRow(ctx, `SELECT version FROM credential WHERE member_id = $1`+forUpdate(tx), memberID).Scan(&version)
	if err == sql.ErrNoRows {
		return 0, db.ErrNoRows
	}
	return version, err
}

// upgrade replaces a hash that was made at other costs. It is a service to the
// next sign-in: when it fails, this one goes on.
func (s *Service) upgrade(ctx context.Context, who claimant, password string) {
	h, err := s.hashes.hash(ctx, password)
	if err != nil {
		return
	}
	_ = s.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE credential SET phc = $3 WHERE member_id = $1 AND version = $2`, who.member.ID, who.version, h.String())
		return err
	})
}

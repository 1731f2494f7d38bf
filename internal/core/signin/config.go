package signin

import (
	"context"
	"os/exec"
	"runtime"
	"time"

	"standfast/internal/core/jobs"
	"standfast/internal/core/passkey"
	"standfast/internal/core/replica"
	"standfast/internal/core/spool"
	"standfast/internal/token"
)

// Config is what a cell decides about sign-in. A zero field takes its default.
type Config struct {
	Cell  string // names the cell; tokens of one cell are worth nothing in another
	Brand string // the issuer as its members know it; default the cell's name

	SessionIdle time.Duration // without a request, a session ends after this; default 1 h (NIST SP 800-63B-4, AAL2)
	SessionMax  time.Duration // a session ends after this whatever happens; default 24 h (same)
	DeviceTrust time.Duration // a device stays known for this long; default 180 days
	// DeviceNeedsKey: a remembered device is possession only if it holds a key that
	// is bound to it (gb and eu; EBA-Op-2019-06, paragraph 26). Without, where the
	// browser has none, its cookie alone is enough.
	DeviceNeedsKey bool
	// CodeEvery is how long after the last code a remembered device is asked for
	// one all the same (RTS Art 10(2)(b): eu 180 days, gb 90); 0 never.
	CodeEvery time.Duration

	// Place names where an address is, from a table in memory; nil, or "" for one
	// that it does not know, shows the address itself.
	Place func(ip string) string

	// Breached looks a new password up in the lists of stolen ones; nil: there are none.
	Breached Breached

	CodeTTL     time.Duration // default 10 min (SP 800-63B-4; ASVS 5.0, 6.6.3)
	CodeTries   int           // wrong codes after which a challenge is dead; default 5 (RTS Art 4)
	ResendAfter time.Duration // floor between two messages with one code; default 30 s
	LateAfter   time.Duration // without news of a message for this long, another channel is offered; default 15 s
	ProofTTL    time.Duration // a proof of an action is to be used within this; default 5 min
	NoEmailCode bool          // codes never go by e-mail (gb and eu); else e-mail is the last resort

	// CautionFor is how long methods that are added after a recovery by messages
	// alone do not pay; default 24 h.
	CautionFor time.Duration
	// ClaimsPerSecond bounds what people who are not signed in can begin here, as
	// recoveries, in all; ten seconds' worth at once. Default 10.
	ClaimsPerSecond float64
	// EnrolmentsPerSecond bounds attempts to enrol, in the same way and apart, so
	// that nobody walks through last fours and expiries over all members. Default 2.
	EnrolmentsPerSecond float64
	// ContactDelay is how long a change of telephone or e-mail waits that was proved
	// by a message alone; default 24 h. Codes go to the old address meanwhile, and
	// the member can stop it.
	ContactDelay time.Duration
	// StopLink gives the address of the page where a notice's token stops a change
	// of contact; nil leaves links out.
	StopLink func(token string) string
	// StopAssisted gives the address of the page where a notice's token stops a
	// recovery with an agent's help; nil leaves links out.
	StopAssisted func(token string) string

	CodesPerSecond float64 // messages with codes that this process sends at most, ten seconds' worth at once; default 50
	// Landing tells whether the page that a code leads to answers; nil takes it for
	// granted. It is asked inside a transaction, so it must not ask the database.
	Landing func(context.Context) error
	// Jobs sends codes by the next channel for members who asked for that; nil
	// sends them to nobody by itself.
	Jobs *jobs.Jobs

	// Holdings tells what members hold; without, nobody can enrol.
	Holdings Holdings

	LookAge time.Duration // how old the list of revocations may be for looking; default 15 min
	PayAge  time.Duration // the same for paying and for changes; default 5 s

	Hash        HashParams
	HashWorkers int // passwords hashed at once; default one a core, and one core left for everything else
	HashQueue   int // sign-ins that may wait for that at most; default 64 a worker
	// HashApart makes the command of a process that runs ServeHashes, one a worker;
	// nil hashes in this process.
	HashApart func() *exec.Cmd

	// Guests are the keys of other processes of the cell, as the stand-in, whose
	// sessions are honoured here.
	Guests []token.PublicKey

	Passkeys *passkey.Service // nil: none are offered

	// Replica and Later let members with passkeys sign in while the database is
	// away (see OfflineTopics); without them that has to wait.
	Replica *replica.Replica
	Later   *spool.Spool

	Now func() time.Time // default the database's clock
}

const replayWindow = 2 * time.Minute // in which a used code gives its flow the same session again

func (c Config) withDefaults(now func() time.Time) Config {
	or(&c.Brand, c.Cell)
	or(&c.SessionIdle, time.Hour)
	or(&c.SessionMax, 24*time.Hour)
	or(&c.DeviceTrust, 180*24*time.Hour)
	or(&c.CodeTTL, 10*time.Minute)
	or(&c.CodeTries, 5)
	or(&c.ResendAfter, 30*time.Second)
	or(&c.LateAfter, 15*time.Second)
	or(&c.ContactDelay, 24*time.Hour)
	or(&c.CodesPerSecond, 50)
	or(&c.CautionFor, 24*time.Hour)
	or(&c.ClaimsPerSecond, 10)
	or(&c.EnrolmentsPerSecond, 2)
	or(&c.ProofTTL, 5*time.Minute)
	or(&c.LookAge, 15*time.Minute)
	or(&c.PayAge, 5*time.Second)
	or(&c.Hash, defaultHash())
	or(&c.HashWorkers, max(1, runtime.GOMAXPROCS(0)-1))
	or(&c.HashQueue, 64*c.HashWorkers)
	if c.Place == nil {
		c.Place = func(string) string { return "" }
	}
	if c.Now == nil {
		c.Now = now
	}
	return c
}

// or gives a field its default.
func or[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

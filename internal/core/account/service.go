package account

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"standfast/internal/core/ledger"
	"standfast/internal/core/member"
	"standfast/internal/core/spool"
	"standfast/internal/db"
)

// Config changes how a Service works. Zero values mean the defaults named.
type Config struct {
	Zone     *time.Location // the cell's time zone; UTC
	TileWait time.Duration  // how long a tile waits for its source; 800 ms
	CallMax  time.Duration  // how long a call may go on after nobody waits, to refresh the last known value; 5 s
	Recall   time.Duration  // for reading the last known values after the sources had their time; 150 ms
	Parallel int            // calls to one source that may be under way, of all members; 64
	FreshFor time.Duration  // an answer that is itself older than this is shown as Stale; 15 min
	FactsAge time.Duration  // how old cached facts of an account may be; 2 s
	SaveGap  time.Duration  // between two writes of an account's last known value; 5 s
	Later    *spool.Spool   // where a freeze waits while our records cannot be written; nil: it is refused then
	Log      *slog.Logger   // slog.Default
}

func (c Config) withDefaults() Config {
	c.Zone = cmp.Or(c.Zone, time.UTC)
	c.TileWait = cmp.Or(c.TileWait, 800*time.Millisecond)
	c.CallMax = max(c.TileWait, cmp.Or(c.CallMax, 5*time.Second))
	c.Recall = cmp.Or(c.Recall, 150*time.Millisecond)
	c.Parallel = cmp.Or(max(0, c.Parallel), 64)
	c.FreshFor = cmp.Or(c.FreshFor, 15*time.Minute)
	c.FactsAge = cmp.Or(c.FactsAge, 2*time.Second)
	c.SaveGap = cmp.Or(c.SaveGap, 5*time.Second)
	c.Log = cmp.Or(c.Log, slog.Default())
	return c
}

// maxFacts bounds the cache of accounts' facts.
const maxFacts = 50_000

// Service answers everything about members' accounts. It is safe for concurrent use.
type Service struct {
	db        *db.DB
	ledger    *ledger.Ledger
	members   *member.Store
	config    Config
	facts     *facts
	gates     map[string]*gate // by source, for balances
	histories map[string]*gate // by source, for the newest transactions, which may stall while balances come
	searches  map[string]*gate // by source, for older pages and searches, which cost more and must not close the others
	listing   *gate            // for the list of a member's accounts, which is ours
	memory    *memory
	directory *directory
}

// New makes a Service. sources has an entry for every Source that an Account
// may name, LedgerSource included.
func New(d *db.DB, l *ledger.Ledger, members *member.Store, sources map[string]Source, c Config) *Service {
	c = c.withDefaults()
	s := &Service{db: d, ledger: l, members: members, config: c,
		facts:     newFacts(d, c.FactsAge, maxFacts),
		gates:     make(map[string]*gate, len(sources)),
		histories: make(map[string]*gate, len(sources)),
		searches:  make(map[string]*gate, len(sources)),
		listing:   newGate(nil, c),
		memory:    newMemory(d, c.SaveGap, c.Log),
		directory: newDirectory(),
	}
	for name, source := range sources {
		s.gates[name], s.histories[name], s.searches[name] = newGate(source, c), newGate(source, c), newGate(source, c)
	}
	if c.Later != nil {
		c.Later.Handle(freezeKind, s.applyFreeze)
	}
	return s
}

// Flush writes the last known values that are not yet written; for a graceful stop.
func (s *Service) Flush(ctx context.Context) error { return s.memory.flush(ctx) }

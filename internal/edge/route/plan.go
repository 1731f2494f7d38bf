package route

import (
	"hash/fnv"
	"slices"

	"standfast/internal/journey"
)

// plan is what Pick goes by: made anew at each change, never changed.
type plan struct{ cells map[string]*cellPlan }

// cellPlan is the plan of one cell.
type cellPlan struct {
	builds     []buildPlan // the first takes whom no other takes
	standin    *Target     // nil: none
	back       map[journey.Name]Share
	coreDead   bool // no build of core answers
	standinBad bool // the stand-in does not answer, or is not ready
	nobody     bool // neither answers
	exercise   Share
}

// buildPlan is one build with its part of core's members.
type buildPlan struct {
	target Target
	share  Share
	dead   bool
	leaves bool // it answers, and says that it is not ready
}

// side decides by the journey's state, and for what only core can do by whether
// there is a core at all: the stand-in's page then says what works instead.
func (c *cellPlan) side(e Errand, sticky string, random func() uint64) Side {
	switch {
	case c.standin == nil:
		return Core
	case c.coreDead && c.standinBad:
		return Standin // which lives, or nobody would be asked: its page says what works still, as freezing always does
	case !e.Standin:
		if c.coreDead {
			return Standin
		}
		return Core
	case bucket("side", sticky, random) < c.atCore(e.With):
		return Core
	}
	return Standin
}

// atCore is the share of members whom core answers.
func (c *cellPlan) atCore(j journey.Name) Share {
	if share, known := c.back[j]; known {
		return share
	}
	return All
}

// build decides which build of core answers. Each build has a hash of its own,
// so that a member who met one rollout first is not the first of the next too,
// and whoever is below a growing share stays below it.
func (c *cellPlan) build(sticky string, random func() uint64) Target {
	chosen := &c.builds[0]
	for i := range c.builds[1:] {
		b := &c.builds[i+1]
		if b.share > 0 && bucket("build "+b.target.Build, sticky, random) < b.share {
			chosen = b
		}
	}
	if chosen.dead || chosen.leaves {
		if other := c.alive(); other != nil {
			chosen = other
		}
	}
	return chosen.target
}

// alive gives a build that takes members and is not dead, one that stays before
// one that is about to go.
func (c *cellPlan) alive() (found *buildPlan) {
	for i := range c.builds {
		b := &c.builds[i]
		if b.dead || i > 0 && b.share == 0 {
			continue
		}
		if found == nil || found.leaves && !b.leaves {
			found = b
		}
	}
	return found
}

// bucket gives one of 10,000 equal parts of the members, always the same for the
// same member and purpose. Nobody in particular is in any part.
func bucket(purpose, sticky string, random func() uint64) Share {
	if sticky == "" {
		return Share(random() % uint64(All))
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(purpose))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(sticky))
	return Share(mixed(h.Sum64()) % uint64(All))
}

// mixed spreads a hash over all bits (the finalizer of SplitMix64): FNV of ids
// that differ in their last digits alone differs too little.
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// other gives another process that could answer an errand that t did not.
func (c *cellPlan) other(t Target, e Errand) (Target, bool) {
	if t.Side == Standin {
		if b := c.alive(); b != nil {
			return b.target, true
		}
		return Target{}, false
	}
	standin := e.Standin && c.standin != nil && !c.standinBad
	if standin && c.atCore(e.With) == 0 { // what all builds share may be what fails
		return *c.standin, true
	}
	for _, b := range c.builds {
		if b.target != t && !b.dead && b.share > 0 {
			return b.target, true
		}
	}
	if standin {
		return *c.standin, true
	}
	return Target{}, false
}

// dead tells whether a build does not answer.
func (c *cellPlan) dead(t Target) bool {
	return slices.ContainsFunc(c.builds, func(b buildPlan) bool { return b.target == t && b.dead })
}

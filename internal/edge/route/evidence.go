package route

import (
	"math"
	"time"
)

// evidence is a one-sided CUSUM (Page 1954) that finds a share of failures that
// should not be: the logarithm of how much likelier what came is at the failing
// than at the tolerated share, never below 0. At the tolerated share or below,
// the mean number of outcomes until it passes ln(1/ε) is at least 1/ε (Lorden 1971).
type evidence struct {
	sum  float64
	last time.Time // of the newest outcome
}

// stale is the rest after which evidence is about another time.
const stale = 5 * time.Minute

// take weighs what came since the last time.
func (e *evidence) take(t Tally, r Rules, now time.Time) {
	if t.All() == 0 {
		if now.Sub(e.last) > stale {
			e.sum = 0
		}
		return
	}
	bad, good := float64(t.Failed), float64(t.All()-t.Failed)
	e.sum += bad*math.Log(r.Failing/r.Tolerated) + good*math.Log((1-r.Failing)/(1-r.Tolerated))
	e.sum, e.last = math.Max(0, e.sum), now
}

// against tells whether the evidence is enough, if it shall be wrong once in 1/ε outcomes.
func (e *evidence) against(epsilon float64) bool { return e.sum >= math.Log(1/epsilon) }

// comparison tells whether a new build does worse than the old one in the same
// period. It is an e-process for two Bernoulli shares (Turner, Ly, Grünwald 2024):
// each block has na outcomes of the old and nb of the new build, guesses θa and θb
// that only earlier blocks have formed, and the weight
//
//	Π p(y; θa) · Π p(y; θb) / Π p(y; θ0),   θ0 = (na·θa + nb·θb) / (na + nb)
//
// whose mean is at most 1 when both have the same share, whatever it is, and even
// when it changes from block to block (by the inequality of arithmetic and
// geometric means). So the chance that the product ever reaches 1/α while the new
// build is as good as the old one is at most α (Ville), however often one looks:
// a fault that both meet says nothing against the new one.
type comparison struct {
	old, new       Tally      // of the block that is open
	oldAll, newAll Tally      // of the closed blocks
	log            [4]float64 // the process for each alternative
}

// worseBy are the alternatives: shares by which the new build does worse. The
// process is their mean.
func worseBy() [4]float64 { return [4]float64{0.05, 0.25, 0.5, 0.9} }

// take weighs what both builds did since the last time. A block closes when both
// have done something: that looks at how many came, never at how they ended.
func (c *comparison) take(old, new Tally) {
	c.old.plus(old)
	c.new.plus(new)
	if c.old.All() == 0 || c.new.All() == 0 {
		return
	}
	c.weigh()
	c.oldAll.plus(c.old)
	c.newAll.plus(c.new)
	c.old, c.new = Tally{}, Tally{}
}

func (c *comparison) weigh() {
	a := math.Min((float64(c.oldAll.Worse())+0.5)/(float64(c.oldAll.All())+50), 0.5)
	na, nb := float64(c.old.All()), float64(c.new.All())
	for i, by := range worseBy() {
		b := math.Min(a+by, 0.95)
		zero := (na*a + nb*b) / (na + nb)
		c.log[i] += likelihood(c.old, a) + likelihood(c.new, b) - likelihood(c.old, zero) - likelihood(c.new, zero)
	}
}

// sums gives all that was compared, of the old build and of the new one.
func (c *comparison) sums() (old, new Tally) { return c.oldAll, c.newAll }

// likelihood is the logarithm of how likely a tally is at a share of failures.
func likelihood(t Tally, share float64) float64 {
	return float64(t.Worse())*math.Log(share) + float64(t.All()-t.Worse())*math.Log(1-share)
}

// against tells whether the new build is found to do worse at the level α.
func (c *comparison) against(alpha float64) bool {
	most := math.Max(math.Max(c.log[0], c.log[1]), math.Max(c.log[2], c.log[3]))
	mean := 0.0
	for _, l := range c.log {
		mean += math.Exp(l - most)
	}
	return most+math.Log(mean/float64(len(c.log))) >= math.Log(1/alpha)
}

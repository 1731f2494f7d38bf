package route

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"time"
	"unicode/utf8"

	"standfast/internal/fault"
	"standfast/internal/journey"
)

// Limits of what an operator says.
const (
	longestOverride = 24 * time.Hour
	maxReason       = 500 // characters
	maxWho          = 200
)

// Override puts a journey, or all, to one side until some time, or ends that.
// It holds at once; the decision is told like any other.
func (r *Router) Override(o Override) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.time()
	c, err := r.cell(o.Cell)
	if err != nil {
		return err
	}
	if err := c.mayPin(o, now); err != nil {
		return err
	}
	if o.Mark != "" && o.Mark != r.mark(c, o.Journey) {
		return fault.New(fault.Conflict, "routing.changed", "Who answers has changed since you looked. Look again before you decide.")
	}
	o.Mark = ""
	if o.Side == "" {
		c.unpin(o.Journey, now)
	} else {
		c.pinned[o.Journey] = o
	}
	r.told = append(r.told, Decision{At: now, Cell: c.Name, Kind: Overridden, Journey: o.Journey, Side: o.Side,
		Cause: CauseOperator, Until: o.Until, Who: o.Who, Reason: o.Reason})
	r.replan()
	r.tell()
	return nil
}

func (r *Router) cell(name string) (*cell, error) {
	for _, c := range r.cells {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, refused("cell", "There is no such cell here.")
}

func (c *cell) mayPin(o Override, now time.Time) error {
	_, pinned := c.pinned[o.Journey]
	_, switched := c.lines[o.Journey]
	switch {
	case c.standin == nil:
		return refused("cell", "This cell has no stand-in to choose.")
	case o.Journey == "" || !switched && o.Journey != Every:
		return refused("journey", "This journey is not switched: core alone can do it.")
	case o.Side == "" && !pinned:
		return refused("journey", "There is no override to end.")
	case o.Side != "" && o.Side != Core && o.Side != Standin:
		return refused("side", "A side is core or standin.")
	case o.Side != "" && (!o.Until.After(now) || o.Until.Sub(now) > longestOverride):
		return refused("until", "An override ends within 24 hours.")
	}
	return answered(o.Who, o.Reason)
}

// answered wants somebody who decided, and why.
func answered(who, reason string) error {
	switch {
	case who == "" || utf8.RuneCountInString(who) > maxWho:
		return refused("who", "Say who decides.")
	case reason == "" || utf8.RuneCountInString(reason) > maxReason:
		return refused("reason", "Give a reason of at most 500 characters.")
	}
	return nil
}

func refused(field, message string) error {
	e := fault.New(fault.Invalid, "routing."+field, message)
	e.Fields = []fault.Field{{Location: "body." + field, Code: "routing." + field, Message: message}}
	return e
}

// unpin ends an override. What it had put to the stand-in goes back by the same
// steps as after a failure.
func (c *cell) unpin(n journey.Name, now time.Time) {
	o := c.pinned[n]
	delete(c.pinned, n)
	for name, l := range c.lines {
		if _, still := c.pin(name); still || n != Every && n != name {
			continue
		}
		l.enter(o.Side, -1, now)
	}
}

// expire ends the overrides whose time is over.
func (r *Router) expire(c *cell, now time.Time) {
	for n, o := range c.pinned {
		if now.Before(o.Until) {
			continue
		}
		c.unpin(n, now)
		r.told = append(r.told, Decision{At: now, Cell: c.Name, Kind: Overridden, Journey: n, Cause: CauseExpired, Until: o.Until, Who: o.Who, Reason: o.Reason})
	}
}

// Shares is an operator's word on a build's share, or on the exercise's.
type Shares struct {
	Cell   string `json:"cell"`
	Build  string `json:"build"`          // empty: the share of looking requests that the stand-in is shown
	Share  Share  `json:"share"`          // that it shall have at last: less at once, more in steps
	Mark   string `json:"mark,omitempty"` // of the share that was looked at; empty: whatever stands
	Who    string `json:"who"`
	Reason string `json:"reason"`
}

// SetShares changes a share.
func (r *Router) SetShares(s Shares) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.time()
	c, err := r.cell(s.Cell)
	if err != nil {
		return err
	}
	if err := c.mayShare(s); err != nil {
		return err
	}
	d := Decision{At: now, Cell: c.Name, Kind: Exercised, Journey: Every, Build: s.Build, Share: s.Share, Cause: CauseOperator, Who: s.Who, Reason: s.Reason}
	if s.Build == "" {
		c.exercise = s.Share
	} else if err := c.roll(s, now); err != nil {
		return err
	} else {
		d.Kind, d.Share, d.Target = Rolled, c.rollout.share, c.rollout.target
	}
	r.told = append(r.told, d)
	r.replan()
	r.tell()
	return nil
}

func (c *cell) mayShare(s Shares) error {
	switch {
	case s.Share < 0 || s.Share > All:
		return refused("share", "A share is between 0 and 10000 hundredths of a percent.")
	case s.Build == "" && c.standin == nil:
		return refused("cell", "This cell has no stand-in to show anything.")
	case s.Mark != "" && s.Mark != c.shareMark(s.Build):
		return fault.New(fault.Conflict, "routing.share-changed", "This share has changed since you looked. Look again before you decide.")
	}
	return answered(s.Who, s.Reason)
}

// settable tells whether a build has a share to set: of two the newer, or the one
// that all members have left.
func (c *cell) settable(build string) bool {
	return len(c.builds) == 2 && (build == c.builds[1].target.Build || build == c.builds[0].target.Build && c.rollout.share == All)
}

// shareMark changes with what people have said of a build's share, or for "" of the
// exercise's, and with a build's being drained; not with the steps in which a share
// grows to where it was sent. It is empty where there is no share to set.
func (c *cell) shareMark(build string) string {
	switch {
	case build == "" && c.standin == nil, build != "" && !c.settable(build):
		return ""
	case build == "":
		return strconv.FormatInt(int64(c.exercise), 36)
	}
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %s %d %t", c.builds[0].target.Build, c.builds[1].target.Build, c.rollout.target, c.rollout.drained)
	return strconv.FormatUint(h.Sum64(), 36)
}

// roll sets where a build's share shall go. The one whose place all members have
// left for the other is the next to be new.
func (c *cell) roll(s Shares, now time.Time) error {
	if !c.settable(s.Build) {
		return refused("build", "Only the newer of two builds has a share to set; the other has what it leaves.")
	}
	if s.Build == c.builds[0].target.Build {
		c.turn()
	}
	c.rollout.begin(s.Share, now)
	return nil
}

// turn makes the build that all members have gone to the old one, and the other,
// which nobody uses and whose process may be a newer one meanwhile, the new one.
func (c *cell) turn() {
	c.builds = []*process{c.builds[1], c.builds[0]}
	c.rollout = newRollout(c.rollout.rules)
}

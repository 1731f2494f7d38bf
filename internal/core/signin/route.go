package signin

import (
	"context"
	"slices"

	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
	"standfast/internal/fault"
)

// routes are the channels by which a member's codes can go now, in the order in
// which they are tried.
type routes struct {
	channels []notify.Channel
	to       map[notify.Channel]string
	byItself bool // the next one is used without being asked
}

// routes finds them: the member's order, less what has no address, no sender or
// no place in the tariff. E-mail is only ever the last resort, and in gb and eu
// none at all (SP 800-63B-4 §3.1.3.1 knows it not as a second factor).
func (s *Service) routes(ctx context.Context, tx *db.Tx, m member.Member) (routes, error) {
	return s.routesFor(ctx, tx, m, signIn)
}

// routesFor is routes for codes of one purpose: one that only shows that an
// address is read goes by whatever leads to it.
func (s *Service) routesFor(ctx context.Context, tx *db.Tx, m member.Member, p purpose) (routes, error) {
	wanted, err := preference(ctx, tx, m.ID)
	if err != nil {
		return routes{}, err
	}
	r := routes{to: map[notify.Channel]string{}, byItself: wanted.ByItself}
	ways := s.allowed(wanted.Ways)
	if p == contactProof || p == Assisted.purpose() {
		ways = withOthers(wanted.Ways)
	}
	for _, way := range ways {
		ch := notify.Channel(way)
		to := addressOf(m, ch)
		ready, err := s.notify.Ready(ctx, tx, ch, to)
		if err != nil {
			return routes{}, err
		}
		if ready {
			r.channels, r.to[ch] = append(r.channels, ch), to
		}
	}
	return r, nil
}

// withOthers are a member's channels and then those that the member has not chosen.
func withOthers(ways []string) []string {
	return append(slices.Clone(ways), slices.DeleteFunc(usualWays(), func(w string) bool { return slices.Contains(ways, w) })...)
}

// allowed keeps the channels that the cell's law has codes go by.
func (s *Service) allowed(ways []string) []string {
	return slices.DeleteFunc(slices.Clone(ways), func(w string) bool { return s.conf.NoEmailCode && w == string(notify.Email) })
}

// of keeps the routes that a challenge's code may take. A claim's goes to one
// contact only; see claimCode.
func (r routes) of(c challenge) routes {
	if !c.purpose.ofClaim() {
		return r
	}
	r.channels = slices.DeleteFunc(r.channels, func(ch notify.Channel) bool { return contact(ch) != contact(notify.Channel(c.channel)) })
	return r
}

func addressOf(m member.Member, ch notify.Channel) string {
	if ch == notify.Email {
		return m.Email
	}
	return m.Phone
}

// first is the channel of a first message: one whose sender is believed to work,
// the member's first otherwise.
func (s *Service) first(r routes) (notify.Channel, error) {
	for _, ch := range r.channels {
		if s.notify.Working(ch) {
			return ch, nil
		}
	}
	if len(r.channels) > 0 {
		return r.channels[0], nil
	}
	return "", noChannel()
}

// codeNoChannel is the refusal of somebody whom no code can reach.
const codeNoChannel = "signin.no-channel"

func noChannel() *fault.Error {
	return fault.New(fault.Forbidden, codeNoChannel, "We have no way to send you a code. Please call us.")
}

// offered are the channels that a challenge's code may take: all of the routes,
// e-mail only once nothing else is left to try.
func (s *Service) offered(r routes, f fate) []notify.Channel {
	return slices.DeleteFunc(slices.Clone(r.channels), func(ch notify.Channel) bool {
		return ch == notify.Email && !s.lastResort(r, f)
	})
}

// lastResort tells whether every other channel is used up: tried in this
// challenge without the code being given soon, or not working at all.
func (s *Service) lastResort(r routes, f fate) bool {
	others := 0
	for _, ch := range r.channels {
		if ch == notify.Email {
			continue
		}
		if !f.tried(ch) && s.notify.Working(ch) {
			return false
		}
		others++
	}
	return others == 0 || f.tried(notify.Email) || f.sends == 0 || f.overdue
}

// next is the channel to offer when a code does not arrive: the first that was
// not tried, "" when none is left.
func (s *Service) next(r routes, f fate) notify.Channel {
	for _, ch := range s.offered(r, f) {
		if !f.tried(ch) {
			return ch
		}
	}
	return ""
}

// reachable tells whether a code can reach the member by any channel.
func (s *Service) reachable(ctx context.Context, tx *db.Tx, m member.Member) (bool, error) {
	r, err := s.routes(ctx, tx, m)
	return len(r.channels) > 0, err
}

// messageWays lists how a challenge's code can be sent, and fills in what became
// of it so far.
func (s *Service) messageWays(ctx context.Context, tx *db.Tx, m member.Member, c *challenge) (list []string, err error) {
	r, err := s.routesFor(ctx, tx, m, c.purpose)
	if err != nil {
		return nil, err
	}
	r = r.of(*c)
	if c.fate, err = s.fate(ctx, tx, *c); err != nil {
		return nil, err
	}
	for _, ch := range s.offered(r, c.fate) {
		list = append(list, string(ch))
	}
	c.next = string(s.next(r, c.fate))
	if c.next == "" && c.fate.hopeless() {
		c.reference, err = referenceOf(ctx, tx, c.id)
	}
	return list, err
}

package signin

import (
	"bytes"
	"context"
	"slices"
	"time"

	"standfast/internal/core/member"
	"standfast/internal/db"
)

// Messages are counted per member, per device and per address; in all by
// Config.CodesPerSecond and by the tariff's budget (notify.Tariff). A right code
// takes back what was counted for the member, and nothing else: otherwise whoever
// has numbers sent to himself could go on for ever.

// perSend bounds the messages that somebody can have sent to a member. In an
// hour without a right code these are at most maxPerHour.
func perSend() limit {
	return limit{name: "send", free: 10, base: time.Minute, max: time.Hour, forget: time.Hour}
}

// maxPerHour is what perSend comes to: ten at once, then after 1, 2, 4, 8, 16
// and 32 minutes.
const maxPerHour = 16

// perClaimSend bounds what people who know no more than a name can have sent to
// its member. It is a count of its own: else they could use up the messages that
// the member signs in with.
func perClaimSend() limit {
	return limit{name: "send-claim", free: 10, base: 5 * time.Minute, max: 6 * time.Hour, forget: 24 * time.Hour}
}

// memberSends is the count of messages to a member that a challenge's go to.
func (s *Service) memberSends(c challenge) gauge {
	if c.purpose.ofClaim() {
		return s.gauge(perClaimSend(), c.memberID, c.memberID)
	}
	return s.gauge(perSend(), c.memberID, c.memberID)
}

// perSendDevice bounds what one browser can have sent, to whomever.
func perSendDevice() limit {
	return limit{name: "send-device", free: 20, base: time.Minute, max: time.Hour, forget: time.Hour, shared: true}
}

// perSendAddress is more generous, because many members can share one address.
func perSendAddress() limit {
	return limit{name: "send-address", free: 60, base: 30 * time.Second, max: 15 * time.Minute, forget: time.Hour, shared: true}
}

// sendLimits are all counts of a challenge's messages.
func (s *Service) sendLimits(c challenge) []gauge {
	list := []gauge{s.memberSends(c)}
	if c.device != "" {
		list = append(list, s.gauge(perSendDevice(), "", c.device))
	}
	if c.from.IP != "" {
		list = append(list, s.gauge(perSendAddress(), "", network(c.from.IP)))
	}
	return list
}

// countSend counts a message. Who had so many codes sent that the next ones have
// to wait is told so, by e-mail: it may be somebody else, who knows the password.
func (s *Service) countSend(ctx context.Context, tx *db.Tx, m member.Member, c challenge) error {
	list := s.sendLimits(c)
	if err := read(ctx, tx, list[:1], true); err != nil {
		return err
	}
	many := list[0].failures+1 == list[0].limit.free
	slices.SortFunc(list, func(a, b gauge) int { return bytes.Compare(a.key, b.key) }) // no two wait for each other
	if err := count(ctx, tx, list); err != nil || !many {
		return err
	}
	switch {
	case c.purpose == Enrolment.purpose():
		return s.tell(ctx, tx, m.ID, "enrolments-asked", c.from)
	case c.purpose.ofClaim():
		return s.tell(ctx, tx, m.ID, "claims-asked", c.from)
	}
	return s.tell(ctx, tx, m.ID, "codes-asked", c.from)
}

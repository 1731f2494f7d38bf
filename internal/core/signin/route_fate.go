package signin

import (
	"context"
	"slices"
	"time"

	"standfast/internal/core/notify"
	"standfast/internal/db"
)

// What is known of a code on its way, as a Challenge says it.
const (
	DeliveryWaiting   = "waiting"   // no news, and none is due yet
	DeliveryDelivered = "delivered" // the channel says that it has arrived, or took it and never says more
	DeliveryLate      = "late"      // no news for LateAfter
	DeliveryFailed    = "failed"    // the channel says that it will not arrive
)

// fate is what became of a challenge's messages.
type fate struct {
	sends    int
	used     []notify.Channel
	latest   notify.Channel
	delivery string // of the latest; "" when nothing was sent
	overdue  bool   // the latest is long enough ago, or has failed, for another channel
}

func (f fate) tried(ch notify.Channel) bool { return slices.Contains(f.used, ch) }

// hopeless tells whether the member needs a person's help once no channel is left.
func (f fate) hopeless() bool {
	return f.delivery == DeliveryLate || f.delivery == DeliveryFailed || f.overdue && f.sends > 1
}

// fate reads what became of a challenge's messages.
func (s *Service) fate(ctx context.Context, tx *db.Tx, c challenge) (f fate, err error) {
	if c.sends == 0 {
		return fate{}, nil
	}
	list, err := s.notify.About(ctx, tx, c.id)
	if err != nil || len(list) == 0 {
		return fate{sends: c.sends, delivery: DeliveryWaiting}, err
	}
	for _, m := range list {
		if !f.tried(m.Channel) {
			f.used = append(f.used, m.Channel)
		}
	}
	f.sends, f.latest, f.delivery = c.sends, list[0].Channel, deliveryOf(list[0], tx.Now.Sub(c.sentAt), s.conf.LateAfter)
	f.overdue = f.delivery == DeliveryFailed || tx.Now.Sub(c.sentAt) >= s.conf.LateAfter
	return f, nil
}

// deliveryOf judges a message of a certain age.
func deliveryOf(m notify.Status, age, late time.Duration) string {
	switch {
	case m.Delivery == notify.StateDelivered || m.Delivery == notify.StateHanded:
		return DeliveryDelivered
	case m.Delivery == notify.StateFailed || m.Delivery == notify.StateExpired || m.Status == notify.Failed:
		return DeliveryFailed
	case age >= late:
		return DeliveryLate
	}
	return DeliveryWaiting
}

// otherAt is from when on another channel than the latest may be used.
func (s *Service) otherAt(c challenge) time.Time {
	if c.sends == 0 || c.fate.overdue && c.fate.delivery == DeliveryFailed {
		return c.createdAt
	}
	return c.sentAt.Add(s.conf.LateAfter)
}

// suggested is the channel to offer now, "" while nothing is amiss.
func (c challenge) suggested() string {
	if c.fate.delivery == DeliveryLate || c.fate.delivery == DeliveryFailed {
		return c.next
	}
	return ""
}

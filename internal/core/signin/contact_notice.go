package signin

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
)

// tellContacts sends a notice to every address of a member, by e-mail and by text,
// and to further ones: whoever has taken over one of them must not be the only one
// who hears of it (SP 800-63B-4 §4.6). Addresses that cannot be reached are left
// out; the audit log has what happened.
func (s *Service) tellContacts(ctx context.Context, tx *db.Tx, m member.Member, also []Contacts, template string, data map[string]any) error {
	for _, to := range addresses(append([]Contacts{{Email: m.Email, Phone: m.Phone}}, also...)) {
		if !s.notify.Reaches(to.channel, to.address) {
			continue
		}
		err := s.notify.Send(ctx, tx, notify.Message{MemberID: m.ID, To: to.address, Channel: to.channel, Locale: m.Locale, Template: template, Data: data})
		if err != nil {
			return err
		}
	}
	return nil
}

// contactNotice is what members are told of a change: what, from when on, when and
// roughly from where it was asked for, and how to stop it.
func (s *Service) contactNotice(tx *db.Tx, c contactChange, from Client) map[string]any {
	data := map[string]any{"Phone": c.Kind == ContactPhone, "Time": tx.Now, "Device": "", "Where": "", "To": "", "From": "", "Link": ""}
	if c.Address != "" {
		data["To"] = masked(c.Address)
	}
	if from.IP != "" {
		data["Device"], data["Where"] = agentName(from.UserAgent), s.placeOf(from.IP)
	}
	if c.State == ChangeWaiting {
		data["From"] = c.From
		if s.conf.StopLink != nil {
			data["Link"] = s.conf.StopLink(s.stopToken(c.ID))
		}
	}
	return data
}

// stopToken is what the link of a notice carries: the change's id, and half of a
// keyed hash of it that only we can make. It is stored nowhere, is short enough
// for a text message, and allows nothing but to stop this one change.
func (s *Service) stopToken(id string) string { return linkToken(id, s.stopMAC(id)) }

func linkToken(id string, mac []byte) string {
	b, err := hex.DecodeString(strings.ReplaceAll(id, "-", ""))
	if err != nil {
		panic(err) // the ids are ours
	}
	return base64.RawURLEncoding.EncodeToString(append(b, mac...))
}

const (
	idBytes      = 16
	stopMACBytes = 16 // 128 bits
)

func (s *Service) stopMAC(id string) []byte {
	return s.key.Fingerprint("signin.contact-stop", []byte(id))[:stopMACBytes]
}

// readStopToken gives the id of a genuine token.
func (s *Service) readStopToken(token string) (id string, ok bool) {
	id, mac, ok := readLinkToken(token)
	return id, ok && subtle.ConstantTimeCompare(mac, s.stopMAC(id)) == 1
}

// readLinkToken takes a token apart; whether its hash is ours, the caller tells.
func readLinkToken(token string) (id string, mac []byte, ok bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != idBytes+stopMACBytes {
		return "", nil, false
	}
	h := hex.EncodeToString(b[:idBytes])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-"), b[idBytes:], true
}

// ContactByLink gives the change that a notice's link is about, its address
// masked, to whoever holds the link. Errors: NotFound for a token that is none of
// ours.
func (s *Service) ContactByLink(ctx context.Context, token string) (out ContactChange, err error) {
	id, ok := s.readStopToken(token)
	if !ok {
		return ContactChange{}, noContactChange()
	}
	err = s.db.View(ctx, func(tx *db.Tx) error {
		c, err := readContactChange(ctx, tx, `id = $1`, id)
		out = c.shown()
		return err
	})
	if err == db.ErrNoRows {
		if err := s.db.Sound(ctx); err != nil { // a link is not refused by a database that has lost its rows
			return ContactChange{}, err
		}
		err = noContactChange()
	}
	return out, err
}

// shown is a change as whoever holds a link may see it.
func (c contactChange) shown() ContactChange {
	out := c.ContactChange
	if out.Address != "" {
		out.Address = masked(out.Address)
	}
	return out
}

// StopContactByLink stops the change that a notice's link is about, and gives it
// as it is then: the link of one that was stopped before changes nothing, and
// that of one that has taken effect neither. Errors: NotFound.
func (s *Service) StopContactByLink(ctx context.Context, token string, c Client) (out ContactChange, err error) {
	id, ok := s.readStopToken(token)
	if !ok {
		return ContactChange{}, noContactChange()
	}
	err = s.db.WithTx(ctx, func(tx *db.Tx) error {
		found, err := s.lockContact(ctx, tx, id)
		if err != nil {
			return err
		}
		if found.State == ChangeWaiting {
			err = s.endContact(ctx, tx, &found, ChangeStopped, c)
		}
		out = found.shown()
		return err
	})
	if err == db.ErrNoRows {
		err = noContactChange()
	}
	return out, err
}

// lockContact locks a change; the credential's lock comes first, as everywhere.
func (s *Service) lockContact(ctx context.Context, tx *db.Tx, id string) (contactChange, error) {
	c, err := readContactChange(ctx, tx, `id = $1`, id)
	if err != nil {
		return contactChange{}, err
	}
	if _, err := lockCredential(ctx, tx, c.memberID); err != nil && err != db.ErrNoRows {
		return contactChange{}, err
	}
	return readContactChange(ctx, tx, `id = $1`+forUpdate(tx), id)
}

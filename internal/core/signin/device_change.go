package signin

import (
	"context"

	"standfast/internal/core/outbox"
	"standfast/internal/db"
)

// DeviceChange is a member's trust in a device as followers of the outbox read
// it (entity "device"). It holds what deciding about a sign-in needs while this
// process's database is out of reach, and public keys only.
type DeviceChange struct {
	Format     int    `json:"v"` // 1
	ID         string `json:"id"`
	MemberID   string `json:"member_id"`
	DeviceID   string `json:"device_id"`
	GrantedAt  int64  `json:"granted_at"`           // microseconds, as all times here
	ExpiresAt  int64  `json:"expires_at"`           // not trusted from then on
	RemovedAt  int64  `json:"removed_at"`           // 0: still trusted
	TokensFrom int64  `json:"tokens_from"`          // tokens of the device issued before then do not count
	PublicKey  []byte `json:"public_key,omitempty"` // SubjectPublicKeyInfo, base64; where it stands, its proof is wanted
}

// deviceChanged puts a member's trust in a device, as it now is, into the outbox.
func (s *Service) deviceChanged(ctx context.Context, tx *db.Tx, id, kind string) error {
	c := DeviceChange{Format: 1, ID: id}
	var version int64
	err := tx.QueryRow(ctx, `SELECT member_id, device_id, granted_at, expires_at, removed_at, tokens_from, public_key, version FROM device_trust WHERE id = $1`, id).
		Scan(&c.MemberID, &c.DeviceID, &c.GrantedAt, &c.ExpiresAt, &c.RemovedAt, &c.TokensFrom, &c.PublicKey, &version)
	if err != nil {
		return err
	}
	return outbox.Append(ctx, tx, outbox.Change{Entity: "device", EntityID: id, Kind: kind, Version: version, Payload: c})
}

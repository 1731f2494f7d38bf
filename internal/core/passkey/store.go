package passkey

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"standfast/internal/core/audit"
	"standfast/internal/core/outbox"
	"standfast/internal/db"
)

// Key is a passkey's public half with all that verifying an assertion needs. It
// is the payload of the outbox's entity "passkey", so that whoever follows it can
// verify while our database is away (see VerifyWith); it holds no secret.
type Key struct {
	V              int      `json:"v"` // of this form: 1
	ID             string   `json:"id"`
	Kind           Kind     `json:"kind"`
	OwnerID        string   `json:"owner_id"`
	Handle         []byte   `json:"handle"`
	CredentialID   []byte   `json:"credential_id"`
	PublicKey      []byte   `json:"public_key"` // COSE_Key
	SignCount      uint32   `json:"sign_count"`
	BackupEligible bool     `json:"backup_eligible"`
	Transports     []string `json:"transports,omitempty"`
	Name           string   `json:"name"`
}

// row is a passkey as it is stored.
type row struct {
	Key
	regressions     int64
	backedUp        bool
	aaguid          []byte
	created, lastAt time.Time
	version         int64
}

const columns = `p.id, p.kind, p.owner_id, o.handle, p.credential_id, p.public_key, p.sign_count, p.regressions, p.backup_eligible, p.backed_up,
	p.aaguid, p.transports, p.name, p.created_at, p.last_used_at, p.version`

const from = ` FROM passkey p JOIN passkey_owner o ON o.kind = p.kind AND o.owner_id = p.owner_id WHERE `

func scan(scanner interface{ Scan(...any) error }) (r row, err error) {
	var count, created, last int64
	var transports string
	err = scanner.Scan(&r.ID, &r.Kind, &r.OwnerID, &r.Handle, &r.CredentialID, &r.PublicKey, &count, &r.regressions, &r.BackupEligible, &r.backedUp,
		&r.aaguid, &transports, &r.Name, &created, &last, &r.version)
	r.V, r.SignCount, r.Transports = 1, uint32(count), strings.Fields(transports)
	r.created, r.lastAt = db.FromMicros(created), db.FromMicros(last)
	return r, err
}

// owned reads an owner's passkeys, the oldest first.
func (s *Service) owned(ctx context.Context, tx *db.Tx, owner string) ([]row, error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+from+`p.kind = $1 AND p.owner_id = $2 ORDER BY p.created_at, p.id`, string(s.conf.Kind), owner)
	return db.Collect(rows, err, func(r *sql.Rows) (row, error) { return scan(r) })
}

// one reads a passkey by a condition; db.ErrNoRows when there is none of the kind.
func (s *Service) one(ctx context.Context, tx *db.Tx, where string, arg any) (row, error) {
	return scan(tx.QueryRow(ctx, `SELECT `+columns+from+`p.kind = $1 AND `+where+` = $2`, string(s.conf.Kind), arg))
}

// Find reads the key of a credential; db.ErrNoRows when there is none of the kind.
// It is a Finder.
func (s *Service) Find(ctx context.Context, credentialID []byte) (k Key, err error) {
	err = s.db.Read(ctx, func(tx *db.Tx) error {
		r, err := s.one(ctx, tx, `p.credential_id`, credentialID)
		k = r.Key
		return err
	})
	return k, err
}

// lockOwner makes changes of one owner's passkeys take turns, and gives the
// owner's handle; db.ErrNoRows for one who never had any.
func (s *Service) lockOwner(ctx context.Context, tx *db.Tx, owner string) (handle []byte, err error) {
	query := `SELECT handle FROM passkey_owner WHERE kind = $1 AND owner_id = $2`
	if tx.Engine() == db.PostgreSQL {
		query += ` FOR UPDATE`
	}
	err = tx.QueryRow(ctx, query, string(s.conf.Kind), owner).Scan(&handle)
	return handle, err
}

func (r row) insert(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `INSERT INTO passkey (id, kind, owner_id, credential_id, public_key, sign_count, regressions, backup_eligible, backed_up,
			aaguid, transports, name, created_at, last_used_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11, $12, 0, $13)`,
		r.ID, string(r.Kind), r.OwnerID, r.CredentialID, r.PublicKey, int64(r.SignCount), r.BackupEligible, r.backedUp,
		r.aaguid, strings.Join(r.Transports, " "), r.Name, db.Micros(r.created), r.version)
	return err
}

// spend marks a challenge as answered; false when it was before.
func spend(ctx context.Context, tx *db.Tx, challenge []byte) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO passkey_spent (challenge, until) VALUES ($1, $2) ON CONFLICT (challenge) DO NOTHING`,
		challenge, db.Micros(spentUntil(tx.Now)))
	return n == 1, err
}

// Tidy forgets answered challenges that are too old to be answered again. It is
// to be called now and then.
func (s *Service) Tidy(ctx context.Context) error {
	return s.db.WithTx(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM passkey_spent WHERE until < $1`, db.Micros(tx.Now))
		return err
	})
}

// changed tells followers of a passkey's new version.
func (r row) changed(ctx context.Context, tx *db.Tx, kind string) error {
	return outbox.Append(ctx, tx, outbox.Change{Entity: "passkey", EntityID: r.ID, Kind: kind, Version: r.version, Payload: r.Key})
}

// record leaves who did what to a passkey.
func (r row) record(ctx context.Context, tx *db.Tx, action, outcome, ip string, details map[string]string) error {
	return audit.Record(ctx, tx, audit.Entry{
		Actor: string(r.Kind), ActorID: r.OwnerID, Action: action, Object: "passkey", ObjectID: r.ID,
		Outcome: outcome, From: ip, Details: details,
	})
}

// descriptors lists passkeys for a browser, which picks one of them or none.
func descriptors(list []row) []protocol.CredentialDescriptor {
	all := make([]protocol.CredentialDescriptor, len(list))
	for i, r := range list {
		all[i] = protocol.CredentialDescriptor{Type: protocol.PublicKeyCredentialType, CredentialID: r.CredentialID, Transport: transports(r.Transports)}
	}
	return all
}

func transports(names []string) []protocol.AuthenticatorTransport {
	all := make([]protocol.AuthenticatorTransport, len(names))
	for i, n := range names {
		all[i] = protocol.AuthenticatorTransport(n)
	}
	return all
}

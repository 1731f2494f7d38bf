// Package signin decides who is at the other end: passwords, one-time codes,
// remembered devices, sessions, and proofs of single actions.
//
// Three rules stand above the rest. A remembered device is never asked for a
// code. A right code counts once, and repeating it in the same flow gives the
// same answer. What is not known is never answered with no: a session that
// cannot be checked is fault.Unavailable, not fault.Unauthenticated.
package signin

import (
	"context"
	"errors"
	"time"

	"standfast/internal/core/member"
	"standfast/internal/core/notify"
	"standfast/internal/db"
)

// Sealer wraps secrets at rest; *masterkey.Key implements it, an issuer's key
// management may.
type Sealer interface {
	Seal(plain, context []byte) ([]byte, error)
	Open(sealed, context []byte) ([]byte, error)
	Fingerprint(context string, data []byte) []byte
}

// Service is the sign-in of one cell. It is safe for use by many goroutines.
type Service struct{}

var errSoon = errors.New("signin: being built")

func New(d *db.DB, members *member.Store, n *notify.Notifier, key Sealer, c Config) (*Service, error) {
	return &Service{}, nil
}
func (s *Service) Run(ctx context.Context) error     { return errSoon }
func (s *Service) Refresh(ctx context.Context) error { return errSoon }
func (s *Service) SignIn(ctx context.Context, username, password string, c Client) (Outcome, error) {
	return Outcome{}, errSoon
}
func (s *Service) SubmitCode(ctx context.Context, challengeID, code string, trustDevice bool, c Client) (Outcome, error) {
	return Outcome{}, errSoon
}
func (s *Service) Resend(ctx context.Context, challengeID, channel string, c Client) (Challenge, error) {
	return Challenge{}, errSoon
}
func (s *Service) Challenge(ctx context.Context, challengeID string, c Client) (Challenge, error) {
	return Challenge{}, errSoon
}
func (s *Service) Check(ctx context.Context, tok string, use Use) (Session, error) {
	return Session{}, errSoon
}
func (s *Service) SignOut(ctx context.Context, sess Session) error           { return errSoon }
func (s *Service) SignOutEverywhere(ctx context.Context, sess Session) error { return errSoon }
func (s *Service) Sessions(ctx context.Context, sess Session) ([]SessionInfo, error) {
	return nil, errSoon
}
func (s *Service) EndSession(ctx context.Context, sess Session, id string) error { return errSoon }
func (s *Service) Devices(ctx context.Context, sess Session) ([]DeviceInfo, error) {
	return nil, errSoon
}
func (s *Service) RemoveDevice(ctx context.Context, sess Session, id string) error { return errSoon }
func (s *Service) SetPassword(ctx context.Context, tx *db.Tx, memberID, password string) error {
	return errSoon
}
func (s *Service) SetPasswordHash(ctx context.Context, tx *db.Tx, memberID, phc string) error {
	return errSoon
}
func (s *Service) ChangePassword(ctx context.Context, sess Session, old, new string, c Client) error {
	return errSoon
}
func (s *Service) RotateKeys(ctx context.Context) error { return errSoon }
func (s *Service) StepUp(ctx context.Context, sess Session, a Action, c Client) (Challenge, error) {
	return Challenge{}, errSoon
}
func (s *Service) Prove(ctx context.Context, sess Session, challengeID, code string) (string, error) {
	return "", errSoon
}
func (s *Service) Redeem(ctx context.Context, tx *db.Tx, sess Session, proof string, a Action) error {
	return errSoon
}
func (s *Service) Fresh(sess Session, within time.Duration) bool { return false }

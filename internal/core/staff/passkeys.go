package staff

import "context"

// Passkeys lists those of who is signed in.
func (s *Service) Passkeys(ctx context.Context, sess Session) ([]Passkey, error) {
	return s.passkeys.List(ctx, sess.Person.ID)
}

// BeginAddPasskey gives the prompt for one more of who is signed in. Errors:
// Conflict when there are as many as can be kept.
func (s *Service) BeginAddPasskey(ctx context.Context, sess Session, c Client) (Prompt, error) {
	return s.passkeys.BeginRegistration(ctx, s.owner(sess.Person), c.Flow)
}

// AddPasskey takes the answer. Errors: those of the ceremony, and Unauthenticated
// when the session ended meanwhile.
func (s *Service) AddPasskey(ctx context.Context, sess Session, name, state string, answer []byte, c Client) error {
	made, err := s.passkeys.VerifyRegistration(ctx, sess.Person.ID, name, state, c.Flow, answer)
	if err != nil {
		return err
	}
	return s.act(ctx, sess, c, OwnPasskeys, sess.Person.ID, func(d doing) error {
		_, err := s.passkeys.Add(ctx, d.tx, made, c.IP)
		return err
	})
}

// RemovePasskey takes one away, never the last. Errors: NotFound; Conflict.
func (s *Service) RemovePasskey(ctx context.Context, sess Session, id string, c Client) error {
	return s.act(ctx, sess, c, OwnPasskeys, id, func(d doing) error {
		_, err := s.passkeys.Remove(ctx, d.tx, d.who.ID, id, false, c.IP)
		return err
	})
}

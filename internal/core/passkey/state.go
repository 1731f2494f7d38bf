package passkey

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"standfast/internal/db"
)

// use is which ceremony a prompt belongs to.
type use string

const (
	registering use = "register"
	signingIn   use = "sign-in"
)

// state is what a prompt leaves to be remembered.
type state struct {
	Use       use    `json:"use"`
	Challenge []byte `json:"challenge"`
	Owner     string `json:"owner,omitempty"`  // whose registration it is
	Handle    []byte `json:"handle,omitempty"` // of that owner
	Flow      []byte `json:"flow"`             // digest of the flow's id
	At        int64  `json:"at"`               // microseconds
}

const (
	challengeSize = 32   // bytes
	maxState      = 2048 // characters
)

func (s *Service) newState(u use, flow string) state {
	st := state{Use: u, Challenge: make([]byte, challengeSize), Flow: flowDigest(flow), At: db.Micros(s.now())}
	_, _ = rand.Read(st.Challenge) // never fails (crypto/rand)
	return st
}

func flowDigest(flow string) []byte {
	d := sha256.Sum256([]byte(flow))
	return d[:]
}

// context keeps states of two kinds of owners, and of two cells, apart.
func (s *Service) context() []byte {
	return []byte("passkey.state/" + string(s.conf.Kind) + "/" + s.conf.RPID)
}

func (s *Service) seal(st state) (string, error) {
	plain, err := json.Marshal(st)
	if err != nil {
		return "", err
	}
	sealed, err := s.key.Seal(plain, s.context())
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// open gives the state of a prompt that may be answered now, from this flow.
func (s *Service) open(sealed string, u use, flow string) (state, error) {
	if len(sealed) > maxState {
		return state{}, over(errors.New("the state is too long"))
	}
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil {
		return state{}, over(err)
	}
	plain, err := s.key.Open(raw, s.context())
	if err != nil {
		return state{}, over(err)
	}
	var st state
	if err := json.Unmarshal(plain, &st); err != nil {
		return state{}, over(err)
	}
	switch age := s.now().Sub(db.FromMicros(st.At)); {
	case st.Use != u:
		return state{}, over(errors.New("the state is of another ceremony"))
	case subtle.ConstantTimeCompare(st.Flow, flowDigest(flow)) != 1:
		return state{}, over(errors.New("the state is of another flow"))
	case age < -skew || age > promptFor+skew:
		return state{}, over(errors.New("the state is too old, or from the future"))
	}
	return st, nil
}

// spentUntil is when an answered challenge can be forgotten: no clock within the
// skew would take its state any more.
func spentUntil(now time.Time) time.Time { return now.Add(promptFor + 3*skew) }

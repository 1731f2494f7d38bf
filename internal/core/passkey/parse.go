package passkey

import (
	"errors"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
)

var errTooLarge = errors.New("the answer is too large")

// parseCreation reads what navigator.credentials.create gave, as JSON.
func parseCreation(raw []byte) (*protocol.ParsedCredentialCreationData, error) {
	if len(raw) > maxResponse {
		return nil, unreadable("body.credential", errTooLarge)
	}
	p, err := protocol.ParseCredentialCreationResponseBytes(raw)
	if err != nil {
		return nil, unreadable("body.credential", err)
	}
	return p, nil
}

// parseAssertion reads what navigator.credentials.get gave, as JSON.
func parseAssertion(raw []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if len(raw) > maxResponse {
		return nil, unreadable("body.assertion", errTooLarge)
	}
	p, err := protocol.ParseCredentialRequestResponseBytes(raw)
	if err != nil {
		return nil, unreadable("body.assertion", err)
	}
	return p, nil
}

// exactOrigin compares the page's origin as a browser reports it. The library
// compares scheme and host of whatever it can read as an address, which would let
// "https://user@host/path" pass.
func (s *Service) exactOrigin(c protocol.CollectedClientData) error {
	if slices.Contains(s.conf.Origins, c.Origin) {
		return nil
	}
	return refused(fmt.Errorf("made at another origin: %.100q", c.Origin))
}

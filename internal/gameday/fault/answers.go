package fault

import (
	"encoding/binary"
	"time"

	"github.com/Shopify/toxiproxy/v2/stream"
	"github.com/Shopify/toxiproxy/v2/toxics"
)

// answersType names the fault of wrong answers in toxiproxy's register.
const answersType = "postgresql_answers"

// answers changes what PostgreSQL answers. It reads the server's side of the
// frontend/backend protocol 3.0 (PostgreSQL 15, chapter 55): messages of one
// byte of type and a length of four bytes, which counts itself.
type answers struct {
	Error string `json:"error"` // SQLSTATE that every statement is answered with
	Empty bool   `json:"empty"` // rows are left out
}

// answering is where one connection stands.
type answering struct {
	rest     []byte // beginning of a message whose end has not come yet
	greeting bool   // the connection is being made: its messages pass
}

// Types of messages that are told apart.
const (
	msgAuthentication = 'R'
	msgDataRow        = 'D'
	msgCommand        = 'C'
	msgError          = 'E'
	msgReady          = 'Z'
)

const (
	headerBytes = 5
	maxMessage  = 1 << 24 // bytes; a longer one means that this is no such stream
)

// NewState implements toxics.StatefulToxic.
func (*answers) NewState() any { return &answering{} }

// Pipe implements toxics.Toxic.
func (a *answers) Pipe(stub *toxics.ToxicStub) {
	state, ok := stub.State.(*answering)
	if !ok {
		state = &answering{}
	}
	for {
		select {
		case <-stub.Interrupt:
			a.pass(stub, state.rest)
			state.rest = nil
			return
		case c := <-stub.Input:
			if c == nil {
				stub.Close()
				return
			}
			a.pass(stub, state.change(a, c.Data))
		}
	}
}

func (*answers) pass(stub *toxics.ToxicStub, data []byte) {
	if len(data) > 0 {
		stub.Output <- &stream.StreamChunk{Data: data, Timestamp: time.Now()}
	}
}

// change takes what came and gives what is to be passed on.
func (s *answering) change(a *answers, data []byte) (out []byte) {
	if len(s.rest) == 0 && len(data) == 1 { // the server's answer to a wish for TLS has no length
		return data
	}
	s.rest = append(s.rest, data...)
	for len(s.rest) >= headerBytes {
		n := 1 + int(binary.BigEndian.Uint32(s.rest[1:]))
		if n < headerBytes || n > maxMessage { // encrypted, or not this protocol
			out, s.rest = append(out, s.rest...), nil
			return out
		}
		if len(s.rest) < n {
			return out
		}
		out = append(out, s.message(a, s.rest[:n])...)
		s.rest = s.rest[n:]
	}
	return out
}

// message gives what becomes of one message.
func (s *answering) message(a *answers, m []byte) []byte {
	if m[0] == msgAuthentication {
		s.greeting = true
	}
	switch {
	case s.greeting:
		s.greeting = m[0] != msgReady
		return m
	case a.Error != "" && m[0] == msgReady:
		return append(refusal(a.Error), m...)
	case a.Error != "":
		return nil
	case a.Empty && m[0] == msgDataRow:
		return nil
	case a.Empty && m[0] == msgCommand:
		return frame(msgCommand, "SELECT 0\x00")
	}
	return m
}

// refusal is an ErrorResponse (PostgreSQL 15, 55.7 and 55.8).
func refusal(sqlState string) []byte {
	return frame(msgError, "SERROR\x00VERROR\x00C"+sqlState+"\x00Mbroken on purpose\x00\x00")
}

func frame(kind byte, body string) []byte {
	m := make([]byte, headerBytes, headerBytes+len(body))
	m[0] = kind
	binary.BigEndian.PutUint32(m[1:], uint32(4+len(body)))
	return append(m, body...)
}

// Package fault is the one vocabulary of errors: a kind that decides what a
// caller may do, a message for the person, and a cause that only the log sees.
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind says what the caller may conclude from an error. Each kind has exactly
// one HTTP status (see Status).
type Kind int

const (
	// Internal is a defect of ours; nothing is promised about it.
	Internal Kind = iota
	// Malformed input could not be read at all (400).
	Malformed
	// Unauthenticated means that nobody is signed in, or that the session was revoked (401).
	Unauthenticated
	// Forbidden means that this person may not do this, or not without a further proof (403).
	Forbidden
	// NotFound also stands for objects of other members (404).
	NotFound
	// Conflict means that the state of the object, or an earlier request under
	// the same key, rules this request out (409).
	Conflict
	// TooLarge input exceeds a stated limit (413).
	TooLarge
	// UnsupportedMedia means a content type that is not read here (415).
	UnsupportedMedia
	// Invalid input was read and breaks a rule (422). Fields names the rule.
	Invalid
	// TooMany requests came in too short a time (429). RetryAfter is set.
	TooMany
	// Gone was there and is not kept any more (410); the caller begins anew.
	Gone
	// Unavailable means that the answer is not known now (503). RetryAfter is
	// set. It never means "no".
	Unavailable
)

// Field is one broken rule of one field.
type Field struct {
	Location string         // path of the field, as "body.amount.value" or "query.limit"
	Code     string         // stable name of the rule, as "amount.too-precise"; key of the catalogue
	Message  string         // the rule in English
	Args     map[string]any // values that the catalogue's sentence names
}

// Error is the error that crosses a room's door.
type Error struct {
	Kind       Kind
	Code       string         // stable, as "payment.cutoff-passed"; ends the problem's type and is a key of the catalogue
	Message    string         // English sentence for the person
	Args       map[string]any // values that the catalogue's sentence names
	Fields     []Field
	RetryAfter time.Duration
	Load       bool           // turned away for the load alone: nothing is broken, and whoever routes members must not think so
	Extra      map[string]any // members of the problem document beside the standard ones
	Cause      error          // for the log, never for the person
}

// Error gives the text for the log.
func (e *Error) Error() string {
	s := e.Code + ": " + e.Message
	for _, f := range e.Fields {
		s += fmt.Sprintf(" [%s: %s]", f.Location, f.Code)
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an error of the given kind.
func New(k Kind, code, message string) *Error {
	e := &Error{Kind: k, Code: code, Message: message}
	if k == Unavailable || k == TooMany {
		e.RetryAfter = 5 * time.Second
	}
	return e
}

// Wrap makes an error of the given kind with a cause for the log.
func Wrap(k Kind, code, message string, cause error) *Error {
	e := New(k, code, message)
	e.Cause = cause
	return e
}

// With adds a value that the message's translation names.
func (e *Error) With(name string, value any) *Error {
	if e.Args == nil {
		e.Args = map[string]any{}
	}
	e.Args[name] = value
	return e
}

// After sets how long the caller should wait.
func (e *Error) After(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// OfLoad marks a request that was turned away because there was too much to do.
func (e *Error) OfLoad() *Error {
	e.Load = true
	return e
}

// InvalidField makes an Invalid error about one field.
func InvalidField(location, code, message string) *Error {
	return InvalidFields(Field{Location: location, Code: code, Message: message})
}

// InvalidFields makes an Invalid error about several fields.
func InvalidFields(f ...Field) *Error {
	e := New(Invalid, "invalid", "Some of what was sent cannot be accepted.")
	e.Fields = f
	if len(f) == 1 {
		e.Message = f[0].Message
	}
	return e
}

// As gives the Error in err's chain. Any other error becomes Internal, a
// deadline that passed or a cancelled context becomes Unavailable.
func As(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Wrap(Unavailable, "late", "We could not finish this in time. Please try again.", err)
	}
	return Wrap(Internal, "internal", "Something went wrong on our side.", err)
}

// Is tells whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && As(err).Kind == k }

// Status gives the HTTP status of a kind.
func (k Kind) Status() int {
	switch k {
	case Malformed:
		return 400
	case Unauthenticated:
		return 401
	case Forbidden:
		return 403
	case NotFound:
		return 404
	case Conflict:
		return 409
	case TooLarge:
		return 413
	case UnsupportedMedia:
		return 415
	case Invalid:
		return 422
	case TooMany:
		return 429
	case Gone:
		return 410
	case Unavailable:
		return 503
	}
	return 500
}

package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"standfast/internal/core/signin"
	"standfast/internal/fault"
	"standfast/internal/journey"
)

// Statuses of an answer to signing in.
const (
	signedIn     = "signed_in"
	codeRequired = "code_required"
)

// session is a new session as its client gets it.
type session struct {
	Token     string    `json:"token" doc:"Send it as Authorization: Bearer." example:"v4.public.eyJ…"`
	ExpiresAt time.Time `json:"expires_at" doc:"When the session ends unless it is used before." example:"2026-03-02T13:00:00Z"`
}

// challenge asks for a code.
type challenge struct {
	Delivery
	ID        string    `json:"id" doc:"Names the challenge in later calls." example:"019cada2-6c00-7000-8000-2d5f3ab0c001"`
	Channel   string    `json:"channel" doc:"Where the code was sent: email, text or voice. Or what is asked for without a message: app, passkey, recovery; a code is then sent by /sign-in/code/resend." example:"text"`
	SentTo    string    `json:"sent_to" doc:"The address or number, mostly hidden." example:"•••• 0142"`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when the code is accepted." example:"2026-03-02T12:10:00Z"`
	TriesLeft int       `json:"tries_left" doc:"How many wrong codes are still allowed." example:"5"`
	Reason    string    `json:"reason,omitempty" doc:"Why a device that was remembered is asked: no-key, key-missing, key-wrong, proof-over or code-due." example:"key-missing"`
	Ways      []string  `json:"ways" nullable:"false" doc:"How it can be answered: text, voice and email carry a code; app is an authenticator app's code; passkey; recovery is a recovery code." example:"[\"text\",\"passkey\"]"`

	Passkey *requestOptions `json:"passkey,omitempty" doc:"Where a passkey can answer: options for navigator.credentials.get, bound to exactly this."`
}

// requestOptions is what a browser is asked to answer a challenge by passkey.
type requestOptions struct {
	PublicKey json.RawMessage `json:"publicKey" doc:"As PublicKeyCredential.parseRequestOptionsFromJSON reads them."`
}

// Schema says that the options are an object, whose form is WebAuthn's.
func (requestOptions) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Required: []string{"publicKey"},
		Properties: map[string]*huma.Schema{"publicKey": {Type: huma.TypeObject, Description: "As PublicKeyCredential.parseRequestOptionsFromJSON reads them.", AdditionalProperties: true}}}
}

// device is a newly remembered device.
type device struct {
	Token string `json:"token" doc:"Send it as Standfast-Device when signing in, and no code is asked for." example:"v4.public.eyJ…"`
}

// signInAnswer is what signing in leads to.
type signInAnswer struct {
	Status    string     `json:"status" enum:"signed_in,code_required" doc:"Whether the member is signed in now." example:"signed_in"`
	Session   *session   `json:"session,omitempty" doc:"With signed_in."`
	Challenge *challenge `json:"challenge,omitempty" doc:"With code_required."`
	Device    *device    `json:"device,omitempty" doc:"When this device is remembered from now on."`
}

// ClientHeaders document what clients send that are no browsers.
type ClientHeaders struct {
	Flow        string `header:"Standfast-Flow" maxLength:"128" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"An id of the client's own choosing that names this attempt to sign in. A request without it is taken for a browser's and gets cookies." example:"6f1c2a90-attempt-1"`
	DeviceProof string `header:"Standfast-Device-Proof" maxLength:"256" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"That the device holds its key: a nonce of /sign-in/nonce, a dot, and the signature in base64url."`
	DeviceKey   string `header:"Standfast-Device-Key" maxLength:"256" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"The device's public key (P-256, SubjectPublicKeyInfo in base64url), to be bound to it. It counts together with a proof."`
	Device      string `header:"Standfast-Device" maxLength:"2048" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"The token of a remembered device."`
}

type signInRequest struct {
	Username string `json:"username" minLength:"1" maxLength:"64" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"The member's username." example:"ada"`
	Password string `json:"password" minLength:"1" maxLength:"256" pattern:"^[^\\x00-\\x1f\\x7f]*$" patternDescription:"text without control characters" doc:"The member's password." example:"correct horse battery staple"`
}

type codeRequest struct {
	ChallengeID string `json:"challenge_id" minLength:"1" maxLength:"64" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"The challenge." example:"019cada2-6c00-7000-8000-2d5f3ab0c001"`
	Code        string `json:"code" minLength:"1" maxLength:"16" pattern:"^[0-9 ]*$" patternDescription:"digits" doc:"The code that was sent." example:"483920"`
	TrustDevice bool   `json:"trust_device,omitempty" doc:"Remember this device, so that no code is asked for again." example:"true"`
}

type resendRequest struct {
	ChallengeID string `json:"challenge_id" minLength:"1" maxLength:"64" pattern:"^[!-~]*$" patternDescription:"visible ASCII" doc:"The challenge." example:"019cada2-6c00-7000-8000-2d5f3ab0c001"`
	Channel     string `json:"channel,omitempty" enum:"email,text,voice" doc:"Where to send the code; the channel used before when missing." example:"voice"`
}

func (a *api) signInCalls() {
	refusals := []int{http.StatusUnauthorized, http.StatusTooManyRequests}
	register(a, operation{id: "sign-in", method: http.MethodPost, path: "/api/v1/sign-in", tag: "Sign-in", public: true,
		journey: journey.SignIn, errors: refusals, admit: a.SignIn.MayTry, summary: "Sign in with a password",
		description: "From a remembered device the member is signed in; otherwise a code is sent and must be given to /sign-in/code. A refusal never says which part was wrong."}, a.signIn)
	register(a, operation{id: "device-nonce", method: http.MethodGet, path: "/api/v1/sign-in/nonce", tag: "Sign-in", public: true,
		journey: journey.SignIn, summary: "A nonce for a device's proof",
		description: "A device that holds a key signs the text standfast-device-proof-1, the cell's name and the nonce, each on a line of its own (joined by a line feed, none at the end), by ECDSA on P-256 with SHA-256; the signature is r and s, 64 bytes. Nonce, a dot, and the signature in base64url go into Standfast-Device-Proof of the next call. Once a key is bound to a device, its token alone is worth nothing."}, a.nonce)
	register(a, operation{id: "submit-code", method: http.MethodPost, path: "/api/v1/sign-in/code", tag: "Sign-in", public: true,
		journey: journey.SignIn, errors: refusals, summary: "Finish signing in with a code",
		description: "The same code in the same flow within two minutes gives the same session again; from any other flow it is refused."}, a.submitCode)
	register(a, operation{id: "resend-code", method: http.MethodPost, path: "/api/v1/sign-in/code/resend", tag: "Sign-in", public: true,
		journey: journey.SignIn, errors: append(refusals, http.StatusNotFound), summary: "Send the code again",
		description: "The same code is sent again, by another channel if one is named."}, a.resend)
}

// nonceAnswer is what a device signs.
type nonceAnswer struct {
	Nonce     string    `json:"nonce" doc:"Good once, in this flow." example:"AAZFq…"`
	ExpiresAt time.Time `json:"expires_at" doc:"Until when it is taken." example:"2026-03-02T12:05:00Z"`
}

func (a *api) nonce(_ context.Context, c *call, _ *struct{ ClientHeaders }) (*body[nonceAnswer], error) {
	n := a.SignIn.DeviceNonce(a.Cookies.Client(c.w, c.r))
	return bodyOf(nonceAnswer{Nonce: n.Value, ExpiresAt: n.ExpiresAt.UTC()}), nil
}

func (a *api) signIn(ctx context.Context, c *call, in *struct {
	ClientHeaders
	Body signInRequest
}) (*body[signInAnswer], error) {
	k := a.Cookies.Client(c.w, c.r)
	out, err := a.SignIn.SignIn(ctx, in.Body.Username, in.Body.Password, k)
	if err != nil {
		return nil, err
	}
	return a.signInOutcome(c, k, out), nil
}

func (a *api) submitCode(ctx context.Context, c *call, in *struct {
	ClientHeaders
	Body codeRequest
}) (*body[signInAnswer], error) {
	k := a.Cookies.Client(c.w, c.r)
	out, err := a.SignIn.SubmitCode(ctx, in.Body.ChallengeID, in.Body.Code, in.Body.TrustDevice, k)
	if err != nil {
		return nil, err
	}
	return a.signInOutcome(c, k, out), nil
}

func (a *api) resend(ctx context.Context, c *call, in *struct {
	ClientHeaders
	Body resendRequest
}) (*body[challenge], error) {
	ch, err := a.SignIn.Resend(ctx, in.Body.ChallengeID, in.Body.Channel, a.Cookies.Client(c.w, c.r))
	if err != nil {
		return nil, err
	}
	return bodyOf(challengeOf(ch)), nil
}

// signInOutcome answers an outcome and, for browsers, sets the cookies.
func (a *api) signInOutcome(c *call, k signin.Client, out signin.Outcome) *body[signInAnswer] {
	var s signInAnswer
	if out.Challenge != nil {
		ch := challengeOf(*out.Challenge)
		s.Status, s.Challenge = codeRequired, &ch
	}
	if out.Session != nil {
		s.Status, s.Session = signedIn, &session{Token: out.Session.Token, ExpiresAt: out.Session.ExpiresAt.UTC()}
		if k.Browser {
			a.Cookies.SetSession(c.w, out.Session.Token, out.Session.ExpiresAt)
		}
	}
	if out.DeviceToken != "" {
		s.Device = &device{Token: out.DeviceToken}
		if k.Browser {
			a.Cookies.SetDevice(c.w, out.DeviceToken)
		}
	}
	return bodyOf(s)
}

func challengeOf(c signin.Challenge) challenge {
	w := challenge{Delivery: deliveryOf(c), ID: c.ID, Channel: c.Channel, SentTo: c.SentTo, ExpiresAt: c.ExpiresAt.UTC(), TriesLeft: c.TriesLeft, Reason: string(c.Reason), Ways: append([]string{}, c.Ways...)}
	if c.Passkey != nil {
		w.Passkey = &requestOptions{}
		if json.Unmarshal(c.Passkey, w.Passkey) != nil { // made by us a moment ago
			w.Passkey = nil
		}
	}
	return w
}

// withChallenge gives a step-up refusal's challenge the form in which the API
// answers challenges.
func withChallenge(e *fault.Error) *fault.Error {
	ch, ok := e.Extra["challenge"].(signin.Challenge)
	if !ok {
		return e
	}
	copied := *e
	copied.Extra = maps.Clone(e.Extra)
	copied.Extra["challenge"] = challengeOf(ch)
	return &copied
}

package bench

import (
	"context"
	"encoding/json"
	"time"

	"standfast/internal/core/passkey/softkey"
)

// ceremony is what the API hands to an authenticator.
type ceremony struct {
	PublicKey json.RawMessage `json:"publicKey"`
	State     string          `json:"state"`
}

func (c ceremony) options() []byte {
	b, _ := json.Marshal(map[string]json.RawMessage{"publicKey": c.PublicKey}) // it was JSON before
	return b
}

// addPasskey gives the member of a session a passkey.
func (k *child) addPasskey(ctx context.Context, token string) (*softkey.Authenticator, error) {
	header := map[string]string{"Authorization": "Bearer " + token}
	var c ceremony
	if err := call(ctx, k.base+"/passkeys/options", header, struct{}{}, &c); err != nil {
		return nil, err
	}
	key := &softkey.Authenticator{Synced: true}
	credential, err := key.Create(c.options(), publicURL)
	if err != nil {
		return nil, err
	}
	return key, call(ctx, k.base+"/passkeys", header, map[string]any{"state": c.State, "credential": json.RawMessage(credential), "name": "Bench"}, &struct{}{})
}

// passkeyIn signs a member in with a passkey from a known device.
func (k *child) passkeyIn(ctx context.Context, key *softkey.Authenticator, device string) error {
	header := map[string]string{"Standfast-Flow": "bench-passkey", "Standfast-Device": device}
	var c ceremony
	if err := call(ctx, k.base+"/sign-in/passkey/options", header, struct{}{}, &c); err != nil {
		return err
	}
	assertion, err := key.Get(c.options(), publicURL)
	if err != nil {
		return err
	}
	return call(ctx, k.base+"/sign-in/passkey", header, map[string]any{"state": c.State, "assertion": json.RawMessage(assertion)}, &struct{}{})
}

// passkeysPerPassword is how many passkey sign-ins are measured for each with a
// password: they are so much cheaper.
const passkeysPerPassword = 5

// passkeyCPU measures the CPU that the core process spends on whole sign-ins with
// a passkey: both calls, the signature, the records.
func passkeyCPU(ctx context.Context, c signinCmd, r *Report, core *child, key *softkey.Authenticator, device string, password time.Duration) error {
	n := passkeysPerPassword * c.SignIns
	spent, err := core.spends(func() error {
		for range n {
			if err := core.passkeyIn(ctx, key, device); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	each := ms(spent) / float64(n)
	r.add("CPU of a sign-in with a passkey, records included", each, "ms")
	r.add("ratio of a passkey sign-in to a password sign-in", each/ms(password), "×")
	return nil
}

package portal

import (
	"net/http"

	"standfast/internal/core/portal/view"
)

// deviceNonce gives a nonce for a form that was open for longer than the one in
// its page is good.
func (s *server) deviceNonce(v *visit) (response, error) {
	v.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = v.w.Write([]byte(s.SignIn.DeviceNonce(v.client()).Value))
	return response{status: http.StatusOK, written: true}, nil
}

// keyForm is what a form that signs in carries for device.js. A key is made only
// where the browser has an identity that it could be bound to, or gets one now.
func (s *server) keyForm(v *visit, trusting bool) view.KeyForm {
	c := v.client()
	return view.KeyForm{Cell: s.Cookies.Cell, Nonce: s.SignIn.DeviceNonce(c).Value, Bind: trusting || c.DeviceToken != ""}
}

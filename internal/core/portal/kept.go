package portal

import (
	"encoding/json"
	"net/http"
	"net/url"

	"standfast/internal/fault"
)

// keepForm keeps what was typed into a form that came too late: its session had
// ended. The member signs in and finds it where they typed it. What cannot be
// kept is typed again; nothing else depends on it.
func (s *server) keepForm(v *visit, e entry, cause error) {
	if len(e.keeps) == 0 || !fault.Is(cause, fault.Unauthenticated) {
		return
	}
	typed := map[string]string{}
	for _, name := range e.keeps {
		if value := v.value(name); value != "" {
			typed[name] = value
		}
	}
	form, err := json.Marshal(typed)
	if err != nil || len(typed) == 0 {
		return
	}
	if v.kept, err = s.SignIn.Keep(v.r.Context(), s.Cookies.Session(v.r), form); err != nil {
		s.Log.WarnContext(v.r.Context(), "what was typed could not be kept", "err", err)
	}
}

// restore puts what was kept into the form of the page that is asked for, as if
// it stood in the address.
func (s *server) restore(v *visit) {
	id := v.value("kept")
	if v.r.Method != http.MethodGet || id == "" || !v.signedIn() {
		return
	}
	form, err := s.SignIn.Kept(v.r.Context(), v.session, id)
	if err != nil {
		s.Log.WarnContext(v.r.Context(), "what was typed could not be restored", "err", err)
	}
	typed := map[string]string{}
	if form == nil || json.Unmarshal(form, &typed) != nil {
		return
	}
	for name, value := range typed {
		v.r.Form.Set(name, value)
	}
	v.back = true
}

// withQuery adds a value to an address of ours.
func withQuery(address, name, value string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

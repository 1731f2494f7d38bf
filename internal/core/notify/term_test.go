package notify_test

import (
	"strings"
	"testing"

	"standfast/internal/core/notify"
	"standfast/internal/money"
	"standfast/internal/text"
)

// A reason is said in its reader's language, whichever that is.
func TestATermIsWrittenInTheReadersLanguage(t *testing.T) {
	texts, err := text.Load()
	if err != nil {
		t.Fatal(err)
	}
	out := &outside{}
	each(t, map[notify.Channel]notify.Sender{notify.Email: out, notify.Text: out}, func(t *testing.T, h house) {
		const id = "payment.note.account-closed"
		for _, locale := range []string{"en-US", "de-DE"} {
			out.got = nil
			data := map[string]any{"Amount": money.New(2500, "USD"), "Confirmation": "K7Q2-91XD", "Reason": notify.Term(id)}
			h.send(t, notify.Message{MemberID: "m", To: "ada@example.com", Channel: notify.Email, Locale: locale, Template: "payment-returned", Data: data})
			h.send(t, notify.Message{MemberID: "m", To: "+12025550100", Channel: notify.Text, Locale: locale, Template: "payment-declined", Data: data})
			h.drain(t)
			want := texts.Printer(locale).T(id)
			for _, m := range out.got {
				if !strings.Contains(m.Text, want) {
					t.Errorf("%s: %q does not say %q", locale, m.Text, want)
				}
			}
			if len(out.got) != 2 {
				t.Errorf("%d messages", len(out.got))
			}
		}
	})
}

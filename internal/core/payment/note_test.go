package payment

import (
	"testing"

	"standfast/internal/text"
)

// Every reason that a payment may end for is said in every language.
func TestEveryNoteHasItsWords(t *testing.T) {
	c, err := text.Load()
	must(t, err)
	said := map[string]bool{}
	for _, from := range []map[string]string{notes, reasons} {
		for _, note := range from {
			said[note] = true
			for _, locale := range []string{"en-US", "de-DE"} {
				if !c.Has(locale, "payment.note."+note) {
					t.Errorf("payment.note.%s has no words in %s", note, locale)
				}
			}
		}
	}
	t.Logf("%d reasons", len(said))
}

// Whoever's payment comes to nothing is told why and what to do, in the notice
// as on the page.
func TestTheMemberIsToldWhy(t *testing.T) {
	texts, err := text.Load()
	must(t, err)
	each(t, func(h *house) {
		ada := h.person("ada")
		for code, note := range map[string]string{"R01": "insufficient-funds", "R02": "account-closed"} {
			h.bank.answers[""] = Answer{Outcome: SentBack, Code: code}
			p := h.pay(ada, 10_00)
			h.drain()
			p = h.get(p)
			if p.Note() != "payment.note."+note {
				h.Fatalf("%+v", p)
			}
			h.told(Grouped(p.ConfirmationNumber), texts.Printer("en-US").T(p.Note()))
		}
		h.bank.answers[""] = Answer{Outcome: Refused, Code: "R34"} // says nothing that a member could use
		p := h.pay(ada, 10_00)
		h.drain()
		if p = h.get(p); p.Note() != "" {
			h.Fatalf("%+v", p)
		}
		h.told(Grouped(p.ConfirmationNumber), "Your bank did not allow it.")
	})
}

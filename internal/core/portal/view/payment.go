package view

import (
	"standfast/internal/core/payment"
)

// counts tells whether a payment still counts: it pays the card, or will.
func counts(s payment.Status) bool {
	return s != payment.Returned && s != payment.Declined && s != payment.Cancelled
}

// stateTone is the colour that goes with the word of a state.
func stateTone(s payment.Status) string {
	switch s {
	case payment.Settled:
		return "good"
	case payment.Returned, payment.Declined:
		return "bad"
	case payment.AwaitingStepUp:
		return "late"
	}
	return ""
}

// paymentSentence says where a payment stands, what happened to the money and,
// where no note does, what there is to do.
func paymentSentence(f Frame, p payment.Payment) string {
	if p.Note() != "" {
		switch p.Status {
		case payment.Returned:
			return f.T("payment.sentence.returned-why")
		case payment.Declined:
			return f.T("payment.sentence.declined-why")
		}
	}
	date := p.CreditedOn
	if p.Status == payment.Scheduled || date == "" {
		date = p.Date
	}
	return f.T("payment.sentence."+string(p.Status), "Date", f.Business(date))
}

// underWay tells whether a payment is still on its way.
func underWay(s payment.Status) bool {
	switch s {
	case payment.Scheduled, payment.AwaitingStepUp, payment.Held, payment.Submitted:
		return true
	}
	return false
}

package app

import (
	"context"
	"net/http"
	"strings"

	"standfast/internal/core/notify"
	"standfast/internal/core/notify/gateway"
	"standfast/internal/fault"
)

// receiptsPath is where gateways report, followed by the channel's name.
const receiptsPath = "/receipts/"

// newSenders gives the ways out for messages: the demo's mailbox for every
// channel that has nothing of its own, the SMTP relay for e-mail, and the
// gateways for text messages and calls. (The telephone process speaks codes
// itself where it is there; a gateway for calls serves those who have none.)
func newSenders(c Config) (map[notify.Channel]notify.Sender, error) {
	senders := map[notify.Channel]notify.Sender{}
	if c.Demo.Mailbox != "" {
		box := notify.NewMailbox(c.Demo.Mailbox)
		senders = map[notify.Channel]notify.Sender{notify.Email: box, notify.Text: box, notify.Voice: box, notify.Push: box}
	}
	if c.Mail.Server != "" {
		smtp, err := newMail(c.Mail)
		if err != nil {
			return nil, err
		}
		senders[notify.Email] = smtp
	}
	for channel, g := range c.gateways() {
		sender, err := g.sender()
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "config."+string(channel), "["+string(channel)+"] cannot be used.", err)
		}
		senders[channel] = sender
	}
	return senders, nil
}

func newMail(c MailConfig) (*notify.SMTP, error) {
	password, err := secret(c.PasswordFile)
	if err != nil {
		return nil, err
	}
	return notify.NewSMTP(notify.SMTPConfig{Addr: c.Server, From: c.From, Username: c.User, Password: password, Security: notify.Security(c.TLS)})
}

// gateways are those that the configuration has.
func (c Config) gateways() map[notify.Channel]GatewayConfig {
	all := map[notify.Channel]GatewayConfig{}
	for channel, g := range map[notify.Channel]GatewayConfig{notify.Text: c.Text, notify.Voice: c.Voice} {
		if g.URL != "" {
			all[channel] = g
		}
	}
	return all
}

func (g GatewayConfig) sender() (*gateway.Gateway, error) {
	credential, err := secret(g.SecretFile)
	if err != nil {
		return nil, err
	}
	return gateway.New(gateway.Config{URL: g.URL, CheckURL: g.CheckURL, Format: g.Format, Header: g.Header, Secret: credential, From: g.From,
		Fields: g.Fields, AnswerID: g.AnswerID, Timeout: g.Timeout.Duration, Silent: g.Receipts.SecretFile == ""})
}

// newReceipts gives the addresses at which gateways report.
func newReceipts(c Config, n *notify.Notifier) (http.Handler, error) {
	m := http.NewServeMux()
	for channel, g := range c.gateways() {
		if g.Receipts.SecretFile == "" {
			continue
		}
		key, err := secret(g.Receipts.SecretFile)
		if err != nil {
			return nil, err
		}
		states := map[string]notify.State{}
		for word, s := range g.Receipts.States {
			states[word] = notify.State(s)
		}
		h, err := gateway.NewReceipts(gateway.ReceiptConfig{Proof: g.Receipts.Proof, Secret: key, Header: g.Receipts.Header, ID: g.Receipts.ID, State: g.Receipts.State, States: states},
			func(ctx context.Context, list []notify.Receipt) error { return n.Receive(ctx, channel, list) })
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "config."+string(channel), "["+string(channel)+".receipts] cannot be used.", err)
		}
		m.Handle(receiptsPath+string(channel), h)
	}
	return m, nil
}

// tariff says to which countries messages go: what the file names, or else the
// country whose rules the cell has.
func (c Config) tariff() notify.Tariff {
	t := notify.Tariff{Prices: c.Messages.Prices, Budget: c.Messages.DailyUnits}
	if len(t.Prices) == 0 {
		t.Prices = homePrices(c.Cell.Rules)
	}
	return t
}

// homePrices are one unit for a number at home. The North American plan has
// islands at prices of their own, which fraudsters know; the United Kingdom has
// personal numbers (+44 70) and crown dependencies that bill as they like.
func homePrices(rules string) map[string]int64 {
	free, shut := "", ""
	switch rules {
	case "gb":
		free, shut = "+44", "+4470 +441481 +441534 +441624"
	case "eu":
		free = "+30 +31 +32 +33 +34 +351 +352 +353 +354 +356 +357 +358 +359 +36 +370 +371 +372 +385 +386 +39 +40 +420 +421 +423 +43 +45 +46 +47 +48 +49"
	default:
		free, shut = "+1", "+1242 +1246 +1264 +1268 +1284 +1345 +1441 +1473 +1649 +1658 +1664 +1721 +1758 +1767 +1784 +1809 +1829 +1849 +1868 +1869 +1876 +1900"
	}
	prices := map[string]int64{}
	for prefix := range strings.FieldsSeq(free) {
		prices[prefix] = 1
	}
	for prefix := range strings.FieldsSeq(shut) {
		prices[prefix] = 0
	}
	return prices
}

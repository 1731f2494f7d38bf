package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"standfast/internal/core/notify/gateway"
	httpsource "standfast/internal/core/source/http"
	"standfast/internal/fault"
)

// SimSource runs the reference server of the source API until ctx ends. Its
// made-up accounts always have the same history.
func SimSource(ctx context.Context, addr, token string, asJSON bool, out io.Writer) error {
	if err := loopbackOnly(addr); err != nil {
		return err
	}
	l, err := listen(addr)
	if err != nil {
		return err
	}
	url := "http://" + l.Addr().String()
	if asJSON {
		err = json.NewEncoder(out).Encode(map[string]any{"ready": true, "url": url, "token": token})
	} else {
		_, err = fmt.Fprintf(out, "Source of accounts on %s, bearer token %q. Stop with Ctrl-C.\n", url, token)
	}
	if err != nil {
		l.Close()
		return err
	}
	return serve(ctx, newServer(httpsource.NewServer(httpsource.ServerConfig{Token: token})), l, TLSConfig{})
}

// What the reference gateway and a demo with it know of each other.
const (
	SimToken  = "standfast-sim"
	SimSecret = "standfast-sim-receipts"
)

// SimSMSOptions are the flags of `standfast sim sms`.
type SimSMSOptions struct {
	Listen     string // loopback only
	Token      string // bearer token of callers
	ReceiptsTo string // URL of core's /receipts/text, "" for none
	Secret     string // key of the receipts' signatures
	Fault      gateway.Fault
	JSON       bool
	Out        io.Writer
}

// SimSMS runs the reference gateway for text messages and calls until ctx ends.
func SimSMS(ctx context.Context, o SimSMSOptions) error {
	if err := loopbackOnly(o.Listen); err != nil {
		return err
	}
	if o.ReceiptsTo != "" && len(o.Secret) < 16 {
		return fault.New(fault.Invalid, "usage", "--secret has at least 16 characters, the same as core's receipts.secret_file.")
	}
	l, err := listen(o.Listen)
	if err != nil {
		return err
	}
	url := "http://" + l.Addr().String()
	if o.JSON {
		err = json.NewEncoder(o.Out).Encode(map[string]any{"ready": true, "url": url, "messages": url + "/v1/messages", "inbox": url + "/v1/inbox",
			"faults": url + "/faults", "token": o.Token, "secret": o.Secret, "mode": o.Fault.Mode})
	} else {
		_, err = fmt.Fprintf(o.Out, "Message gateway on %s/v1/messages, bearer token %q; what arrived: %s/v1/inbox. Stop with Ctrl-C.\n", url, o.Token, url)
	}
	if err != nil {
		l.Close()
		return err
	}
	g := gateway.NewServer(gateway.ServerConfig{Token: o.Token, ReceiptsTo: o.ReceiptsTo, Secret: o.Secret, Fault: o.Fault})
	defer g.Close()
	return serve(ctx, newServer(g), l, TLSConfig{})
}

package scenario

import (
	"net"
	"net/http"
	"time"

	"standfast/internal/app"
	"standfast/internal/core/notify/gateway"
)

// texts is the gateway that carries the process's text messages, outside of it:
// the reference gateway, which can go wrong in every way that real ones do.
type texts struct {
	*gateway.Server
	url  string // where messages are handed over
	http *http.Server
}

const textsHeader = 10 * time.Second // for a caller's headers

func openTexts() (*texts, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &texts{Server: gateway.NewServer(gateway.ServerConfig{Token: app.SimToken, Secret: app.SimSecret}),
		url: "http://" + l.Addr().String() + "/v1/messages"}
	t.http = &http.Server{Handler: t.Server, ReadHeaderTimeout: textsHeader}
	go func() { _ = t.http.Serve(l) }()
	return t, nil
}

func (t *texts) close() {
	_ = t.http.Close()
	t.Server.Close()
}

// codes lists the codes that arrived at a telephone number.
func (t *texts) codes(number string) (list []received) {
	for _, a := range t.Inbox(number) {
		if a.Code != "" {
			list = append(list, received{a.Code, a.Channel, a.ArrivedAt})
		}
	}
	return list
}

package bench

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"standfast/internal/app"
	"standfast/internal/pki"
)

// bareProxy is the yardstick: httputil.ReverseProxy as its documentation writes
// it, on the socket that was handed over, with as many kept connections as the edge.
func bareProxy(ctx context.Context, config string) error {
	c, err := app.LoadEdgeConfig(config)
	if err != nil {
		return err
	}
	conf, err := pki.Client(c.Internal.CA, c.Internal.Certificate, c.Internal.Key, c.Cells[0].Name, pki.Core)
	if err != nil {
		return err
	}
	target, err := url.Parse(c.Cells[0].Builds[0].URL)
	if err != nil {
		return err
	}
	f := os.NewFile(firstSocket, "listener")
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return err
	}
	srv := &http.Server{ReadHeaderTimeout: patience, Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.SetXForwarded()
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{TLSClientConfig: conf, MaxIdleConns: barePool, MaxIdleConnsPerHost: barePool, DisableCompression: true},
	}}
	go func() {
		<-ctx.Done()
		srv.Close()
	}()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

const (
	firstSocket = 3   // of those handed over (sd_listen_fds(3))
	barePool    = 512 // connections that rest, as many as the edge keeps
)

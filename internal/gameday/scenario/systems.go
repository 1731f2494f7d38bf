package scenario

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"standfast/internal/app"
	httpsource "standfast/internal/core/source/http"
	"standfast/internal/gameday/fault"
)

// Names of the issuer's own systems, as the configuration has them.
const (
	farCards   = "cards"
	farSavings = "savings"
	farLimit   = 500_000 // of a card there, in minor units
)

// systems are the issuer's own systems that hold accounts: a reference source
// each for cards and for savings, with a proxy before it that can break.
type systems struct {
	server         *http.Server
	cards, savings *fault.Web
}

// openSystems holds a card and savings for each of so many members.
func openSystems(members int) (*systems, error) {
	var accounts []httpsource.Holding
	for i := range members {
		name := fmt.Sprintf("gameday%d", i)
		accounts = append(accounts, httpsource.Holding{Ref: name + farCards, Currency: homes()[0].currency, CreditLimit: farLimit},
			httpsource.Holding{Ref: name + farSavings, Currency: homes()[0].currency})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &systems{server: &http.Server{Handler: httpsource.NewServer(httpsource.ServerConfig{Token: app.SimToken, Accounts: accounts}), ReadHeaderTimeout: textsHeader}}
	go func() { _ = s.server.Serve(l) }()
	for _, to := range []**fault.Web{&s.cards, &s.savings} {
		if *to, err = fault.NewWeb("http://"+l.Addr().String(), fault.Encryption{}); err != nil {
			return nil, errors.Join(err, s.server.Close())
		}
	}
	return s, nil
}

// flags tell the demo where the systems are.
func (s *systems) flags() []string {
	return []string{"--source", farCards + "=" + s.cards.URL(), "--source", farSavings + "=" + s.savings.URL()}
}

// configured is the same in the configuration's form; the token's file goes to dir.
func (s *systems) configured(dir string) (map[string]app.SourceConfig, error) {
	token := filepath.Join(dir, "systems.secret")
	if err := os.WriteFile(token, []byte(app.SimToken), 0o600); err != nil {
		return nil, err
	}
	return map[string]app.SourceConfig{farCards: {URL: s.cards.URL(), TokenFile: token}, farSavings: {URL: s.savings.URL(), TokenFile: token}}, nil
}

// heal takes every fault away.
func (s *systems) heal() {
	s.cards.Heal()
	s.savings.Heal()
}

func (s *systems) close() {
	for _, w := range []*fault.Web{s.cards, s.savings} {
		if w != nil {
			_ = w.Close()
		}
	}
	_ = s.server.Close()
}

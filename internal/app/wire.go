package app

import (
	"net/netip"
	"net/url"
	"os"
	"time"

	"standfast/internal/core/account"
	"standfast/internal/core/ledger"
	"standfast/internal/core/place"
	"standfast/internal/core/portal/view"
	"standfast/internal/core/signin"
	httpsource "standfast/internal/core/source/http"
	ledgersource "standfast/internal/core/source/ledger"
	"standfast/internal/fault"
	"standfast/internal/money"
)

// cell is the configuration's [cell] in the forms that the rooms take.
type cell struct {
	CellConfig
	zone    *time.Location
	host    string
	secure  bool // members come over TLS
	proxies []netip.Prefix
	regions []view.Region
}

func newCell(c Config) (cell, error) {
	zone, err := time.LoadLocation(c.Cell.TimeZone)
	if err != nil {
		return cell{}, err
	}
	u, err := url.Parse(c.Cell.PublicURL)
	if err != nil {
		return cell{}, err
	}
	list := make([]netip.Prefix, len(c.Listen.Proxies))
	for i, p := range c.Listen.Proxies {
		if list[i], err = netip.ParsePrefix(p); err != nil {
			return cell{}, err
		}
	}
	return cell{CellConfig: c.Cell, zone: zone, host: u.Hostname(), secure: u.Scheme == "https", proxies: list, regions: sites(c.Regions, c.Cell.Name)}, nil
}

func (c cell) cookies() signin.Cookies {
	return signin.Cookies{Cell: c.Name, Secure: c.secure, Proxies: c.proxies}
}

func (c cell) amount(value string) (money.Amount, error) { return money.Parse(value, c.Currency) }

// sites gives the issuer's sites as the pages offer them.
func sites(list []RegionConfig, own string) []view.Region {
	var all []view.Region
	for _, r := range list {
		all = append(all, view.Region{Name: r.Name, Label: r.Label, URL: r.URL, Here: r.Name == own})
	}
	return all
}

// loadPlaces reads the table of places, or gives nil where there is none.
func loadPlaces(c PlacesConfig) (*place.Table, error) {
	if c.File == "" {
		return nil, nil
	}
	f, err := os.Open(c.File)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "config.places", "places.file cannot be read.", err)
	}
	defer f.Close()
	return place.Read(f)
}

// newSources gives our own ledger and the issuer's systems that hold accounts.
func newSources(c Config, l *ledger.Ledger) (map[string]account.Source, error) {
	sources := map[string]account.Source{account.LedgerSource: ledgersource.New(l)}
	for name, s := range c.Sources {
		src, err := newSource(s)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "config.sources", "sources."+name+" cannot be used.", err)
		}
		sources[name] = src
	}
	return sources, nil
}

func newSource(c SourceConfig) (*httpsource.Source, error) {
	token, err := secret(c.TokenFile)
	if err != nil {
		return nil, err
	}
	return httpsource.New(httpsource.Config{URL: c.URL, Token: token, Timeout: c.Timeout.Duration})
}

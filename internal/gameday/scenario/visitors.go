package scenario

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"time"

	"github.com/pelletier/go-toml/v2"

	"standfast/internal/app"
	"standfast/internal/core/account"
	"standfast/internal/core/instrument"
	"standfast/internal/core/member"
	"standfast/internal/db"
	"standfast/internal/money"
	"standfast/internal/token"
)

// visitors are members who come with a session already. Theirs were opened at the
// stand-in, whose key core honours: a thousand passwords and codes would take
// longer than what is watched.
const (
	visitorsAtOnce = 50 // made in one transaction
	sessionLasts   = 50 * time.Minute
	visitorHeader  = "Gameday-Member" // tells a proxy who asks
)

// castVisitors makes the members through the rooms of core, before any process runs.
func (f *fleet) castVisitors(ctx context.Context) error {
	rooms, err := f.rooms(ctx)
	if err != nil {
		return err
	}
	defer rooms.Close()
	for made := 0; made < f.Members; made += visitorsAtOnce {
		var list []person
		err := rooms.DB.WithTx(ctx, func(tx *db.Tx) error {
			list = nil
			for i := made; i < min(made+visitorsAtOnce, f.Members); i++ {
				p, err := castVisitor(ctx, rooms, tx, i)
				if err != nil {
					return err
				}
				list = append(list, p)
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, p := range list {
			f.visitors = append(f.visitors, newMember(f.cell.PublicURL, "", nil, p))
		}
	}
	return nil
}

// visitorBanks is where the numbers of visitors' bank accounts begin.
const visitorBanks = 1_000_000

// castVisitor makes a member with a card and a verified bank account.
func castVisitor(ctx context.Context, r *app.Rooms, tx *db.Tx, i int) (p person, err error) {
	name := fmt.Sprintf("visitor%d", i)
	m, err := r.Members.Create(ctx, tx, member.Spec{Ref: name, Username: name, DisplayName: "Visitor " + name, Email: name + "@example.com",
		Locale: "en-US", Region: "us", Synthetic: true})
	if err != nil {
		return p, err
	}
	home := homes()[0]
	limit := money.New(10*owed, home.currency)
	if p.card, err = openAccount(ctx, r, tx, m.ID, account.Spec{Ref: name + "-card", Name: "Everyday Card", Last4: "4242", Kind: account.Card, Currency: home.currency, CreditLimit: &limit}, -owed); err != nil {
		return p, err
	}
	bank := home.bank(visitorBanks + i)
	bank.Kind, bank.HolderName = instrument.KindBankAccount, m.DisplayName
	method, _, err := r.Instruments.ImportVerified(ctx, tx, m.ID, bank)
	p.id, p.username, p.method, p.currency = m.ID, name, method.ID, home.currency
	return p, err
}

// letIn gives each visitor a session under the stand-in's key.
func (f *fleet) letIn() error {
	ring, err := f.standinRing()
	if err != nil {
		return err
	}
	at, err := url.Parse(f.cell.PublicURL)
	if err != nil {
		return err
	}
	shared := &http.Transport{MaxIdleConnsPerHost: visiting}
	now := time.Now().UTC().Truncate(time.Microsecond)
	for _, m := range f.visitors {
		m.http.Transport = named{m.id, shared}
		tok, err := ring.Sign(token.Claims{Kind: token.KindSession, ID: db.NewID(), MemberID: m.id, DeviceID: db.NewID(), IssuedAt: now,
			AuthenticatedAt: now, ProvedAt: now, Idle: now.Add(sessionLasts), Expires: now.Add(sessionLasts), Methods: []string{"pwd"}})
		if err != nil {
			return err
		}
		m.jar.SetCookies(at, []*http.Cookie{{Name: "sf_" + f.cell.Name + "_session_v1", Value: tok, Path: "/"}})
	}
	return nil
}

// standinRing signs as the stand-in does.
func (f *fleet) standinRing() (*token.Keyring, error) {
	b, err := os.ReadFile(f.standinFile("standin.key"))
	if err != nil {
		return nil, err
	}
	var file struct{ Signing string }
	if err := json.Unmarshal(b, &file); err != nil {
		return nil, err
	}
	seed, err := base64.RawURLEncoding.DecodeString(file.Signing)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("the stand-in's key cannot be read")
	}
	key := ed25519.NewKeyFromSeed(seed)
	id := app.GuestKeyID(key.Public().(ed25519.PublicKey))
	ring := token.NewKeyring(f.cell.Name, 1)
	return ring, ring.Replace([]token.PublicKey{{ID: id, Key: key.Public().(ed25519.PublicKey)}}, token.Signer{ID: id, Key: key})
}

// named tells a proxy of the game day who asks. The processes do not read it.
type named struct {
	member string
	to     http.RoundTripper
}

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(visitorHeader, n.member)
	return n.to.RoundTrip(r)
}

// makeStandinKeys has the program make the keys, and gives core's lines about them.
func (f *fleet) makeStandinKeys(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, f.Program, "standin", "--keys", "--config", f.standinFile("standin.toml"))
	cmd.Stderr = f.log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the stand-in's keys could not be made: %w\n%s", err, f.log)
	}
	return nil
}

// guest reads the public halves into core's configuration.
func (f *fleet) guest(c *app.Config) error {
	b, err := os.ReadFile(f.standinFile("standin.key.pub"))
	if err != nil {
		return err
	}
	return toml.Unmarshal(b, &c.StandIn)
}

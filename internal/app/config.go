package app

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	"standfast/internal/fault"
	"standfast/internal/money"
)

// Config is the one configuration file of a core process (see docs/operations.md
// and the commented file that `standfast init` writes).
type Config struct {
	Cell      CellConfig              `toml:"cell"`
	Database  string                  `toml:"database"` // postgres:// URL or the path of an SQLite file
	Listen    ListenConfig            `toml:"listen"`
	TLS       TLSConfig               `toml:"tls"`
	MasterKey string                  `toml:"master_key"` // path of the file that `init` makes
	Mail      MailConfig              `toml:"mail"`
	Text      GatewayConfig           `toml:"text"`
	Voice     GatewayConfig           `toml:"voice"`
	Messages  MessagesConfig          `toml:"messages"`
	SignIn    SignInConfig            `toml:"sign_in"`
	Payments  PaymentConfig           `toml:"payments"`
	Sources   map[string]SourceConfig `toml:"sources"`
	Modulus   ModulusConfig           `toml:"modulus"`
	Offline   OfflineConfig           `toml:"offline"`
	Places    PlacesConfig            `toml:"places"`
	Regions   []RegionConfig          `toml:"regions"`
	Telemetry TelemetryConfig         `toml:"telemetry"`
	Console   ConsoleConfig           `toml:"console"`
	Edge      ConsoleEdgeConfig       `toml:"edge"`
	Internal  InternalConfig          `toml:"internal"`
	StandIn   StandInConfig           `toml:"standin"`
	Proofing  ProofingConfig          `toml:"proofing"`
	Demo      DemoConfig              `toml:"demo"`
}

// CellConfig says which members a cell serves and by which rules.
type CellConfig struct {
	Name      string   `toml:"name"`       // names cookies; never changed once members have signed in
	Rules     string   `toml:"rules"`      // "us", "gb" or "eu": whose law decides about proofs and sessions
	Currency  string   `toml:"currency"`   // ISO 4217
	TimeZone  string   `toml:"time_zone"`  // IANA name; business dates are dates there
	Locales   []string `toml:"locales"`    // first one is the default
	Telephone string   `toml:"telephone"`  // as printed on the card
	PublicURL string   `toml:"public_url"` // scheme and host that members type
}

// ListenConfig says where the process answers.
type ListenConfig struct {
	Public string `toml:"public"` // members' pages and API
	Admin  string `toml:"admin"`  // health, readiness, metrics, profiles; never public
	// Proxies are the networks whose X-Forwarded-For is believed.
	Proxies []string `toml:"proxies"`
}

// TLSConfig names the certificate files; both empty means plain HTTP behind a proxy.
type TLSConfig struct {
	Certificate string `toml:"certificate"`
	Key         string `toml:"key"`
}

// MailConfig is the SMTP relay that takes our e-mail.
type MailConfig struct {
	Server       string `toml:"server"` // host:port; empty means that no e-mail is sent
	From         string `toml:"from"`
	User         string `toml:"user"`
	PasswordFile string `toml:"password_file"`
	TLS          string `toml:"tls"` // "starttls", "implicit" or "none"
}

// GatewayConfig is an HTTP gateway for text messages or calls (docs/formats/sms-gateway.md).
type GatewayConfig struct {
	URL        string            `toml:"url"` // empty means that none are sent
	CheckURL   string            `toml:"check_url"`
	Format     string            `toml:"format"` // "json" or "form"
	Header     string            `toml:"header"` // of the credential
	SecretFile string            `toml:"secret_file"`
	From       string            `toml:"from"`
	AnswerID   string            `toml:"answer_id"`
	Timeout    Duration          `toml:"timeout"`
	Fields     map[string]string `toml:"fields"`
	Receipts   ReceiptsConfig    `toml:"receipts"`
}

// ReceiptsConfig is how a gateway reports what became of a message.
type ReceiptsConfig struct {
	Proof      string            `toml:"proof"`       // "hmac" or "secret"
	SecretFile string            `toml:"secret_file"` // empty means that none come
	Header     string            `toml:"header"`
	ID         string            `toml:"id"`
	State      string            `toml:"state"`
	States     map[string]string `toml:"states"`
}

// MessagesConfig bounds what text messages and calls cost.
type MessagesConfig struct {
	Prices         map[string]int64 `toml:"prices"`           // units by prefix of the number; empty: the country at home
	DailyUnits     int64            `toml:"daily_units"`      // budget of a day; 0 for none
	CodesPerSecond float64          `toml:"codes_per_second"` // of one process
}

// SignInConfig holds the session limits of the cell (STANDARDS.md).
type SignInConfig struct {
	Idle        Duration `toml:"idle"` // empty: 1h under the rules of us, 5m under those of gb and eu
	Max         Duration `toml:"max"`
	DeviceTrust Duration `toml:"device_trust"`
	// ContactDelay is how long a change of telephone or e-mail waits that a message
	// alone has proved.
	ContactDelay Duration `toml:"contact_delay"`
	// BreachedPasswords is a file that `standfast passwords build` made; empty: only what is guessed first is refused.
	BreachedPasswords string `toml:"breached_passwords"`
}

// PaymentConfig holds the rules of paying a card.
type PaymentConfig struct {
	CutOff      string   `toml:"cut_off"`       // HH:MM in the cell's time zone; not before 17:00 (12 CFR 1026.10)
	StepUpAbove string   `toml:"step_up_above"` // decimal amount in the cell's currency; empty: what the cell's rules say
	Maximum     string   `toml:"maximum"`
	SettleAfter Duration `toml:"settle_after"` // of the simulated rail
}

// SourceConfig is an issuer's own system that holds accounts.
type SourceConfig struct {
	URL       string   `toml:"url"`
	TokenFile string   `toml:"token_file"`
	Timeout   Duration `toml:"timeout"`
}

// RegionConfig is one site of the issuer's; where any is named, this cell's own is too.
type RegionConfig struct {
	Name  string `toml:"name"`  // as the cell's
	Label string `toml:"label"` // as members read it
	URL   string `toml:"url"`   // scheme and host
}

// PlacesConfig names the table of places of network addresses.
type PlacesConfig struct {
	File string `toml:"file"` // CSV: start,end,country,region,city; empty: members read the address itself
}

// ModulusConfig names the United Kingdom's modulus checking tables.
type ModulusConfig struct {
	Weights       string `toml:"weights"`
	Substitutions string `toml:"substitutions"`
}

// TelemetryConfig says where traces go; metrics are always on the admin listener.
type TelemetryConfig struct {
	OTLP string `toml:"otlp"` // URL of an OTLP/HTTP collector; empty means no traces leave
}

// DemoConfig is set by `standfast demo` alone; Load refuses it in any other file.
type DemoConfig struct {
	Mailbox   string `toml:"mailbox"`     // where all messages go instead of to people
	SetUpFile string `toml:"set_up_file"` // where the first operator's link goes instead of to the log
}

// Duration reads "90s", "15m", "24h" or a number of days as "180d".
type Duration struct{ time.Duration }

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(b []byte) error {
	s := string(b)
	if days, ok := strings.CutSuffix(s, "d"); ok {
		v, err := time.ParseDuration(days + "h")
		d.Duration = 24 * v
		return err
	}
	v, err := time.ParseDuration(s)
	d.Duration = v
	return err
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Defaults gives the configuration that the file only needs to differ from.
func Defaults() Config {
	return Config{
		Cell:     CellUnder("us"),
		Listen:   ListenConfig{Public: "localhost:8443", Admin: "localhost:9443"},
		Internal: InternalConfig{Linger: Duration{linger}},
		Mail:     MailConfig{TLS: "starttls"}, Messages: MessagesConfig{DailyUnits: 20_000, CodesPerSecond: 50},
		SignIn: SignInConfig{Max: Duration{24 * time.Hour}, DeviceTrust: Duration{180 * 24 * time.Hour}, ContactDelay: Duration{24 * time.Hour}},
		Payments: PaymentConfig{CutOff: "20:00", Maximum: "100000.00",
			SettleAfter: Duration{2 * time.Hour}},
	}
}

const maxConfigBytes = 1 << 20

// LoadConfig reads and checks a configuration file. Unknown keys are errors, so
// that a misspelt limit is not silently the default.
func LoadConfig(path string) (Config, error) {
	c := Defaults()
	if err := readConfig(path, &c, &c.Cell); err != nil {
		return c, err
	}
	c.relativeTo(filepath.Dir(path))
	c.Offline.Folder = c.Offline.folder(path)
	return c, c.Check()
}

// readConfig reads a file into a configuration, whose [cell] is what the file's
// rules make it as far as the file does not say otherwise.
func readConfig(path string, into any, cell *CellConfig) error {
	f, err := os.Open(path)
	if err != nil {
		return fault.Wrap(fault.Invalid, "config.file", "The configuration file cannot be read: "+path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err != nil {
		return fault.Wrap(fault.Invalid, "config.file", "The configuration file cannot be read: "+path, err)
	}
	if len(b) > maxConfigBytes {
		return fault.New(fault.TooLarge, "config.file", "The configuration file is over 1 MiB.")
	}
	*cell = cellOfFile(b)
	if err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(into); err != nil {
		return fault.Wrap(fault.Invalid, "config.syntax", configError(path, err), err)
	}
	return nil
}

func configError(path string, err error) string {
	if e, ok := errors.AsType[*toml.StrictMissingError](err); ok {
		return path + " has a key that Standfast does not know:\n" + e.String()
	}
	if e, ok := errors.AsType[*toml.DecodeError](err); ok {
		return path + " cannot be read:\n" + e.String()
	}
	return path + ": " + err.Error()
}

// relativeTo makes paths in the file mean the file's own folder.
func (c *Config) relativeTo(dir string) {
	for _, p := range []*string{&c.MasterKey, &c.TLS.Certificate, &c.TLS.Key, &c.Mail.PasswordFile, &c.Text.SecretFile, &c.Text.Receipts.SecretFile, &c.Voice.SecretFile, &c.Voice.Receipts.SecretFile, &c.Modulus.Weights, &c.Modulus.Substitutions, &c.Places.File, &c.SignIn.BreachedPasswords, &c.Internal.CA, &c.Internal.Certificate, &c.Internal.Key, &c.Edge.CA, &c.Edge.Certificate, &c.Edge.Key} {
		*p = under(dir, *p)
	}
	if !isURL(c.Database) {
		c.Database = under(dir, c.Database)
	}
	for name, s := range c.Sources {
		s.TokenFile = under(dir, s.TokenFile)
		c.Sources[name] = s
	}
}

func under(dir, path string) string {
	if path == "" || path == demoKey || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

func isURL(s string) bool { return strings.Contains(s, "://") }

// Check names every setting that cannot work.
func (c Config) Check() error {
	var bad []fault.Field
	no := func(key, why string) {
		bad = append(bad, fault.Field{Location: key, Code: "config", Message: key + ": " + why})
	}
	if _, err := money.Digits(c.Cell.Currency); err != nil {
		no("cell.currency", err.Error())
	}
	if _, err := time.LoadLocation(c.Cell.TimeZone); err != nil || c.Cell.TimeZone == "" {
		no("cell.time_zone", "is no IANA time zone, such as America/New_York")
	}
	if c.Cell.Name == "" || strings.Trim(c.Cell.Name, "abcdefghijklmnopqrstuvwxyz0123456789") != "" || len(c.Cell.Name) > 16 {
		no("cell.name", "is 1 to 16 lower-case letters and digits")
	}
	if len(c.Cell.Locales) == 0 {
		no("cell.locales", "needs at least one language, such as en-US")
	}
	for _, l := range c.Cell.Locales {
		if _, err := language.Parse(l); err != nil {
			no("cell.locales", l+" is no language tag")
		}
	}
	if u, err := url.Parse(c.Cell.PublicURL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		no("cell.public_url", "is the address that members type, such as https://my.example.com")
	}
	if c.Database == "" {
		no("database", "is a postgres:// URL or the path of an SQLite file")
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		no("tls", "needs both certificate and key, or neither")
	}
	c.checkMoney(no)
	c.checkRules(no)
	c.checkConsole(no)
	c.checkEdge(no)
	c.checkProofing(no)
	c.checkMessages(no)
	c.checkInternal(no)
	c.checkStandIn(no)
	if c.SignIn.ContactDelay.Duration < minContactDelay || c.SignIn.ContactDelay.Duration > maxContactDelay {
		no("sign_in.contact_delay", "is between 1h and 14d")
	}
	if c.Mail.Server != "" && c.Mail.From == "" {
		no("mail.from", "is the address that members see")
	}
	if len(bad) == 0 {
		return nil
	}
	return fault.InvalidFields(bad...)
}

// rest is how long a session may rest in the cell.
func (c Config) rest() time.Duration {
	switch {
	case c.SignIn.Idle.Duration > 0:
		return c.SignIn.Idle.Duration
	case c.Cell.Rules == "us":
		return time.Hour // NIST SP 800-63B-4, AAL2
	}
	return scaIdle
}

// codeEvery is how long after the last code a remembered device is asked for one
// all the same: RTS Art 10(2)(b), and in gb the 90 days of the text that the FCA
// kept for the member's own access. us has no such rule.
func (c Config) codeEvery() time.Duration {
	switch c.Cell.Rules {
	case "gb":
		return 90 * 24 * time.Hour
	case "eu":
		return 180 * 24 * time.Hour
	}
	return 0
}

// A change of telephone or e-mail that waits for less stops nobody who has taken
// over the old one; one that waits for longer is forgotten.
const (
	minContactDelay = time.Hour
	maxContactDelay = 14 * 24 * time.Hour
)

// scaIdle is how long a session may rest where strong customer authentication is
// law (RTS (EU) 2018/389 Art 4(3)(d)).
const scaIdle = 5 * time.Minute

func (c Config) checkRules(no func(key, why string)) {
	switch c.Cell.Rules {
	case "us":
	case "gb", "eu":
		if c.SignIn.Idle.Duration > scaIdle {
			no("sign_in.idle", "is at most 5m where the rules are gb or eu (RTS Art 4(3)(d))")
		}
	default:
		no("cell.rules", "is us, gb or eu")
	}
	for _, r := range c.Regions {
		if u, err := url.Parse(r.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || r.Label == "" || r.Name == "" {
			no("regions", "each has a name, a label and a url such as https://my.example.co.uk")
		}
	}
	for _, p := range c.Listen.Proxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			no("listen.proxies", p+" is no network, such as 10.0.0.0/8")
		}
	}
}

// prefix is the beginning of a number in international form.
var prefix = regexp.MustCompile(`^\+[1-9][0-9]{0,6}$`)

func (c Config) checkMessages(no func(key, why string)) {
	for p, units := range c.Messages.Prices {
		if !prefix.MatchString(p) || units < 0 {
			no("messages.prices", p+" is a prefix such as +44, and its price 0 or more units")
		}
	}
	if c.Messages.DailyUnits < 0 || c.Messages.CodesPerSecond <= 0 {
		no("messages", "daily_units is 0 or more, and codes_per_second more than 0")
	}
}

func (c Config) checkMoney(no func(key, why string)) {
	if at, err := time.Parse("15:04", c.Payments.CutOff); err != nil || at.Hour() < 17 {
		no("payments.cut_off", "is a time such as 20:00, and not before 17:00 (12 CFR 1026.10(b)(2)(ii))")
	}
	for key, v := range map[string]string{"payments.step_up_above": cmp.Or(c.Payments.StepUpAbove, "0"), "payments.maximum": c.Payments.Maximum} {
		if a, err := money.Parse(v, c.Cell.Currency); err != nil || a.Negative() {
			no(key, "is an amount of "+c.Cell.Currency+" such as 500.00")
		}
	}
}

// secret reads a small file that holds one secret.
func secret(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, "config.secret", "A file with a secret cannot be read: "+path, err)
	}
	if len(b) > 4096 {
		return "", fmt.Errorf("%s is over 4096 bytes", path)
	}
	return strings.TrimSpace(string(b)), nil
}

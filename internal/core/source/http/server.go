package httpsource

import (
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"standfast/internal/money"
)

// OpenAPI is the document of the API that an issuer's system offers.
//
//go:embed openapi.yaml
var OpenAPI []byte

// ServerConfig says what a reference server holds.
type ServerConfig struct {
	Token    string
	Accounts []Holding        // DefaultHoldings when empty
	Seed     uint64           // the same seed gives the same history
	Now      func() time.Time // time.Now when nil
}

// Holding is one account of a reference server.
type Holding struct {
	Ref         string
	Currency    string
	CreditLimit int64 // minor units; more than 0 makes it a card
}

// DefaultHoldings gives two savings accounts and a card, as the documentation names them.
func DefaultHoldings() []Holding {
	return []Holding{{"savings-1", "USD", 0}, {"savings-2", "USD", 0}, {"card-1", "USD", 500_000}}
}

// Server is a reference server of the API: made-up accounts with a history that
// is always the same, and switches that make it misbehave.
type Server struct {
	token    [32]byte
	now      func() time.Time
	holdings map[string]history
	faults   *Faults
	mux      *http.ServeMux
}

// NewServer makes a Server.
func NewServer(c ServerConfig) *Server {
	if c.Now == nil {
		c.Now = time.Now
	}
	if len(c.Accounts) == 0 {
		c.Accounts = DefaultHoldings()
	}
	s := &Server{token: sha256.Sum256([]byte(c.Token)), now: c.Now, holdings: map[string]history{}, faults: newFaults(), mux: http.NewServeMux()}
	for _, h := range c.Accounts {
		s.holdings[h.Ref] = history{h, c.Seed}
	}
	s.mux.HandleFunc("GET /openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(OpenAPI)
	})
	s.mux.HandleFunc("GET /v1/accounts/{ref}/balance", s.account(s.balance))
	s.mux.HandleFunc("GET /v1/accounts/{ref}/transactions", s.account(s.transactions))
	s.mux.HandleFunc("PUT /faults", s.authorized(s.setFault))
	return s
}

// Faults gives the switches.
func (s *Server) Faults() *Faults { return s.faults }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(got[:], s.token[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			refuse(w, http.StatusUnauthorized, "A valid bearer token is needed.")
			return
		}
		next(w, r)
	}
}

// account finds the account of a request and lets the faults have their way.
func (s *Server) account(answer func(http.ResponseWriter, *http.Request, history) (any, bool)) http.HandlerFunc {
	return s.authorized(func(w http.ResponseWriter, r *http.Request) {
		h, ok := s.holdings[r.PathValue("ref")]
		if !ok {
			refuse(w, http.StatusNotFound, "There is no such account.")
			return
		}
		fault := s.faults.of(h.Ref)
		if !fault.before(w, r) {
			return
		}
		if v, ok := answer(w, r, h); ok {
			fault.write(w, v)
		}
	})
}

func (s *Server) balance(_ http.ResponseWriter, _ *http.Request, h history) (any, bool) {
	now := s.now().UTC()
	amount := h.balance(now)
	zero := money.New(0, h.Currency)
	available := money.New(max(0, amount.Minor+h.CreditLimit), h.Currency)
	return &balanceAnswer{AccountRef: h.Ref, Balance: amount, Available: available, PendingOut: zero, PendingIn: zero, AsOf: now}, true
}

// Limits of a page, as openapi.yaml says.
const (
	defaultLimit = 50
	maxLimit     = 200
)

// transactions answers a page. The cursor is the number of the last transaction given.
func (s *Server) transactions(w http.ResponseWriter, r *http.Request, h history) (any, bool) {
	q := r.URL.Query()
	limit, err := strconv.Atoi(orElse(q.Get("limit"), strconv.Itoa(defaultLimit)))
	if err != nil || limit < 1 || limit > maxLimit {
		refuse(w, http.StatusBadRequest, "limit is 1 to 200.")
		return nil, false
	}
	from, err1 := instant(q.Get("from"))
	until, err2 := instant(q.Get("until"))
	if err1 != nil || err2 != nil {
		refuse(w, http.StatusBadRequest, "from and until are instants of RFC 3339.")
		return nil, false
	}
	last := h.count(s.now())
	below, err := strconv.Atoi(orElse(q.Get("cursor"), strconv.Itoa(last+1)))
	if err != nil || below < 1 || below > last+1 {
		refuse(w, http.StatusBadRequest, "cursor is the next_cursor of an earlier answer.")
		return nil, false
	}
	return h.page(below, limit, from, until), true
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func instant(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	return time.Parse(time.RFC3339, s)
}

// refuse answers with problem+json (RFC 9457).
func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": "about:blank", "title": http.StatusText(status), "status": status, "detail": detail})
}

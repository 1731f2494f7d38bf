package scenario

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"standfast/internal/gameday/report"
)

// A crowd signs in at a rate, whatever becomes of those before. It runs in a
// process of its own and gives way to the process under test: the members of a
// real one bring their own machines.

const (
	mostWaiting = 4000 // attempts that are under way at once
	stormTick   = 10 * time.Millisecond
	crowdLate   = 90 * time.Second // after its time the crowd has given up
)

// crowdOrder is what a crowd is told.
type crowdOrder struct {
	Origin  string        `json:"origin"`
	Rate    float64       `json:"rate"` // sign-ins a second
	Length  time.Duration `json:"length_ns"`
	Members []crowdMember `json:"members"`
}

// crowdMember is one member with the cookies of a known device.
type crowdMember struct {
	Username string            `json:"username"`
	Cookies  map[string]string `json:"cookies"`
}

// storm is what became of a crowd.
type storm struct {
	Offered int            `json:"offered"`
	Served  int            `json:"served"`
	Refused int            `json:"refused"` // told when to come back
	Length  time.Duration  `json:"length_ns"`
	Misses  map[string]int `json:"misses,omitempty"`
}

// storm lets the members sign in at a rate, from another process.
func (s *Stage) storm(ctx context.Context, members []*Member, rate float64) (st storm, err error) {
	order := crowdOrder{Origin: s.origin(), Rate: rate, Length: s.Length}
	at, err := url.Parse(s.origin())
	if err != nil {
		return st, err
	}
	for _, m := range members {
		cookies := map[string]string{}
		for _, c := range m.jar.Cookies(at) {
			cookies[c.Name] = c.Value
		}
		order.Members = append(order.Members, crowdMember{m.username, cookies})
	}
	told, err := json.Marshal(order)
	if err != nil {
		return st, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.Length+crowdLate)
	defer cancel()
	cmd := exec.CommandContext(ctx, "chrt", "--idle", "0", s.Program, "gameday", "--crowd")
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(told)), s.log
	out, err := cmd.Output()
	if err != nil {
		return st, fmt.Errorf("the crowd: %w", err)
	}
	return st, json.Unmarshal(out, &st)
}

// Crowd is the other process: it reads its order, is a crowd for as long as that
// says, and writes what became of it.
func Crowd(ctx context.Context, in io.Reader, out io.Writer) error {
	var order crowdOrder
	if err := json.NewDecoder(in).Decode(&order); err != nil {
		return err
	}
	at, err := url.Parse(order.Origin)
	if err != nil || at.Hostname() != "localhost" || len(order.Members) == 0 || order.Rate <= 0 {
		return errors.New("this is no order for a crowd on this machine") // and on no other: it would be an attack
	}
	c := &crowd{host: at.Host, idle: make(chan *line, mostWaiting)}
	for _, m := range order.Members {
		c.requests = append(c.requests, m.request(order.Origin))
	}
	return json.NewEncoder(out).Encode(c.rage(ctx, order.Rate, order.Length))
}

// crowd signs in over its own connections, by requests that were written out
// beforehand: a client that does more would take the machine from those who serve.
type crowd struct {
	host     string
	requests [][]byte   // one a member
	idle     chan *line // open connections that nobody uses
	dialled  atomic.Uint32
}

// line is one connection.
type line struct {
	net.Conn
	answers *bufio.Reader
}

// request is a member's sign-in as a known browser sends it (RFC 9112).
func (m crowdMember) request(origin string) []byte {
	body, _ := json.Marshal(map[string]string{"username": m.Username, "password": password}) // of strings, never fails
	q, err := http.NewRequest(http.MethodPost, origin+"/api/v1/sign-in", bytes.NewReader(body))
	if err != nil {
		return nil // the origin was read before
	}
	q.Header.Set("User-Agent", userAgent)
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	q.Header.Set("Origin", origin)
	q.Header.Set("Content-Type", "application/json")
	for name, value := range m.Cookies {
		q.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	var b bytes.Buffer
	_ = q.Write(&b) // into memory
	return b.Bytes()
}

// attempt sends one request and reads its answer.
func (c *crowd) attempt(request []byte) (status int, later bool, err error) {
	var l *line
	select {
	case l = <-c.idle:
	default:
		conn, err := c.dial()
		if err != nil {
			return 0, false, err
		}
		l = &line{conn, bufio.NewReader(conn)}
	}
	defer func() {
		if err != nil {
			l.Close()
			return
		}
		c.idle <- l // has room for all that wait
	}()
	if err = l.SetDeadline(time.Now().Add(patience)); err != nil {
		return 0, false, err
	}
	if _, err = l.Write(request); err != nil {
		return 0, false, err
	}
	r, err := http.ReadResponse(l.answers, nil)
	if err != nil {
		return 0, false, err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(r.Body, maxAnswer))
	return r.StatusCode, r.Header.Get("Retry-After") != "", err
}

// dial opens a connection from an address of its own, as the members of a real crowd
// have: all of 127.0.0.0/8 is this machine.
func (c *crowd) dial() (net.Conn, error) {
	n := c.dialled.Add(1)
	from := net.TCPAddr{IP: net.IPv4(127, 1, byte(n>>8), byte(n))}
	d := net.Dialer{Timeout: patience, LocalAddr: &from}
	return d.Dial("tcp4", c.host)
}

// rage lets the members sign in at a rate. Who finds more waiting than a machine
// has sockets for stays away.
func (c *crowd) rage(ctx context.Context, rate float64, length time.Duration) *storm {
	st := &storm{Misses: map[string]int{}}
	var mu sync.Mutex
	places := make(chan struct{}, mostWaiting)
	var all sync.WaitGroup
	tick := time.NewTicker(stormTick)
	defer tick.Stop()
	begun := time.Now()
	for sent := 0; time.Since(begun) < length && ctx.Err() == nil; <-tick.C {
		for ; float64(sent) < rate*time.Since(begun).Seconds(); sent++ {
			request := c.requests[sent%len(c.requests)]
			select {
			case places <- struct{}{}:
				all.Go(func() {
					status, later, err := c.attempt(request)
					<-places
					mu.Lock()
					defer mu.Unlock()
					st.note(status, later, err)
				})
			default:
			}
		}
	}
	st.Length = time.Since(begun)
	all.Wait()
	return st
}

func (st *storm) note(status int, later bool, err error) {
	st.Offered++
	switch {
	case err != nil:
		st.Misses["no answer"]++
	case status == http.StatusOK:
		st.Served++
	case later && (status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests):
		st.Refused++
	default:
		st.Misses[strconv.Itoa(status)]++
	}
}

func (st *storm) report(row *report.Row, name string, peak float64) {
	rate := float64(st.Served) / st.Length.Seconds()
	row.Value(name+": sign-ins offered", float64(st.Offered)/st.Length.Seconds(), "/s")
	row.Value(name+": sign-ins served in the storm", rate, "/s")
	row.Value(name+": served in the storm against the peak", rate/peak, "×").AtLeast(leastPeak)
	row.Share(name+": answered: served, or told when to come back", st.Served+st.Refused, st.Offered, st.Misses).AtLeast(1)
}

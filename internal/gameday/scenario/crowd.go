package scenario

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"

	"standfast/internal/gameday/report"
)

// A crowd signs in at a rate, whatever becomes of those before. It runs in a
// process of its own and gives way to the process under test: the members of a
// real one bring their own machines.

const (
	mostWaiting = 4000 // attempts that are under way at once
	stormTick   = 10 * time.Millisecond
	crowdNice   = "10"             // niceness (POSIX nice)
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
	cmd := exec.CommandContext(ctx, "nice", "-n", crowdNice, s.Program, "gameday", "--crowd")
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
	transport := &http.Transport{MaxIdleConnsPerHost: mostWaiting, MaxConnsPerHost: mostWaiting}
	var members []*Member
	for _, c := range order.Members {
		m := &Member{person: person{username: c.Username}, origin: order.Origin}
		m.jar, _ = cookiejar.New(nil) // without options it never fails
		for name, value := range c.Cookies {
			m.jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
		}
		m.http = &http.Client{Transport: transport, Timeout: patience, Jar: m.jar}
		members = append(members, m)
	}
	return json.NewEncoder(out).Encode(rage(ctx, members, order.Rate, order.Length))
}

// rage lets the members sign in at a rate. Who finds more waiting than a machine
// has sockets for stays away.
func rage(ctx context.Context, members []*Member, rate float64, length time.Duration) *storm {
	st := &storm{Misses: map[string]int{}}
	var mu sync.Mutex
	places := make(chan struct{}, mostWaiting)
	var all sync.WaitGroup
	tick := time.NewTicker(stormTick)
	defer tick.Stop()
	begun := time.Now()
	for sent := 0; time.Since(begun) < length && ctx.Err() == nil; <-tick.C {
		for ; float64(sent) < rate*time.Since(begun).Seconds(); sent++ {
			m := members[sent%len(members)]
			select {
			case places <- struct{}{}:
				all.Go(func() {
					a, err := m.password(ctx)
					<-places
					mu.Lock()
					defer mu.Unlock()
					st.note(a, err)
				})
			default:
			}
		}
	}
	st.Length = time.Since(begun)
	all.Wait()
	return st
}

func (st *storm) note(a answer, err error) {
	st.Offered++
	switch {
	case err != nil:
		st.Misses["no answer"]++
	case a.status == http.StatusOK:
		st.Served++
	case a.later():
		st.Refused++
	default:
		st.Misses[a.what()]++
	}
}

func (st *storm) report(row *report.Row, peak float64) {
	rate := float64(st.Served) / st.Length.Seconds()
	row.Value("sign-ins offered", float64(st.Offered)/st.Length.Seconds(), "/s")
	row.Value("sign-ins served in the storm", rate, "/s")
	row.Value("served in the storm against the peak", rate/peak, "×").AtLeast(leastPeak)
	row.Share("answered: served, or told when to come back", st.Served+st.Refused, st.Offered, st.Misses).AtLeast(1)
}

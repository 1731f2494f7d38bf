package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/argon2"

	"standfast/internal/app"
	"standfast/internal/db"
)

// What sign-in must cost.
const (
	mostOverHash    = 1.05 // × the CPU of the bare hash
	mostOfPassword  = 0.02 // × the CPU of a sign-in with a password
	mostCPURequest  = 0.3  // ms for a request with a valid session
	sessionClients  = 4
	rest            = 3 * time.Second // how long the process is watched at rest
	memberOfSignins = 1
)

func signinBench(ctx context.Context, c signinCmd, r *Report) error {
	dir, err := os.MkdirTemp("", "standfast-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	box := openMailbox()
	defer box.Close()
	config, err := configure(dir, filepath.Join(dir, "core.db"), box.URL)
	if err != nil {
		return err
	}
	who, costs, err := signinActor(ctx, config)
	if err != nil {
		return err
	}
	core, err := startCore(ctx, dir, config)
	if err != nil {
		return err
	}
	defer core.stop()
	token, device, err := core.signIn(ctx, box, who.Username, "")
	if err != nil {
		return err
	}
	if c.Profile != "" {
		return profiledSignIns(ctx, c, core, who, device)
	}
	password, err := passwordCPU(ctx, c, r, core, who, costs, device)
	if err != nil {
		return err
	}
	key, err := core.addPasskey(ctx, token)
	if err != nil {
		return err
	}
	if err := passkeyCPU(ctx, c, r, core, key, device, password); err != nil {
		return err
	}
	if err := sessionCPU(ctx, c, r, core, token, password); err != nil {
		return err
	}
	return stormOfSignIns(ctx, c, r)
}

// hashCosts are the costs of the password hash that the core made.
type hashCosts struct {
	memoryKiB, passes uint32
	parallelism       uint8
}

const hashBytes = 32

// signinActor makes a member with a password and gives the costs of its hash.
func signinActor(ctx context.Context, config app.Config) (who actor, h hashCosts, err error) {
	s, err := open(ctx, config)
	if err != nil {
		return who, h, err
	}
	defer s.Close()
	if who, err = s.join(ctx, memberOfSignins, 1, false); err != nil {
		return who, h, err
	}
	if err := s.setPassword(ctx, who); err != nil {
		return who, h, err
	}
	var phc string
	err = s.DB.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(ctx, `SELECT phc FROM credential WHERE member_id = $1`, who.ID).Scan(&phc)
	})
	if err != nil {
		return who, h, err
	}
	_, err = fmt.Sscanf(phc, "$argon2id$v=19$m=%d,t=%d,p=%d$", &h.memoryKiB, &h.passes, &h.parallelism)
	return who, h, err
}

// passwordCPU gives the CPU of one password sign-in. It compares the CPU that the core process spends on password sign-ins
// from a remembered device, HTTP and records included, with that of the bare
// hash with the same parameters, in turns. What the process spends at rest is
// taken off: it would be spent without any sign-in.
func passwordCPU(ctx context.Context, c signinCmd, r *Report, core *child, who actor, costs hashCosts, device string) (each time.Duration, err error) {
	resting, err := core.spends(func() error { time.Sleep(rest); return nil })
	if err != nil {
		return 0, err
	}
	var ours, bare, took time.Duration
	for range c.SignIns {
		start := time.Now()
		spent, err := core.spends(func() error {
			_, _, err := core.signIn(ctx, nil, who.Username, device)
			return err
		})
		if err != nil {
			return 0, err
		}
		took += time.Since(start)
		ours += spent
		bare += bareHash(costs)
	}
	n := float64(c.SignIns)
	share := float64(resting) / float64(rest)
	ours -= time.Duration(share * float64(took))
	r.add("CPU of the core process at rest", 1000*share, "ms/s")
	r.add("CPU of a password sign-in", ms(ours)/n, "ms")
	r.add("CPU of the bare argon2id hash", ms(bare)/n, "ms")
	r.add("ratio of sign-in to hash", float64(ours)/float64(bare), "×").atMost(mostOverHash)
	return ours / time.Duration(c.SignIns), nil
}

// profiledSignIns writes a profile of the core while a member signs in over and over.
func profiledSignIns(ctx context.Context, c signinCmd, core *child, who actor, device string) error {
	const length = 10 * time.Second
	written := make(chan error, 1)
	go func() { written <- core.profile(ctx, length, c.Profile) }()
	_, err := drive(ctx, 1, length+time.Second, func(ctx context.Context, _, _ int) error {
		_, _, err := core.signIn(ctx, nil, who.Username, device)
		return err
	})
	return errors.Join(err, <-written)
}

// bareHash gives the CPU time of one hash in this process.
func bareHash(h hashCosts) time.Duration {
	before := cpuOfSelf()
	argon2.IDKey([]byte(password), []byte("sixteen bytes of"), h.passes, h.memoryKiB, h.parallelism, hashBytes)
	return cpuOfSelf() - before
}

// sessionCPU measures the CPU that the core process spends on a request with a
// valid session.
func sessionCPU(ctx context.Context, c signinCmd, r *Report, core *child, token string, password time.Duration) error {
	header := map[string]string{"Authorization": "Bearer " + token}
	get := func(ctx context.Context, _, _ int) error {
		status, answer, err := request(ctx, http.MethodGet, core.base+"/session", header, nil)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("a session was answered %d: %s", status, answer)
		}
		return err
	}
	for range 200 {
		if err := get(ctx, 0, 0); err != nil {
			return err
		}
	}
	done := 0
	spent, err := core.spends(func() error {
		for done < c.Requests {
			l, err := drive(ctx, sessionClients, time.Second, get)
			if err != nil {
				return err
			}
			done += int(l.done)
		}
		return nil
	})
	if err != nil {
		return err
	}
	each := ms(spent) / float64(done)
	r.add("CPU of a request with a valid session (GET /session)", each, "ms").atMost(mostCPURequest)
	r.add("ratio of a session's check to a password sign-in", each/ms(password), "×").atMost(mostOfPassword)
	return nil
}

// cpuOfSelf gives the CPU time that this process has used.
func cpuOfSelf() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// spends gives the CPU time that the child uses while do runs.
func (k *child) spends(do func() error) (time.Duration, error) {
	before, err := k.cpu()
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := k.cpu()
	return after - before, err
}

// cpu gives the CPU time that the child's threads have used: the first field of
// each one's schedstat, in nanoseconds (Linux, Documentation/scheduler/sched-stats.rst).
func (k *child) cpu() (time.Duration, error) {
	threads, err := filepath.Glob("/proc/" + strconv.Itoa(k.cmd.Process.Pid) + "/task/*/schedstat")
	if err != nil || len(threads) == 0 {
		return 0, errors.New("the system does not tell what CPU time threads used")
	}
	var sum time.Duration
	for _, path := range threads {
		b, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			continue // the thread has just ended
		}
		if err != nil {
			return 0, err
		}
		first, _, _ := strings.Cut(string(b), " ")
		n, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n)
	}
	return sum, nil
}

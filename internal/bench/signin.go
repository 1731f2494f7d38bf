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
	mostCPURequest  = 0.3  // ms for a request with a valid session
	sessionClients  = 4
	ticksPerSecond  = 100 // of /proc/<pid>/stat (USER_HZ, proc(5)): fixed on Linux
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
	if err := passwordCPU(ctx, c, r, core, who, costs, device); err != nil {
		return err
	}
	return sessionCPU(ctx, c, r, core, token)
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

// passwordCPU compares the CPU that the core process spends on password sign-ins
// from a remembered device, HTTP and records included, with that of the bare
// hash with the same parameters, in turns.
func passwordCPU(ctx context.Context, c signinCmd, r *Report, core *child, who actor, costs hashCosts, device string) error {
	const turns = 6
	var ours, bare time.Duration
	for range turns {
		before, err := core.cpu()
		if err != nil {
			return err
		}
		for range c.SignIns / turns {
			if _, _, err := core.signIn(ctx, nil, who.Username, device); err != nil {
				return err
			}
		}
		after, err := core.cpu()
		if err != nil {
			return err
		}
		ours += after - before
		bare += bareHashes(costs, c.SignIns/turns)
	}
	n := float64(c.SignIns / turns * turns)
	r.add("CPU of a password sign-in", ms(ours)/n, "ms")
	r.add("CPU of the bare argon2id hash", ms(bare)/n, "ms")
	r.add("ratio of sign-in to hash", float64(ours)/float64(bare), "×").atMost(mostOverHash)
	return nil
}

// bareHashes gives the CPU time of n hashes in this process.
func bareHashes(h hashCosts, n int) time.Duration {
	before := cpuOfSelf()
	for i := range n {
		argon2.IDKey([]byte(password), []byte("sixteen bytes of"+strconv.Itoa(i)), h.passes, h.memoryKiB, h.parallelism, hashBytes)
	}
	return cpuOfSelf() - before
}

// sessionCPU measures the CPU that the core process spends on a request with a
// valid session.
func sessionCPU(ctx context.Context, c signinCmd, r *Report, core *child, token string) error {
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
	before, err := core.cpu()
	if err != nil {
		return err
	}
	done := 0
	for done < c.Requests {
		l, err := drive(ctx, sessionClients, time.Second, get)
		if err != nil {
			return err
		}
		done += int(l.done)
	}
	after, err := core.cpu()
	if err != nil {
		return err
	}
	r.add("CPU of a request with a valid session (GET /session)", ms(after-before)/float64(done), "ms").atMost(mostCPURequest)
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

// cpu gives the CPU time that the child has used (utime and stime of proc(5)).
func (k *child) cpu() (time.Duration, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(k.cmd.Process.Pid) + "/stat")
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(b), ") ") // the name before may hold spaces
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, errors.New("/proc/<pid>/stat has another form")
	}
	user, err := strconv.ParseInt(fields[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond, err
}

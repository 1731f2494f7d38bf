package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"

	"standfast/internal/core/breached"
	"standfast/internal/core/signin"
	"standfast/internal/fault"
)

// openBreached opens the list of breached passwords and has it closed with the
// rooms; without a file it gives nil. A broken file keeps the process from starting.
func (r *Rooms) openBreached(c SignInConfig) (signin.Breached, error) {
	if c.BreachedPasswords == "" {
		return nil, nil
	}
	list, err := breached.Open(c.BreachedPasswords, r.log)
	if err != nil {
		return nil, err
	}
	r.breached = list
	return list, nil
}

func (r *Rooms) closeBreached() error {
	if r.breached == nil {
		return nil
	}
	return r.breached.Close()
}

// passwordList is the doctor's look at the file.
func (c SignInConfig) passwordList(context.Context) (string, error) {
	list, err := breached.Open(c.BreachedPasswords, slog.New(slog.DiscardHandler))
	if err != nil {
		return "", err
	}
	defer list.Close()
	return fmt.Sprintf("%s holds %d passwords", c.BreachedPasswords, list.Count()), nil
}

// PasswordList says what a list of breached passwords is made of: lines of the
// file From ("-" for in), in a form that breached.Options describes.
type PasswordList struct {
	From, To, Form string
	AtLeast        uint64
}

// BuildPasswords makes the file that [sign_in] breached_passwords names.
func BuildPasswords(ctx context.Context, l PasswordList, in io.Reader) (breached.Summary, error) {
	if l.From != "-" {
		f, err := os.Open(l.From)
		if err != nil {
			return breached.Summary{}, fault.Wrap(fault.Invalid, "breached.list", "The list of passwords cannot be read: "+l.From, err)
		}
		defer f.Close()
		in = f
	}
	return breached.Build(ctx, in, l.To, breached.Options{Form: l.Form, AtLeast: l.AtLeast, Normal: signin.NormalPassword})
}

// hashApart gives the command of a process that hashes passwords, for a core that
// serves members; commands on data hash by themselves.
func (c Config) hashApart() func() *exec.Cmd {
	self, err := os.Executable()
	if err != nil || !c.Offline.serves {
		return nil
	}
	return func() *exec.Cmd {
		cmd := exec.Command(self, "hash-passwords")
		cmd.Stderr = os.Stderr
		return cmd
	}
}

// HashPasswords is that process.
func HashPasswords(in io.Reader, out io.Writer) error { return signin.ServeHashes(in, out) }

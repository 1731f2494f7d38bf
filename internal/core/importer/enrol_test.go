package importer

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"standfast/internal/core/account"
	"standfast/internal/core/jobs"
	"standfast/internal/core/notify"
	"standfast/internal/core/signin"
	"standfast/internal/db"
	"standfast/internal/dbtest"
	"standfast/internal/masterkey"
	"standfast/internal/text"
)

// heldAt answers sign-in's questions as the wiring of a process does.
type heldAt struct{ accounts *account.Service }

func (h heldAt) HeldTx(ctx context.Context, tx *db.Tx, memberIDs []string) (held []signin.Holding, err error) {
	list, err := h.accounts.BelongingsTx(ctx, tx, memberIDs)
	for _, b := range list {
		held = append(held, signin.Holding{MemberID: b.MemberID, Card: b.Account.Kind == account.Card, Ref: b.Account.Ref, Last4: b.Account.Last4})
	}
	return held, err
}

// inbox keeps the newest code by address.
type inbox struct {
	mu    sync.Mutex
	codes map[string]string
}

func (b *inbox) Send(_ context.Context, m notify.Outgoing) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.codes[m.To] = m.Code
	return nil
}

// births reads when the real clients were born: YYMMDD, with 50 added to a woman's month.
func births(t *testing.T) map[string]string {
	t.Helper()
	f, err := os.Open("../../../../shared/data/berka/client.asc")
	if err != nil {
		t.Skip("no real data:", err)
	}
	defer f.Close()
	born := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		p := strings.Split(strings.ReplaceAll(lines.Text(), `"`, ""), ";")
		if len(p) != 3 || len(p[1]) != 6 {
			continue
		}
		month, _ := strconv.Atoi(p[1][2:4])
		born["berka-"+p[0]] = fmt.Sprintf("19%s-%02d-%s", p[1][:2], (month-1)%50+1, p[1][4:])
	}
	return born
}

// dated adds the birth dates to a file of members.
func dated(t *testing.T, path string, born map[string]string) {
	t.Helper()
	rows := readCSV(t, path)
	for i := range rows {
		date := born[rows[i][0]]
		if i == 0 {
			date = "birth_date"
		}
		rows[i] = append(rows[i], date)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := csv.NewWriter(f)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// Members of a real bank, as an import leaves them, set up online access by the end
// of their savings account and their birth date, and by nobody else's.
func TestRealMembersEnrol(t *testing.T) {
	dir := realSet(t, "berka")
	born := births(t)
	dated(t, filepath.Join(dir, "members.csv"), born)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		if err := jobs.Migrate(ctx, d); err != nil {
			t.Fatal(err)
		}
		x, j := wire(d), jobs.New(d, slog.New(slog.DiscardHandler))
		texts, err := text.Load()
		if err != nil {
			t.Fatal(err)
		}
		box := &inbox{codes: map[string]string{}}
		n := notify.New(d, j, texts, masterkey.Demo(), map[notify.Channel]notify.Sender{notify.Email: box})
		in, err := signin.New(d, x.Members, n, masterkey.Demo(), signin.Config{Cell: "us", Jobs: j, Holdings: heldAt{x.Accounts}, EnrolmentsPerSecond: 1000,
			Hash: signin.HashParams{MemoryKiB: 64, Passes: 1, Parallelism: 1}})
		if err != nil {
			t.Fatal(err)
		}
		x.SignIn = in
		s, err := Run(ctx, x, Files{Members: filepath.Join(dir, "members.csv"), Accounts: filepath.Join(dir, "accounts.csv")}, nil)
		if err != nil || s.Rejected > 0 {
			t.Fatal(s, err)
		}
		accounts := readCSV(t, filepath.Join(dir, "accounts.csv"))[1:]
		for i := 0; i < len(accounts); i += len(accounts) / 25 {
			number, ref := strings.TrimPrefix(accounts[i][0], "berka-"), accounts[i][1]
			c := signin.Client{IP: fmt.Sprintf("198.51.100.%d", i%250), FlowID: ref, Browser: true}
			show := func(birth string) signin.Claim {
				cl, err := in.BeginEnrolment(ctx, signin.Enrolling{Who: ref, By: signin.EnrolBySavings, End: number, BirthDate: birth}, c)
				if err != nil {
					t.Fatal(ref, err)
				}
				if err := j.Drain(ctx); err != nil {
					t.Fatal(err)
				}
				return cl
			}
			to := strings.ReplaceAll(ref, "-", "") + "@example.com"
			if show("1901-01-01"); box.codes[to] != "" {
				t.Fatal(ref, "got a code for another birth date")
			}
			cl, err := in.AnswerEnrolment(ctx, show(born[ref]).ID, box.codes[to], c)
			if err != nil || cl.State != signin.ClaimReady || "berka-"+strings.TrimPrefix(cl.Username, "berka") != ref {
				t.Fatalf("%s: %+v %v", ref, cl, err)
			}
		}
	})
}

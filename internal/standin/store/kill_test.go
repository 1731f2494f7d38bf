package store

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"standfast/internal/money"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

var wide = Limits{MemberMinor: 1 << 40, MemberCount: 1 << 20, TotalMinor: 1 << 40, TotalCount: 1 << 20}

func payment(key string) Payment {
	return Payment{ID: NewID(), MemberID: "m", Key: key, KeyHash: KeyHash("m", key), Contents: key, AccountID: "a", MethodID: "b", Amount: money.New(100, "USD"),
		ConfirmationNumber: NewID(), CreditedOn: "2026-03-02", MadeOn: "2026-03-02", ReceivedAt: noon}
}

// envTill is the store of a process that takes payments until it is killed.
const envTill = "STANDFAST_TEST_STANDIN_TILL"

// TestMain is that process, where it is told so: it says each confirmation number
// as a member is told it, after the payment was taken.
func TestMain(m *testing.M) {
	path := os.Getenv(envTill)
	if path == "" {
		os.Exit(m.Run())
	}
	own, err := OpenOwn(context.Background(), path, noon)
	if err != nil {
		panic(err)
	}
	var line sync.Mutex
	for desk := range 3 {
		go func() {
			for i := 0; ; i++ {
				p, err := own.Pay(context.Background(), payment(fmt.Sprint(os.Getpid(), desk, i)), wide, Unproved{})
				if err != nil {
					panic(err)
				}
				line.Lock()
				fmt.Println(p.ConfirmationNumber)
				line.Unlock()
			}
		}()
	}
	select {}
}

// Whenever the process is killed: each payment whose number was told is in the
// journal, once, and the journal has no gap.
func TestAConfirmedPaymentOutlivesItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "own.db")
	told := map[string]bool{}
	for round := range 3 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), envTill+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			told[lines.Text()] = true
			if n == 10+7*round {
				_ = cmd.Process.Kill() // SIGKILL, in the middle of the next ones; what it said before is read to the end
			}
		}
		_ = cmd.Wait()
	}
	own, err := OpenOwn(t.Context(), path, noon)
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	list, err := own.From(t.Context(), 1, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	for i, a := range list {
		var b struct {
			Number string `json:"confirmation_number"`
		}
		if err := json.Unmarshal(a.Body, &b); err != nil || a.Seq != int64(i+1) {
			t.Fatalf("advice %d is at %d, %v", a.Seq, i+1, err)
		}
		delete(told, b.Number)
	}
	if len(told) > 0 {
		t.Fatalf("%d payments were confirmed and are not in the journal of %d", len(told), len(list))
	}
}

package fault_test

import (
	"os/exec"
	"testing"

	"standfast/internal/gameday/fault"
)

// A process that was halted has halted, and ends when it is told to.
func TestAProcessHalts(t *testing.T) {
	c := exec.Command("sleep", "60")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for _, do := range []func(int) error{fault.Stop, fault.Continue, fault.Stop, fault.Kill} {
		if err := do(c.Process.Pid); err != nil {
			t.Error(err)
		}
	}
	if err := c.Wait(); err == nil || c.ProcessState.Success() {
		t.Error("it was not killed:", err)
	}
	if fault.Stop(c.Process.Pid) == nil || fault.Stop(0) == nil {
		t.Error("what is not there was halted")
	}
}

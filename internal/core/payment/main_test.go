package payment

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain keeps properties that need a database affordable: 20 runs each unless
// the command line says otherwise.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "20"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	flag.Parse()
	os.Exit(m.Run())
}

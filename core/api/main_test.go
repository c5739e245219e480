package api_test

import (
	"fmt"
	"os"
	"testing"

	"metastorebench/core/api/apitest"
)

// TestMain runs every test on both transports of the client port, which must give
// the same answers.
func TestMain(m *testing.M) {
	for _, apitest.Lean = range []bool{false, true} {
		if failed := m.Run(); failed != 0 {
			fmt.Printf("with ServerOptions.Lean = %v\n", apitest.Lean)
			os.Exit(failed)
		}
	}
}

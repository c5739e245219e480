package page_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/facts"
	"metastorebench/harness/report"
)

// maxBytes is the most that the page of a phase may have.
const maxBytes = 1 << 20

// phase is a phase's own document.
var phase = sync.OnceValues(func() (*facts.Document, error) { return report.Document("../../../results/reference/phase1") })

func TestPageOfAPhaseIsSmall(t *testing.T) {
	doc, err := phase()
	require.NoError(t, err)
	size := len(written(t, doc))
	t.Logf("%d kB", size/1000)
	require.Less(t, size, maxBytes)
}

// TestBrowser opens pages in a real browser: browser/test.mjs. `make page-test` installs
// what it needs.
func TestBrowser(t *testing.T) {
	script := browserScript(t)
	pages, shots := t.TempDir(), os.Getenv("PAGE_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	own, err := phase()
	require.NoError(t, err)
	for name, doc := range map[string]*facts.Document{"sample": sample(48), "thousand": sample(1000), "phase": own} {
		require.NoError(t, os.WriteFile(filepath.Join(pages, name+".html"), []byte(written(t, doc)), 0o644))
	}
	out, err := exec.Command("node", script, pages, shots).CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err)
}

// browserScript is the script of the browser tests; the test is skipped where it cannot run.
func browserScript(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no node here: make page-test installs what the browser tests need")
	}
	if _, err := os.Stat("browser/node_modules/playwright-core"); err != nil {
		t.Skip("browser/node_modules is missing: make page-test installs what the browser tests need")
	}
	if os.Getenv("CHROMIUM") == "" {
		if _, err := exec.LookPath("chromium"); err != nil {
			t.Skip("no chromium here, and CHROMIUM names none: make page-test installs what the browser tests need")
		}
	}
	return "browser/test.mjs"
}

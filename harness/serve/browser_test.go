package serve_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBrowser watches a run in progress in a real browser: live.mjs among the tests of
// the page. `make page-test` installs what it needs.
func TestBrowser(t *testing.T) {
	const scripts = "../report/page/browser"
	if _, err := os.Stat(filepath.Join(scripts, "node_modules", "playwright-core")); err != nil {
		t.Skip("browser/node_modules is missing: make page-test installs what the browser tests need")
	}
	if _, err := exec.LookPath("chromium"); err != nil && os.Getenv("CHROMIUM") == "" {
		t.Skip("no chromium here, and CHROMIUM names none: make page-test installs what the browser tests need")
	}
	dir := filepath.Join(t.TempDir(), "live")
	began(t, dir, 5, false)
	s := newServer(t, filepath.Dir(dir))
	mux := http.NewServeMux()
	mux.Handle("/", s)
	mux.HandleFunc("/go", func(http.ResponseWriter, *http.Request) { extend(t, dir, reference(t).Trials[5:12]) })
	h := httptest.NewServer(mux)
	defer h.Close()
	shots := os.Getenv("PAGE_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	out, err := exec.Command("node", filepath.Join(scripts, "live.mjs"), h.URL, shots).CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err)
}

package serve_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/serve"
)

// began writes a run of the reference run's plan into dir, with its first n trials;
// finished says that it is complete.
func began(t *testing.T, dir string, n int, finished bool) {
	t.Helper()
	run := reference(t)
	m := run.Manifest
	if !finished {
		m.Finished = time.Time{}
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, record.WriteManifest(dir, m))
	extend(t, dir, run.Trials[:n])
}

func reference(t *testing.T) record.Run {
	t.Helper()
	run, err := record.ReadRun("../../results/reference/stall")
	require.NoError(t, err)
	return run
}

func extend(t *testing.T, dir string, trials []record.Trial) {
	t.Helper()
	log, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, trial := range trials {
		require.NoError(t, log.Append(trial))
	}
	require.NoError(t, log.Close())
}

func newServer(t *testing.T, dir string) *serve.Server {
	t.Helper()
	s, err := serve.New(dir, "127.0.0.1:0")
	require.NoError(t, err)
	return s
}

// ask is a request as a browser sends it; headers are pairs.
func ask(t *testing.T, s *serve.Server, method, target string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	r.Host = "127.0.0.1:8080"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(b)
}

func TestListsRunsNewestFirst(t *testing.T) {
	dir := t.TempDir()
	began(t, filepath.Join(dir, "old"), 24, true)
	began(t, filepath.Join(dir, "reference", "new"), 3, false)
	m, err := record.ReadManifest(filepath.Join(dir, "reference", "new"))
	require.NoError(t, err)
	m.Started = m.Started.Add(time.Hour)
	require.NoError(t, record.WriteManifest(filepath.Join(dir, "reference", "new"), m))
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "bad"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad", record.ManifestFile), []byte("{"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o644))

	text := body(t, ask(t, newServer(t, dir), "GET", "/"))
	require.Regexp(t, `(?s)>bad<.*href="run/reference/new/".*3 of 24.*running.*href="run/old/".*finished`, text)
	require.NotContains(t, text, "notes")

	quiet := time.Now().Add(-time.Hour)
	for _, name := range []string{record.ManifestFile, record.RecordsFile} {
		require.NoError(t, os.Chtimes(filepath.Join(dir, "reference", "new", name), quiet, quiet))
	}
	require.Contains(t, body(t, ask(t, newServer(t, dir), "GET", "/")), "stopped")
	require.Contains(t, body(t, ask(t, newServer(t, t.TempDir()), "GET", "/")), "No run is here yet")
}

func TestPageAndFactsOfARun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stall")
	began(t, dir, 24, true)
	s := newServer(t, dir) // a run's own folder is one run
	answer := ask(t, s, "GET", "/run/stall/")
	require.Equal(t, http.StatusOK, answer.StatusCode)
	require.Contains(t, body(t, answer), `id="packed"`)
	require.Equal(t, http.StatusNotModified, ask(t, s, "GET", "/run/stall/", "If-None-Match", answer.Header.Get("ETag")).StatusCode)
	require.Equal(t, "/run/stall/", ask(t, s, "GET", "/run/stall").Header.Get("Location"))

	var doc struct {
		Run struct{ Title string } `json:"run"`
	}
	require.NoError(t, json.Unmarshal([]byte(body(t, ask(t, s, "GET", "/run/stall/results.json"))), &doc))
	require.NotEmpty(t, doc.Run.Title)
}

// TestResultsFile: what is on file is shown, unless the records are newer.
func TestResultsFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "stall")
	began(t, dir, 24, true)
	doc, err := report.Document(dir)
	require.NoError(t, err)
	doc.Run.Title = "as it is on file"
	require.NoError(t, report.Write(dir, doc))
	require.Contains(t, body(t, ask(t, newServer(t, dir), "GET", "/run/stall/")), "as it is on file")

	later := time.Now().Add(time.Minute)
	require.NoError(t, os.Chtimes(filepath.Join(dir, record.RecordsFile), later, later))
	require.NotContains(t, body(t, ask(t, newServer(t, dir), "GET", "/run/stall/")), "as it is on file")
	require.NoError(t, os.WriteFile(filepath.Join(dir, report.ResultsFile), []byte(`{"schema":"metabench-results/9.0"}`), 0o644))
	require.NoError(t, os.Chtimes(filepath.Join(dir, report.ResultsFile), later, later))
	require.Equal(t, http.StatusOK, ask(t, newServer(t, dir), "GET", "/run/stall/").StatusCode, "another version is made anew")
}

func TestRunInProgress(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "live")
	began(t, dir, 0, false)
	s := newServer(t, dir)
	now := time.Now()
	s.SetClock(func() time.Time { return now })
	first := ask(t, s, "GET", "/run/live/")
	require.Equal(t, http.StatusOK, first.StatusCode, "before the first trial")
	require.Contains(t, body(t, first), "running: 0 of 24 trials")

	extend(t, dir, reference(t).Trials[:5])
	same := ask(t, s, "GET", "/run/live/", "If-None-Match", first.Header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, same.StatusCode, "a page is kept for a few seconds")
	now = now.Add(serve.RemakeAfter)
	next := ask(t, s, "GET", "/run/live/", "If-None-Match", first.Header.Get("ETag"))
	require.Equal(t, http.StatusOK, next.StatusCode)
	require.Contains(t, body(t, next), "running: 5 of 24 trials")

	half, err := os.OpenFile(filepath.Join(dir, record.RecordsFile), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = half.WriteString(`{"schema":1,"cell":"half a li`)
	require.NoError(t, err)
	require.NoError(t, half.Close())
	now = now.Add(serve.RemakeAfter)
	require.Contains(t, body(t, ask(t, s, "GET", "/run/live/")), "running: 5 of 24 trials", "a trial that is being written is waited for")
	now = now.Add(time.Hour)
	require.Equal(t, http.StatusUnprocessableEntity, ask(t, s, "GET", "/run/live/").StatusCode, "of a run that stopped it is damage")
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	began(t, filepath.Join(dir, "runs", "one"), 2, true)
	began(t, filepath.Join(dir, "secret"), 2, true)
	require.NoError(t, os.Symlink(filepath.Join(dir, "secret"), filepath.Join(dir, "runs", "link")))
	s := newServer(t, filepath.Join(dir, "runs"))
	for _, target := range []string{"/run/link/", "/run/../secret/", "/run/%2e%2e/secret/", "/run/one/../../secret/", "/run/..%2fsecret/", "/run/one/records.jsonl", "/run/one/records.jsonl/", "/run//", "/etc/passwd"} {
		code := ask(t, s, "GET", target).StatusCode
		require.Contains(t, []int{http.StatusNotFound, http.StatusTemporaryRedirect}, code, target) // to the same without dots
	}
	require.Equal(t, http.StatusMethodNotAllowed, ask(t, s, "POST", "/").StatusCode)
	for host, want := range map[string]int{
		"127.0.0.1:1": 200, "localhost:1": 200, "[::1]:1": 200, "192.0.2.7": 200,
		"rebound.example": 421, "localhost.example:1": 421, "127.0.0.1.example": 421, "": 421,
	} {
		require.Equal(t, want, ask(t, s, "GET", "/", "Host", host).StatusCode, "host %q", host)
	}
	named, err := serve.New(dir, "bench.example:80")
	require.NoError(t, err)
	require.Equal(t, 200, ask(t, named, "GET", "/", "Host", "bench.example").StatusCode, "the name that it serves on")
}

func TestNewNamesWhatIsWrong(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	_, err := serve.New(file, "127.0.0.1:0")
	require.ErrorContains(t, err, "is a file; accepted: a run's folder")
	_, err = serve.New(t.TempDir(), "8080")
	require.ErrorContains(t, err, "accepted: HOST:PORT")
}

func TestServeStops(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	s := newServer(t, t.TempDir())
	go func() { ended <- s.Serve(ctx, l) }()
	answer, err := http.Get("http://" + l.Addr().String() + "/")
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusOK, answer.StatusCode)
	cancel()
	require.NoError(t, <-ended)
}

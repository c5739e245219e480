package serve

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"metastorebench/harness/report"
	"metastorebench/harness/report/page"
)

// maxRequests are answered at once; more are asked to come again.
const maxRequests = 32

// Server answers requests about the runs of a folder.
type Server struct {
	dir  string
	host string // a name that is accepted as Host, beside localhost
	mux  *http.ServeMux
	now  func() time.Time
	busy chan struct{}

	mu    sync.Mutex
	known map[string]Run // by folder

	making sync.Mutex
	pages  map[string]*made // by folder
}

// New makes a server of the runs in dir, for requests to an address (HOST:PORT) of which
// the host may be a name. Errors: dir is no folder.
func New(dir, address string) (*Server, error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	info, err := os.Stat(whole)
	if err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("serve: %s is a file; accepted: a run's folder, or one that holds such", dir)
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("serve: address %q: %w; accepted: HOST:PORT, e.g. 127.0.0.1:8080", address, err)
	}
	s := &Server{dir: whole, host: host, mux: http.NewServeMux(), now: time.Now, busy: make(chan struct{}, maxRequests), known: map[string]Run{}, pages: map[string]*made{}}
	s.mux.HandleFunc("GET /{$}", s.list)
	s.mux.HandleFunc("GET /run/{asked...}", s.run)
	return s, nil
}

// ServeHTTP refuses what is not meant for this server, and answers the rest.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.accepts(r.Host) {
		http.Error(w, fmt.Sprintf("this server is not %q: ask for it by its IP address, or as localhost", r.Host), http.StatusMisdirectedRequest)
		return
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	default:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "too many requests at once", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache") // ask whether it changed
	s.mux.ServeHTTP(w, r)
}

// accepts reports whether a Host is one by which this server may be asked for.
func (s *Server) accepts(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.Trim(name, "[]")
	return net.ParseIP(name) != nil || strings.EqualFold(name, "localhost") || s.host != "" && strings.EqualFold(name, s.host)
}

//go:embed list.html
var listText string

var listTemplate = template.Must(template.New("list.html").Parse(listText))

// list shows all runs.
func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	runs, err := s.runs()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var b bytes.Buffer
	policy := page.Policy(page.LiveScript, true)
	if err := listTemplate.Execute(&b, map[string]any{"Dir": filepath.Base(s.dir), "Runs": runs, "Policy": policy, "Style": template.CSS(page.Style), "Script": template.JS(page.LiveScript), "Icon": template.URL("data:,")}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer(w, r, "text/html; charset=utf-8", tagOf(b.Bytes()), b.Bytes())
}

// run shows one run, or its facts.
func (s *Server) run(w http.ResponseWriter, r *http.Request) {
	asked := r.PathValue("asked") // NAME/ or NAME/results.json
	name, facts := strings.CutSuffix(asked, "/"+report.ResultsFile)
	name, whole := strings.CutSuffix(name, "/")
	run, known := s.find(name)
	switch {
	case !known:
		http.Error(w, fmt.Sprintf("there is no run %q here", name), http.StatusNotFound)
		return
	case !facts && !whole: // links in the page are relative
		http.Redirect(w, r, (&url.URL{Path: r.URL.Path + "/"}).String(), http.StatusMovedPermanently)
		return
	}
	m, err := s.pageOf(run)
	switch {
	case err != nil:
		http.Error(w, "this run has no report: "+err.Error(), http.StatusUnprocessableEntity)
	case facts:
		answer(w, r, "application/json", m.factsTag, m.results)
	default:
		answer(w, r, "text/html; charset=utf-8", m.pageTag, m.page)
	}
}

// find returns the run of a name; only those of the list have one.
func (s *Server) find(name string) (Run, bool) {
	runs, err := s.runs()
	if err != nil {
		return Run{}, false
	}
	i := slices.IndexFunc(runs, func(r Run) bool { return r.Name == name })
	if i < 0 {
		return Run{}, false
	}
	return runs[i], true
}

// answer writes a body, or that it is what the client has already.
func answer(w http.ResponseWriter, r *http.Request, kind, tag string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", tag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// Limits of a connection: requests are small, and a page takes less than a minute.
const (
	headerTimeout = 5 * time.Second
	answerTimeout = 2 * time.Minute
	idleTimeout   = time.Minute
	stopTimeout   = 3 * time.Second
	maxHeader     = 16 << 10
)

// Serve answers on l until ctx ends; requests that are being answered then have a few
// seconds to finish. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	h := &http.Server{Handler: s, ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: answerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader}
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := h.Shutdown(stopping); err != nil {
		h.Close()
	}
	<-ended
	return nil
}

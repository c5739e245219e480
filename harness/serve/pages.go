package serve

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"path/filepath"
	"time"

	"metastorebench/harness/facts"
	"metastorebench/harness/report"
	"metastorebench/harness/report/page"
)

const (
	// RemakeAfter is how long the page of a run in progress is kept at least.
	RemakeAfter = 3 * time.Second
	// keptPages are the most pages that are kept in memory.
	keptPages = 8
)

// made is a run's page, and its facts as JSON, as they were made once.
type made struct {
	page, results     []byte
	pageTag, factsTag string
	of                string // the state and the stamp of the run
	at                time.Time
}

// pageOf returns a run's page, made anew if the run changed. One is made at a time.
// While the records of a run in progress cannot be read, the last page is shown.
func (s *Server) pageOf(r Run) (*made, error) {
	s.making.Lock()
	defer s.making.Unlock()
	old, of := s.pages[r.dir], r.State+" "+r.stamp
	if old != nil && (old.of == of || r.State == Running && s.now().Sub(old.at) < RemakeAfter) {
		return old, nil
	}
	m, err := s.make(r)
	if err != nil {
		if old != nil && r.State == Running {
			return old, nil
		}
		return nil, err
	}
	m.of, m.at = of, s.now()
	s.keep(r.dir, m)
	return m, nil
}

func (s *Server) make(r Run) (*made, error) {
	doc, err := s.document(r)
	if err != nil {
		return nil, err
	}
	m := &made{}
	if m.results, err = json.Marshal(doc); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if live := r.Live(); live != nil {
		err = page.WriteLive(&b, doc, *live)
	} else {
		err = page.Write(&b, doc)
	}
	if err != nil {
		return nil, err
	}
	m.page = b.Bytes()
	m.pageTag, m.factsTag = tagOf(m.page), tagOf(m.results)
	return m, nil
}

// document reads a run's facts, or makes them.
func (s *Server) document(r Run) (*facts.Document, error) {
	if resultsAreFresh(r.dir) {
		if doc, err := facts.Read(filepath.Join(r.dir, report.ResultsFile)); err == nil {
			return doc, nil
		} // of another version, say: the records tell the same
	}
	return report.Document(r.dir)
}

// keep stores a page, and drops the oldest where there are too many.
func (s *Server) keep(dir string, m *made) {
	s.pages[dir] = m
	for len(s.pages) > keptPages {
		oldest := ""
		for d, p := range s.pages {
			if oldest == "" || p.at.Before(s.pages[oldest].at) {
				oldest = d
			}
		}
		delete(s.pages, oldest)
	}
}

func tagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"metastorebench/harness/facts"
	"metastorebench/harness/infer"
)

// scripts are the parts of the page's script, in the order in which they are joined.
var scripts = []string{"dom", "state", "data", "tables", "draw", "charts", "detail", "cells", "compare", "attribution", "live", "main"}

//go:embed page.html page.css js/*.js
var files embed.FS

// Style and Script are the page's own, for pages beside it; see LiveScript.
var (
	Style  = mustRead("page.css")
	Script = join(scripts...)
	// LiveScript keeps a page up to date that has no data: the list of runs.
	LiveScript = join("dom", "live") + "document.documentElement.dataset.ready = \"\";\nwatchLive(() => {});\n"
)

var shell = template.Must(template.New("page.html").Funcs(template.FuncMap{"fact": factOf, "slug": slug, "when": when}).ParseFS(files, "page.html"))

// Live is what is told of a run that is still in progress.
type Live struct {
	Recorded, Planned int // trials
	// Running says that the run is being written; otherwise it stopped before its end.
	Running bool
}

// Percent is how much of the run is recorded, 0 to 100.
func (l Live) Percent() int { return min(100, 100*l.Recorded/max(1, l.Planned)) }

// Write writes the page of a run. The same document makes the same bytes.
func Write(w io.Writer, doc *facts.Document) error { return write(w, doc, nil) }

// WriteLive is Write for a run whose records still grow: the page asks the server it
// came from for itself, every few seconds, and shows what is new.
func WriteLive(w io.Writer, doc *facts.Document, live Live) error { return write(w, doc, &live) }

func write(w io.Writer, doc *facts.Document, live *Live) error {
	if doc == nil {
		return errors.New("page: there is no document")
	}
	whole, trials := split(doc)
	packedDoc, err := pack(whole)
	if err != nil {
		return fmt.Errorf("page: document: %w", err)
	}
	packedTrials, err := pack(trials)
	if err != nil {
		return fmt.Errorf("page: trials: %w", err)
	}
	judged, open := ledger(doc.Claims)
	return shell.Execute(w, map[string]any{
		"Doc": doc, "Live": live, "Policy": Policy(Script, live != nil), "Verdicts": verdicts(doc.Claims), "Judged": judged, "Open": open, "Source": sourceOf(doc.Claims), "Icon": template.URL(icon),
		"Style": template.CSS(Style), "Script": template.JS(Script),
		"Packed": template.JS(packedDoc), "Trials": template.JS(packedTrials),
	})
}

// icon is an empty one, so that a browser does not ask for any.
const icon = "data:,"

// Policy is the Content-Security-Policy of a page with this script and the page's
// style. live allows the page to ask its own server, and nothing else.
func Policy(script string, live bool) string {
	connect := "'none'"
	if live {
		connect = "'self'"
	}
	return fmt.Sprintf("default-src 'none'; script-src '%s'; style-src '%s'; img-src data:; connect-src %s; base-uri 'none'; form-action 'none'",
		hashOf(script), hashOf(Style), connect)
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// split takes the trials out of a document, which most readers never open: they are
// half of it.
func split(doc *facts.Document) (facts.Document, [][]facts.Trial) {
	whole, trials := *doc, make([][]facts.Trial, len(doc.Cells))
	whole.Cells = slices.Clone(doc.Cells)
	for i := range whole.Cells {
		trials[i] = whole.Cells[i].Trials
		whole.Cells[i].Trials = nil
	}
	return whole, trials
}

// pack is JSON, compressed, in base64.
func pack(v any) (string, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if err := errors.Join(json.NewEncoder(z).Encode(v), z.Close()); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// goal is a row of the ledger.
type goal struct {
	Claim facts.Claim
	Goal  facts.Goal
	First bool // of its claim
}

// ledger divides the goals of claims into those that were judged, and the rest.
func ledger(claims []facts.Claim) (judged, open []goal) {
	for _, c := range claims {
		first := true
		for _, g := range c.Goals {
			if len(g.Judged) == 0 {
				open = append(open, goal{c, g, false})
				continue
			}
			judged = append(judged, goal{c, g, first})
			first = false
		}
	}
	return judged, open
}

// sourceOf is the source of all claims, "" if they have several.
func sourceOf(claims []facts.Claim) string {
	if len(claims) == 0 || slices.ContainsFunc(claims, func(c facts.Claim) bool { return c.Source != claims[0].Source }) {
		return ""
	}
	return claims[0].Source
}

// tally is how many claims have a verdict.
type tally struct {
	Verdict string
	N       int
}

// verdicts counts the verdicts on claims that the run bears on, in the order of the
// vocabulary.
func verdicts(claims []facts.Claim) []tally {
	n := map[string]int{}
	for _, c := range claims {
		n[c.Verdict]++
	}
	var counts []tally
	for _, word := range append(infer.All(), facts.Mixed) {
		if word != infer.NotYet && n[string(word)] > 0 {
			counts = append(counts, tally{string(word), n[string(word)]})
		}
	}
	return counts
}

// factOf is the fact with an id; nil without one.
func factOf(doc *facts.Document, id int) *facts.Fact {
	if id < 1 || id > len(doc.Facts) {
		return nil
	}
	return doc.Facts[id-1]
}

// when writes a time of RFC 3339 for people.
func when(started string) string {
	t, err := time.Parse(time.RFC3339, started)
	if err != nil {
		return started
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// slug makes a word fit for a class.
func slug(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(text))
}

// mustRead is an embedded file's text.
func mustRead(name string) string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err) // the file was there at build time
	}
	return string(b)
}

func join(names ...string) string {
	var b strings.Builder
	for _, name := range names {
		b.WriteString(mustRead("js/" + name + ".js"))
	}
	return b.String()
}

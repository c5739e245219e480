package gate

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
)

// resultJSON is the form of gate.json.
type resultJSON struct {
	Schema   int               `json:"schema"`
	Outcome  Verdict           `json:"outcome"`
	Reason   string            `json:"reason"`
	Arms     []record.Arm      `json:"arms"`
	Gates    []rowJSON         `json:"gates"`
	SelfTest []testJSON        `json:"self_test"`
	Placebo  []rowJSON         `json:"placebo,omitempty"` // base's other layout against base
	Lost     []string          `json:"lost_counters,omitempty"`
	Where    []string          `json:"culprit,omitempty"` // of wrong answers and lost counters
	Voids    int               `json:"void_trials"`
	Accepted []record.Accepted `json:"accepted,omitempty"`
}

type rowJSON struct {
	Metric  string   `json:"metric"`
	Load    string   `json:"load"`
	Kind    string   `json:"kind"`
	Unit    string   `json:"unit"`
	Verdict Verdict  `json:"verdict"`
	Blocks  int      `json:"blocks"`
	Look    int      `json:"look"`
	Floor   float64  `json:"floor"`
	Base    float64  `json:"base_median"`
	Head    float64  `json:"head_median"`
	Ratio   *float64 `json:"ratio"`
	// AtLeast and AtMost are the bounds of the loss, as shares of base: 0.1 is 10 %
	// worse. They are null without enough blocks.
	AtLeast  *float64 `json:"loss_at_least"`
	AtMost   *float64 `json:"loss_at_most"`
	Accepted string   `json:"accepted,omitempty"`
	Hints    []string `json:"hints,omitempty"`
	Culprit  []string `json:"culprit,omitempty"`
}

type testJSON struct {
	Fault string    `json:"fault"`
	Want  Verdict   `json:"want"`
	OK    bool      `json:"ok"`
	Gates []rowJSON `json:"gates"`
}

// schemaJSON is the version of gate.json.
const schemaJSON = 1

// JSON is the result for programs.
func (r *Result) JSON() ([]byte, error) {
	out := resultJSON{Schema: schemaJSON, Outcome: r.Outcome, Reason: r.Reason, Arms: r.Gate.Arms, Voids: len(r.Voids), Accepted: r.Gate.Accepted, Gates: rowsJSON(r.Rows)}
	if r.Placebo != nil {
		out.Placebo = rowsJSON(r.Placebo)
	}
	if out.Lost = r.Gate.Lost; r.Where != nil {
		out.Where = r.Where.Lines()
	}
	for _, t := range r.Tests {
		out.SelfTest = append(out.SelfTest, testJSON{Fault: t.Fault, Want: t.Pair.Want, OK: len(t.Failures()) == 0, Gates: rowsJSON(t.Rows)})
	}
	b, err := json.MarshalIndent(out, "", "  ")
	return append(b, '\n'), err
}

func rowsJSON(rows []Row) []rowJSON {
	all := make([]rowJSON, len(rows))
	for i, w := range rows {
		all[i] = rowJSON{
			Metric: w.Gate.Metric.Name, Load: w.Gate.Load, Kind: w.Gate.Kind(), Unit: w.Gate.Metric.Unit, Verdict: w.Verdict, Blocks: w.N, Look: w.Look,
			Floor: w.Gate.Floor, Base: w.Old, Head: w.New, AtLeast: finite(w.Gate.share(w.AtLeast)), AtMost: finite(w.Gate.share(w.AtMost)),
		}
		if w.N > 0 {
			all[i].Ratio = finite(w.Gate.Ratio(w.Mean))
		}
		if w.Accepted != nil {
			all[i].Accepted = w.Accepted.Reason
		}
		for _, h := range w.Hints {
			all[i].Hints = append(all[i].Hints, h.text())
		}
		if w.Culprit != nil {
			all[i].Culprit = w.Culprit.Lines()
		}
	}
	return all
}

// finite is nil for what JSON cannot hold.
func finite(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}

// The elements of JUnit XML that every reader knows.
type suites struct {
	XMLName xml.Name `xml:"testsuites"`
	Suites  []suite  `xml:"testsuite"`
}

type suite struct {
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Skipped  int        `xml:"skipped,attr"`
	Cases    []testCase `xml:"testcase"`
}

type testCase struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Failure *message `xml:"failure,omitempty"`
	Skipped *message `xml:"skipped,omitempty"`
	Output  string   `xml:"system-out,omitempty"`
}

type message struct {
	Text string `xml:"message,attr"`
}

// JUnit is the result as JUnit XML: every gate is a test, which fails if it
// regressed and is skipped if it is inconclusive or accepted.
func (r *Result) JUnit() ([]byte, error) {
	gates := suite{Name: "gate"}
	for _, w := range r.Rows {
		c := testCase{Class: "gate." + w.Gate.Kind(), Name: w.Gate.Name(), Output: w.line()}
		switch {
		case w.Fails():
			c.Failure = &message{fmt.Sprintf("%s, %s; floor %s", w.Verdict, change(math.Log(w.Gate.Ratio(w.Mean))), percent(w.Gate.Floor))}
		case w.Verdict == Regressed:
			c.Skipped = &message{"accepted: " + w.Accepted.Reason}
		case w.Verdict == Inconclusive:
			c.Skipped = &message{string(Inconclusive)}
		}
		gates.add(c)
	}
	self := suite{Name: "self-test"}
	for _, t := range r.Tests {
		for _, w := range t.Rows {
			c := testCase{Class: "gate.self-test", Name: t.Pair.New + "/" + w.Gate.Name(), Output: w.line()}
			if !t.ok(w) {
				c.Failure = &message{fmt.Sprintf("%s, want %s", w.Verdict, t.Pair.Want)}
			}
			self.add(c)
		}
	}
	b, err := xml.MarshalIndent(suites{Suites: []suite{gates, self}}, "", "  ")
	return append([]byte(xml.Header), append(b, '\n')...), err
}

// line is a row's values in one line.
func (w Row) line() string {
	t := format.Table{Columns: rowColumns, Rows: [][]any{w.cells()}}
	var b strings.Builder
	// A builder takes everything, and the format is known.
	_ = t.Write(&b, format.Text)
	_, line, _ := strings.Cut(b.String(), "\n")
	return strings.TrimSpace(line)
}

func (s *suite) add(c testCase) {
	s.Tests++
	if c.Failure != nil {
		s.Failures++
	}
	if c.Skipped != nil {
		s.Skipped++
	}
	s.Cases = append(s.Cases, c)
}

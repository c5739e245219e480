package gate

import (
	"fmt"
	"math"
	"slices"
)

// trendSeed seeds the permutations, so that the same history makes the same report.
const trendSeed = 1

// Trend is what a history says about one machine.
type Trend struct {
	Machine string
	// Entries are those of the machine that the newest entry is of, oldest first;
	// Others counts the rest.
	Entries []Entry
	Others  int
	Series  []Series
}

// Series is one gate over the history.
type Series struct {
	Gate, Unit string
	Points     []Point
	Steps      []Step // At is an index into Points
}

// Point is a gate's value of one entry.
type Point struct {
	Entry  int // index into Entries
	Median float64
}

// NewTrend looks for steps in the newest last entries of a history, 0 for all.
// They are looked for in logarithms: what matters is by which part a value moves.
// An empty history is ErrHistory.
func NewTrend(history []Entry, last int) (*Trend, error) {
	if len(history) == 0 {
		return nil, fmt.Errorf("%w: it has no entries", ErrHistory)
	}
	t := &Trend{Machine: history[len(history)-1].Machine}
	for _, e := range history {
		if e.Machine == t.Machine {
			t.Entries = append(t.Entries, e)
		}
	}
	t.Others = len(history) - len(t.Entries)
	if last > 0 && len(t.Entries) > last {
		t.Entries = t.Entries[len(t.Entries)-last:]
	}
	for i, e := range t.Entries {
		for _, v := range e.Values {
			t.add(v, Point{i, v.Median})
		}
	}
	for i := range t.Series {
		s := &t.Series[i]
		logs := make([]float64, len(s.Points))
		for k, p := range s.Points {
			logs[k] = math.Log(p.Median)
		}
		s.Steps = Steps(logs, trendSeed)
		for k := range s.Steps {
			s.Steps[k].Before, s.Steps[k].After = math.Exp(s.Steps[k].Before), math.Exp(s.Steps[k].After)
		}
	}
	return t, nil
}

// add puts a point at the end of its series.
func (t *Trend) add(v Value, p Point) {
	i := slices.IndexFunc(t.Series, func(s Series) bool { return s.Gate == v.Gate })
	if i < 0 {
		i = len(t.Series)
		t.Series = append(t.Series, Series{Gate: v.Gate, Unit: v.Unit})
	}
	t.Series[i].Points = append(t.Series[i].Points, p)
}

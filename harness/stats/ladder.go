package stats

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// GroupLadder begins the names of groups whose cells climb the plan: its baseline,
// then each phase in full on top of the one before.
const GroupLadder = "ladder-"

// PhaseOf is the phase of the plan that a cell has reached, 0 for its baseline. It
// is known by the phase's consensus item: batched proposals, group commit,
// pipelining.
func PhaseOf(options map[string]string) int {
	switch {
	case options["pipeline"] == "on":
		return 3
	case options["wal"] == "group":
		return 2
	case options["propose"] == "batch":
		return 1
	}
	return 0
}

// Ladder is the plan's phases in one place: one workload, engine, disk and way of
// calling. Its factors are the phases; each row has one more than the row before, so
// that its baseline is the lowest phase that was measured.
type Ladder struct {
	*Stratum
	// Phases are those of the rows, rising.
	Phases []int
}

// Complete reports whether the ladder goes from the plan's baseline to phase 3.
func (l Ladder) Complete() bool { return len(l.Rows) == 4 && l.Phases[0] == 0 }

// Ladders are the run's ladders in the manifest's order, of measured cells. A phase
// that occurs twice in a place counts once, the first time.
func (r *Run) Ladders() []Ladder {
	byPlace := map[string][]*Cell{}
	var order []string
	for _, c := range r.Cells {
		if !strings.HasPrefix(c.Group, GroupLadder) || !c.Measured() {
			continue
		}
		place := strings.Join([]string{c.Workload, c.Options["engine"], c.Options["disk"], c.Options["api"]}, "\x00")
		if byPlace[place] == nil {
			order = append(order, place)
		}
		byPlace[place] = append(byPlace[place], c)
	}
	ladders := make([]Ladder, len(order))
	for i, place := range order {
		ladders[i] = newLadder(byPlace[place])
		ladders[i].Questions = r.Questions
	}
	return ladders
}

// newLadder puts the cells of one place in order.
func newLadder(cells []*Cell) Ladder {
	slices.SortStableFunc(cells, func(a, b *Cell) int { return cmp.Compare(PhaseOf(a.Options), PhaseOf(b.Options)) })
	first := cells[0]
	l := Ladder{Stratum: &Stratum{Group: first.Group, Workload: first.Workload, Target: first.Target, Options: maps.Clone(first.Options)}}
	for _, c := range cells {
		phase := PhaseOf(c.Options)
		if n := len(l.Phases); n > 0 && l.Phases[n-1] == phase {
			continue
		}
		maps.DeleteFunc(l.Options, func(axis, v string) bool { return c.Options[axis] != v })
		l.Rows = append(l.Rows, Row{Setting: 1<<len(l.Rows) - 1, Cell: c})
		l.Phases = append(l.Phases, phase)
	}
	for _, phase := range l.Phases[1:] {
		l.Factors = append(l.Factors, Factor{ID: PhaseName(phase), Axis: PhaseName(phase)})
	}
	return l
}

// PhaseName is "baseline" for 0, and "phase 1" and so on.
func PhaseName(phase int) string {
	if phase == 0 {
		return "baseline"
	}
	return fmt.Sprint("phase ", phase)
}

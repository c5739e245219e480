package report

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/plots"
)

// sweepQuantity is what a figure of a sweep shows.
type sweepQuantity struct {
	name, label string
	// metric is of an operation type under a workload.
	metric func(op string, w *record.Workload) stats.Metric
	// perOp quantities have a figure for each operation type; the others one for
	// each load.
	perOp bool
}

var sweepQuantities = []sweepQuantity{
	{"throughput", "operations per second", func(op string, _ *record.Workload) stats.Metric { return stats.Throughput(op) }, true},
	{"bandwidth", "keys and values, MB/s", func(op string, w *record.Workload) stats.Metric {
		return stats.Scale(stats.Throughput(op), float64(w.KeyBytes+w.ValueBytes)/1e6)
	}, true},
	{"store CPU", "store CPU, us per operation", func(string, *record.Workload) stats.Metric { return stats.StoreCPU }, false},
	{"write amplification", "bytes to table files per byte in", func(string, *record.Workload) stats.Metric { return stats.WriteAmplification }, false},
	{"space amplification", "table files per byte of live data", func(string, *record.Workload) stats.Metric { return stats.SpaceAmplification }, false},
}

// sweepFigures draws each quantity over what the run varies, a figure per load and
// disk with a curve per variant. A run of one size has none.
func sweepFigures(r *stats.Run) ([]*plots.Figure, error) {
	s := sweepOf(r)
	var figs []*plots.Figure
	for _, place := range s.places() {
		for _, q := range sweepQuantities {
			if q.name == "bandwidth" && s.x.name != valueProperty {
				continue // it is the throughput in another unit
			}
			for _, op := range s.ops(place, q) {
				f, err := plots.Curves(s.text(r, place, q, op), s.curves(place, q, op))
				if errors.Is(err, plots.ErrNoData) {
					continue
				}
				if err != nil {
					return nil, err
				}
				figs = append(figs, f)
			}
		}
	}
	return figs, nil
}

// sweepPlace is what the cells of a figure share.
type sweepPlace struct{ load, disk string }

func placeOf(c *stats.Cell) sweepPlace { return sweepPlace{load(c), c.Options["disk"]} }

// places are those that have more than one size.
func (s sweep) places() []sweepPlace {
	sizes := map[sweepPlace][]int{}
	var order []sweepPlace
	for _, c := range s.cells {
		p := placeOf(c)
		if sizes[p] == nil {
			order = append(order, p)
		}
		if !slices.Contains(sizes[p], s.at(c)) {
			sizes[p] = append(sizes[p], s.at(c))
		}
	}
	return slices.DeleteFunc(order, func(p sweepPlace) bool { return len(sizes[p]) < 2 })
}

// ops are the operation types that have a figure of their own in a place: one for
// a quantity of the whole load.
func (s sweep) ops(p sweepPlace, q sweepQuantity) []string {
	for _, c := range s.cells {
		if placeOf(c) == p {
			if q.perOp {
				return c.Ops()
			}
			return c.Ops()[:1]
		}
	}
	return nil
}

// text is what a figure says.
func (s sweep) text(r *stats.Run, p sweepPlace, q sweepQuantity, op string) plots.CurvesText {
	what := p.load
	if q.perOp && op != p.load {
		what += ": " + op
	}
	words := strings.FieldsFunc(strings.Join([]string{q.name, what, p.disk}, " "), func(r rune) bool { return strings.ContainsRune(" ,:+", r) })
	return plots.CurvesText{
		Name:   strings.ToLower("sweep-" + strings.Join(words, "-")),
		Title:  fmt.Sprintf("%s against %s: %s, %s disk, n=%d", capital(q.name), s.x.name, what, p.disk, r.Manifest.Blocks),
		XLabel: s.x.name, YLabel: q.label,
		Caption: fmt.Sprintf("%s by %s and variant: medians with the range of the blocks. Load: %s; %s disk, closed loop, n=%d blocks.", capital(q.name), s.x.name, what, p.disk, r.Manifest.Blocks),
	}
}

// curves has one for each variant that was measured.
func (s sweep) curves(p sweepPlace, q sweepQuantity, op string) []plots.Curve {
	var curves []plots.Curve
	for _, cell := range s.cells { // by variant
		if placeOf(cell) != p {
			continue
		}
		if name := s.curveName(cell); len(curves) == 0 || curves[len(curves)-1].Name != name {
			curves = append(curves, plots.Curve{Name: name})
		}
		curves[len(curves)-1].Add(float64(s.at(cell)), stats.Over(cell, q.metric(op, &cell.Trials[0].Workload)))
	}
	return slices.DeleteFunc(curves, func(c plots.Curve) bool { return len(c.Points) == 0 })
}

// curveName is a cell's variant without the disk, which the figure names.
func (s sweep) curveName(c *stats.Cell) string {
	return strings.TrimPrefix(strings.ReplaceAll(", "+s.variant(c), ", disk="+c.Options["disk"], ""), ", ")
}

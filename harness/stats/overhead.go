package stats

import (
	"fmt"
	"maps"
	"math"
	"slices"
)

// Overhead is a variant that was measured with its stages traced and without.
type Overhead struct {
	Variant map[string]string // the options without arm and stage-sample
	Every   string            // one write in so many was traced
	// Pairs are the traced cells with their twins, one pair per arm.
	Pairs []TracedPair
}

// TracedPair is a cell that traced its stages, and one that did not and is the
// same otherwise.
type TracedPair struct{ On, Off *Cell }

// Overheads finds the variants of a run that were measured with and without
// tracing, in the manifest's order.
func (r *Run) Overheads() []Overhead {
	var all []Overhead
	byKey := map[string]int{}
	for _, on := range r.Cells {
		off := r.untraced(on)
		if off == nil {
			continue
		}
		rest := maps.Clone(on.Options)
		delete(rest, optionArm)
		delete(rest, optionStageSample)
		key := on.Workload + "\x00" + on.Options[optionStageSample] + "\x00" + canonical(rest)
		i, known := byKey[key]
		if !known {
			i = len(all)
			byKey[key] = i
			all = append(all, Overhead{Variant: rest, Every: on.Options[optionStageSample]})
		}
		all[i].Pairs = append(all[i].Pairs, TracedPair{On: on, Off: off})
	}
	return all
}

// untraced returns the traced cell's twin in its group, or nil.
func (r *Run) untraced(on *Cell) *Cell {
	if !Traced(on.Options) {
		return nil
	}
	want := maps.Clone(on.Options)
	for _, off := range r.Cells {
		want[optionStageSample] = off.Options[optionStageSample]
		if !Traced(off.Options) && off.Group == on.Group && off.Workload == on.Workload && maps.Equal(want, off.Options) {
			return off
		}
	}
	return nil
}

// TracedStrata returns the strata whose cells traced their stages, those that
// measure the overhead excepted.
func (r *Run) TracedStrata(factors []Factor) []*Stratum {
	return slices.DeleteFunc(r.Strata(factors), func(s *Stratum) bool {
		measured := slices.ContainsFunc(s.Rows, func(row Row) bool { _, ok := BreakdownOf(row.Cell); return ok })
		return !measured || r.untraced(s.Rows[0].Cell) != nil
	})
}

// Ratio compares traced to untraced: per block, the geometric mean of the arms'
// ratios. Errors as Compare's.
func (o Overhead) Ratio(m Metric) (Comparison, error) {
	sums, pairs := map[int]float64{}, map[int]int{}
	for _, p := range o.Pairs {
		if err := comparable(p.On, p.Off); err != nil {
			return Comparison{}, err
		}
		off := map[int]float64{}
		for _, t := range p.Off.Trials {
			off[t.Block], _ = m(t)
		}
		for _, t := range p.On.Trials {
			if on, ok := m(t); ok && on > 0 && off[t.Block] > 0 {
				sums[t.Block] += math.Log(on / off[t.Block])
				pairs[t.Block]++
			}
		}
	}
	var logs []float64
	for _, block := range slices.Sorted(maps.Keys(sums)) {
		if pairs[block] == len(o.Pairs) {
			logs = append(logs, sums[block]/float64(len(o.Pairs)))
		}
	}
	if len(logs) == 0 {
		return Comparison{}, fmt.Errorf("%w: tracing on and off", ErrNoPairs)
	}
	return newComparison(logs), nil
}

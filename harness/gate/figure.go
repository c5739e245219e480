package gate

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/facts"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// words are what a figure calls verdicts: the words of ratios, which have its colours.
var words = map[Verdict]string{Pass: "equivalent", Regressed: "different", Improved: "different", Inconclusive: "unresolved"}

// Figure shows each gate's ratio of head to base, between the bounds that it was decided
// by, beside its floor; a gate without a pair is named and has no bar.
func (r *Result) Figure() facts.Figure {
	f := facts.Figure{
		ID: "gate-ratios", Kind: facts.FigureBars,
		Title:   fmt.Sprintf("Gate: %s, %s against %s", r.Outcome, r.short(record.ArmHead), r.short(record.ArmBase)),
		Caption: "Geometric mean of the ratios per block; whiskers: the bounds that regression and pass are decided by. A gate that passes is called equivalent: within its floor.",
		X:       facts.Scale{Label: "gate"}, Y: facts.Scale{Label: "head / base", One: true},
		Whiskers: "bounds of the verdict",
	}
	ratios, floors := facts.Series{Name: "head / base"}, facts.Series{Name: "floor", Style: facts.StyleLimit}
	for i, w := range r.Rows {
		f.X.Categories = append(f.X.Categories, w.Gate.Name())
		x := facts.Number(i)
		floors.Points = append(floors.Points, facts.Point{X: x, Y: facts.Number(w.Gate.Ratio(w.Gate.limit()))})
		if w.N == 0 {
			continue
		}
		p := facts.Point{X: x, Y: facts.Number(w.Gate.Ratio(w.Mean)), Word: words[w.Verdict], Better: "worse"}
		if w.Verdict == Improved {
			p.Better = "better"
		}
		if bounds := []float64{w.Gate.Ratio(w.AtLeast), w.Gate.Ratio(w.AtMost)}; finite(bounds[0]) != nil && finite(bounds[1]) != nil {
			lo, hi := facts.Number(slices.Min(bounds)), facts.Number(slices.Max(bounds))
			p.Lo, p.Hi = &lo, &hi
		}
		ratios.Points = append(ratios.Points, p)
	}
	f.Series = []facts.Series{ratios, floors}
	return f
}

// short is the commit of an arm.
func (r *Result) short(arm string) string {
	if a := r.Gate.Arm(arm); a != nil {
		return fmt.Sprintf("%.12s", a.Commit)
	}
	return "a stored run"
}

// Figure shows how often planted losses were found, by their measured size.
func (p *Power) Figure() facts.Figure {
	f := facts.Figure{
		ID: "gate-power", Kind: facts.FigureLines,
		Title:   fmt.Sprintf("Power of the gate, n=%d runs", p.Runs),
		Caption: "How often a planted loss was found by the gate that it is aimed at; whiskers: Clopper and Pearson, 95 %.",
		X:       facts.Scale{Label: "measured loss, %"}, Y: facts.Scale{Label: "found, % of the runs"},
	}
	for _, name := range p.gates() {
		s := facts.Series{Name: name}
		for _, fault := range p.Faults {
			if fault.Gate.Name() != name {
				continue
			}
			low, high := infer.Proportion(int64(fault.Found), int64(fault.Runs))
			lo, hi := facts.Number(100*low), facts.Number(100*high)
			s.Points = append(s.Points, facts.Point{
				X: facts.Number(100 * fault.Loss), Y: facts.Number(100 * float64(fault.Found) / float64(fault.Runs)), Lo: &lo, Hi: &hi,
			})
		}
		f.Series = append(f.Series, s)
	}
	wanted := facts.Series{Name: "wanted", Style: facts.StyleLimit, Points: []facts.Point{{Y: 100 * powerWanted}}}
	f.Series = append(f.Series, wanted)
	return f
}

// Figures show each gate over the history, with the medians between its steps.
func (t *Trend) Figures() (all []facts.Figure) {
	for _, s := range t.Series {
		runs := facts.Series{Name: "one run"}
		for _, p := range s.Points {
			runs.Points = append(runs.Points, facts.Point{X: facts.Number(p.Entry + 1), Y: facts.Number(p.Median)})
		}
		all = append(all, facts.Figure{
			ID: "trend-" + strings.ReplaceAll(s.Gate, "@", "-"), Kind: facts.FigureLines,
			Title:   fmt.Sprintf("Trend: %s, n=%d runs, steps: %d", s.Gate, len(s.Points), len(s.Steps)),
			Caption: fmt.Sprintf("Medians of head over the gate's history, on %s. Lines: medians between the steps that E-divisive finds.", t.Machine),
			X:       facts.Scale{Label: "run of the gate, in order"}, Y: facts.Scale{Label: s.Unit, Log: true},
			Series: []facts.Series{runs, s.medians()},
		})
	}
	return all
}

// medians are those of the segments between steps, as a line with steps in it.
func (s Series) medians() facts.Series {
	line := facts.Series{Name: "median between steps", Style: facts.StyleFit, Of: "one run"}
	bounds := []int{0}
	for _, step := range s.Steps {
		bounds = append(bounds, step.At)
	}
	for i, from := range bounds {
		to := len(s.Points)
		if i+1 < len(bounds) {
			to = bounds[i+1]
		}
		values := make([]float64, 0, to-from)
		for _, p := range s.Points[from:to] {
			values = append(values, p.Median)
		}
		level := facts.Number(stats.Summarize(values).Median)
		first, last := facts.Number(s.Points[from].Entry), facts.Number(s.Points[to-1].Entry)
		line.Points = append(line.Points, facts.Point{X: first + 0.5, Y: level}, facts.Point{X: last + 1.5, Y: level})
	}
	return line
}

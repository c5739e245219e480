package facts

import (
	"slices"
	"strings"
	"time"

	"metastorebench/harness/metric"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// percentilePoints are where a cell's percentile curve is told.
var percentilePoints = []float64{0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.9, 99.95, 99.99, 99.999}

// describe fills in the run and its cells, with every level that a cell has.
func (b *builder) describe() error {
	b.doc.Run = b.runInfo()
	b.doc.Axes = b.axesInfo()
	for _, p := range b.places {
		c, err := b.cellInfo(p)
		if err != nil {
			return err
		}
		b.doc.Cells = append(b.doc.Cells, c)
	}
	b.doc.Metrics = b.metricsUsed()
	return nil
}

func (b *builder) runInfo() Run {
	m := b.run.Manifest
	r := Run{
		Plan: m.Plan, Title: b.asked.Title, Level: m.Level, Command: strings.Join(m.Command, " "), Started: m.Started.UTC().Format(time.RFC3339),
		Seed: m.Seed, Blocks: m.Blocks, Trials: b.run.Trials, Env: m.Env, Commit: m.Env.Commit[:min(12, len(m.Env.Commit))], Dirty: m.Env.Dirty, Newer: b.run.Newer,
		Checks: map[string]map[string]int{},
	}
	for _, v := range b.run.Voids {
		r.Voids = append(r.Voids, Void(v))
	}
	for _, s := range m.Skipped {
		r.Skipped = append(r.Skipped, Skip{s.Cell, s.Reason})
	}
	for _, t := range b.run.Recorded {
		for _, c := range t.Checks {
			if r.Checks[c.Name] == nil {
				r.Checks[c.Name] = map[string]int{}
			}
			r.Checks[c.Name][c.Outcome()]++
		}
	}
	return r
}

// axesInfo are the properties in which the cells differ.
func (b *builder) axesInfo() []Axis {
	var axes []Axis
	for _, name := range slices.Concat([]string{propGroup, propItems}, b.differing(b.places)) {
		if values := valuesOf(b.places, name); len(values) > 1 {
			axes = append(axes, Axis{Name: name, Values: values, Baseline: b.asked.Baseline[name]})
		}
	}
	return axes
}

func (b *builder) cellInfo(p *place) (Cell, error) {
	c := Cell{
		ID: p.cell.ID, Group: p.cell.Group, Workload: p.cell.Workload, Target: p.cell.Target, Durability: p.cell.Durability,
		Properties: p.properties, Blocks: len(p.cell.Trials), Void: len(p.cell.Void), Skip: p.cell.SkipReason, Command: b.command(p),
	}
	if !p.cell.Measured() {
		return c, nil
	}
	bound := b.run.BoundOf(p.cell)
	if bound.Resource != stats.BoundNone {
		c.Bound = string(bound.Resource)
	}
	if err := b.cellLevels(p, &c); err != nil {
		return c, err
	}
	if err := percentilesOf(p.cell, &c); err != nil {
		return c, err
	}
	seriesOf(p.cell, &c)
	var err error
	if c.Stages, err = b.stagesOf(p); err != nil {
		return c, err
	}
	for _, w := range b.run.Warnings(p.cell, b.read(metric.Must("throughput"), p.cell.Ops()[0])) {
		c.Warnings = append(c.Warnings, string(w.Kind)+": "+w.Text)
	}
	return c, nil
}

// cellLevels has every metric of the registry that the cell has, and the trials' own
// values of them.
func (b *builder) cellLevels(p *place, c *Cell) error {
	c.Levels = map[string]int{}
	for _, t := range p.cell.Recorded() {
		c.Trials = append(c.Trials, trialInfo(t))
	}
	for _, m := range metric.All() {
		ops := []string{""}
		if m.PerOp {
			ops = p.cell.Ops()
		}
		for _, op := range ops {
			id, err := b.level(p, m, op)
			if err != nil {
				return err
			}
			if id == 0 {
				continue
			}
			key := strings.TrimSpace(m.Name + " " + op)
			c.Levels[key] = id
			for i, t := range p.cell.Recorded() {
				if v, ok := b.read(m, op)(t); ok {
					c.Trials[i].Values[key] = Number(v)
				}
			}
		}
	}
	return nil
}

func trialInfo(t *record.Trial) Trial {
	info := Trial{Block: t.Block, Order: t.Order, Void: t.Void, Values: map[string]Number{}}
	for _, check := range t.Checks {
		if outcome := check.Outcome(); outcome != record.OutcomeOK {
			if info.Checks == nil {
				info.Checks = map[string]string{}
			}
			info.Checks[check.Name] = outcome
		}
	}
	return info
}

func percentilesOf(cell *stats.Cell, c *Cell) error {
	c.Percentiles = map[string][][2]Number{}
	for _, op := range cell.Ops() {
		l, err := stats.LatencyOf(cell, op)
		if err != nil {
			return err
		}
		for _, p := range curve("", l).Points {
			c.Percentiles[op] = append(c.Percentiles[op], [2]Number{p.X, p.Y})
		}
	}
	return nil
}

// seriesOf is the mean throughput over the window, by step.
func seriesOf(cell *stats.Cell, c *Cell) {
	steps, n := 0, len(cell.Trials)
	for i, t := range cell.Trials {
		if t.SeriesStepNS <= 0 || t.SeriesStepNS != cell.Trials[0].SeriesStepNS {
			return
		}
		whole := min(len(t.ThroughputSeries), int(t.MeasureNS/t.SeriesStepNS))
		if i == 0 || whole < steps {
			steps = whole
		}
	}
	step := float64(cell.Trials[0].SeriesStepNS)
	for k := range steps {
		sum := int64(0)
		for _, t := range cell.Trials {
			sum += t.ThroughputSeries[k]
		}
		c.Series = append(c.Series, Number(float64(sum)/float64(n)*1e9/step))
	}
	c.SeriesStepMS = Number(step / 1e6)
}

// metricsUsed describes the metrics that some fact has, in the registry's order.
func (b *builder) metricsUsed() []Metric {
	used := map[string]bool{}
	for _, f := range b.doc.Facts {
		used[f.Metric] = true
	}
	var all []Metric
	for _, m := range metric.All() {
		if used[m.Name] {
			all = append(all, Metric{Name: m.Name, Title: m.Title, Unit: m.Unit, Better: string(m.Better), Steady: m.Steady, Source: m.Source})
		}
	}
	return all
}

package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// sweep is a run that asks how cost grows with one property of the load, for each
// choice of options.
type sweep struct {
	x    property // of the load
	axes []string // options that differ among the cells
	// values of those options, in the manifest's order.
	values map[string][]string
	cells  []*stats.Cell // by variant, load and size
}

// property is a number of a workload.
type property struct {
	name string // with its unit, as in headings
	of   func(*record.Workload) int
}

// properties are what a sweep can go over. The first that differs among the cells
// is the one.
var properties = []property{
	{valueProperty, func(w *record.Workload) int { return w.ValueBytes }},
	{"keys", func(w *record.Workload) int { return w.Keys }},
	{"clients", func(w *record.Workload) int { return w.Clients }},
	{"operations in a call", func(w *record.Workload) int { return max(1, w.BatchOps) }},
}

// valueProperty is the name of the size of a value.
const valueProperty = "bytes of a value"

// keysProperty is the number of keys among properties.
const keysProperty = 1

// sweepOf finds what a run varies. Cells without a valid trial and targets that
// store nothing are left out. If the load is of one size, x is its keys.
func sweepOf(r *stats.Run) sweep {
	s := sweep{values: map[string][]string{}}
	for _, c := range r.Cells {
		if !c.Measured() || c.Durability == record.TierNone {
			continue
		}
		s.cells = append(s.cells, c)
		for axis, v := range c.Options {
			if !slices.Contains(s.values[axis], v) {
				s.values[axis] = append(s.values[axis], v)
			}
		}
	}
	for _, axis := range slices.Sorted(maps.Keys(s.values)) {
		if len(s.values[axis]) > 1 {
			s.axes = append(s.axes, axis)
		}
	}
	s.x = properties[keysProperty]
	for _, p := range properties {
		differs := slices.ContainsFunc(s.cells, func(c *stats.Cell) bool {
			return p.of(&c.Trials[0].Workload) != p.of(&s.cells[0].Trials[0].Workload)
		})
		if differs {
			s.x = p
			break
		}
	}
	slices.SortStableFunc(s.cells, func(a, b *stats.Cell) int {
		return cmp.Or(strings.Compare(s.variant(a), s.variant(b)), strings.Compare(load(a), load(b)), cmp.Compare(s.at(a), s.at(b)))
	})
	return s
}

// at is a cell's place on the axis of the sweep.
func (s sweep) at(c *stats.Cell) int { return s.x.of(&c.Trials[0].Workload) }

// variant names a cell's choice of options among those that differ.
func (s sweep) variant(c *stats.Cell) string {
	var parts []string
	for _, axis := range s.axes {
		switch v := c.Options[axis]; axis {
		case "engine":
			parts = append([]string{v}, parts...)
		default:
			parts = append(parts, axis+"="+v)
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "all")
}

// load names what the clients of a cell do, whatever the size: cells of one load
// and variant are one curve.
func load(c *stats.Cell) string {
	w := &c.Trials[0].Workload
	text := strings.Join(c.Ops(), "+")
	if w.Type == "blend" && len(c.Ops()) > 1 {
		text = blendText(c.Ops(), w.Mix)
	}
	if w.Distribution != "uniform" {
		text += ", " + w.Distribution
	}
	if w.BatchOps > 0 {
		text += " in batches"
	}
	return text
}

// blendText names the types of a blend with their shares: "put:get 5:95".
func blendText(ops []string, mix map[string]float64) string {
	var shares []string
	for _, op := range ops {
		shares = append(shares, fmt.Sprintf("%.3g", 100*mix[op]))
	}
	return strings.Join(ops, ":") + " " + strings.Join(shares, ":")
}

// sweepTables is the section of a sweep: costs by load and variant, the variants
// compared step by step, and what bounds them.
func (b *builder) sweepTables() error {
	s := sweepOf(b.Run)
	for _, part := range []func() error{
		func() error { return b.sweepCosts(s) },
		func() error { return b.sweepLoading(s) },
		func() error { return b.sweepSteps(s, response{"load", stats.PreloadRate}) },
		b.machineCeilings, b.cellBounds,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// sweepCosts has a row per cell and operation type.
func (b *builder) sweepCosts(s sweep) error {
	t := table{
		caption: "Cost by load and variant. Throughput: median (min to max) of the blocks; MB/s: of the keys and values of these operations. Latency: service time, histograms of all blocks merged. Other columns: medians of the blocks, CPU over operations of all types. Write amplification: bytes that the storage library flushed and compacted in the window per byte of keys and values that came in (n/a for memory, 0 where nothing left the memory tables); space amplification: table files per byte of live data, by the library's estimate. The Raft log is in neither. " + b.loops(),
		head: []column{text("operation"), text("load"), text("variant"), num(s.x.name), num("n"), num("ops/s"), num("MB/s"), num("p50, ms"), num("p99, ms"),
			num("store CPU, us/op"), num("fsyncs/write"), num("write amplification"), num("space amplification"), num("peak memory, MB")},
	}
	for _, c := range s.cells {
		for _, op := range c.Ops() {
			w := &c.Trials[0].Workload
			rate := stats.Throughput(op)
			l, err := latency(c, op)
			if err != nil {
				return err
			}
			row := t.row(op, load(c), s.variant(c), format.Count(int64(s.at(c))), presence(c), spread(over(c, rate)),
				median(over(c, stats.Scale(rate, float64(w.KeyBytes+w.ValueBytes)/1e6))), millis(l, 50), millis(l, 99))
			for _, m := range []stats.Metric{stats.StoreCPU, stats.FsyncsPerWrite, stats.WriteAmplification, stats.SpaceAmplification, stats.Scale(stats.PeakRSS, 1e-6)} {
				row.text(median(over(c, m)))
			}
			t.warn("`"+c.ID+"`", b.Run.Warnings(c, rate)...)
		}
	}
	b.part("Cost", &t)
	return nil
}

// sweepLoading has a row per cell whose store was filled before it was measured.
func (b *builder) sweepLoading(s sweep) error {
	t := table{
		caption: "Filling the store before the warm-up, each key put once: median (min to max) of the blocks. Write amplification: as above, from the store's start to the end of the filling; what the library still has to flush and compact then is not in it. Closed loop.",
		head:    []column{text("variant"), text("load that follows"), num("keys"), num(valueProperty), num("n"), num("keys/s"), num("MB/s"), num("write amplification")},
	}
	for _, c := range s.cells {
		rate := over(c, stats.PreloadRate)
		if rate.N == 0 {
			continue
		}
		w := &c.Trials[0].Workload
		t.add(s.variant(c), load(c), format.Count(int64(w.PreloadKeys)), format.Count(int64(w.ValueBytes)), presence(c), spread(rate),
			median(over(c, stats.Scale(stats.PreloadRate, float64(w.KeyBytes+w.ValueBytes)/1e6))), median(over(c, stats.PreloadWriteAmplification)))
	}
	b.part("Loading", &t)
	return nil
}

// sweepSteps compares the values of every axis that differs with the first one
// that the run has, all else equal: in filling the store, if that is asked for, and
// in each operation. Engines and disks are places, not steps.
func (b *builder) sweepSteps(s sweep, filling ...response) error {
	what := "ratio of throughput, all else equal"
	if len(filling) > 0 {
		what += "; \"load\" is the filling of the store before the warm-up"
	}
	t := table{
		caption: "Variants compared: " + what + ". " + b.loops() + " " + ratioLegend,
		head:    []column{text("step"), text("operation"), text("at"), num(s.x.name), num("n"), num("ratio")},
	}
	for _, f := range s.steps() {
		for _, stratum := range b.Run.Strata([]stats.Factor{f}) {
			off, on := stratum.Baseline(), stratum.Full()
			if off == nil || on == nil || !off.Measured() || !on.Measured() || off.Durability != on.Durability {
				continue
			}
			for _, q := range slices.Concat(filling, throughputs(on)) {
				r, err := against(on, off, q.metric)
				if err != nil {
					return err
				}
				if r.N == 0 {
					continue
				}
				t.row(fmt.Sprintf("%s=%s / %s", f.Axis, f.On, f.Off), q.name, stratum.Workload+", "+s.others(stratum), format.Count(int64(s.at(on))), fmt.Sprint(r.N)).ratio(r)
			}
		}
	}
	b.part("Variants compared", &t)
	return nil
}

// throughputs are those of a cell's operation types, by their names.
func throughputs(c *stats.Cell) []response {
	var all []response
	for _, op := range c.Ops() {
		all = append(all, response{op, stats.Throughput(op)})
	}
	return all
}

// others names the options of a stratum that differ elsewhere in the run.
func (s sweep) others(stratum *stats.Stratum) string {
	var parts []string
	for _, axis := range s.axes {
		if v, ok := stratum.Options[axis]; ok {
			parts = append(parts, axis+"="+v)
		}
	}
	return strings.Join(parts, ", ")
}

// steps are the changes of one axis from its first value to each other one.
func (s sweep) steps() []stats.Factor {
	var steps []stats.Factor
	for _, axis := range s.axes {
		if axis == "engine" || axis == "disk" {
			continue
		}
		values := s.values[axis]
		for _, v := range values[1:] {
			steps = append(steps, stats.Factor{ID: axis, Axis: axis, Off: values[0], On: v})
		}
	}
	return steps
}

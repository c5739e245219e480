package page_test

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"metastorebench/harness/facts"
	"metastorebench/harness/format"
	"metastorebench/harness/record"
)

func ptr(v float64) *facts.Number { n := facts.Number(v); return &n }

// sampler makes a document that has everything that a page shows.
type sampler struct{ doc *facts.Document }

func (s *sampler) add(f facts.Fact) int {
	f.ID = len(s.doc.Facts) + 1
	s.doc.Facts = append(s.doc.Facts, &f)
	return f.ID
}

func (s *sampler) level(metric, op, unit string, value float64, cell int) int {
	return s.add(facts.Fact{Kind: facts.Level, Metric: metric, Op: op, Unit: unit, Value: facts.Number(value), Lo: ptr(value * 0.95), Hi: ptr(value * 1.05), Min: ptr(value * 0.9), Max: ptr(value * 1.1),
		N: 6, Cells: []int{cell}, Blocks: "0-5", Text: fmt.Sprintf("%s [%s, %s]", format.Number(value), format.Number(value*0.95), format.Number(value*1.05))})
}

func (s *sampler) ratio(value, spread float64, num, den int) int {
	f := facts.Fact{Kind: facts.Ratio, Metric: "throughput", Op: "put", Value: facts.Number(value), Lo: ptr(value / spread), Hi: ptr(value * spread), Min: ptr(value / spread), Max: ptr(value * spread),
		N: 6, Found: ptr(1.15), Family: "effects", FamilySize: 4, Cells: []int{num, den}, Blocks: "0-5", Word: "different", Better: "better"}
	mark := ""
	switch {
	case value/spread < 1 && value*spread > 1:
		f.Word, f.Better, mark = "unresolved", "", " ? 1.15"
	case value < 1:
		f.Better = "worse"
	}
	f.Text = fmt.Sprintf("%s [%s, %s]%s", format.Number(value), format.Number(value/spread), format.Number(value*spread), mark)
	return s.add(f)
}

var (
	items   = []string{"P1.1", "P1.2", "P1.3"}
	effects = []float64{3.2, 1.3, 1.02}
)

// sample is a run of n cells, 8 or more: three items, two engines, then copies by number of clients.
func sample(n int) *facts.Document {
	s := &sampler{&facts.Document{
		Schema: facts.Schema,
		Run: facts.Run{Plan: "demo", Title: "Demo: what three items make of puts", Level: "default", Command: "metabench run demo --level default --seed 1", Started: "2026-01-02T03:04:05Z", Seed: 1,
			Blocks: 6, Trials: 6 * n, Commit: "0123456789ab", Checks: map[string]map[string]int{"answers": {"ok": 6*n - 1, "failed": 1}},
			Env:     record.Environment{GoVersion: "go1.26", OS: "linux", CPUs: 2},
			Voids:   []facts.Void{{Cell: "memory/put50/clients=16/none", Block: 2, Reason: "1 operation failed"}},
			Skipped: []facts.Skip{{Cell: "tikv/put50", Reason: "not in this build"}}},
		Metrics: []facts.Metric{
			{Name: "throughput", Title: "throughput", Unit: "ops/s", Better: "higher", Source: "ops.count / measure_ns"},
			{Name: "p50", Title: "p50", Unit: "ms", Better: "lower", Source: "ops.service_hdr"},
			{Name: "p99", Title: "p99", Unit: "ms", Better: "lower", Source: "ops.service_hdr"},
			{Name: "allocs", Title: "allocations", Unit: "allocs/op", Better: "lower", Steady: true, Source: "store.heap_allocs / operations"},
		},
		Answer: []string{"All items together make puts 4.2 times as fast [3.9, 4.6].", "P1.1 makes most of it: 3.2 times.", "P1.3 <is not> resolved: this run would have found 1.15."},
	}}
	s.cells(n)
	s.views()
	s.claims()
	return s.doc
}

func (s *sampler) cells(n int) {
	engines, used := []string{"memory", "pebble", "rocksdb"}, map[string]bool{}
	for i := range n {
		set, engine, clients := i%8, engines[i/8%3], 16<<(i/24%4)
		id := fmt.Sprintf("%s/put50/clients=%d/%s", engine, clients, itemsText(set))
		for used[id] {
			id += "+"
		}
		used[id] = true
		speed := 8000 * math.Exp(logOf(set)) / float64(1+i/8%3) * math.Sqrt(float64(clients)/16)
		c := facts.Cell{ID: id, Group: "factorial", Workload: "put50", Target: "metastore", Durability: "synced", Blocks: 6, Bound: []string{"device", "cpu", ""}[i%3],
			Properties: map[string]string{"engine": engine, "items": itemsText(set), "clients": fmt.Sprint(clients), "batch": onOff(set&1 != 0), "codec": []string{"json", "protobuf"}[set>>1&1], "wal": "perentry"},
			Levels:     map[string]int{}, Percentiles: map[string][][2]facts.Number{}, SeriesStepMS: 100, Command: "metabench run demo --level default --seed 1 --only '" + id + "'"}
		c.Levels["throughput put"] = s.level("throughput", "put", "ops/s", speed, i)
		c.Levels["p50 put"] = s.level("p50", "put", "ms", 40000/speed, i)
		c.Levels["p99 put"] = s.level("p99", "put", "ms", 90000/speed, i)
		c.Levels["allocs"] = s.level("allocs", "", "allocs/op", 98, i)
		for _, p := range []float64{0, 50, 90, 99, 99.9, 99.99} {
			c.Percentiles["put"] = append(c.Percentiles["put"], [2]facts.Number{facts.Number(p), facts.Number(40000 / speed * (1 + p*p/1e4))})
		}
		for k := range 10 {
			c.Series = append(c.Series, facts.Number(speed*(1+0.05*math.Sin(float64(i+k)))))
		}
		for k, name := range []string{"decode", "encode", "queue", "append", "commit", "apply", "reply"} {
			c.Stages = append(c.Stages, facts.Stage{Name: name, MeanUS: facts.Number(1e6 / speed * float64(k+1))})
		}
		for b := range 6 {
			wave := 1 + 0.04*math.Sin(float64(b*3+i))
			c.Trials = append(c.Trials, facts.Trial{Block: b, Order: b*n + i, Values: map[string]facts.Number{
				"throughput put": facts.Number(speed * wave), "p50 put": facts.Number(40000 / speed / wave), "p99 put": facts.Number(90000 / speed / wave), "allocs": 98}})
		}
		if i == 2 {
			c.Trials[3].Checks, c.Warnings = map[string]string{"answers": "failed"}, []string{"drift: throughput falls from block to block"}
		}
		s.doc.Cells = append(s.doc.Cells, c)
	}
	s.doc.Axes = []facts.Axis{
		{Name: "items", Values: []string{"none", "P1.1", "P1.2", "P1.1+P1.2", "P1.3", "P1.1+P1.3", "P1.2+P1.3", "all"}}, {Name: "engine", Values: engines, Baseline: "memory"},
		{Name: "batch", Values: []string{"off", "on"}, Baseline: "off"}, {Name: "codec", Values: []string{"json", "protobuf"}, Baseline: "json"},
		{Name: "clients", Values: []string{"16", "32", "64", "128"}}, {Name: "wal", Values: []string{"perentry"}},
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func itemsText(set int) string {
	var on []string
	for i, name := range items {
		if set>>i&1 != 0 {
			on = append(on, name)
		}
	}
	switch len(on) {
	case 0:
		return "none"
	case len(items):
		return "all"
	}
	return strings.Join(on, "+")
}

// logOf is what a set of items makes: the second is worth more with the first.
func logOf(set int) float64 {
	sum := 0.0
	for i, e := range effects {
		if set>>i&1 != 0 {
			sum += math.Log(e)
		}
	}
	if set&3 == 3 {
		sum += 0.2
	}
	return sum
}

func (s *sampler) views() {
	text := func(t string) facts.Value { return facts.Value{Text: t} }
	effectsTable := facts.Table{ID: "effects", Title: "Each item alone", Caption: "Ratio: to none, all else equal.", Columns: []facts.Column{{Key: "item", Title: "item", Text: true}, {Key: "level", Title: "throughput (ops/s)"}, {Key: "ratio", Title: "ratio"}},
		Notes: []string{"P1.4 is not in this build."}}
	bars := facts.Figure{ID: "effects", Kind: facts.FigureBars, Title: "What each item makes of puts", Caption: "Ratio to none; 95 % intervals.", X: facts.Scale{Label: "item", Categories: items}, Y: facts.Scale{Label: "throughput ratio", Log: true, One: true}, Series: []facts.Series{{Name: "ratio"}}}
	for i, e := range effects {
		id := s.ratio(e, 1.08, 1<<i, 0)
		f := s.doc.Facts[id-1]
		effectsTable.Rows = append(effectsTable.Rows, facts.Row{Key: items[i], Cells: []facts.Value{text(items[i]), {Fact: s.doc.Cells[1<<i].Levels["throughput put"]}, {Fact: id}}})
		bars.Series[0].Points = append(bars.Series[0].Points, facts.Point{X: facts.Number(i), Y: f.Value, Lo: f.Lo, Hi: f.Hi, Word: f.Word, Better: f.Better, Fact: id})
	}
	s.doc.Views = []facts.View{
		{ID: "effects", Kind: "effect", Title: "Effect of items", Doc: "What does each item bring by itself?", Tables: []facts.Table{effectsTable}, Figures: []facts.Figure{bars}, Notes: []string{"One missing cell."}},
		s.attribution(),
		{ID: "charts", Kind: "sweep", Title: "All kinds of charts", Figures: s.figures()},
	}
}

// attribution is a view as the plan's attribution makes it: a waterfall in the plan's
// order, and a table with the Shapley shares.
func (s *sampler) attribution() facts.View {
	f := facts.Figure{ID: "attribution-credit", Kind: facts.FigureWaterfall, Title: "From none to all", Caption: "In the plan's order.", X: facts.Scale{Categories: slices.Concat([]string{"none"}, items, []string{"all"})}, Y: facts.Scale{Label: "throughput, ops/s", Log: true}}
	for set := range 8 {
		f.Subsets = append(f.Subsets, facts.Number(logOf(set)))
	}
	table := facts.Table{ID: "credit", Title: "Credit", Columns: []facts.Column{{Key: "item", Title: "item", Text: true}, {Key: "ladder", Title: "ladder"}, {Key: "shapley", Title: "shapley"}}}
	points := []facts.Point{{X: 0, Y: 8000}}
	for i, e := range effects {
		ladder, shapley := e, e
		if i < 2 { // what the two make together is divided by the orders
			ladder, shapley = e*math.Exp(0.2*float64(i)), e*math.Exp(0.1)
		}
		r, own := s.doc.Facts[s.ratio(ladder, 1.06, 7, 0)-1], s.ratio(shapley, 1.06, 7, 0)
		points = append(points, facts.Point{X: facts.Number(i + 1), Y: r.Value, Lo: r.Lo, Hi: r.Hi, Word: r.Word, Better: r.Better, Fact: r.ID})
		table.Rows = append(table.Rows, facts.Row{Key: items[i], Cells: []facts.Value{{Text: items[i]}, {Fact: r.ID}, {Fact: own}}})
	}
	f.Series = []facts.Series{{Name: "in the plan's order", Points: append(points, facts.Point{X: 4, Y: facts.Number(8000 * math.Exp(logOf(7)))})}}
	return facts.View{ID: "attribution", Kind: "attribution", Title: "Attribution", Doc: "Which item is how much of the whole worth?", Figures: []facts.Figure{f}, Tables: []facts.Table{table}}
}

func (s *sampler) figures() []facts.Figure {
	lines := facts.Figure{ID: "load", Kind: facts.FigureLines, Title: "Latency against load", Caption: "p99 at each number of clients; dashed: the model.", X: facts.Scale{Label: "clients", Log: true}, Y: facts.Scale{Label: "p99 (ms)", Log: true}}
	for i, name := range []string{"memory", "pebble", "rocksdb"} {
		measured, fit := facts.Series{Name: name}, facts.Series{Name: name + ", model", Style: facts.StyleFit, Of: name}
		for k := range 5 {
			x, y := float64(int(1)<<(2*k)), float64(2+i)*math.Pow(1.9, float64(k))
			measured.Points = append(measured.Points, facts.Point{X: facts.Number(x), Y: facts.Number(y), Lo: ptr(y * 0.85), Hi: ptr(y * 1.2)})
			fit.Points = append(fit.Points, facts.Point{X: facts.Number(x), Y: facts.Number(y * 1.05)})
		}
		lines.Series = append(lines.Series, measured, fit)
	}
	lines.Series = append(lines.Series, facts.Series{Name: "objective", Style: facts.StyleLimit, Points: []facts.Point{{Y: 50}}})
	heat := facts.Figure{ID: "grid", Kind: facts.FigureHeat, Title: "Ratios by engine and item", Caption: "Coloured where the ratio is different from 1.", X: facts.Scale{Categories: items}, Y: facts.Scale{Label: "engine", Categories: []string{"memory", "pebble"}}, Series: []facts.Series{{Name: "ratio"}}}
	stack := facts.Figure{ID: "stages", Kind: facts.FigureStack, Title: "Where a write spends its time", Caption: "Mean of traced writes.", X: facts.Scale{Categories: []string{"none", "all"}}, Y: facts.Scale{Label: "time (us)"}}
	levels := facts.Figure{ID: "levels", Kind: facts.FigureBars, Title: "Throughput by engine", Caption: "Mean of the blocks.", X: facts.Scale{Categories: []string{"memory, 50 clients, plan disk", "pebble, 50 clients, native disk"}}, Y: facts.Scale{Label: "ops/s"}}
	for row := range 2 {
		for i, e := range []float64{2.5, 0.8, 1.01} {
			id := s.ratio(e, 1.1, 1<<i, 0)
			f := s.doc.Facts[id-1]
			heat.Series[0].Points = append(heat.Series[0].Points, facts.Point{X: facts.Number(i), Row: row, Y: f.Value, Word: f.Word, Better: f.Better, Fact: id})
		}
		one := facts.Series{Name: []string{"none", "all"}[row]}
		for k := range 2 {
			y := 8000 * float64(1+3*row) / float64(1+k)
			one.Points = append(one.Points, facts.Point{X: facts.Number(k), Y: facts.Number(y), Lo: ptr(y * 0.9), Hi: ptr(y * 1.1)})
		}
		levels.Series = append(levels.Series, one)
	}
	levels.Series = append(levels.Series, facts.Series{Name: "target", Style: facts.StyleTarget, Points: []facts.Point{{Y: 20000}}})
	for k, name := range []string{"decode", "queue", "append", "reply"} {
		stack.Series = append(stack.Series, facts.Series{Name: name, Points: []facts.Point{{X: 0, Y: facts.Number(40 * (k + 1))}, {X: 1, Y: facts.Number(12 * (k + 1))}}})
	}
	curve := facts.Figure{ID: "curve", Kind: facts.FigureCurve, Title: "Percentiles", Caption: "Of all blocks.", X: facts.Scale{Label: "percentile"}, Y: facts.Scale{Label: "ms", Log: true}}
	for i, name := range []string{"none", "all"} {
		one := facts.Series{Name: name}
		for _, p := range []float64{0, 50, 90, 99, 99.9, 99.99} {
			one.Points = append(one.Points, facts.Point{X: facts.Number(p), Y: facts.Number((3 - float64(2*i)) * (1 + p*p/2e3))})
		}
		curve.Series = append(curve.Series, one)
	}
	return []facts.Figure{lines, heat, stack, levels, curve}
}

func (s *sampler) claims() {
	judged := func(verdict string, fact int) []facts.Judgment {
		return []facts.Judgment{{Environment: "memory, native disk", Quantity: "put throughput, P1.1 / none", Fact: fact, Verdict: verdict, Why: "the interval meets the predicted size"},
			{Environment: "pebble, native disk", Quantity: "put throughput, P1.1 / none", Fact: fact, Verdict: "inconclusive", Why: "the interval leaves too much open"}}
	}
	s.doc.Claims = []facts.Claim{
		{ID: "A1", Verdict: "confirmed", Title: "Batching proposals is the item that matters most", Predicted: "a factor of 2 to 4", Source: "plan, section 1", Goals: []facts.Goal{{Predicted: "2 to 4", Verdict: "confirmed", Judged: judged("confirmed", len(s.doc.Facts))}}},
		{ID: "A2", Verdict: "refuted", Title: "Latency falls too", Predicted: "half of it", Goals: []facts.Goal{{Name: "phase 1", Predicted: "below 0.5", Verdict: "refuted", Judged: judged("refuted", 1)}, {Name: "phase 2", Predicted: "below 0.4", Verdict: "not yet measured", Missing: "no cell has all items"}}},
	}
}

package plots

import (
	"math"

	"metastorebench/harness/facts"
)

// samples are figures with all that is hard to draw: long titles, many series and
// categories, three orders of magnitude, words, absent points.
func samples() []facts.Figure {
	engines := []string{"memory", "Pebble, its own write-ahead log off", "RocksDB, its own write-ahead log off", "bbolt"}
	variants := []string{"baseline", "rpc", "batch", "propose+codec", "all but rpc", "all but propose, codec and the apply pipeline", "all",
		"wal=perready, sync=group, codec=vtproto, apply=batched, transport=lean", "p1", "p2", "p3", "everything that phase 1 and phase 2 have together, on the native disk"}
	long := "Put throughput of every variant of phase 1 by storage engine: 50 closed-loop clients, values of 256 bytes, native disk, n=6 blocks of 30 seconds each, warm cache"
	var figs []facts.Figure

	figs = append(figs, facts.Figure{ID: "bars-levels", Kind: facts.FigureBars, Title: long,
		X: facts.Scale{Label: "variant", Categories: variants}, Y: facts.Scale{Label: "puts per second (ops/s)"},
		Series: []facts.Series{{Name: "put throughput", Points: levels(12, 1200, 0.35)}, {Name: "ceiling: fsyncs of the log's disk", Style: facts.StyleCeiling, Points: []facts.Point{{Y: 61000}}}}})

	ratios := facts.Figure{ID: "bars-ratios", Kind: facts.FigureBars, Title: "Each item alone, against the baseline", X: facts.Scale{Label: "item", Categories: variants[:6]},
		Y: facts.Scale{Label: "ratio of put throughput to the baseline", Log: true, One: true}}
	ratios.Series = []facts.Series{{Name: "alone", Points: []facts.Point{
		ratioPoint(0, 3.57, 0.05, "different", "better"), ratioPoint(1, 0.71, 0.04, "different", "worse"), ratioPoint(2, 1.12, 0.2, "unresolved", ""),
		ratioPoint(3, 1.003, 0.01, "equivalent", ""), ratioPoint(4, 1.6, 0.1, "different", "neither")}}}
	figs = append(figs, ratios)

	many := facts.Figure{ID: "bars-series", Kind: facts.FigureBars, Title: "99th percentile of puts by engine and variant", X: facts.Scale{Label: "engine", Categories: engines},
		Y: facts.Scale{Label: "p99 of puts (ms)", Log: true}}
	for j := range 8 {
		many.Series = append(many.Series, facts.Series{Name: variants[j], Points: levels(4, 0.8*math.Pow(2.2, float64(j)), 0.2)})
	}
	many.Series[3].Points = many.Series[3].Points[:2]
	many.Series = append(many.Series, facts.Series{Name: "p99 at most", Style: facts.StyleTarget, Points: []facts.Point{{Y: 20}}})
	figs = append(figs, many)

	two := ratios
	two.ID, two.Title = "bars-ratios-series", "Two disks"
	two.Series = []facts.Series{{Name: "plan disk", Points: ratios.Series[0].Points}, {Name: "native disk", Points: []facts.Point{
		ratioPoint(0, 1.3, 0.05, "different", "better"), ratioPoint(1, 0.95, 0.1, "unresolved", ""), ratioPoint(5, 1.0, 0.01, "equivalent", "")}}}
	figs = append(figs, two)

	sweep := facts.Figure{ID: "lines-sweep", Kind: facts.FigureLines, Title: "Put throughput against clients, with the fit of the universal scalability law",
		X: facts.Scale{Label: "clients", Log: true}, Y: facts.Scale{Label: "puts per second (ops/s)", Log: true}}
	for j, name := range variants[:8] {
		s := facts.Series{Name: name}
		for i, n := range []float64{1, 2, 4, 8, 16, 32, 64, 128, 256} {
			v := 300 * n / (1 + 0.03*float64(j+1)*n)
			if j == 3 || j == 4 { // on top of one another
				v = 400 * n / (1 + 0.08*n)
			}
			s.Points = append(s.Points, band(n, v, 0.06+0.01*float64(i%3)))
		}
		sweep.Series = append(sweep.Series, s)
	}
	sweep.Series[7].Points = sweep.Series[7].Points[4:5]
	figs = append(figs, sweep)

	fit := facts.Figure{ID: "lines-fit", Kind: facts.FigureLines, Title: "USL", X: facts.Scale{Label: "clients"}, Y: facts.Scale{Label: "puts per second (ops/s)"}}
	measured, model := facts.Series{Name: "measured, memory"}, facts.Series{Name: "USL: sigma 0.021, kappa 0.00012", Style: facts.StyleFit, Of: "measured, memory"}
	for n := 1.0; n <= 256; n *= 2 {
		measured.Points = append(measured.Points, band(n, 900*n/(1+0.021*n+0.00012*n*n)*(1+0.03*math.Sin(n)), 0.05))
	}
	for n := 1.0; n <= 256; n += 5 {
		model.Points = append(model.Points, facts.Point{X: facts.Number(n), Y: facts.Number(900 * n / (1 + 0.021*n + 0.00012*n*n))})
	}
	fit.Series = []facts.Series{measured, model,
		{Name: "loopback echo", Style: facts.StyleCeiling, Points: []facts.Point{{Y: 31000}}},
		{Name: "what the plan wants", Style: facts.StyleTarget, Points: []facts.Point{{Y: 10000}}},
		{Name: "80 % of the ceiling", Style: facts.StyleLimit, Points: []facts.Point{{Y: 24800}}}}
	figs = append(figs, fit)

	share := facts.Figure{ID: "lines-percent", Kind: facts.FigureLines, Title: "Power: the chance to find an effect", X: facts.Scale{Label: "true effect (ratio)"}, Y: facts.Scale{Label: "found, % of runs"}}
	power := facts.Series{Name: "found"}
	for _, e := range []float64{1, 1.05, 1.1, 1.2, 1.4} {
		p := facts.Point{X: facts.Number(e), Y: facts.Number(100 * (1 - math.Exp(-30*(e-0.998))))}
		lo, hi := facts.Number(max(0, p.Y-8)), p.Y+8
		p.Lo, p.Hi = &lo, &hi
		power.Points = append(power.Points, p)
	}
	share.Series = []facts.Series{power, {Name: "chance that the rule promises", Style: facts.StyleLimit, Points: []facts.Point{{Y: 80}}}}
	figs = append(figs, share)

	rungs := facts.Figure{ID: "lines-ladder", Kind: facts.FigureLines, Title: "The ladder: put throughput of each rung, by disk", X: facts.Scale{Label: "rung", Categories: variants[:7]},
		Y: facts.Scale{Label: "ratio to the rung before", Log: true, One: true}}
	rungs.Series = []facts.Series{{Name: "plan disk", Points: []facts.Point{ratioPoint(1, 1.8, 0.05, "different", "better"), ratioPoint(2, 1.02, 0.05, "unresolved", ""), ratioPoint(3, 1, 0.005, "equivalent", ""), ratioPoint(4, 0.9, 0.03, "different", "worse")}},
		{Name: "native disk", Points: []facts.Point{ratioPoint(1, 1.2, 0.02, "different", "better"), ratioPoint(2, 1.02, 0.01, "different", "better"), ratioPoint(3, 1, 0.01, "equivalent", ""), ratioPoint(4, 0.97, 0.05, "unresolved", ""), ratioPoint(6, 2.5, 0.3, "different", "better")}}}
	figs = append(figs, rungs)

	fall := facts.Figure{ID: "waterfall", Kind: facts.FigureWaterfall, Title: "What made it fast: put throughput from the baseline to all items, plan disk, 50 clients (Shapley shares of the log ratio)",
		X: facts.Scale{Label: "", Categories: []string{"baseline of the plan", "rpc: lean transport", "batch: group commit of the write-ahead log", "propose", "codec", "apply", "all five items"}},
		Y: facts.Scale{Label: "put throughput (ops/s)", Log: true}}
	fall.Series = []facts.Series{{Name: "share", Points: []facts.Point{{Y: 1240}, ratioPoint(1, 1.42, 0.05, "different", "better"), ratioPoint(2, 2.91, 0.07, "different", "better"), ratioPoint(3, 1.03, 0.06, "unresolved", ""),
		ratioPoint(4, 1.002, 0.01, "equivalent", ""), ratioPoint(5, 0.93, 0.02, "different", "worse"), ratioPoint(6, 1240*3.968, 0.03, "different", "better")}}}
	figs = append(figs, fall)
	one := fall
	one.ID, one.Title, one.Y.Label = "waterfall-ratio", "Ratio", "ratio of put throughput to the baseline"
	points := append([]facts.Point(nil), fall.Series[0].Points...)
	points[0].Y, points[6] = 1, ratioPoint(6, 3.968, 0.03, "different", "better")
	one.Series = []facts.Series{{Name: "share", Points: points}}
	figs = append(figs, one)

	sizes := []string{"64 B", "256 B", "1 KiB", "4 KiB", "16 KiB", "64 KiB", "256 KiB"}
	grid := facts.Figure{ID: "heat-ratios", Kind: facts.FigureHeat, Title: "Lean transport against gRPC, by clients and value size", X: facts.Scale{Label: "value size", Categories: sizes},
		Y: facts.Scale{Label: "clients", Categories: []string{"1", "8", "50", "200", "200, over 16 connections of their own"}}}
	var s facts.Series
	for x := range sizes {
		for y := range 5 {
			v := 0.8 + 0.22*float64(y) - 0.05*float64(x) + 0.02*math.Sin(float64(7*x+3*y))
			word, better := "unresolved", ""
			switch {
			case v > 1.1:
				word, better = "different", "better"
			case v < 0.8:
				word, better = "different", "worse"
			case math.Abs(v-1) < 0.05:
				word = "equivalent"
			}
			if x == 6 && y == 4 {
				continue
			}
			p := ratioPoint(x, v, 0.05, word, better)
			p.Row = y
			s.Points = append(s.Points, p)
		}
	}
	grid.Series = []facts.Series{s}
	figs = append(figs, grid)
	wide := facts.Figure{ID: "heat-levels", Kind: facts.FigureHeat, Title: "p99 of puts in ms, by variant and engine", X: facts.Scale{Label: "variant", Categories: variants}, Y: facts.Scale{Label: "engine", Categories: engines, Log: true}}
	for y := range engines {
		for i, p := range levels(12, 0.3, 0.45) {
			p.X, p.Row, p.Lo, p.Hi = facts.Number(i), y, nil, nil
			p.Y *= facts.Number(y + 1)
			wide.Series = append(wide.Series, facts.Series{Points: []facts.Point{p}})
		}
	}
	figs = append(figs, wide)

	parts := facts.Figure{ID: "stack", Kind: facts.FigureStack, Title: "Where a put spends its time, by variant (mean of the traced puts)", X: facts.Scale{Label: "variant", Categories: variants[:5]}, Y: facts.Scale{Label: "microseconds of a put (us)"}}
	for j, name := range []string{"receive", "decode", "propose", "append to the log", "fsync", "replicate to a majority", "commit", "apply", "encode and send"} {
		s := facts.Series{Name: name}
		for i := range 4 {
			s.Points = append(s.Points, facts.Point{X: facts.Number(i), Y: facts.Number(float64(20+j*j*15) / float64(i+1) * (1 + float64((i*j)%3)))})
		}
		parts.Series = append(parts.Series, s)
	}
	figs = append(figs, parts)

	tail := facts.Figure{ID: "curve", Kind: facts.FigureCurve, Title: "Service time of puts by percentile", X: facts.Scale{Label: "percentile (%)"}, Y: facts.Scale{Label: "service time (ms)", Log: true}}
	for j, name := range []string{"baseline", "all but rpc", "all"} {
		s := facts.Series{Name: name}
		for k := range 60 {
			q := 100 * (1 - math.Pow(10, -float64(k)/14))
			s.Points = append(s.Points, facts.Point{X: facts.Number(q), Y: facts.Number((0.3 + 0.4*float64(j)) * math.Pow(1/(1-q/100), 0.35))})
		}
		s.Points = append(s.Points, facts.Point{X: 100, Y: 99})
		tail.Series = append(tail.Series, s)
	}
	return append(figs, tail)
}

// levels are n values that grow, with intervals.
func levels(n int, from, growth float64) (points []facts.Point) {
	for i := range n {
		points = append(points, band(float64(i), from*math.Exp(growth*float64(i)), 0.04))
	}
	return points
}

// band is a point with an interval of some relative half width.
func band(x, y, half float64) facts.Point {
	lo, hi := facts.Number(y/(1+half)), facts.Number(y*(1+half))
	return facts.Point{X: facts.Number(x), Y: facts.Number(y), Lo: &lo, Hi: &hi}
}

// ratioPoint is a judged ratio.
func ratioPoint(x int, y, half float64, word, better string) facts.Point {
	p := band(float64(x), y, half)
	p.Word, p.Better = word, better
	return p
}

// goldens are small figures, one of each kind, whose drawings are kept as text.
func goldens() []facts.Figure {
	ratios := facts.Series{Name: "plan disk", Points: []facts.Point{
		ratioPoint(0, 3, 0.1, "different", "better"), ratioPoint(1, 0.5, 0.1, "different", "worse"), ratioPoint(2, 1.1, 0.2, "unresolved", "")}}
	items := facts.Scale{Label: "item", Categories: []string{"rpc", "codec", "apply", "batch"}}
	log := facts.Scale{Label: "ratio to the baseline", Log: true, One: true}
	table := facts.Series{}
	for i, p := range ratios.Points {
		p.X, p.Row, p.Lo, p.Hi = facts.Number(i%2), i/2, nil, nil
		table.Points = append(table.Points, p)
	}
	ops := facts.Scale{Label: "throughput (ops/s)"}
	sweep := []facts.Series{{Name: "memory", Points: []facts.Point{band(1, 90, 0.1), band(10, 600, 0.1)}}, {Name: "USL", Style: facts.StyleFit, Of: "memory", Points: []facts.Point{{X: 1, Y: 92}, {X: 5, Y: 400}, {X: 10, Y: 590}}},
		{Name: "pebble", Points: []facts.Point{band(10, 300, 0.1)}}, {Name: "loopback", Style: facts.StyleCeiling, Points: []facts.Point{{Y: 900}}}}
	return []facts.Figure{
		{ID: "bars", Kind: facts.FigureBars, X: items, Y: log, Series: []facts.Series{ratios}},
		{ID: "lines", Kind: facts.FigureLines, X: facts.Scale{Label: "clients", Log: true}, Y: ops, Series: sweep},
		{ID: "waterfall", Kind: facts.FigureWaterfall, X: facts.Scale{Categories: []string{"none", "rpc", "codec", "all"}}, Y: ops, Series: []facts.Series{{Points: []facts.Point{
			{Y: 100}, ratioPoint(1, 3, 0.1, "different", "better"), ratioPoint(2, 1.02, 0.1, "unresolved", ""), band(3, 306, 0.1)}}}},
		{ID: "heat", Kind: facts.FigureHeat, X: facts.Scale{Categories: []string{"64 B", "1 KiB"}}, Y: facts.Scale{Categories: []string{"1 client", "50 clients"}}, Series: []facts.Series{table}},
		{ID: "stack", Kind: facts.FigureStack, X: items, Y: facts.Scale{Label: "time (us)"}, Series: []facts.Series{
			{Name: "append", Points: []facts.Point{{X: 0, Y: 10}, {X: 1, Y: 5}}}, {Name: "fsync", Points: []facts.Point{{X: 0, Y: 40}, {X: 1, Y: 20}}}}},
		{ID: "curve", Kind: facts.FigureCurve, X: facts.Scale{Label: "percentile (%)"}, Y: facts.Scale{Label: "time (ms)", Log: true}, Series: []facts.Series{
			{Name: "all", Points: []facts.Point{{X: 0, Y: 1}, {X: 50, Y: 2}, {X: 99, Y: 10}, {X: 100, Y: 70}}}}},
	}
}

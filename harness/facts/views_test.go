package facts

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/capacity/capacitytest"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
	"metastorebench/harness/usl"
)

// grown is a run in which cells of some options and numbers of clients do as many puts a
// second as rate says.
func grown(t *testing.T, clients []int, options []map[string]string, rate func(map[string]string, int) float64) (record.Manifest, []record.Trial) {
	t.Helper()
	m := record.Manifest{Plan: "grown", Level: "default", Blocks: 4, Command: []string{"metabench", "run", "grown.yaml", "--level", "default"}}
	h := record.NewHistogram()
	require.NoError(t, h.RecordValues(1e6, 2000))
	times, err := record.EncodeHDR(h)
	require.NoError(t, err)
	var trials []record.Trial
	for _, o := range options {
		for _, n := range clients {
			c := record.Cell{ID: fmt.Sprintf("put%d", n), Group: "g", Workload: fmt.Sprintf("put%d", n), Target: "metastore", Options: o}
			for _, axis := range slices.Sorted(maps.Keys(o)) {
				c.ID += "/" + axis + "=" + o[axis]
			}
			m.Cells = append(m.Cells, c)
			for block := range m.Blocks {
				x := rate(o, n) * (1 + 0.001*float64(block%2))
				trials = append(trials, record.Trial{
					Cell: c.ID, Block: block, Order: len(trials), MeasureNS: 1e9, Durability: record.TierSynced,
					Workload: record.Workload{Name: c.Workload, Loop: record.LoopClosed, Clients: n, Conns: 1, KeyBytes: 8, ValueBytes: 256, Keys: 1000, API: "grpc", Mix: map[string]float64{record.OpPut: 1}},
					Ops:      []record.OpStats{{Op: record.OpPut, Count: int64(x), ServiceHDR: times}},
				})
			}
		}
	}
	return m, trials
}

var byWAL = []map[string]string{{"wal": "perready", "disk": "native"}, {"wal": "group", "disk": "native"}}

// law is what the cells of grown do in truth; group is twice as fast.
func law(o map[string]string, n int) float64 {
	c := usl.Curve{Lambda: 10_000, Sigma: 0.05, Kappa: 0.0005}
	if o["wal"] == "group" {
		c.Lambda *= 2
	}
	return c.At(float64(n))
}

var sweep = plan.View{Kind: "sweep", ID: "clients", X: "clients", Metrics: []string{"throughput"}, Ratios: []string{"throughput"}, Against: plan.Selector{"wal": {"perready"}}, Fit: "usl"}

func TestSweep(t *testing.T) {
	m, trials := grown(t, []int{1, 4, 16, 64, 256}, byWAL, law)
	doc := documentOf(t, m, trials, plan.Asked{Views: []plan.View{sweep}})
	v := doc.Views[0]
	require.Equal(t, []string{"sweep", "fit"}, tableIDs(v))
	require.Equal(t, []string{"wal", "clients", "n", "throughput", "throughput_ratio"}, keys(v.Tables[0].Columns))
	require.Equal(t, "group, 64", v.Tables[0].Rows[8].Key, "by variant, then by clients as numbers")
	require.Equal(t, "2.00 [2.00, 2.00]", textAt(t, doc, "clients.sweep/group, 64/throughput_ratio"))

	sigma, err := doc.At("clients.fit/all, wal=group/sigma")
	require.NoError(t, err)
	require.InDelta(t, 0.05, float64(sigma.Value), 0.001)
	require.NotNil(t, sigma.Lo)
	require.Equal(t, Model, sigma.Kind)

	f := v.Figures[0]
	require.Equal(t, "clients-throughput", f.ID)
	require.Equal(t, "Throughput of put, ops/s, by clients", f.Title)
	require.Contains(t, f.Caption, "n=4 blocks.")
	require.True(t, f.X.Log)
	require.Equal(t, []string{"wal=perready ", "wal=group ", "wal=perready, fitted law fit", "wal=group, fitted law fit"}, seriesOfFigure(f))
	for _, p := range f.Series[1].Points {
		at := doc.Fact(p.Fact)
		require.Equal(t, at.Value, p.Y)
		require.Equal(t, at.Hi, p.Hi)
	}
	ratios := v.Figures[1]
	require.Equal(t, "clients-throughput-ratio", ratios.ID)
	require.True(t, ratios.Y.One)
	require.Equal(t, []string{"all "}, seriesOfFigure(ratios), "that which others are compared with is the line at 1")
	require.Equal(t, "different", ratios.Series[0].Points[0].Word)
	require.Equal(t, "better", ratios.Series[0].Points[0].Better)
}

// TestSweepOfFewSizes: what cannot be fitted says so, and all else is reported.
func TestSweepOfFewSizes(t *testing.T) {
	m, trials := grown(t, []int{1, 4, 16}, byWAL, law)
	v := documentOf(t, m, trials, plan.Asked{Views: []plan.View{sweep}}).Views[0]
	require.Len(t, v.Tables[0].Rows, 6)
	require.Empty(t, v.Tables[1].Rows)
	require.Contains(t, v.Tables[1].Notes[0], "no fit: 3 different numbers of clients; needed: 4 or more")
	require.Len(t, v.Figures[0].Series, 2)
}

func keys(columns []Column) []string {
	var all []string
	for _, c := range columns {
		all = append(all, c.Key)
	}
	return all
}

// seriesOfFigure are the names of series with their styles.
func seriesOfFigure(f Figure) []string {
	var names []string
	for _, s := range f.Series {
		names = append(names, s.Name+" "+s.Style)
	}
	return names
}

func TestFigures(t *testing.T) {
	options := []map[string]string{
		{"engine": "memory", "delay": "0s"}, {"engine": "pebble", "delay": "0s"},
		{"engine": "memory", "delay": "10ms"}, {"engine": "pebble", "delay": "10ms"}, {"engine": "pebble", "delay": "1s"},
	}
	m, trials := grown(t, []int{1, 2}, options, func(_ map[string]string, n int) float64 { return 1000 * float64(n) })
	figure := func(spec plan.FigureSpec) []Figure {
		spec.Metric = "throughput"
		return documentOf(t, m, trials, plan.Asked{Views: []plan.View{{Kind: "cells", ID: "cells", Metrics: []string{"throughput"}, Against: plan.Selector{"engine": {"memory"}}, Figures: []plan.FigureSpec{spec}}}}).Views[0].Figures
	}

	t.Run("all that is left tells series apart", func(t *testing.T) {
		f := figure(plan.FigureSpec{Kind: FigureBars, X: "engine"})
		require.Len(t, f, 1)
		require.Equal(t, []string{"memory", "pebble"}, f[0].X.Categories)
		require.Equal(t, []string{"delay=0s, put1 ", "delay=0s, put2 ", "delay=10ms, put1 ", "delay=10ms, put2 ", "delay=1s, put1 ", "delay=1s, put2 "}, seriesOfFigure(f[0]))
		require.Len(t, f[0].Series[5].Points, 1)
		require.Equal(t, Number(1), f[0].Series[5].Points[0].X, "pebble")
	})
	t.Run("a plan that names too little", func(t *testing.T) {
		f := figure(plan.FigureSpec{Kind: FigureBars, X: "engine", Lines: []string{"delay"}})
		require.Equal(t, "delay=0s, put2 ", seriesOfFigure(f[0])[1])
	})
	t.Run("durations are numbers", func(t *testing.T) {
		f := figure(plan.FigureSpec{Kind: FigureLines, X: "delay", Lines: []string{"engine"}, Per: []string{"clients"}})
		require.Len(t, f, 2)
		require.Equal(t, "cells-throughput-1", f[0].ID)
		require.Equal(t, "cells-throughput-2", f[1].ID)
		require.Equal(t, "Throughput of put, ops/s, by delay: clients=2", f[1].Title)
		require.Equal(t, "delay, ms", f[0].X.Label)
		require.Equal(t, Number(10), f[0].Series[0].Points[1].X)
		require.False(t, f[0].X.Log, "an axis with a 0 is not logarithmic")
	})
	t.Run("a heat map of ratios", func(t *testing.T) {
		f := figure(plan.FigureSpec{Kind: FigureHeat, Ratio: true, X: "clients", Y: "delay"})
		require.Equal(t, []string{"1", "2"}, f[0].X.Categories)
		require.Equal(t, []string{"0s", "10ms"}, f[0].Y.Categories, "1s has nothing to be compared with")
		require.Len(t, f[0].Series[0].Points, 4)
		require.Equal(t, "equivalent", f[0].Series[0].Points[0].Word)
	})
	t.Run("words along an axis of lines", func(t *testing.T) {
		f := figure(plan.FigureSpec{Kind: FigureLines, X: "engine"})
		require.Equal(t, []string{"memory", "pebble"}, f[0].X.Categories)
	})
	t.Run("without X, cells", func(t *testing.T) {
		f := figure(plan.FigureSpec{Kind: FigureBars, Lines: []string{"engine"}})
		require.Equal(t, "delay=10ms, put1", f[0].X.Categories[2])
	})
}

func TestGrid(t *testing.T) {
	m, trials := grown(t, []int{1, 16}, byWAL, law)
	ratios := plan.View{Kind: "grid", ID: "grid", Rows: []string{"disk"}, Columns: "clients", Ratios: []string{"throughput"}, Against: plan.Selector{"wal": {"perready"}}}
	levels := plan.View{Kind: "grid", ID: "levels", Rows: []string{"wal"}, Columns: "clients", Metrics: []string{"throughput"}}
	doc := documentOf(t, m, trials, plan.Asked{Views: []plan.View{ratios, levels}})
	require.Len(t, doc.Views[0].Tables[0].Rows, 1)
	require.Equal(t, "2.00 [2.00, 2.00]", textAt(t, doc, "grid/native/16"))
	require.Equal(t, FigureHeat, doc.Views[0].Figures[0].Kind)
	require.Equal(t, "10,000 [10,000, 10,000]", textAt(t, doc, "levels/perready/1"))
}

// groupsOfPhase1 are some groups of a synthetic run of phase 1.
func groupsOfPhase1(groups ...string) (record.Manifest, []record.Trial) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 1, Blocks: 4, Level: "full", Samples: 50})
	kept := map[string]bool{}
	m.Cells = slices.DeleteFunc(m.Cells, func(c record.Cell) bool { return !slices.Contains(groups, c.Group) })
	for _, c := range m.Cells {
		kept[c.ID] = true
	}
	return m, slices.DeleteFunc(trials, func(tr record.Trial) bool { return !kept[tr.Cell] })
}

func TestStages(t *testing.T) {
	m, trials := groupsOfPhase1("stages")
	doc := documentOf(t, m, trials, plan.Asked{Views: []plan.View{{Kind: "stages", ID: "stages", Where: plan.Selector{"disk": {"native"}}}}})
	v := doc.Views[0]
	require.Equal(t, []string{"stages", "shares"}, tableIDs(v))
	require.Len(t, v.Tables[0].Rows, 2)
	for i := range v.Figures[0].X.Categories {
		sum := 0.0
		for _, s := range v.Figures[0].Series {
			sum += float64(s.Points[i].Y)
		}
		require.InDelta(t, 100, sum, 1e-9, "shares are of one whole")
	}
	whole := doc.Fact(doc.Cells[0].Levels["service_mean"])
	sum := 0.0
	for _, s := range doc.Cells[0].Stages {
		sum += float64(s.MeanUS)
	}
	require.InDelta(t, float64(whole.Value), sum, 1e-6)
}

// TestOpenLoop: the stall that was planted in the reference run is in the response time
// of the open loop alone.
func TestOpenLoop(t *testing.T) {
	doc := reference(t, "stall", plan.Asked{Views: []plan.View{{Kind: "openloop", ID: "stall"}}}, "stall")
	response, err := doc.At("stall/200ms, open, put/response_p99")
	require.NoError(t, err)
	service, err := doc.At("stall/200ms, open, put/p99")
	require.NoError(t, err)
	closed, err := doc.At("stall/200ms, closed, put/p99")
	require.NoError(t, err)
	require.Greater(t, float64(response.Value), 100.0)
	require.Less(t, float64(service.Value), 20.0)
	require.Less(t, float64(closed.Value), 20.0)
	v := doc.Views[0]
	require.Equal(t, none, v.Tables[0].Rows[3].Cells[4].Text, "a closed loop offers nothing")
	require.Len(t, v.Figures, 2)
	require.Equal(t, FigureCurve, v.Figures[0].Kind)
	require.Equal(t, []string{"loop=open, service ", "loop=open, response ", "loop=closed, service "}, seriesOfFigure(v.Figures[0]))
}

func TestBounds(t *testing.T) {
	m, trials := groupsOfPhase1("sync", "ceiling-noop")
	bounds := plan.View{Kind: "bounds", ID: "bounds"}
	doc := documentOf(t, m, trials, plan.Asked{Views: []plan.View{bounds}})
	v := doc.Views[0]
	require.Equal(t, []string{"bounds", "ceilings"}, tableIDs(v))
	at := slices.IndexFunc(v.Tables[0].Columns, func(c Column) bool { return c.Key == "bound" })
	for _, r := range v.Tables[0].Rows {
		f, err := doc.At("bounds.bounds/" + r.Key + "/CPU")
		require.NoError(t, err)
		require.Equal(t, Share, f.Kind)
		require.InDelta(t, 50, float64(f.Value), 50, r.Key)
		require.Regexp(t, `^(device|store CPU|client CPU|network|none.*) \d/4$`, r.Cells[at].Text)
	}
	require.Equal(t, "9,000 [8,750, 9,250]", textAt(t, doc, "bounds.ceilings/grpc-unary clients=1 conns=1 rpc=tuned/value"))
	require.Equal(t, v.Tables[1].Rows[0].Cells[0], Ceilings(m.Ceilings).Views[0].Tables[0].Rows[0].Cells[0])
	require.Empty(t, Ceilings(nil).Views[0].Tables[0].Rows)
}

func TestCapacity(t *testing.T) {
	m, trials := capacitytest.Run(capacitytest.Spec(), []capacitytest.Queue{{Rate: 5000}, {Rate: 10_000}})
	doc := documentOf(t, m, trials, plan.Asked{Views: []plan.View{{Kind: "capacity", ID: "capacity"}}})
	v := doc.Views[0]
	require.Equal(t, []string{"capacities", "common", "own"}, tableIDs(v))
	met, err := doc.At("capacity.capacities/full/capacity")
	require.NoError(t, err)
	// p99 of 5 ms leaves ln(100)/5ms = 921 operations a second to spare.
	require.InDelta(t, 10_000-921, float64(met.Value), 0.06*10_000)
	ratio, err := doc.At("capacity.capacities/full/capacity_ratio")
	require.NoError(t, err)
	require.Less(t, float64(*ratio.Min), float64(ratio.Value))
	require.Less(t, float64(ratio.Value), float64(*ratio.Max))
	require.Equal(t, "full, 50%, put", v.Tables[2].Rows[slices.IndexFunc(v.Tables[2].Rows, func(r Row) bool { return strings.HasPrefix(r.Key, "full, 50%") })].Key)

	f := v.Figures[0]
	require.Equal(t, "capacity-response-p99", f.ID)
	require.Len(t, f.Series, 3)
	limit := f.Series[2]
	require.Equal(t, StyleLimit, limit.Style)
	require.Equal(t, Number(5), limit.Points[0].Y)
	require.Equal(t, "metabench capacity", doc.Cells[0].Command)
}

func TestCapacityOfOtherRecords(t *testing.T) {
	m, trials := grown(t, []int{1}, byWAL, law)
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	_, err = Of(run, plan.Asked{Views: []plan.View{{Kind: "capacity", ID: "c"}}})
	require.ErrorContains(t, err, "view c: no records of a capacity study")
}

func TestAA(t *testing.T) {
	aa := plan.View{Kind: "aa", ID: "aa", Blocks: 10, Metrics: []string{"throughput", "store_cpu"}}
	view := func(gain float64) *Document {
		m, trials := statstest.AA(statstest.Config{Seed: 2, Blocks: 43, Level: "full", Samples: 20}, gain)
		return documentOf(t, m, trials, plan.Asked{Views: []plan.View{aa}})
	}
	same := view(1)
	f, err := same.At("aa/all/reported")
	require.NoError(t, err)
	require.Equal(t, 4*2*2, f.N, "four runs, two pairs of copies, two metrics")
	require.Less(t, float64(f.Value), 10.0)
	require.Equal(t, "3 blocks left over.", same.Views[0].Tables[0].Notes[0])
	require.Len(t, same.Views[0].Figures[0].Series[0].Points, 16)

	apart := view(1.5)
	f, err = apart.At("aa/throughput put/reported")
	require.NoError(t, err)
	require.Equal(t, 100.0, float64(f.Value))
	require.Contains(t, apart.Views[0].Tables[0].Notes[1], "Of runs: more than 5 %, beyond chance.")
}

func TestLimit(t *testing.T) {
	m, trials := grown(t, []int{8}, byWAL, law)
	v := plan.View{Kind: "cells", ID: "cells", Ratios: []string{"throughput", "p99"}, Limit: 1.02}
	v.Against = plan.Selector{"wal": {"group"}}
	doc := documentOf(t, m, trials, plan.Asked{Views: []plan.View{v}})
	row := doc.Views[0].Tables[0].Rows[0]
	require.Equal(t, "no: at least 100 %", row.Cells[3].Text, "half as fast")
	require.Equal(t, "shown", row.Cells[5].Text, "equal to the last bucket")
	require.Equal(t, "at most 2 % worse", doc.Views[0].Tables[0].Columns[3].Title)
}

// TestOnlyNamesOneCell: the terms of every cell of every plan leave that cell alone.
func TestOnlyNamesOneCell(t *testing.T) {
	file, err := os.Open(filepath.Join("..", "plan", "testdata", "variants.json"))
	require.NoError(t, err)
	defer file.Close()
	catalog, err := plan.ReadCatalog(file)
	require.NoError(t, err)
	for _, name := range []string{"stages", "peer", "stall", "phase2"} {
		p, err := plan.Load(name, catalog)
		require.NoError(t, err)
		m, err := p.Expand("full")
		require.NoError(t, err)
		run, err := stats.NewRun(record.Manifest{Plan: name, Cells: m.Cells(), Command: []string{"metabench", "run", name}}, nil)
		require.NoError(t, err)
		b := &builder{run: run, places: placesOf(run, nil, nil), axes: axesOf(run, nil)}
		for _, p := range b.places {
			left, err := m.Filter(b.only(p))
			require.NoError(t, err)
			require.Len(t, left.Entries, 1, p.cell.ID)
			require.Equal(t, p.cell.ID, left.Entries[0].Cell.ID)
		}
	}
}

func TestCommand(t *testing.T) {
	for recorded, want := range map[string]string{
		"metabench run p.yaml --level full --only engine=memory --seed 1 --only=x": "bin/metabench run p.yaml --level full --seed 1 --only a/b",
		"/usr/bin/metabench run p":                        "bin/metabench run p --only a/b",
		"metabench capacity --slo p99=5ms --only ignored": "metabench capacity --slo p99=5ms --only ignored",
	} {
		run, err := stats.NewRun(record.Manifest{Cells: []record.Cell{{ID: "a/b"}}, Command: strings.Fields(recorded)}, nil)
		require.NoError(t, err)
		b := &builder{run: run, places: placesOf(run, nil, nil)}
		require.Equal(t, want, b.command(b.places[0]))
	}
	require.Equal(t, `run 'my plan.yaml' 'it'\''s'`, shell([]string{"run", "my plan.yaml", "it's"}))
}

func TestNumberOf(t *testing.T) {
	require.Equal(t, 10.0, numberOf("10"))
	require.Equal(t, 1500.0, numberOf("1.5s"))
	require.True(t, math.IsNaN(numberOf("memory")))
}

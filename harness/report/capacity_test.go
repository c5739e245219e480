package report_test

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/capacity"
	"metastorebench/harness/capacity/capacitytest"
	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/report"
	"metastorebench/harness/stats"
)

// generate writes a run to disk, reports on it and returns its folder and the
// section.
func generate(t *testing.T, m record.Manifest, trials []record.Trial) (dir, section string) {
	t.Helper()
	root := t.TempDir()
	dir = filepath.Join(root, "run")
	if *keep != "" {
		dir = filepath.Join(*keep, m.Plan)
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, record.RecordsFile)))
	require.NoError(t, record.WriteManifest(dir, m))
	l, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, tr := range trials {
		require.NoError(t, l.Append(tr))
	}
	require.NoError(t, l.Close())
	doc := filepath.Join(root, "doc.md")
	require.NoError(t, os.WriteFile(doc, []byte(strings.ReplaceAll(skeleton, "phase1", m.Plan)), 0o644))
	o := report.Options{RunDir: dir, ExperimentsPath: doc, Section: m.Plan}
	require.NoError(t, report.Generate(o))
	require.NoError(t, report.Check(o), "the same records make the same bytes")
	text, err := os.ReadFile(doc)
	require.NoError(t, err)
	section, err = report.Extract(string(text), m.Plan)
	require.NoError(t, err)
	return dir, section
}

func TestCapacitySection(t *testing.T) {
	spec := capacitytest.Spec()
	queues := []capacitytest.Queue{{Rate: 4000}, {Rate: 20_000}}
	m, trials := capacitytest.Run(spec, queues)
	dir, section := generate(t, m, trials)
	for _, want := range []string{
		"### Capacity at p99=5ms", "propose=perop", "propose=batch", "Open loop, Poisson arrivals", "majority of 3 trials", "within 5.00 %",
		"### Latency at one common rate", "80.0 % of the smallest capacity", "### Latency at shares of each variant's own capacity",
		"load=50%", "load=70%", "load=90%", "response p50, ms", "service p50, ms", "latency-by-load",
	} {
		require.Contains(t, section, want)
	}
	require.NotContains(t, section, "NaN")
	require.FileExists(t, filepath.Join(dir, report.FiguresDir, "latency-by-load.png"))

	study, err := capacity.Replay(spec, trials)
	require.NoError(t, err)
	for i, o := range study.Outcomes() {
		require.InEpsilon(t, queues[i].Rate-math.Log(100)/0.005, o.Met, 0.06)
		require.Contains(t, section, format.Number(o.Met))
	}
}

// TestCapacityOfAnInterruptedRun reports what is known.
func TestCapacityOfAnInterruptedRun(t *testing.T) {
	m, trials := capacitytest.Run(capacitytest.Spec(), []capacitytest.Queue{{Rate: 4000}, {Rate: 20_000}})
	_, section := generate(t, m, trials[:9])
	require.Contains(t, section, "the search was interrupted")
	require.NotContains(t, section, "### Latency at one common rate")
}

func TestCapacityThatNothingMeets(t *testing.T) {
	m, trials := capacitytest.Run(capacitytest.Spec(), []capacitytest.Queue{{Rate: 500}, {Rate: 1e6}})
	_, section := generate(t, m, trials)
	require.Contains(t, section, "no rate met the objective")
	require.Contains(t, section, "at least: the highest rate that was allowed")
}

func TestCapacityRefusesOtherRecords(t *testing.T) {
	m, trials := capacitytest.Run(capacitytest.Spec(), []capacitytest.Queue{{Rate: 4000}, {Rate: 20_000}})
	trials[0].Order, trials[1].Order = trials[1].Order, trials[0].Order
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	_, err = report.Section(report.Input{Run: run})
	require.ErrorIs(t, err, capacity.ErrReplay)
}

// scalingRun is a synthetic run of plan scaling: baseline is bound by a shared
// resource, full has a peak at 40 clients.
func scalingRun(blocks int) (record.Manifest, []record.Trial) {
	m := record.Manifest{Schema: record.Schema, Plan: "scaling", Level: "default", Seed: 1, Blocks: blocks, Command: []string{"metabench", "run", "scaling"}}
	var trials []record.Trial
	for n := 1; n <= 256; n *= 2 {
		for i, values := range [][4]string{{"perop", "json", "perop", "default"}, {"batch", "protobuf", "batch", "tuned"}} {
			c := record.Cell{
				ID: "memory/put" + strconv.Itoa(n) + "/" + values[0], Group: "scaling", Workload: "put" + strconv.Itoa(n), Target: "metastore",
				Options: map[string]string{"engine": "memory", "disk": "native", "propose": values[0], "codec": values[1], "apply": values[2], "rpc": values[3]},
			}
			m.Cells = append(m.Cells, c)
			sigma, kappa := []float64{0.3, 0.05}[i], []float64{0, 6e-4}[i]
			for b := range blocks {
				noise := 1 + 0.02*math.Sin(float64(7*b+n+i))
				x := noise * 3000 * float64(n) / (1 + sigma*float64(n-1) + kappa*float64(n*(n-1)))
				trials = append(trials, record.Trial{
					Schema: record.Schema, Cell: c.ID, Block: b, Order: len(trials), MeasureNS: 1e9, Durability: record.TierSynced,
					Workload: record.Workload{Name: c.Workload, Type: "put", Loop: record.LoopClosed, Clients: n, Conns: 1, Mix: map[string]float64{record.OpPut: 1}},
					Ops:      []record.OpStats{{Op: record.OpPut, Count: int64(x)}},
				})
			}
		}
	}
	return m, trials
}

func TestScalingSection(t *testing.T) {
	m, trials := scalingRun(8)
	dir, section := generate(t, m, trials)
	for _, want := range []string{"### Universal Scalability Law", "memory engine, native disk, n=8 blocks", "none claimed: the interval of kappa touches 0", "### Throughput against clients", "residual"} {
		require.Contains(t, section, want)
	}
	require.Regexp(t, `\| full .*\| (39|40|41)\.\d \[`, section, "the peak of full")
	require.FileExists(t, filepath.Join(dir, report.FiguresDir, "scaling-memory-native.png"))

	m, trials = scalingRun(2)
	_, section = generate(t, m, trials)
	require.Contains(t, section, "not claimed: 2 blocks, needs 3")
}

package plots_test

import (
	"bytes"
	"encoding/xml"
	"flag"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
	"metastorebench/plots"
)

var keep = flag.String("keep", "", "write the figures of the synthetic run into this folder, to look at")

func synthetic(t testing.TB, blocks, samples int) *stats.Run {
	t.Helper()
	m, trials := statstest.Phase1(statstest.Config{Seed: 7, Blocks: blocks, Level: "full", Samples: samples})
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	return r
}

// shared is the run of the tests that only read it.
var shared = sync.OnceValue(func() *stats.Run {
	m, trials := statstest.Phase1(statstest.Config{Seed: 7, Blocks: 3, Level: "full", Samples: 1500})
	r, err := stats.NewRun(m, trials)
	if err != nil {
		panic(err)
	}
	return r
})

func TestAllFigures(t *testing.T) {
	figs, err := plots.All(shared(), stats.Factors(1))
	require.NoError(t, err)
	names := map[string]bool{}
	for _, f := range figs {
		require.False(t, names[f.Name], "%s twice", f.Name)
		names[f.Name] = true
		require.Contains(t, f.Caption, "Closed loop", f.Name)
	}
	for _, want := range []string{
		"throughput-factorial-memory-put50-native", "throughput-ladder-memory-put50-plan", "throughput-factorial-rocksdb-put50-native",
		"latency-percentile-factorial-pebble-put50-native", "latency-histogram-factorial-memory-put1-native", "mechanism-factorial-memory-put50-native",
		"waterfall-factorial-memory-put50-native",
	} {
		require.True(t, names[want], want)
	}
	require.False(t, names["throughput-factorial-rocksdb-put1-native"], "a stratum that was skipped has no figure")
	require.False(t, names["mechanism-factorial-memory-put1-native"], "one client shares nothing")
	require.False(t, names["waterfall-ladder-memory-put50-plan"], "a ladder is not a full factorial")

	dir := t.TempDir()
	if *keep != "" {
		dir = *keep
	}
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for _, f := range figs[:5] {
		require.NoError(t, f.Save(dir))
		b, err := os.ReadFile(filepath.Join(dir, f.Name+".png"))
		require.NoError(t, err)
		img, err := png.DecodeConfig(bytes.NewReader(b))
		require.NoError(t, err)
		require.Equal(t, 1008, img.Width)
	}
	if *keep != "" {
		for _, f := range figs {
			require.NoError(t, f.Save(dir))
		}
	}
}

func TestPhase2Figures(t *testing.T) {
	m, trials := statstest.Phase2(statstest.Config{Seed: 7, Blocks: 3, Level: "full", Samples: 1500})
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	factors, err := r.Factors()
	require.NoError(t, err)
	figs, err := plots.All(r, factors)
	require.NoError(t, err)
	drawn := map[string]string{}
	for _, f := range figs {
		require.Empty(t, drawn[f.Name], "%s twice", f.Name)
		require.Contains(t, f.Caption, "Closed loop", f.Name)
		drawn[f.Name] = svg(t, f)
	}
	for name, wants := range map[string][]string{
		"throughput-memory-memory-range10-native":       {"ranges per second (closed loop)", "all but index"},
		"waterfall-engines-rocksdb-read-zipf-native":    {"gets per second", "P2.4 engine-profile"},
		"latency-percentile-memory-memory-put50-native": {"full phase 1", "full phase 2"},
		"fsyncs-sync-plan":                              {"fsyncs per put", "async (unsafe)", "perready"},
		"throughput-batch-sizes":                        {"puts in a call", "unary"},
	} {
		for _, want := range wants {
			require.True(t, strings.Contains(drawn[name], want), "%s: %q", name, want)
		}
	}
	require.True(t, strings.Contains(drawn["stages-stages-memory-put50-native"], "append"))
	require.False(t, strings.Contains(drawn["stages-stages-memory-put50-native"], "prediction"), "it is of the baseline of phase 1")
	require.False(t, strings.Contains(drawn["throughput-sync-plan"], "async"), "the unsafe policy is ranked with none")
	require.False(t, strings.Contains(drawn["throughput-memory-memory-put50-native"], "profile"), "the memory engine has none")
}

func TestFiguresSayWhatTheyShow(t *testing.T) {
	figs, err := plots.All(shared(), stats.Factors(1))
	require.NoError(t, err)
	for _, f := range figs {
		svg, err := f.Render("svg")
		require.NoError(t, err)
		d := xml.NewDecoder(bytes.NewReader(svg))
		for err == nil {
			_, err = d.Token()
		}
		require.ErrorIs(t, err, io.EOF, "%s is not well-formed", f.Name)
		require.Contains(t, string(svg), " disk, n=3", f.Name)
	}
	svg, err := figs[0].Render("svg")
	require.NoError(t, err)
	for _, want := range []string{"puts per second (closed loop)", "all but rpc", "propose+codec", "median of blocks", "50 clients"} {
		require.Contains(t, string(svg), want)
	}
}

func TestSameRecordsSameBytes(t *testing.T) {
	render := func() (out [][]byte) {
		figs, err := plots.All(synthetic(t, 1, 500), stats.Factors(1))
		require.NoError(t, err)
		for _, f := range figs[:4] {
			for _, format := range plots.Formats {
				b, err := f.Render(format)
				require.NoError(t, err)
				out = append(out, b)
			}
		}
		return out
	}
	require.Equal(t, render(), render())
}

func TestRenderRefusesOtherFormats(t *testing.T) {
	figs, err := plots.All(synthetic(t, 1, 100), stats.Factors(1))
	require.NoError(t, err)
	_, err = figs[0].Render("gif")
	require.ErrorContains(t, err, `format "gif", want one of ["svg" "png"]`)
}

func TestNoDataIsNoFigure(t *testing.T) {
	m, _ := statstest.Phase1(statstest.Config{Seed: 1, Blocks: 1, Level: "full", Samples: 10})
	r, err := stats.NewRun(m, nil)
	require.NoError(t, err)
	s := r.Strata(stats.Factors(1))[0]
	for _, draw := range []func(*stats.Stratum) (*plots.Figure, error){plots.Throughput, plots.LatencyByPercentile, plots.LatencyHistogram, plots.Mechanism} {
		_, err := draw(s)
		require.ErrorIs(t, err, plots.ErrNoData)
	}
	figs, err := plots.All(r, stats.Factors(1))
	require.NoError(t, err)
	require.Empty(t, figs)
}

func TestDamagedHistogramIsAnError(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 1, Blocks: 1, Level: "full", Samples: 100})
	trials[0].Ops[0].ServiceHDR = "damaged"
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	_, err = plots.All(r, stats.Factors(1))
	require.ErrorIs(t, err, record.ErrHistogram)
}

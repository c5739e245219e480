package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// cellOf makes a run of two CPUs whose cell a has trials of these throughputs;
// each may be changed.
func cellOf(t *testing.T, values []float64, change func(i int, tr *record.Trial)) []stats.Warning {
	t.Helper()
	var trials []record.Trial
	for i, v := range values {
		tr := trial("a", i, int64(math.Round(v)))
		if change != nil {
			change(i, &tr)
		}
		trials = append(trials, tr)
	}
	m := record.Manifest{Cells: []record.Cell{{ID: "a"}}, Env: record.Environment{CPUs: 2}}
	r, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	return r.Warnings(r.Cell("a"), puts)
}

// steady is a sound cell of n trials.
func steady(seed uint64, n int) []float64 {
	rng := rand.New(rand.NewPCG(seed, 9))
	values := make([]float64, n)
	for i := range values {
		values[i] = 10_000 * math.Exp(0.04*rng.NormFloat64())
	}
	return values
}

func only(t *testing.T, ws []stats.Warning, kind stats.WarningKind, text string) {
	t.Helper()
	require.Len(t, ws, 1)
	require.Equal(t, kind, ws[0].Kind)
	require.Contains(t, ws[0].String(), text)
}

func TestWarnsOfDrift(t *testing.T) {
	values := steady(1, 10)
	for i := range values {
		values[i] *= 1 - 0.03*float64(i)
	}
	only(t, cellOf(t, values, nil), stats.WarnDrift, "tau -0.")
	// The order of the run counts, not that of the blocks.
	require.Empty(t, cellOf(t, values, func(i int, tr *record.Trial) { tr.Order = []int{4, 9, 1, 6, 0, 8, 3, 5, 2, 7}[i] }))
	// With six trials, only a perfect order is beyond chance: p = 2/720.
	only(t, cellOf(t, []float64{1, 2, 3, 4, 5, 6}, nil), stats.WarnDrift, "tau 1.00, p=0.00278")
	require.Empty(t, cellOf(t, []float64{1, 2, 3, 4, 5}, nil), "five trials prove nothing")
	long := make([]float64, 60)
	for i := range long {
		long[i] = 1000 + float64(i)
	}
	only(t, cellOf(t, long, nil), stats.WarnDrift, "tau 1.00")
}

func TestWarnsOfTwoModes(t *testing.T) {
	values := steady(2, 10)
	for _, i := range []int{1, 4, 6, 9} {
		values[i] *= 1.6
	}
	only(t, cellOf(t, values, nil), stats.WarnBimodal, "6 trials near 9,870, 4 near 16,400")
	values = steady(2, 10)
	values[3] *= 3
	require.Empty(t, cellOf(t, values, nil), "a straggler is no mode")
	require.Empty(t, cellOf(t, []float64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, nil))
	only(t, cellOf(t, []float64{1, 2, 1, 2, 2, 1, 2, 1, 1, 2}, nil), stats.WarnBimodal, "5 trials near 1.00, 5 near 2.00")
}

func TestWarnsOfTwoSpeedsWithinTrials(t *testing.T) {
	series := func(i int, tr *record.Trial) {
		tr.SeriesStepNS = tr.MeasureNS / 20
		for _, v := range steady(uint64(50+i), 20) {
			tr.ThroughputSeries = append(tr.ThroughputSeries, int64(v))
		}
	}
	stalls := func(i int, tr *record.Trial) {
		series(i, tr)
		for k := 5; k < 11; k++ {
			tr.ThroughputSeries[k] /= 5
		}
	}
	require.Empty(t, cellOf(t, steady(3, 8), series))
	only(t, cellOf(t, steady(3, 8), stalls), stats.WarnBimodal, "two speeds within 8 of 8 trials")
	require.Empty(t, cellOf(t, steady(3, 8), func(i int, tr *record.Trial) {
		if i < 2 {
			stalls(i, tr)
		} else {
			series(i, tr)
		}
	}), "two of eight are not the cell")
	require.Empty(t, cellOf(t, steady(3, 8), func(i int, tr *record.Trial) {
		stalls(i, tr)
		tr.Workload.Clients = 5000 // each is answered about twice in a step
	}), "clients in step with one another are no two speeds")
}

func TestWarnsOfTheGenerator(t *testing.T) {
	busy := func(_ int, tr *record.Trial) { tr.Client.CPUUserSeconds, tr.Client.CPUSystemSeconds = 0.9, 0.3 }
	only(t, cellOf(t, steady(4, 8), busy), stats.WarnGenerator, "60.0 %")
	require.Empty(t, cellOf(t, steady(4, 8), func(_ int, tr *record.Trial) { tr.Client.CPUUserSeconds = 0.9 }))

	constant := func(ns int64) string {
		h := record.NewHistogram()
		require.NoError(t, h.RecordValues(ns, 2000))
		s, err := record.EncodeHDR(h)
		require.NoError(t, err)
		return s
	}
	open := func(errorNS, responseNS int64) func(int, *record.Trial) {
		return func(i int, tr *record.Trial) {
			busy(i, tr) // an open loop's client may be busy as long as it is in time
			tr.OpenLoop = &record.OpenLoop{TimingErrorHDR: constant(errorNS)}
			tr.Ops[0].ResponseHDR = constant(responseNS)
		}
	}
	only(t, cellOf(t, steady(4, 8), open(300_000, 2_000_000)), stats.WarnGenerator, "timing error p99 300 us, response p50 2,000 us")
	require.Empty(t, cellOf(t, steady(4, 8), open(300_000, 5_000_000)))
	require.Empty(t, cellOf(t, steady(4, 8), open(90_000, 300_000)), "below 100 us")
}

func TestWarnsOfSteal(t *testing.T) {
	machine := func(steal float64) func(int, *record.Trial) {
		return func(_ int, tr *record.Trial) {
			tr.Machine = &record.Machine{UserSeconds: 1, SystemSeconds: 0.5, IdleSeconds: 0.5 - steal, StealSeconds: steal}
		}
	}
	only(t, cellOf(t, steady(5, 8), machine(0.1)), stats.WarnSteal, "5.00 %")
	require.Empty(t, cellOf(t, steady(5, 8), machine(0.03)))
}

// noises have mean 0 and about one size.
var noises = map[string]func(rng *rand.Rand) float64{
	"normal": func(rng *rand.Rand) float64 { return rng.NormFloat64() },
	"skewed": func(rng *rand.Rand) float64 { return rng.ExpFloat64() - 1 },
	"heavy": func(rng *rand.Rand) float64 { // Student's t, 3 degrees of freedom
		chi := 0.0
		for range 3 {
			z := rng.NormFloat64()
			chi += z * z
		}
		return rng.NormFloat64() / math.Sqrt(chi/3)
	},
}

// TestWarningsAreQuiet measures the false alarms of sound cells: at most 1 % for
// each of drift and two modes, by their construction. 2 % is three standard
// errors of 1,000 cells above.
func TestWarningsAreQuiet(t *testing.T) {
	const cells = 1000
	const limit = 0.02
	for _, name := range []string{"normal", "skewed", "heavy"} {
		for _, n := range []int{10, 20} {
			rng := rand.New(rand.NewPCG(uint64(n), 5))
			alarms := map[stats.WarningKind]float64{}
			for range cells {
				values := make([]float64, n)
				for i := range values {
					values[i] = 1e6 * math.Exp(0.05*noises[name](rng))
				}
				for _, w := range cellOf(t, values, nil) {
					alarms[w.Kind]++
				}
			}
			t.Logf("%-6s n=%d: %v of %d", name, n, alarms, cells)
			for kind, count := range alarms {
				require.LessOrEqual(t, count/cells, limit, "%s, %s, n=%d", kind, name, n)
			}
		}
	}
}

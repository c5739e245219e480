package usl

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestIntervalsCover measures, over simulated runs of every number of blocks, how
// often each interval holds the truth, and logs the table. The noise is of each
// point and of each block. The percentile interval of a bootstrap over blocks,
// which this one replaced, held it in 82 to 86 %.
func TestIntervalsCover(t *testing.T) {
	const runs = 300 // of each law; chance alone moves a share of 95 % of 900 by 0.7 % (one sigma)
	laws := map[string][]Curve{
		"at a bound": {{Lambda: 900}, {Lambda: 1000, Sigma: 0.05}},
		"inner":      {{Lambda: 3000, Sigma: 0.02, Kappa: 2e-4}, {Lambda: 2000, Sigma: 0.1, Kappa: 1e-4}, {Lambda: 5000, Sigma: 0.3, Kappa: 0.01}},
	}
	table := []string{"blocks  laws        lambda   sigma   kappa    peak claimed  wrongly"}
	for blocks := MinBlocks; blocks <= 10; blocks++ {
		for _, name := range slices.Sorted(maps.Keys(laws)) {
			rng := rand.New(rand.NewPCG(5, uint64(blocks)))
			var held coverage
			for i := range runs * len(laws[name]) {
				law := laws[name][i%len(laws[name])]
				f, err := FitPoints(measure(rng, law, blocks, 0.08))
				require.NoError(t, err)
				held.add(f, law)
			}
			table = append(table, fmt.Sprintf("%-8d%-10s %s", blocks, name, held))
			for of, share := range held.shares() {
				require.GreaterOrEqual(t, share, 0.93, "%s of laws %s, %d blocks", of, name, blocks)
			}
		}
	}
	t.Log("\n" + strings.Join(table, "\n"))
}

// coverage counts the intervals that hold the truth.
type coverage struct{ runs, lambda, sigma, kappa, claimed, peak int }

func (c *coverage) add(f Fit, truth Curve) {
	count := func(n *int, in Interval, v float64) {
		if in.Lo <= v && v <= in.Hi {
			*n++
		}
	}
	c.runs++
	count(&c.lambda, f.LambdaIn, truth.Lambda)
	count(&c.sigma, f.SigmaIn, truth.Sigma)
	count(&c.kappa, f.KappaIn, truth.Kappa)
	if _, claimed := f.Peak(); claimed {
		c.claimed++
		count(&c.peak, f.PeakIn, truth.peak())
	}
}

// shares are those of runs whose interval is right; of the peak, of runs that claim
// no wrong one.
func (c coverage) shares() map[string]float64 {
	of := func(n int) float64 { return float64(n) / float64(c.runs) }
	return map[string]float64{"lambda": of(c.lambda), "sigma": of(c.sigma), "kappa": of(c.kappa), "peak": 1 - of(c.claimed-c.peak)}
}

func (c coverage) String() string {
	of := func(n int) float64 { return 100 * float64(n) / float64(c.runs) }
	return fmt.Sprintf("%5.1f %% %5.1f %% %5.1f %% %9.1f %% %7.1f %%", of(c.lambda), of(c.sigma), of(c.kappa), of(c.claimed), of(c.claimed-c.peak))
}

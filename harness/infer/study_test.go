package infer

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The study behind the choice of method: families of effects from noise of many
// kinds, judged by each candidate. STUDY_FAMILIES=1000 makes the table of doc.go; the
// test itself takes fewer.

// m is the number of effects in a family, blockSD the noise of a log-ratio of blocks
// of 4 %.
const (
	m       = 33
	blockSD = 0.0566
)

// world makes the noise of a family: size vectors of n blocks.
type world struct {
	name  string
	noise func(r *rand.Rand, n, size int) [][]float64
}

// independent draws every block of every effect by itself; sd is that of the i-th effect.
func independent(sd func(r *rand.Rand, i int) float64, draw func(r *rand.Rand) float64) func(r *rand.Rand, n, size int) [][]float64 {
	return func(r *rand.Rand, n, size int) [][]float64 {
		family := make([][]float64, size)
		for i := range family {
			s := sd(r, i)
			for range n {
				family[i] = append(family[i], s*draw(r))
			}
		}
		return family
	}
}

func equalSD(*rand.Rand, int) float64         { return blockSD }
func normal(r *rand.Rand) float64             { return r.NormFloat64() }
func skewed(r *rand.Rand) float64             { return r.ExpFloat64() - 1 }
func differingSD(r *rand.Rand, _ int) float64 { return blockSD * math.Exp(0.7*r.NormFloat64()) }

// heavy is Student's t with three degrees of freedom, scaled to variance 1.
func heavy(r *rand.Rand) float64 {
	chi := 0.0
	for range 3 {
		z := r.NormFloat64()
		chi += z * z
	}
	return r.NormFloat64() / math.Sqrt(chi)
}

// outliers: one block in twenty is up to eight times as far out as others.
func outliers(r *rand.Rand) float64 {
	if r.Float64() < 0.05 {
		return 8 * (2*r.Float64() - 1)
	}
	return r.NormFloat64()
}

// oneNoisy: one effect in eleven has five times the noise.
func oneNoisy(_ *rand.Rand, i int) float64 {
	if i%11 == 0 {
		return 5 * blockSD
	}
	return blockSD
}

// sharedBase: all effects are ratios to one baseline.
func sharedBase(r *rand.Rand, n, size int) [][]float64 {
	base := independent(equalSD, normal)(r, n, 1)[0]
	family := independent(equalSD, normal)(r, n, size)
	for _, logs := range family {
		for b := range logs {
			logs[b] = (logs[b] - base[b]) / math.Sqrt2
		}
	}
	return family
}

// drifting: a trend over the run of two standard deviations falls on one side alone.
func drifting(r *rand.Rand, n, size int) [][]float64 {
	family := independent(equalSD, normal)(r, n, size)
	for _, logs := range family {
		for b := range logs {
			logs[b] += 2 * blockSD * (float64(b)/float64(n-1) - 0.5)
		}
	}
	return family
}

// tied: values come in steps of one standard deviation.
func tied(r *rand.Rand, n, size int) [][]float64 {
	family := independent(equalSD, normal)(r, n, size)
	for _, logs := range family {
		for b := range logs {
			logs[b] = math.Round(logs[b]/blockSD) * blockSD
		}
	}
	return family
}

// recorded draws from the noise of committed records: the size of an effect's noise
// from the cells', neighbours in the matrix together, its shape from all blocks.
func recorded(t *testing.T, run, metric string) world {
	f, err := os.Open("testdata/noise.txt")
	require.NoError(t, err)
	defer f.Close()
	var sds, shape []float64
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if words[0] != run || words[1] != metric {
			continue
		}
		var logs []float64
		for _, w := range words[2:] {
			v, err := strconv.ParseFloat(w, 64)
			require.NoError(t, err)
			logs = append(logs, v)
		}
		n := float64(len(logs))
		_, se := meanAndError(logs)
		if sd := se * math.Sqrt(n); sd > 0 {
			sds = append(sds, sd)
			for _, v := range logs {
				shape = append(shape, v/sd*math.Sqrt(n/(n-1)))
			}
		}
	}
	require.NotEmpty(t, sds)
	return world{run + " " + metric, func(r *rand.Rand, n, size int) [][]float64 {
		first := r.IntN(len(sds))
		return independent(func(_ *rand.Rand, i int) float64 { return sds[(first+i)%len(sds)] },
			func(r *rand.Rand) float64 { return shape[r.IntN(len(shape))] })(r, n, size)
	}}
}

// method makes a family's intervals, each at the level 1 - Alpha/m.
type method struct {
	name  string
	judge func(family []*Effect)
}

var methods = []method{
	{"t", func(family []*Effect) {
		r := newReach(len(family))
		for _, e := range family {
			e.settle(r, e.se, e.df)
		}
	}},
	{"pooled", func(family []*Effect) {
		variance, df := 0.0, 0.0
		for _, e := range family {
			variance, df = variance+e.df*e.se*e.se, df+e.df
		}
		r := newReach(len(family))
		for _, e := range family {
			e.settle(r, math.Sqrt(variance/df), df)
		}
	}},
	{"moderated", func(family []*Effect) { Judge(Margin, family...) }},
}

// score is what a method came to in a world: how often a family of equals had any
// difference, the share of the different that was found, and the coverage of 95 %
// intervals of effects by themselves.
type score struct{ any, found, covered float64 }

// study judges families of which none differ, and the same with 1.22 added to all.
func study(w world, by method, n, families int) score {
	r := rand.New(rand.NewPCG(uint64(n), 7))
	one := newReach(1)
	var s score
	for range families {
		equal, differ := make([]*Effect, m), make([]*Effect, m)
		for i, logs := range w.noise(r, n, m) {
			e := Paired(logs)
			d := e
			d.Log += math.Log(1.22)
			equal[i], differ[i] = &e, &d
		}
		by.judge(equal)
		by.judge(differ)
		wrong := 0.0
		for i := range equal {
			if equal[i].Excludes(1) {
				wrong = 1
			}
			if differ[i].Excludes(1) {
				s.found++
			}
		}
		s.any += wrong
		for _, e := range equal { // each by itself, with what the method says of its noise
			if e.settle(one, e.se, e.df); !e.Excludes(1) {
				s.covered++
			}
		}
	}
	total := float64(families)
	return score{s.any / total, s.found / total / m, s.covered / total / m}
}

// TestStudy logs level and power of every candidate, and holds the one in use to what
// the package's documentation says of it.
func TestStudy(t *testing.T) {
	families, sizes := 40, []int{3, 6, 10}
	if s := os.Getenv("STUDY_FAMILIES"); s != "" {
		var err error
		families, err = strconv.Atoi(s)
		require.NoError(t, err)
		sizes = []int{3, 4, 6, 10, 20}
	}
	worlds := []world{
		{"normal", independent(equalSD, normal)}, {"differing", independent(differingSD, normal)}, {"1 of 11 noisy", independent(oneNoisy, normal)},
		{"heavy tails", independent(equalSD, heavy)}, {"skewed", independent(equalSD, skewed)}, {"outliers", independent(equalSD, outliers)},
		{"one baseline", sharedBase}, {"drifting", drifting}, {"tied", tied},
		recorded(t, "phase1", "throughput"), recorded(t, "phase1", "p99"), recorded(t, "phase1", "store_cpu"), recorded(t, "phase1", "allocs"),
		recorded(t, "ladder", "throughput"),
	}
	t.Logf("%-18s %2s  %-17s %-17s %s", "", "", "t", "pooled", "moderated")
	t.Logf("%-18s %2s%[3]s%[3]s%[3]s", "noise", "n", "   any found cover")
	for _, w := range worlds {
		for _, n := range sizes {
			line := fmt.Sprintf("%-18s %2d", w.name, n)
			for _, by := range methods {
				s := study(w, by, n, families)
				line += fmt.Sprintf("  %5.1f %4.0f %5.1f", 100*s.any, 100*s.found, 100*s.covered)
				if by.name == "moderated" {
					hold(t, w, n, families, s)
				}
			}
			t.Log(line)
		}
	}
}

// hold asserts level and power of the method in use, with three standard errors of
// the number of families for chance.
func hold(t *testing.T, w world, n, families int, s score) {
	limit := 0.05
	switch w.name {
	case "1 of 11 noisy", "skewed": // see "Not protected"
		limit = 0.12
	case "phase1 p99", "phase1 allocs", "ladder throughput", "phase1 throughput", "phase1 store_cpu":
		limit = 0.08
	}
	chance := 3 * math.Sqrt(limit*(1-limit)/float64(families))
	require.LessOrEqual(t, s.any, limit+chance, "%s, n=%d", w.name, n)
	require.GreaterOrEqual(t, s.covered, 0.91, "%s, n=%d", w.name, n)
	if w.name == "normal" || w.name == "tied" || w.name == "one baseline" {
		require.GreaterOrEqual(t, s.found, map[int]float64{3: 0.7, 4: 0.9, 6: 0.99, 10: 0.99, 20: 0.99}[n], "%s, n=%d", w.name, n)
	}
}

// TestSmallFamilies: one to five effects keep their level without help from others.
func TestSmallFamilies(t *testing.T) {
	for _, size := range []int{1, 3, 5} {
		for _, n := range []int{3, 6} {
			r := rand.New(rand.NewPCG(uint64(size), uint64(n)))
			wrong := 0.0
			const families = 1000
			for range families {
				var family []*Effect
				for _, logs := range independent(differingSD, normal)(r, n, size) {
					e := Paired(logs)
					family = append(family, &e)
				}
				Judge(Margin, family...)
				for _, e := range family {
					if e.Excludes(1) {
						wrong++
						break
					}
				}
			}
			require.LessOrEqual(t, wrong/families, 0.05+3*math.Sqrt(0.05*0.95/families), "%d effects, n=%d", size, n)
		}
	}
}

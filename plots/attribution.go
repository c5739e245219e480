package plots

import (
	"fmt"
	"math"

	"metastorebench/harness/attrib"
	"metastorebench/harness/fraction"
	"metastorebench/harness/infer"
	"metastorebench/harness/stats"
)

// gains is what the waterfall and the interactions draw: the attribution of a
// stratum's throughput, from a full factorial or a fraction.
type gains struct {
	// base is the baseline's throughput, the geometric mean of the blocks.
	base float64
	n    int // blocks
	// parts multiply to total: the items' shares and, from a fraction, what
	// they leave unexplained.
	labels []string
	parts  []infer.Effect
	total  infer.Effect
	main   []infer.Effect
	// pairs[i][j], for i < j, is the interaction; nil where some cannot be told
	// apart.
	pairs [][]infer.Effect
	// how names the shares, for captions.
	how string
}

// attribute returns the stratum's gains. ErrNoData unless it is a factorial, full
// or a standard fraction, of a closed loop in two or more complete blocks.
func attribute(s *stats.Stratum) (*gains, error) {
	throughput := stats.Throughput(s.Op())
	if blocks, _, complete := s.LogFactorial(throughput); complete && len(blocks) > 1 && s.ClosedLoop() {
		r, err := attrib.Factorial(len(s.Factors), blocks)
		if err != nil {
			return nil, fmt.Errorf("figure: %s: %w", describe(s), err)
		}
		return judged(s, gains{
			base: baseline(blocks), n: len(blocks), labels: itemLabels(s), parts: r.Shapley, total: r.Total, main: r.Main, pairs: r.Interaction,
			how: "an item's Shapley share: the ratio that it makes, averaged over all orders of switching the items on",
		}), nil
	}
	d, ok := fraction.Measured(len(s.Factors), func(w fraction.Word) bool { return s.At(stats.Setting(w)) != nil })
	if !ok || !s.ClosedLoop() {
		return nil, fmt.Errorf("%w: no factorial of two blocks for %s", ErrNoData, describe(s))
	}
	var settings []stats.Setting
	for _, w := range append(d.Points(), d.All()) {
		settings = append(settings, stats.Setting(w))
	}
	blocks, _, complete := s.LogSettings(throughput, settings)
	if !complete || len(blocks) < 2 {
		return nil, fmt.Errorf("%w: no fraction of two blocks for %s", ErrNoData, describe(s))
	}
	r, err := attrib.Fractional(d, blocks)
	if err != nil {
		return nil, fmt.Errorf("figure: %s: %w", describe(s), err)
	}
	return judged(s, gains{
		base: baseline(blocks), n: len(blocks), labels: append(itemLabels(s), "not in the model"), parts: append(r.Main, r.LackOfFit),
		total: r.Total, main: r.Main, pairs: pairsOf(r),
		how: fmt.Sprintf("an item's average effect, from a fraction of %d of %d settings; effects of three or more items are not in the model", len(d.Points()), 1<<d.K),
	}), nil
}

// judged has the effects that the figures show judged, as the tables' are.
func judged(s *stats.Stratum, g gains) *gains {
	shown := []*infer.Effect{&g.total}
	for i := range g.parts {
		shown = append(shown, &g.parts[i])
	}
	for i := range g.main {
		shown = append(shown, &g.main[i])
	}
	for i := range g.pairs {
		for j := i + 1; j < len(g.pairs[i]); j++ {
			shown = append(shown, &g.pairs[i][j])
		}
	}
	s.Questions.Answer(infer.Margin, shown...)
	return &g
}

// pairsOf puts the interactions of a fraction into a triangle, nil if some of them
// are aliased with one another.
func pairsOf(r *attrib.Fraction) [][]infer.Effect {
	if r.Design.Resolution() < fraction.ResolutionV {
		return nil
	}
	k, next := r.Design.K, 0
	pairs := make([][]infer.Effect, k)
	for i := range k {
		pairs[i] = make([]infer.Effect, k)
		for j := i + 1; j < k; j++ {
			pairs[i][j] = r.Pairs[next]
			next++
		}
	}
	return pairs
}

func itemLabels(s *stats.Stratum) []string {
	labels := make([]string, len(s.Factors))
	for i, f := range s.Factors {
		labels[i] = f.ID + " " + f.Name()
	}
	return labels
}

// baseline is the geometric mean over the blocks of the first setting.
func baseline(blocks [][]float64) float64 {
	sum := 0.0
	for _, y := range blocks {
		sum += y[0]
	}
	return math.Exp(sum / float64(len(blocks)))
}

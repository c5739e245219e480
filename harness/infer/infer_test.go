package infer_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/infer"
)

// judged is a family of one.
func judged(logs ...float64) infer.Effect {
	e := infer.Paired(logs)
	infer.Judge(infer.Margin, &e)
	return e
}

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		name string
		logs []float64
		want infer.Word
	}{
		{"a plain effect in three blocks", []float64{3.1, 3.15, 3.12}, infer.Different},
		{"a loss", []float64{-0.2, -0.21, -0.19}, infer.Different},
		{"nothing, in quiet blocks", []float64{0.01, -0.01, 0, 0.005, -0.005, 0}, infer.Equivalent},
		{"something, that nobody cares about", []float64{0.02, 0.021, 0.02, 0.019}, infer.Equivalent},
		{"nothing, in noisy blocks", []float64{0.2, -0.2, 0.1, -0.1}, infer.Unresolved},
		{"two blocks", []float64{3, 3}, infer.Unresolved},
		{"values that cancel exactly", []float64{-.01, 0, 0, 0, 0, .01}, infer.Equivalent},
		{"all blocks agree on a gain", []float64{0.7, 0.7, 0.7}, infer.Different},
		{"all blocks agree on none", []float64{0, 0, 0}, infer.Equivalent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := judged(tt.logs...)
			require.Equal(t, tt.want, e.Word, e.String())
			for _, v := range []float64{e.Ratio, e.Lo, e.P(), e.Found} {
				require.False(t, math.IsNaN(v), "%+v", e)
			}
			require.Equal(t, len(tt.logs) >= infer.MinBlocks, e.Interval)
		})
	}
}

// TestKnownInterval: three values with mean 0.1 and standard error 0.05 have the
// quantile 4.3027 of two degrees of freedom.
func TestKnownInterval(t *testing.T) {
	d := 0.05 * math.Sqrt(3)
	e := judged(0.1-d, 0.1, 0.1+d)
	require.InDelta(t, 0.1+4.3027*0.05, math.Log(e.Hi), 1e-5)
	require.InDelta(t, 0.1-4.3027*0.05, math.Log(e.Lo), 1e-5)
	require.InDelta(t, math.Exp(0.1), e.Ratio, 1e-12)
	require.InDelta(t, 0.1835, e.P(), 1e-4) // t = 2
	// 1.0607 is the upper fifth of Student's t with two degrees of freedom.
	require.InDelta(t, (4.3027+1.0607)*0.05, math.Log(e.Found), 1e-4)
	require.Equal(t, "1.11 [0.891, 1.37] ? 1.31", e.String())
}

// TestTiedBlocks: the reports of f8f5a2e called ratios like these "no difference",
// because resamples of tied blocks have no spread.
func TestTiedBlocks(t *testing.T) {
	var family []*infer.Effect
	for range 33 {
		e := infer.Paired([]float64{2.3, 2.3, 2.3, 2.3, 2.24, 2.3})
		family = append(family, &e)
	}
	infer.Judge(infer.Margin, family...)
	for _, e := range family {
		require.Equal(t, infer.Different, e.Word)
		require.InDelta(t, 9.87, e.Ratio, 0.01)
		require.Greater(t, e.Lo, 9.0)
		require.Less(t, e.Hi, 11.0)
	}
}

// TestFamilyWidens: the more a question compares, the wider its intervals, and a word
// never disagrees with the interval beside it.
func TestFamilyWidens(t *testing.T) {
	alone := judged(0.05, 0.06, 0.07, 0.04)
	of := func(m int) infer.Effect {
		e := infer.Paired([]float64{0.05, 0.06, 0.07, 0.04})
		family := []*infer.Effect{&e}
		for range m - 1 {
			other := infer.Paired([]float64{0, 0.2, -0.2, 0.1})
			family = append(family, &other)
		}
		infer.Judge(infer.Margin, family...)
		return e
	}
	require.Equal(t, infer.Different, alone.Word)
	require.Greater(t, of(3).Hi, alone.Hi)
	require.Equal(t, infer.Unresolved, of(20).Word)
}

// TestNoisyAmongQuiet: a family's quiet members do not make a noisy one quiet.
func TestNoisyAmongQuiet(t *testing.T) {
	noisy := infer.Paired([]float64{0.5, -0.1, 0.6, -0.2, 0.4})
	alone := noisy
	infer.Judge(infer.Margin, &alone)
	family := []*infer.Effect{&noisy}
	for i := range 20 {
		quiet := infer.Paired([]float64{0, 0.01, -0.01, 0.012, 0.001 * float64(i)})
		family = append(family, &quiet)
	}
	infer.Judge(infer.Margin, family...)
	require.GreaterOrEqual(t, noisy.Hi, alone.Hi)
	require.Equal(t, infer.Unresolved, noisy.Word)
}

func TestQuestions(t *testing.T) {
	q := infer.NewQuestions()
	first := infer.Paired([]float64{0.05, 0.06, 0.07, 0.04})
	again := infer.Paired([]float64{0.05 + 1e-13, 0.06, 0.07, 0.04}) // computed another way
	for i := range 20 {
		q.Ask("large", infer.Margin, infer.Paired([]float64{0.1 * float64(i+1), 0.3, -0.2, 0.1}))
	}
	q.Ask("large", infer.Margin, first)
	q.Ask("small", infer.Margin, again)
	q.Ask("small", infer.Margin, infer.Effect{})
	q.Judge()
	a, family, size := q.Answer(first)
	b, second, _ := q.Answer(again)
	require.Equal(t, []any{a.Lo, a.Hi, a.Word}, []any{b.Lo, b.Hi, b.Word}, "one comparison has one verdict")
	require.Equal(t, infer.Unresolved, a.Word, "in the family of 21 that asked first")
	require.Equal(t, []any{"large", "large", 21}, []any{family, second, size})
	late, family, size := q.Answer(infer.Paired([]float64{1, 1.1, 1.2}))
	require.Empty(t, late.Word, "nobody asked it")
	require.Equal(t, []any{"", 0}, []any{family, size})
}

func TestUnpaired(t *testing.T) {
	// Welch's own interval for these: mean difference 0.1, variances 0.0001/3 and
	// 0.0004/3, 2.94 degrees of freedom.
	e := infer.Unpaired([]float64{0.09, 0.1, 0.11}, []float64{-0.02, 0, 0.02})
	infer.Judge(infer.Margin, &e)
	require.InDelta(t, 0.1, e.Log, 1e-12)
	require.InDelta(t, 3.2119*math.Sqrt(0.0005/3), math.Log(e.Hi)-0.1, 5e-4)
	require.Equal(t, infer.Different, e.Word)
	none := infer.Unpaired([]float64{1, 1, 1}, []float64{1, 1, 1})
	infer.Judge(infer.Margin, &none)
	require.Equal(t, infer.Equivalent, none.Word)
	require.False(t, infer.Unpaired([]float64{1}, []float64{2}).Interval)
	require.Zero(t, infer.Unpaired(nil, []float64{2}).N)
}

func TestMean(t *testing.T) {
	e := infer.Mean([]float64{1, 10, 100})
	require.InDelta(t, 10, e.Value, 1e-9)
	require.InDelta(t, 100, e.Lo*e.Hi, 1e-6, "positive values are averaged as logarithms")
	e = infer.Mean([]float64{0, 1, 2})
	require.InDelta(t, 1, e.Value, 1e-12)
	require.InDelta(t, 4.3027/math.Sqrt(3), e.Hi-1, 1e-4)
	require.Equal(t, infer.Estimate{Value: 3, Lo: 3, Hi: 3, N: 3, Interval: true}, infer.Mean([]float64{3, 3, 3}))
	require.False(t, infer.Mean([]float64{1, 2}).Interval)
	require.Zero(t, infer.Mean(nil).N)
}

func TestProportion(t *testing.T) {
	// Clopper and Pearson's values for 0, 1 and 10 of 10: 1 - 0.025^(1/10) =
	// 0.3085, and 0.0025 to 0.4450.
	for k, want := range map[int64][2]float64{0: {0, 0.3085}, 1: {0.0025, 0.4450}, 10: {0.6915, 1}} {
		lo, hi := infer.Proportion(k, 10)
		require.InDelta(t, want[0], lo, 1e-4)
		require.InDelta(t, want[1], hi, 1e-4)
	}
	lo, hi := infer.Proportion(0, 0)
	require.Equal(t, []float64{0, 1}, []float64{lo, hi})
}

package infer_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/infer"
)

var inf = math.Inf(1)

func in(lo, hi float64) infer.Estimate {
	return infer.Estimate{Value: (lo + hi) / 2, Lo: lo, Hi: hi, N: 10, Interval: true}
}

func without(v float64, n int) infer.Estimate { return infer.Estimate{Value: v, N: n} }

// TestTruthTable is the whole rule of one quantity: every kind, every position
// of the interval.
func TestTruthTable(t *testing.T) {
	for _, tt := range []struct {
		name   string
		c      infer.Case
		want   infer.Verdict
		reason string
	}{
		{"ratio: right sign, meets the range", ratio(6, 11, in(5, 7)), infer.Confirmed, "[5.00, 7.00] meets 6 to 11"},
		{"ratio: touches the range's end", ratio(6, 11, in(11, 12)), infer.Confirmed, "meets"},
		{"ratio: holds a predicted point", ratio(1.3, 1.3, in(1.1, 1.4)), infer.Confirmed, "meets 1.3"},
		{"ratio: wider than the range, 1 left out", ratio(6, 11, in(2, 30)), infer.Confirmed, "meets"},
		{"ratio: right sign, too small", ratio(6, 11, in(3.2, 4.2)), infer.Partly, "the predicted sign, but [3.20, 4.20] lies below 6 to 11"},
		{"ratio: right sign, too large", ratio(6, 11, in(22, 25)), infer.Partly, "lies above"},
		{"ratio: 1 within, size left out", ratio(1.5, 2, in(0.94, 1.02)), infer.Refuted, "no effect: [0.940, 1.02] holds 1 and leaves out 1.5 to 2"},
		{"ratio: 1 at the end", ratio(1.5, 2, in(1, 1.2)), infer.Refuted, "no effect"},
		{"ratio: 1 and the size within", ratio(1.3, 1.3, in(0.8, 1.5)), infer.Inconclusive, "[0.800, 1.50] holds both 1, no effect, and 1.3"},
		{"ratio: wrong sign", ratio(1.5, 2, in(0.7, 0.9)), infer.Refuted, "wrong sign"},
		{"ratio: a predicted loss, found", ratio(0.5, 0.6, in(0.55, 0.8)), infer.Confirmed, "meets"},
		{"ratio: a predicted loss, smaller", ratio(0.5, 0.6, in(0.7, 0.8)), infer.Partly, "above"},
		{"ratio: a predicted loss, a gain", ratio(0.5, 0.6, in(1.1, 1.2)), infer.Refuted, "wrong sign"},
		{"ratio: at least, all of it", ratio(2, inf, in(3, 4)), infer.Confirmed, "all of [3.00, 4.00] is at least 2"},
		{"ratio: at least, bound within", ratio(2, inf, in(1.5, 4)), infer.Inconclusive, "[1.50, 4.00] holds the bound, at least 2"},
		{"ratio: at least, less", ratio(2, inf, in(1.5, 1.8)), infer.Partly, "the predicted sign, but [1.50, 1.80] lies below at least 2"},
		{"ratio: at least, no effect", ratio(2, inf, in(0.9, 1.8)), infer.Refuted, "no effect"},
		{"ratio: at most what is no loss", ratio(-inf, 1.05, in(0.98, 1.02)), infer.Confirmed, "is below 1.05"},
		{"ratio: at most, bound within", ratio(-inf, 1.05, in(0.98, 1.1)), infer.Inconclusive, "holds the bound"},
		{"ratio: at most, more", ratio(-inf, 1.05, in(1.1, 1.2)), infer.Refuted, "missed: [1.10, 1.20] lies above 1.05"},
		{"ratio: too few blocks", ratio(6, 11, without(8, 2)), infer.Inconclusive, "no interval: n=2, 3 or more blocks are needed"},
		{"ratio: blocks too short", ratio(6, 11, without(8, 10)), infer.Inconclusive, "fewer than 3 blocks have enough operations each"},

		{"share: meets the range", share(50, 70, in(60, 75)), infer.Confirmed, "meets"},
		{"share: more", share(50, 70, in(90, 95)), infer.Partly, "above"},
		{"share: less, but some", share(15, 20, in(3, 4)), infer.Partly, "below"},
		{"share: next to nothing", share(15, 20, in(0.1, 0.2)), infer.Refuted, "no effect"},
		{"share: nothing to some", share(15, 20, in(0.5, 4)), infer.Refuted, "leaves out 15 to 20"},
		{"share: nothing to the predicted", share(5, 15, in(0, 8)), infer.Inconclusive, "a share below 1 %"},

		{"target: reached from below", target(20_000, inf, in(21_000, 25_000), in(3, 4)), infer.Confirmed, "all of [21,000, 25,000] is at least 20,000"},
		{"target: reached, whatever the change", target(20_000, inf, in(21_000, 25_000), without(0, 0)), infer.Confirmed, "reached"},
		{"target: bound within", target(20_000, inf, in(18_000, 25_000), in(3, 4)), infer.Inconclusive, "holds the bound"},
		{"target: missed, but better", target(20_000, inf, in(5_800, 6_000), in(22, 25)), infer.Partly, "missed: [5,800, 6,000] lies below 20,000, but in the predicted direction: 23.5 [22.0, 25.0] times this run's baseline"},
		{"target: missed, no change", target(20_000, inf, in(5_800, 6_000), in(0.9, 1.1)), infer.Refuted, "no change"},
		{"target: missed, worse", target(20_000, inf, in(5_800, 6_000), in(0.5, 0.6)), infer.Refuted, "wrong direction"},
		{"target: missed, change unknown", target(20_000, inf, in(5_800, 6_000), without(2, 2)), infer.Inconclusive, "whether it moved in the right direction is not known"},
		{"bound: kept", bound(0.01, in(0, 0.005)), infer.Confirmed, "reached"},
		{"bound: broken, whatever the baseline", bound(0.01, in(24, 26)), infer.Refuted, "missed: [24.0, 26.0] lies above 0.01"},
		{"bound: open", bound(0.01, in(0, 0.02)), infer.Inconclusive, "holds the bound"},
		{"target: upper bound kept", target(math.Inf(-1), 5, in(3, 4), in(0.5, 0.6)), infer.Confirmed, "below 5"},
		{"target: upper bound missed, but better", target(math.Inf(-1), 5, in(6, 7), in(0.4, 0.6)), infer.Partly, "lies above 5"},
		{"target: upper bound missed, and worse", target(math.Inf(-1), 5, in(6, 7), in(1.4, 1.6)), infer.Refuted, "wrong direction"},

		{"target: change of something else", infer.Case{Kind: infer.KindTarget, Predicted: infer.Range{Min: math.Inf(-1), Max: 5}, Measured: in(6, 7), Change: in(0.4, 0.6), ChangeOf: "its median"}, infer.Partly, "times this run's baseline (its median)"},
		{"target: change from something named", infer.Case{Kind: infer.KindTarget, Predicted: infer.Range{Min: math.Inf(-1), Max: 5}, Measured: in(6, 7), Change: in(0.4, 0.6), ChangeFrom: "step 1"}, infer.Partly, "0.500 [0.400, 0.600] times step 1"},

		{"level: met", level(65, true, in(60, 70), in(1.1, 1.2)), infer.Confirmed, "meets"},
		{"level: off, moved as predicted", level(65, true, in(40, 42), in(1.1, 1.2)), infer.Partly, "below"},
		{"level: off, stayed", level(65, true, in(40, 42), in(0.9, 1.2)), infer.Refuted, "no change"},
		{"level: off, moved the other way", level(65, false, in(70, 72), in(1.1, 1.2)), infer.Refuted, "wrong direction"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, reason := infer.JudgeClaim(tt.c)
			require.Equal(t, tt.want, got, reason)
			require.Contains(t, reason, tt.reason)
		})
	}
}

func ratio(lo, hi float64, m infer.Estimate) infer.Case {
	return infer.Case{Kind: infer.KindRatio, Predicted: infer.Range{Min: lo, Max: hi}, Measured: m}
}

func share(lo, hi float64, m infer.Estimate) infer.Case {
	return infer.Case{Kind: infer.KindShare, Predicted: infer.Range{Min: lo, Max: hi}, Measured: m}
}

func target(lo, hi float64, m, change infer.Estimate) infer.Case {
	return infer.Case{Kind: infer.KindTarget, Predicted: infer.Range{Min: lo, Max: hi}, Measured: m, Change: change}
}

func bound(hi float64, m infer.Estimate) infer.Case {
	return infer.Case{Kind: infer.KindBound, Predicted: infer.Range{Min: math.Inf(-1), Max: hi}, Measured: m}
}

func level(v float64, rises bool, m, change infer.Estimate) infer.Case {
	return infer.Case{Kind: infer.KindLevel, Predicted: infer.Range{Min: v, Max: v}, Measured: m, Change: change, Rises: rises}
}

func TestMost(t *testing.T) {
	rpc := infer.Item{Name: "rpc", Ratio: in(0.9, 1.1)}
	for _, tt := range []struct {
		name   string
		of     infer.Estimate
		others []infer.Item
		want   infer.Verdict
		reason string
	}{
		{"above all others", in(3, 4), []infer.Item{rpc}, infer.Confirmed, "log makes 3.50 [3.00, 4.00], more than any other"},
		{"alone", in(3, 4), nil, infer.Confirmed, "more than any other"},
		{"no gain", in(0.9, 1.2), []infer.Item{rpc}, infer.Refuted, "no gain that is shown"},
		{"another makes more", in(1.1, 1.2), []infer.Item{{Name: "codec", Ratio: in(2, 3)}}, infer.Refuted, "less than codec"},
		{"another makes more, one is open", in(1.2, 1.4), []infer.Item{{Name: "pool", Ratio: in(1.3, 1.5)}, {Name: "codec", Ratio: in(2, 3)}}, infer.Refuted, "less than codec"},
		{"not told apart", in(1.05, 4), []infer.Item{rpc}, infer.Inconclusive, "not told apart from rpc"},
		{"another without an interval", in(3, 4), []infer.Item{{Name: "codec", Ratio: without(1, 2)}}, infer.Inconclusive, "codec"},
		{"no interval", without(4, 2), nil, infer.Inconclusive, "n=2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, reason := infer.Most(infer.Item{Name: "log", Ratio: tt.of}, tt.others)
			require.Equal(t, tt.want, got, reason)
			require.Contains(t, reason, tt.reason)
		})
	}
}

func TestBoth(t *testing.T) {
	for _, tt := range []struct {
		goals []infer.Verdict
		want  infer.Verdict
	}{
		{nil, infer.NotYet},
		{[]infer.Verdict{infer.Refuted}, infer.Refuted},
		{[]infer.Verdict{infer.Confirmed, infer.Confirmed, infer.Confirmed}, infer.Confirmed},
		{[]infer.Verdict{infer.Confirmed, infer.Refuted, infer.Confirmed}, infer.Partly},
		{[]infer.Verdict{infer.Partly, infer.Confirmed}, infer.Partly},
		{[]infer.Verdict{infer.Confirmed, infer.Inconclusive, infer.Refuted}, infer.Inconclusive},
		{[]infer.Verdict{infer.Confirmed, infer.NotYet}, infer.NotYet},
		{[]infer.Verdict{infer.NotMeasurable, infer.Confirmed}, infer.NotMeasurable},
	} {
		require.Equal(t, tt.want, infer.Both(tt.goals...), "%v", tt.goals)
	}
}

func TestFaster(t *testing.T) {
	for _, tt := range []struct {
		e    infer.Estimate
		want infer.Verdict
	}{
		{in(1.1, 1.3), infer.Confirmed},
		{in(0.9, 1.3), infer.Inconclusive},
		{in(0.5, 0.9), infer.Refuted},
		{without(3, 2), infer.Inconclusive},
	} {
		got, reason := infer.Faster(tt.e)
		require.Equal(t, tt.want, got, reason)
		require.NotEmpty(t, reason)
	}
}

package verdict_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/claims"
	"metastorebench/harness/verdict"
)

var inf = math.Inf(1)

func in(lo, hi float64) verdict.Estimate {
	return verdict.Estimate{Value: (lo + hi) / 2, Lo: lo, Hi: hi, N: 10, Interval: true}
}

func without(v float64, n int) verdict.Estimate { return verdict.Estimate{Value: v, N: n} }

// TestTruthTable is the whole rule of one quantity: every kind, every position
// of the interval.
func TestTruthTable(t *testing.T) {
	for _, tt := range []struct {
		name   string
		c      verdict.Case
		want   verdict.Verdict
		reason string
	}{
		{"ratio: right sign, meets the range", ratio(6, 11, in(5, 7)), verdict.Confirmed, "[5.00, 7.00] meets 6 to 11"},
		{"ratio: touches the range's end", ratio(6, 11, in(11, 12)), verdict.Confirmed, "meets"},
		{"ratio: holds a predicted point", ratio(1.3, 1.3, in(1.1, 1.4)), verdict.Confirmed, "meets 1.3"},
		{"ratio: wider than the range, 1 left out", ratio(6, 11, in(2, 30)), verdict.Confirmed, "meets"},
		{"ratio: right sign, too small", ratio(6, 11, in(3.2, 4.2)), verdict.Partly, "the predicted sign, but [3.20, 4.20] lies below 6 to 11"},
		{"ratio: right sign, too large", ratio(6, 11, in(22, 25)), verdict.Partly, "lies above"},
		{"ratio: 1 within, size left out", ratio(1.5, 2, in(0.94, 1.02)), verdict.Refuted, "no effect: [0.940, 1.02] holds 1 and leaves out 1.5 to 2"},
		{"ratio: 1 at the end", ratio(1.5, 2, in(1, 1.2)), verdict.Refuted, "no effect"},
		{"ratio: 1 and the size within", ratio(1.3, 1.3, in(0.8, 1.5)), verdict.Inconclusive, "[0.800, 1.50] holds both 1, no effect, and 1.3"},
		{"ratio: wrong sign", ratio(1.5, 2, in(0.7, 0.9)), verdict.Refuted, "wrong sign"},
		{"ratio: a predicted loss, found", ratio(0.5, 0.6, in(0.55, 0.8)), verdict.Confirmed, "meets"},
		{"ratio: a predicted loss, smaller", ratio(0.5, 0.6, in(0.7, 0.8)), verdict.Partly, "above"},
		{"ratio: a predicted loss, a gain", ratio(0.5, 0.6, in(1.1, 1.2)), verdict.Refuted, "wrong sign"},
		{"ratio: open range", ratio(2, inf, in(3, 4)), verdict.Confirmed, "at least 2"},
		{"ratio: too few blocks", ratio(6, 11, without(8, 3)), verdict.Inconclusive, "no interval: n=3, 6 or more blocks are needed"},
		{"ratio: blocks too short", ratio(6, 11, without(8, 10)), verdict.Inconclusive, "fewer than 6 blocks have enough operations each"},

		{"share: meets the range", share(50, 70, in(60, 75)), verdict.Confirmed, "meets"},
		{"share: more", share(50, 70, in(90, 95)), verdict.Partly, "above"},
		{"share: less, but some", share(15, 20, in(3, 4)), verdict.Partly, "below"},
		{"share: next to nothing", share(15, 20, in(0.1, 0.2)), verdict.Refuted, "no effect"},
		{"share: nothing to some", share(15, 20, in(0.5, 4)), verdict.Refuted, "leaves out 15 to 20"},
		{"share: nothing to the predicted", share(5, 15, in(0, 8)), verdict.Inconclusive, "a share below 1 %"},

		{"target: reached from below", target(20_000, inf, in(21_000, 25_000), in(3, 4)), verdict.Confirmed, "all of [21,000, 25,000] is at least 20,000"},
		{"target: reached, whatever the change", target(20_000, inf, in(21_000, 25_000), without(0, 0)), verdict.Confirmed, "reached"},
		{"target: bound within", target(20_000, inf, in(18_000, 25_000), in(3, 4)), verdict.Inconclusive, "holds the bound"},
		{"target: missed, but better", target(20_000, inf, in(5_800, 6_000), in(22, 25)), verdict.Partly, "missed: [5,800, 6,000] lies below 20,000, but in the predicted direction: 23.5 [22.0, 25.0] times this run's baseline"},
		{"target: missed, no change", target(20_000, inf, in(5_800, 6_000), in(0.9, 1.1)), verdict.Refuted, "no change"},
		{"target: missed, worse", target(20_000, inf, in(5_800, 6_000), in(0.5, 0.6)), verdict.Refuted, "wrong direction"},
		{"target: missed, change unknown", target(20_000, inf, in(5_800, 6_000), without(2, 3)), verdict.Refuted, "no change from this run's baseline is shown"},
		{"target: upper bound kept", target(math.Inf(-1), 5, in(3, 4), in(0.5, 0.6)), verdict.Confirmed, "below 5"},
		{"target: upper bound missed, but better", target(math.Inf(-1), 5, in(6, 7), in(0.4, 0.6)), verdict.Partly, "lies above 5"},
		{"target: upper bound missed, and worse", target(math.Inf(-1), 5, in(6, 7), in(1.4, 1.6)), verdict.Refuted, "wrong direction"},

		{"target: change of something else", verdict.Case{Kind: verdict.Target, Predicted: verdict.Range{Min: math.Inf(-1), Max: 5}, Measured: in(6, 7), Change: in(0.4, 0.6), ChangeOf: "its median"}, verdict.Partly, "times this run's baseline (its median)"},

		{"level: met", level(65, true, in(60, 70), in(1.1, 1.2)), verdict.Confirmed, "meets"},
		{"level: off, moved as predicted", level(65, true, in(40, 42), in(1.1, 1.2)), verdict.Partly, "below"},
		{"level: off, stayed", level(65, true, in(40, 42), in(0.9, 1.2)), verdict.Refuted, "no change"},
		{"level: off, moved the other way", level(65, false, in(70, 72), in(1.1, 1.2)), verdict.Refuted, "wrong direction"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, reason := verdict.Judge(tt.c)
			require.Equal(t, tt.want, got, reason)
			require.Contains(t, reason, tt.reason)
		})
	}
}

func ratio(lo, hi float64, m verdict.Estimate) verdict.Case {
	return verdict.Case{Kind: verdict.Ratio, Predicted: verdict.Range{Min: lo, Max: hi}, Measured: m}
}

func share(lo, hi float64, m verdict.Estimate) verdict.Case {
	return verdict.Case{Kind: verdict.Share, Predicted: verdict.Range{Min: lo, Max: hi}, Measured: m}
}

func target(lo, hi float64, m, change verdict.Estimate) verdict.Case {
	return verdict.Case{Kind: verdict.Target, Predicted: verdict.Range{Min: lo, Max: hi}, Measured: m, Change: change}
}

func level(v float64, rises bool, m, change verdict.Estimate) verdict.Case {
	return verdict.Case{Kind: verdict.Level, Predicted: verdict.Range{Min: v, Max: v}, Measured: m, Change: change, Rises: rises}
}

func TestBottleneck(t *testing.T) {
	rpc := verdict.Effect{Name: "P1.4", Ratio: in(0.9, 1.1)}
	for _, tt := range []struct {
		name      string
		busy      verdict.Estimate
		consensus verdict.Estimate
		others    []verdict.Effect
		want      verdict.Verdict
		reason    string
	}{
		{"both halves", in(90, 95), in(3, 4), []verdict.Effect{rpc}, verdict.Confirmed, "more than any other item"},
		{"waits for the log, but nothing to batch", in(60, 70), in(0.9, 1.2), []verdict.Effect{rpc}, verdict.Partly, "no gain that is shown"},
		{"matters most without waiting", in(10, 20), in(3, 4), []verdict.Effect{rpc}, verdict.Partly, "10.0, 20.0"},
		{"neither", in(10, 20), in(1.1, 1.2), []verdict.Effect{{Name: "P1.2", Ratio: in(2, 3)}}, verdict.Refuted, "less than P1.2"},
		{"busy on the line", in(45, 55), in(3, 4), []verdict.Effect{rpc}, verdict.Inconclusive, "50.0 [45.0, 55.0] %"},
		{"not told apart", in(90, 95), in(1.05, 4), []verdict.Effect{rpc}, verdict.Inconclusive, "not told apart from P1.4"},
		{"other without an interval", in(90, 95), in(3, 4), []verdict.Effect{{Name: "P1.2", Ratio: without(1, 2)}}, verdict.Inconclusive, "P1.2"},
		{"no interval", without(90, 3), without(4, 3), nil, verdict.Inconclusive, "n=3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, reason := verdict.Bottleneck(tt.busy, verdict.Effect{Name: "P1.1", Ratio: tt.consensus}, tt.others)
			require.Equal(t, tt.want, got, reason)
			require.Contains(t, reason, tt.reason)
		})
	}
}

func TestFaster(t *testing.T) {
	for _, tt := range []struct {
		e    verdict.Estimate
		want verdict.Verdict
	}{
		{in(1.1, 1.3), verdict.Confirmed},
		{in(0.9, 1.3), verdict.Inconclusive},
		{in(0.5, 0.9), verdict.Refuted},
		{without(3, 2), verdict.Inconclusive},
	} {
		got, reason := verdict.Faster(tt.e)
		require.Equal(t, tt.want, got, reason)
		require.NotEmpty(t, reason)
	}
}

// TestEveryPredictionCanBeJudged keeps the claims within what the rule defines:
// an effect excludes no effect, a target has one bound.
func TestEveryPredictionCanBeJudged(t *testing.T) {
	for _, c := range claims.All() {
		for _, q := range c.Quantities {
			r := verdict.RangeOf(q)
			require.NotEmpty(t, r.String())
			switch {
			case q.Unit == "ratio":
				require.False(t, r.Min <= 1 && r.Max >= 1, "%s %s predicts no effect", c.ID, q.Name)
			case q.Name == claims.Share:
				require.Greater(t, r.Min, verdict.Negligible, c.ID)
			}
		}
	}
}

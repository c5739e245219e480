package facts

import (
	"encoding/json"
	"math"
	"math/bits"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/fraction"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

// documentOf makes the facts of a run out of views.
func documentOf(t *testing.T, m record.Manifest, trials []record.Trial, asked plan.Asked) *Document {
	t.Helper()
	run, err := stats.NewRun(m, trials)
	require.NoError(t, err)
	doc, err := Of(run, asked)
	require.NoError(t, err)
	return doc
}

// reference is that of some groups of a committed run.
func reference(t *testing.T, name string, asked plan.Asked, groups ...string) *Document {
	t.Helper()
	r, err := record.ReadRun(filepath.Join("..", "..", "results", "reference", name))
	require.NoError(t, err)
	kept := map[string]bool{}
	r.Manifest.Cells = slices.DeleteFunc(r.Manifest.Cells, func(c record.Cell) bool { return !slices.Contains(groups, c.Group) })
	for _, c := range r.Manifest.Cells {
		kept[c.ID] = true
	}
	r.Trials = slices.DeleteFunc(r.Trials, func(t record.Trial) bool { return !kept[t.Cell] })
	return documentOf(t, r.Manifest, r.Trials, asked)
}

// textAt is what stands at an address.
func textAt(t *testing.T, doc *Document, address string) string {
	t.Helper()
	f, err := doc.At(address)
	require.NoError(t, err)
	return f.Text
}

func tableIDs(v View) []string {
	var ids []string
	for _, t := range v.Tables {
		ids = append(ids, t.ID)
	}
	return ids
}

// attribute are views of the reference run of phase 1.
var attribute = plan.Asked{Axes: []string{"engine", "disk", "wal"}, Views: []plan.View{{
	Kind: "attribution", ID: "attribution", Where: plan.Selector{"group": {"factorial", "plan-disk"}}, Metrics: []string{"throughput", "p99"},
}, {
	Kind: "effects", ID: "effects", Where: plan.Selector{"group": {"plan-disk", "sync"}, "disk": {"plan"}}, Metrics: []string{"throughput"}, Ratios: []string{"throughput", "store_cpu"},
}}}

// TestAttribution: what the report of 17fdb8b said of phase 1, to the digit.
func TestAttribution(t *testing.T) {
	doc := reference(t, "phase1", attribute, "factorial", "plan-disk", "sync")
	v := doc.Views[0]
	require.Equal(t, []string{"put50, native", "put50, native, costs", "put50, native, interactions",
		"put1, native", "put1, native, costs", "put1, native, interactions", "product"}, tableIDs(v))
	for address, want := range map[string]string{
		"attribution/P1.1/alone":              "3.37 [2.63, 4.32]",
		"attribution.put50, native/P1.1/last": "3.90 [3.32, 4.57]",
		"attribution/P1.1/shapley":            "3.65 [3.31, 4.02]",
		"attribution/P1.1/share":              "91.7",
		"attribution/P1.2/average":            "1.06 [0.996, 1.13] ? 1.08",
		"attribution/P1.4/ladder":             "1.07 [0.953, 1.21] ? 1.16",
		"attribution/all/shapley":             "4.10 [3.38, 4.97]",
		"attribution.put50, native, interactions/P1.1 x P1.2/throughput put": "1.07 [0.972, 1.18] ? 1.13",
		"attribution.put1, native/P1.4/alone":                                "1.09 [0.920, 1.28] ? 1.23",
		"attribution.product/put50, plan/together":                           "22.8 [21.4, 24.3]",
	} {
		require.Equal(t, want, textAt(t, doc, address), address)
	}
	_, err := doc.At("attribution.put1, native/P1.1/share")
	require.ErrorContains(t, err, "n/a", "parts of a total that may be nothing")
	require.NotContains(t, tableIDs(v), "put50, plan", "corners are no factorial")
	steps := v.Figures[0].Series[0].Points
	require.InEpsilon(t, float64(steps[5].Y), float64(steps[0].Y)*math.Exp(float64(v.Figures[0].Subsets[15])), 1e-9, "from level to level")
	t.Run("effects", func(t *testing.T) { effectsOf(t, doc) })
}

// effectsOf checks corners, which have each item alone and last, and a group with one
// item, which is all.
func effectsOf(t *testing.T, doc *Document) {
	for address, want := range map[string]float64{
		"effects/plan-disk, perentry/throughput_ratio": 22.8, "effects/sync, perready/throughput_ratio": 1.02,
		"effects.items/P1.1, plan-disk, perentry/throughput_alone": 22.5, "effects.items/P1.1, plan-disk, perentry/throughput_last": 22.8,
		"effects.items/P1.1, sync, perready/throughput_alone": 1.02,
	} {
		f, err := doc.At(address)
		require.NoError(t, err)
		require.InDelta(t, want, float64(f.Value), 0.05, address)
	}
	none, err := doc.At("effects/plan-disk, perentry/throughput_none")
	require.NoError(t, err)
	all, err := doc.At("effects/plan-disk, perentry/throughput_all")
	require.NoError(t, err)
	require.InEpsilon(t, 22.8, float64(all.Value/none.Value), 0.01)
	require.Len(t, doc.Views[1].Tables[1].Rows, 4+2)
}

// TestWaterfall: the steps multiply to the total, the shares add up to it, and the
// subsets tell both.
func TestWaterfall(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 5, Blocks: 4, Level: "full", Samples: 20})
	doc := documentOf(t, m, trials, plan.Asked{Views: []plan.View{{Kind: "attribution", ID: "a", Where: plan.Selector{"group": {"factorial"}, "engine": {"memory"}, "workload": {"put50"}}}}})
	require.Len(t, doc.Views[0].Figures, 1)
	f := doc.Views[0].Figures[0]
	require.Equal(t, FigureWaterfall, f.Kind)
	require.Equal(t, []string{"none", "P1.1 propose", "P1.2 codec", "P1.3 apply", "P1.4 rpc", "all"}, f.X.Categories)
	require.Len(t, f.Subsets, 16)
	k, total, steps := 4, float64(f.Subsets[15]), f.Series[0].Points
	require.InDelta(t, 1, float64(steps[0].Y), 0, "a block is not complete, so that levels are of other trials")
	require.InEpsilon(t, math.Exp(total), float64(steps[5].Y), 1e-9)
	shares := 0.0
	for i := range k {
		require.InDelta(t, math.Log(float64(steps[i+1].Y)), float64(f.Subsets[2<<i-1]-f.Subsets[1<<i-1]), 1e-9, "in the plan's order")
		shapley := 0.0
		for set := range 1 << k {
			if set>>i&1 == 0 {
				n := bits.OnesCount(uint(set))
				shapley += float64(f.Subsets[set|1<<i]-f.Subsets[set]) * math.Gamma(float64(n+1)) * math.Gamma(float64(k-n)) / math.Gamma(float64(k+1))
			}
		}
		share, err := doc.At("a/" + []string{"P1.1", "P1.2", "P1.3", "P1.4"}[i] + "/share")
		require.NoError(t, err)
		require.InDelta(t, 100*shapley/total, float64(share.Value), 1e-6)
		shares += float64(share.Value)
	}
	require.InDelta(t, 100, shares, 1e-9)
	all, err := doc.At("a/all/ladder")
	require.NoError(t, err)
	require.InDelta(t, total, math.Log(float64(all.Value)), 1e-9)
	require.Equal(t, "a."+doc.Views[0].Tables[0].ID, all.Family)
}

// TestSmokeRunComparesNothing: no ratio, no share and no figure, but no failure either.
func TestSmokeRunComparesNothing(t *testing.T) {
	m, trials := statstest.Phase1(statstest.Config{Seed: 5, Blocks: 3, Level: "smoke", Samples: 20})
	doc := documentOf(t, m, trials, plan.Asked{Views: []plan.View{{Kind: "attribution", ID: "a"}, {Kind: "effects", ID: "e"}}})
	require.False(t, slices.ContainsFunc(doc.Facts, func(f *Fact) bool { return f.Kind != Level }))
	require.Empty(t, doc.Views[0].Figures)
}

// TestDeterministic: the same records give the same bytes.
func TestDeterministic(t *testing.T) {
	var all []string
	for range 2 {
		m, trials := statstest.Ladder(statstest.Config{Seed: 1, Blocks: 3, Level: "full", Samples: 20})
		b, err := json.Marshal(documentOf(t, m, trials, plan.Asked{Rungs: phases, Views: []plan.View{
			{Kind: "attribution", ID: "layers", Where: plan.Selector{"group": {"layers"}}, Metrics: []string{"throughput", "p99", "store_cpu"}},
			{Kind: "effects", ID: "ends", Where: plan.Selector{"group": {"layers"}}},
			{Kind: "ladder", ID: "rungs", Where: plan.Selector{"group": {"ladder-memory"}}},
		}}))
		require.NoError(t, err)
		all = append(all, string(b))
	}
	require.True(t, all[0] == all[1])
}

// TestAttributionOfAFraction: the model's total is the product of its averages, the
// measured one stands beside it, and pairs that cannot be told apart share a row.
func TestAttributionOfAFraction(t *testing.T) {
	m, trials := statstest.Fraction(statstest.Config{Seed: 3, Blocks: 4, Level: "full", Samples: 20}, fraction.ResolutionIV)
	doc := documentOf(t, m, trials, plan.Asked{Views: []plan.View{{Kind: "attribution", ID: "six"}}})
	v := doc.Views[0]
	require.Equal(t, []string{"put50", "put50, interactions"}, tableIDs(v)[:2])
	require.Contains(t, v.Tables[0].Notes[0], "fractional factorial of resolution IV")
	product := 1.0
	steps := v.Figures[0].Series[0].Points
	for _, p := range steps[:7] {
		product *= float64(p.Y)
	}
	require.InDelta(t, product, float64(steps[7].Y), 1e-9)
	require.Empty(t, v.Figures[0].Subsets)
	values := map[string]float64{}
	for _, row := range []string{"model", "all", "measured / model"} {
		f, err := doc.At("six/" + row + "/average")
		require.NoError(t, err)
		values[row] = float64(f.Value)
	}
	require.InDelta(t, product, values["model"], 1e-9)
	require.InDelta(t, values["all"]/values["model"], values["measured / model"], 1e-9)
	_, err := doc.At("six.put50, interactions/P1.1 x P1.2 + P1.3 x P2.1/throughput put")
	require.NoError(t, err)
}

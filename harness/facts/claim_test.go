package facts_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/facts"
	"metastorebench/harness/infer"
	"metastorebench/harness/plan"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/stats/statstest"
)

func to[T any](v T) *T { return &v }

// claimsOf are the claims of a synthetic run of phase 1, after edit has changed its
// records.
func claimsOf(t *testing.T, c statstest.Config, edit func(*record.Manifest, []record.Trial) []record.Trial, asked ...plan.Claim) (map[string]facts.Claim, *facts.Document) {
	t.Helper()
	m, trials := statstest.Phase1(c)
	if edit != nil {
		trials = edit(&m, trials)
	}
	d, err := facts.Of(runOf(t, m, trials), plan.Asked{Axes: []string{"engine", "disk"}, Claims: asked, Views: []plan.View{{ID: "ledger", Kind: "ledger"}}})
	require.NoError(t, err)
	byID := map[string]facts.Claim{}
	for _, claim := range d.Claims {
		byID[claim.ID] = claim
	}
	require.Len(t, byID, len(asked))
	return byID, d
}

// runOf indexes records without the cells that no test here asks about: they take most
// of the time.
func runOf(t *testing.T, m record.Manifest, trials []record.Trial) *stats.Run {
	t.Helper()
	unused := func(cell string) bool {
		return strings.Contains(cell, "/large-scale/") || strings.Contains(cell, "/mixed/") || strings.Contains(cell, "/rocksdb/put50/") || strings.Contains(cell, "/pebble/put1/")
	}
	m.Cells = slices.DeleteFunc(m.Cells, func(c record.Cell) bool { return unused(c.ID) })
	run, err := stats.NewRun(m, slices.DeleteFunc(trials, func(tr record.Trial) bool { return unused(tr.Cell) }))
	require.NoError(t, err)
	return run
}

var full = statstest.Config{Seed: 4, Blocks: 6, Level: "full", Samples: 50}

// study selects the cells that the synthetic run attributes.
func study(more ...string) plan.Selector {
	s := plan.Selector{"group": {"factorial", "ladder", "corners"}, "workload": {"put50", "put1"}, "wal": {"perentry"}}
	for i := 0; i < len(more); i += 2 {
		s[more[i]] = []string{more[i+1]}
	}
	return s
}

// one is a claim of one goal.
func one(id string, g plan.ClaimGoal) plan.Claim {
	return plan.Claim{ID: id, Title: "title of " + id, Goals: []plan.ClaimGoal{g}}
}

// alone is the goal that an item makes alone of throughput.
func alone(item string, lo, hi float64) plan.ClaimGoal {
	return plan.ClaimGoal{
		Rule: plan.RuleEffect, Metric: "throughput", Op: "put", Min: &lo, Max: &hi,
		Contrast: plan.Contrast{Where: study("items", item), Against: plan.Selector{"items": {"none"}}},
		Prefer:   []plan.Selector{{"workload": {"put50"}}, {"disk": {"plan"}}, {"engine": {"memory"}}},
	}
}

// TestClaimsOnAKnownSystem reads verdicts off statstest's model: batching makes 20
// times on the slow disk and about 3 on the fast one, tuned gRPC 5 % at most, a single
// client has nothing to batch.
func TestClaimsOnAKnownSystem(t *testing.T) {
	against := plan.Selector{"items": {"none"}}
	batch := alone("P1.1", 6, 11)
	batch.Also = []plan.Also{{Text: "one sync per Ready makes %s.", Contrast: plan.Contrast{
		Where: plan.Selector{"group": {"sync"}, "wal": {"perready"}, "propose": {"perop"}}, Against: plan.Selector{"wal": {"perentry"}},
		Same: []string{"engine", "disk", "workload"},
	}}}
	most := alone("P1.1", 0, 0)
	most.Rule, most.Contrast.Name = plan.RuleMost, "batching"
	for _, item := range []string{"P1.2", "P1.3", "P1.4"} {
		most.Others = append(most.Others, plan.Contrast{Name: item, Where: plan.Selector{"items": {item}}, Against: against})
	}
	faster := alone("P1.1", 0, 0)
	faster.Rule = plan.RuleFaster
	reach := alone("all", 20_000, 0)
	reach.Rule, reach.Max, reach.Start = plan.RuleReach, nil, to(3386.0)
	reach.Prefer = append(reach.Prefer[:0:0], plan.Selector{"disk": {"plan"}})
	cheap := alone("P1.4", 0, 1.2)
	cheap.Min = nil
	byID, d := claimsOf(t, full, nil,
		one("cheap", cheap), one("batch", batch), one("rpc", alone("P1.4", 1.3, 1.3)), one("most", most), one("faster", faster), one("reach", reach),
		one("nothing", alone("P9.9", 2, 2)))

	is := func(id string, want infer.Verdict, environment, why string) {
		t.Helper()
		claim := byID[id]
		require.Equal(t, string(want), claim.Verdict, claim)
		require.NotEmpty(t, claim.Goals[0].Judged, claim)
		j := claim.Goals[0].Judged[0]
		require.Equal(t, string(want), j.Verdict)
		require.Equal(t, environment, j.Environment)
		require.Contains(t, j.Why, why)
		require.NotNil(t, d.Fact(j.Fact))
	}
	is("batch", infer.Partly, "put50, memory, plan disk", "lies above 6 to 11; one sync per Ready makes ")
	is("rpc", infer.Refuted, "put50, memory, plan disk", "no effect")
	is("cheap", infer.Confirmed, "put50, memory, plan disk", "is below 1.2")
	is("most", infer.Confirmed, "put50, memory, plan disk", "batching makes")
	is("faster", infer.Confirmed, "put50, memory, plan disk", "is above 1")
	is("reach", infer.Partly, "put50, memory, plan disk", "times no item")
	require.Equal(t, "at least 20,000 ops/s (from 3,386)", byID["reach"].Goals[0].Predicted)
	require.Equal(t, "above P1.2, P1.3, P1.4", byID["most"].Goals[0].Predicted)
	require.Equal(t, string(infer.NotYet), byID["nothing"].Verdict)
	require.Equal(t, "this run has no cells that bear on it", byID["nothing"].Goals[0].Missing)

	verdicts := map[string]string{}
	for _, j := range byID["batch"].Goals[0].Judged {
		verdicts[j.Environment] = j.Verdict + ": " + j.Why
	}
	require.Contains(t, verdicts["put50, memory, native disk"], "partly: the predicted sign, but")
	require.Contains(t, verdicts["put1, memory, native disk"], "refuted: no effect")
	f, err := d.At("batch")
	require.NoError(t, err)
	require.Equal(t, "claims: ladder, put50, memory, plan", f.Family)
	require.Equal(t, facts.Ratio, f.Kind)
	require.Equal(t, "factorial", d.Cells[d.Facts[byID["batch"].Goals[0].Judged[1].Fact-1].Cells[0]].Group)
}

func TestClaimsWithoutEnoughBlocks(t *testing.T) {
	byID, _ := claimsOf(t, statstest.Config{Seed: 4, Blocks: 2, Level: "default", Samples: 50}, nil, one("batch", alone("P1.1", 6, 11)))
	require.Equal(t, string(infer.Inconclusive), byID["batch"].Verdict)
	require.Contains(t, byID["batch"].Goals[0].Judged[0].Why, "n=2, 3 or more blocks are needed")

	byID, _ = claimsOf(t, statstest.Config{Seed: 4, Blocks: 1, Level: "smoke", Samples: 50}, nil, one("batch", alone("P1.1", 6, 11)))
	require.Equal(t, string(infer.NotYet), byID["batch"].Verdict)
	require.Equal(t, "a smoke run compares nothing", byID["batch"].Goals[0].Missing)
}

// TestClaimsOnWhatCouldNotRun: RocksDB's cells of one client are skipped, and those of
// 50 clients are taken away.
func TestClaimsOnWhatCouldNotRun(t *testing.T) {
	skipped := alone("P1.1", 6, 11)
	// A cell without any record has no workload's properties, but its options.
	skipped.Where = plan.Selector{"engine": {"rocksdb"}, "workload": {"put1"}, "propose": {"batch"}}
	gone := alone("P1.1", 6, 11)
	gone.Where = plan.Selector{"engine": {"pebble"}, "propose": {"batch"}}
	gone.Against = plan.Selector{"propose": {"perop"}}
	alike := alone("P1.1", 6, 11)
	alike.Where, alike.Metric = study("items", "P1.1"), "appends_in_flight"
	byID, _ := claimsOf(t, full, func(_ *record.Manifest, trials []record.Trial) []record.Trial {
		return slices.DeleteFunc(trials, func(tr record.Trial) bool { return strings.Contains(tr.Cell, "/pebble/") })
	}, one("skipped", skipped), one("gone", gone), one("alike", alike))
	require.Equal(t, string(infer.NotMeasurable), byID["skipped"].Verdict)
	require.Equal(t, "synthetic: RocksDB is not linked in", byID["skipped"].Goals[0].Missing)
	require.Equal(t, string(infer.NotYet), byID["gone"].Verdict)
	require.Equal(t, "none of its cells was measured", byID["gone"].Goals[0].Missing)
	require.Contains(t, byID["alike"].Goals[0].Missing, "no block has appends in flight of both ")
}

// TestClaimsOfShares plants stage times: 60 % of a put in append, next to nothing in
// encode and apply.
func TestClaimsOfShares(t *testing.T) {
	share := func(metric, least string, lo, hi float64) plan.ClaimGoal {
		return plan.ClaimGoal{Rule: plan.RuleShare, Metric: metric, Least: least, Min: &lo, Max: &hi,
			Contrast: plan.Contrast{Where: plan.Selector{"items": {"none"}, "group": {"stages"}}}}
	}
	byID, d := claimsOf(t, full, func(_ *record.Manifest, trials []record.Trial) []record.Trial {
		for i := range trials {
			plant(t, &trials[i])
		}
		return trials
	}, one("B1", share("append_share", "append_share", 50, 70)), one("B2", share("encode_apply_share", "encode_share", 15, 20)),
		one("B3", share("apply_share", "", 5, 15)), one("B4", share("rpc_outside_share", "rpc_share", 10, 15)))
	for id, want := range map[string]string{
		"B1": "confirmed", // 60 % of 50 to 70
		"B2": "refuted",   // 0.1 to 0.3 % of 15 to 20
		"B3": "refuted",   // at most 0.2 % of 5 to 15
		"B4": "partly",    // 20.2 to 30.2 % of 10 to 15
	} {
		require.Len(t, byID[id].Goals[0].Judged, 2, id)
		for _, j := range byID[id].Goals[0].Judged {
			require.Equal(t, want, j.Verdict, j)
		}
	}
	f, err := d.At("B2")
	require.NoError(t, err)
	require.Equal(t, facts.Share, f.Kind)
	require.Equal(t, "0.300 [0.100, 0.300]", f.Text)
	require.Equal(t, "15 to 20 %", byID["B2"].Goals[0].Predicted)
}

// plant gives a traced trial stages whose shares are known.
func plant(t *testing.T, tr *record.Trial) {
	t.Helper()
	if tr.Stages == nil {
		return
	}
	h, err := record.DecodeHDR(tr.Op(record.OpPut).ServiceHDR)
	require.NoError(t, err)
	part := func(share float64) int64 { return int64(100 * share * h.Mean()) }
	tr.Stages = &record.Stages{SampleEvery: 1, Samples: 100, TotalNS: part(0.9), SumNS: map[string]int64{
		record.StageDecode: part(0.1), record.StageEncode: part(0.001), record.StageQueue: part(0.09), record.StageAppend: part(0.6),
		record.StageCommit: part(0.005), record.StageApply: part(0.002), record.StageReply: part(0.102),
	}}
}

// TestClaimOfFailures: failures are counted in void trials too, and a trial that ended
// before it counted forbids a confirmation.
func TestClaimOfFailures(t *testing.T) {
	keep := alone("all", 0, 0.01)
	keep.Rule, keep.Metric, keep.Op, keep.Min = plan.RuleKeep, "failed_share", "", nil
	keep.Where = study("items", "all", "disk", "native", "workload", "put50", "engine", "memory")
	judged := func(edit func(*record.Trial)) facts.Judgment {
		byID, _ := claimsOf(t, full, func(_ *record.Manifest, trials []record.Trial) []record.Trial {
			for i := range trials {
				if trials[i].Cell == "factorial/memory/put50/native/perentry/batch-protobuf-batch-tuned" && trials[i].Block == 3 {
					edit(&trials[i])
				}
			}
			return trials
		}, one("T7", keep))
		require.Len(t, byID["T7"].Goals[0].Judged, 1)
		return byID["T7"].Goals[0].Judged[0]
	}
	require.Equal(t, string(infer.Confirmed), judged(func(*record.Trial) {}).Verdict)
	j := judged(func(tr *record.Trial) {
		tr.Void, tr.Ops[0].Errors = "errors", map[string]int64{"unavailable": tr.Ops[0].Count}
	})
	require.Equal(t, string(infer.Refuted), j.Verdict)
	require.Contains(t, j.Why, "those of 1 void trial included; missed: ")
	j = judged(func(tr *record.Trial) { tr.Void, tr.Ops = "crashed", nil })
	require.Equal(t, string(infer.Inconclusive), j.Verdict)
	require.Contains(t, j.Why, "; 1 trial ended before operations were counted; reached")
}

// TestClaimOfSeveralGoals: one verdict of goals that have to hold together, mixed of
// those that do not, and none of what records cannot decide.
func TestClaimOfSeveralGoals(t *testing.T) {
	batch, rpc := alone("P1.1", 2, 100), alone("P1.4", 1.3, 1.3)
	batch.Name, rpc.Name = "first", "second"
	both := plan.Claim{ID: "both", Both: true, Goals: []plan.ClaimGoal{batch, rpc}}
	apart := plan.Claim{ID: "apart", Goals: both.Goals}
	not := plan.Claim{ID: "not", NotHere: "nobody knows.", Goals: both.Goals}
	byID, d := claimsOf(t, full, nil, both, apart, not)
	require.Equal(t, string(infer.Partly), byID["both"].Verdict)
	require.Equal(t, facts.Mixed, byID["apart"].Verdict)
	require.Equal(t, string(infer.NotMeasurable), byID["not"].Verdict)
	require.Equal(t, "nobody knows", byID["not"].Goals[1].Judged[0].Why)
	require.NotZero(t, byID["not"].Goals[1].Judged[0].Fact)
	_, err := d.At("both.second")
	require.NoError(t, err)
}

// TestClaimWithTwoReferences names claim, goal and cells.
func TestClaimWithTwoReferences(t *testing.T) {
	g := alone("P1.1", 6, 11)
	g.Name, g.Same = "first", []string{"engine"}
	m, trials := statstest.Phase1(full)
	_, err := facts.Of(runOf(t, m, trials), plan.Asked{Claims: []plan.Claim{one("X1", g)}})
	require.ErrorContains(t, err, "claim X1.first: factorial/memory/put50/native/perentry/batch-json-perop-default has two cells to be compared with, ")
}

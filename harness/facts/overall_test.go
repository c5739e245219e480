package facts_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/facts"
)

// goal is a goal of one judgment, or a missing one.
func goal(name, verdict string, judged bool) facts.Goal {
	g := facts.Goal{Name: name, Verdict: verdict, Judged: []facts.Judgment{}}
	if !judged {
		g.Missing = "no cells"
		return g
	}
	g.Judged = []facts.Judgment{{Environment: "put50", Verdict: verdict, Fact: 7}}
	return g
}

func document(claims ...facts.Claim) *facts.Document { return &facts.Document{Claims: claims} }

// TestOverall takes each goal from the first of the claim's runs that judged it.
func TestOverall(t *testing.T) {
	from := []string{"steps", "two", "one"}
	speed := func(goals ...facts.Goal) facts.Claim { return facts.Claim{ID: "speed", From: from, Goals: goals} }
	tail := func(goals ...facts.Goal) facts.Claim {
		return facts.Claim{ID: "tail", From: from, Together: true, Goals: goals}
	}
	docs := map[string]*facts.Document{
		"one": document(
			speed(goal("first", "confirmed", true), goal("second", "not yet measured", false)),
			tail(goal("p50", "confirmed", true), goal("p99", "confirmed", true)),
			facts.Claim{ID: "own", Goals: []facts.Goal{goal("", "refuted", true)}}),
		"two": document(
			speed(goal("first", "refuted", true), goal("second", "partly", true)),
			facts.Claim{ID: "between", From: []string{"three"}, Goals: []facts.Goal{goal("", "confirmed", true)}},
			tail(goal("p50", "refuted", true), goal("p99", "not yet measured", false))),
	}
	all := facts.Overall(docs)
	ids := make([]string, len(all))
	for i, c := range all {
		ids[i] = c.ID
	}
	require.Equal(t, []string{"speed", "between", "tail", "own"}, ids)

	require.Equal(t, facts.Mixed, all[0].Verdict)
	require.Equal(t, "two", all[0].Goals[0].Judged[0].Run, "before run one")
	require.Equal(t, "refuted", all[0].Goals[0].Verdict)
	require.Equal(t, "two", all[0].Goals[1].Judged[0].Run)

	require.Equal(t, "not yet measured", all[1].Verdict)
	require.Equal(t, "there is no run of three", all[1].Goals[0].Missing)

	require.Equal(t, "confirmed", all[2].Verdict, "goals that hold together are from one run")
	require.Equal(t, "one", all[2].Goals[0].Judged[0].Run)

	require.Equal(t, "refuted", all[3].Verdict)
	require.Equal(t, "one", all[3].Goals[0].Judged[0].Run)
	require.Empty(t, docs["one"].Claims[2].Goals[0].Judged[0].Run, "the document is as it was")
	require.Equal(t, "confirmed 1, partly 1, refuted 2, not yet measured 1", facts.Verdicts(all))
}

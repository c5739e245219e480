package report

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"metastorebench/harness/claims"
	"metastorebench/harness/infer"
	"metastorebench/harness/stats"
)

// ledgerRow is one claim judged in one environment.
type ledgerRow struct {
	claim claims.Claim
	// what is the quantity that was measured.
	what      string
	predicted string
	// place is the environment; nil for a claim that was judged in none.
	place    *stats.Stratum
	measured infer.Estimate // N is 0 without a measurement
	unit     string         // of measured; empty for a ratio
	verdict  infer.Verdict
	reason   string
	// cells are those that the measurement was made of.
	cells []*stats.Cell
	// phase is the phase of the plan that the row is about, where a run has several;
	// 0 otherwise. Each has a headline.
	phase int
	// headline marks the row of the plan's own environment; see better.
	headline bool
}

// judge measures a claim in one stratum. It returns nil where the stratum does
// not bear on the claim.
type judge func(claims.Claim, *stats.Stratum) (*ledgerRow, error)

// ledger judges every claim in every environment of the run that bears on it,
// in the plan's order; a claim that nothing bears on has one row that says why.
// Within a claim the headline comes first.
func (b *builder) ledger() ([]ledgerRow, error) {
	if b.judged != nil {
		return b.judged, nil
	}
	var all []ledgerRow
	for _, c := range claims.All() {
		rows, err := b.rowsOf(c)
		if err != nil {
			return nil, fmt.Errorf("claim %s: %w", c.ID, err)
		}
		slices.SortStableFunc(rows, func(x, y ledgerRow) int { return cmp.Or(cmp.Compare(x.phase, y.phase), better(c, x.place, y.place)) })
		if len(rows) == 0 {
			rows = []ledgerRow{b.unmeasured(c)}
		}
		for i := range rows {
			rows[i].headline = i == 0 || rows[i].phase != rows[i-1].phase
		}
		all = append(all, rows...)
	}
	b.judged = all
	return all, nil
}

// rowsOf applies a claim's judge to the strata of the claim's engine.
func (b *builder) rowsOf(c claims.Claim) ([]ledgerRow, error) {
	if b.onLadder(c) {
		return b.ladderRows(c)
	}
	f := b.judgeOf(c)
	if f == nil {
		return nil, nil
	}
	strata := b.study
	if _, traced := layers[c.ID]; traced {
		strata = b.tracedStrata()
	}
	if c.ID == claimAsync {
		strata = b.syncStrata(asyncLog)
	}
	var rows []ledgerRow
	for _, s := range strata {
		if !s.ClosedLoop() || c.Engine != "" && c.Engine != s.Options["engine"] {
			continue
		}
		row, err := f(c, s)
		if err != nil {
			return nil, err
		}
		if row != nil {
			row.claim, row.place = c, s
			rows = append(rows, *row)
		}
	}
	return rows, nil
}

// phase is the plan's phase that the run is about.
func (b *builder) phase() int { return stats.Phase(b.factors) }

// goal is the name of a claim's quantity for the run's phase.
func (b *builder) goal() string { return fmt.Sprint("phase", b.phase()) }

// judgeOf returns how a claim is measured; nil if nothing that is built bears on
// it.
func (b *builder) judgeOf(c claims.Claim) judge {
	switch {
	case c.Kind == claims.KindItem && !b.hasFactor(c.ID), c.Kind == claims.KindLayer && b.phase() > 1:
		return nil
	case c.Kind == claims.KindTarget:
		return b.judgeTarget
	case c.Kind == claims.KindLayer:
		return b.judgeLayer
	case c.Kind == claims.KindItem:
		return b.judgeItem
	case c.ID == "M1":
		return b.judgePhase
	case c.ID == "M2":
		return b.judgeLayers
	case c.ID == "M3":
		return b.judgeBottleneck
	case c.ID == claimAsync:
		return b.judgeAsync
	}
	return nil
}

// unmeasured is the row of a claim that no stratum bears on.
func (b *builder) unmeasured(c claims.Claim) ledgerRow {
	row := ledgerRow{claim: c, what: c.Title, predicted: c.Predicted, verdict: infer.NotYet, reason: "this run has no cells that bear on it"}
	switch {
	case c.Kind == claims.KindLayer && b.phase() > 1:
		row.reason = "about a write of the plan's own baseline, which the run of phase 1 traces"
	case c.Kind == claims.KindItem && !b.hasFactor(c.ID):
		row.reason = fmt.Sprintf("an item of phase %d, not switched on by this plan", c.Phase)
	case layers[c.ID].most != nil:
		row.reason = "no cell of this run traced its stages"
	}
	if b.judgeOf(c) == nil {
		return row
	}
	for _, s := range b.Run.Strata(b.factors) {
		base := s.Baseline()
		if c.Engine != "" && c.Engine == s.Options["engine"] && base != nil && base.SkipReason != "" {
			row.verdict, row.reason = infer.NotMeasurable, strings.TrimSuffix(inline(base.SkipReason), ".")
		}
	}
	return row
}

// hasFactor reports whether the plan switches this item on.
func (b *builder) hasFactor(id string) bool {
	return slices.ContainsFunc(b.factors, func(f stats.Factor) bool { return f.ID == id })
}

// better orders environments by how near they are to the plan's own: puts alone,
// one member, single calls, the slowed disk of the plan's store, its memory engine, many clients.
// Pipelining is about followers, so it is asked of clusters first. A claim about
// one engine is judged on that engine alone, so the order never leaves it.
func better(c claims.Claim, a, b *stats.Stratum) int {
	rank := func(s *stats.Stratum) []int {
		return []int{flag(s.WritesOnly()), flag((s.Members() > 1) == (c.ID == itemPipeline)), flag(s.Load() == s.Workload), flag(s.Options["disk"] == "plan"), flag(s.Options["engine"] == "memory"), s.Clients()}
	}
	return slices.Compare(rank(b), rank(a))
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// environment names where a row was judged.
func (r ledgerRow) environment() string {
	if r.place == nil {
		return none
	}
	return fmt.Sprintf("%s, %s, %s, %s disk", r.place.Store(), r.place.Load(), clients(r.place.Clients()), r.place.Options["disk"])
}

// value writes the measurement with its unit.
func (r ledgerRow) value() string {
	if r.measured.N == 0 {
		return none
	}
	if r.unit == "" {
		return r.measured.String()
	}
	return r.measured.String() + " " + r.unit
}

// n is the number of blocks.
func (r ledgerRow) n() string {
	if r.measured.N == 0 {
		return none
	}
	return fmt.Sprint(r.measured.N)
}

// cellIDs names the cells that the row was made of; more than two by a glob that
// selects their stratum.
func (r ledgerRow) cellIDs() string {
	if len(r.cells) > 2 {
		return "`" + path.Dir(r.cells[0].ID) + "/*`"
	}
	ids := make([]string, len(r.cells))
	for i, c := range r.cells {
		ids[i] = "`" + c.ID + "`"
	}
	return cmp.Or(strings.Join(ids, ", "), none)
}

// tally counts the verdicts of a claim's other environments: "refuted 2,
// inconclusive 1".
func tally(rows []ledgerRow, of ledgerRow) string {
	count := map[infer.Verdict]int{}
	for _, r := range rows {
		if r.claim.ID == of.claim.ID && r.phase == of.phase && !r.headline {
			count[r.verdict]++
		}
	}
	return counts(count)
}

// counts writes verdicts with their numbers in the order of the vocabulary.
func counts(count map[infer.Verdict]int) string {
	var parts []string
	for _, v := range infer.All() {
		if count[v] > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", v, count[v]))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), none)
}

// change is the ratio num/den per block, judged.
func (b *builder) change(num, den *stats.Cell, m stats.Metric) (infer.Estimate, error) {
	g, err := against(num, den, m)
	return b.settled(g), err
}

// settled is a comparison as a claim or a goal takes it, with the interval that it has
// wherever else it stands.
func (b *builder) settled(c stats.Comparison) infer.Estimate {
	e := b.Run.Questions.Ask("claims", infer.Margin, c.Effect)
	return infer.Estimate{Value: e.Ratio, Lo: e.Lo, Hi: e.Hi, N: e.N, Interval: e.Interval}
}

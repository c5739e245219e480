package report

import (
	"fmt"

	"metastorebench/harness/claims"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/verdict"
)

// judgeItem measures an item alone, against the baseline: that is what the plan
// predicts of it.
func (b *builder) judgeItem(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	i := b.factorOf(c.ID)
	if i < 0 || !s.WritesOnly() {
		return nil, nil
	}
	row, err := b.effectRow(c, claims.Effect, s.At(1<<i), s)
	if row == nil || err != nil {
		return nil, err
	}
	row.what = fmt.Sprintf("put throughput, %s=%s / baseline", c.Axis, c.On)
	if c.Axis == "propose" {
		row.reason += b.trap(s)
	}
	return row, nil
}

// factorOf is the index of the factor that is this item, -1 if none is.
func (b *builder) factorOf(id string) int {
	for i, f := range b.factors {
		if f.ID == id {
			return i
		}
	}
	return -1
}

// effectRow judges the ratio of put throughput of a cell to its baseline.
func (b *builder) effectRow(c claims.Claim, quantity string, cell *stats.Cell, s *stats.Stratum) (*ledgerRow, error) {
	g, err := change(cell, s.Baseline(), puts)
	if err != nil || g.N == 0 {
		return nil, err
	}
	q, _ := c.Quantity(quantity)
	p := verdict.RangeOf(q)
	v, reason := verdict.Judge(verdict.Case{Kind: verdict.Ratio, Predicted: p, Measured: g})
	return &ledgerRow{predicted: p.String(), measured: g, verdict: v, reason: reason, cells: []*stats.Cell{cell, s.Baseline()}}, nil
}

// trap says what one sync per Ready brings without batched proposals: the Raft
// library hands over many entries at once, so that the plan's item and a group
// commit are two roads to the same thing. Empty where the run does not have it.
func (b *builder) trap(at *stats.Stratum) string {
	for _, s := range b.Run.Strata([]stats.Factor{syncPerReady}) {
		if s.Group != stats.GroupSync || s.Workload != at.Workload || s.Options["propose"] != "perop" ||
			s.Options["disk"] != at.Options["disk"] || s.Options["engine"] != at.Options["engine"] {
			continue
		}
		if g, err := change(s.Full(), s.Baseline(), puts); err == nil && g.N > 0 {
			return fmt.Sprintf("; trap: one sync per Ready without batched proposals makes %s", g)
		}
	}
	return ""
}

// judgePhase measures all items together (M1).
func (b *builder) judgePhase(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	if !s.WritesOnly() {
		return nil, nil
	}
	row, err := b.effectRow(c, b.goal(), s.Full(), s)
	if row == nil || err != nil {
		return nil, err
	}
	row.what = "put throughput, all items / baseline"
	row.reason = fmt.Sprintf("phase %d: %s; the other phases are not yet measured", b.phase(), row.reason)
	return row, nil
}

// judgeLayers shows what the run says of M2, whose figures are about all three
// phases: whether its items' effects multiply.
func (b *builder) judgeLayers(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	if !s.WritesOnly() {
		return nil, nil
	}
	p, _, err := multiply(s, singles(s.All()), puts)
	if p == nil || err != nil {
		return nil, err
	}
	ratio, lo, hi := p.Residual.Ratio()
	cells := []*stats.Cell{s.Baseline(), s.Full()}
	for i := range s.Factors {
		cells = append(cells, s.At(1<<i))
	}
	return &ledgerRow{
		what: "put throughput, all items / product of each alone", predicted: c.Predicted,
		measured: verdict.Estimate{Value: ratio, Lo: lo, Hi: hi, N: p.Residual.N, Interval: true},
		verdict:  verdict.NotYet, reason: "the plan's figures are about all three phases; here, 1 means that the effects multiply", cells: cells,
	}, nil
}

// judgeBottleneck asks whether the log is the bottleneck (M3).
func (b *builder) judgeBottleneck(_ claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	if !s.WritesOnly() {
		return nil, nil
	}
	row := &ledgerRow{
		what: "share of the window in which the baseline syncs its log", unit: "%", cells: []*stats.Cell{s.Baseline()},
		predicted: fmt.Sprintf("%g %% or more, and consensus items matter most", verdict.HalfBusy),
		measured:  estimateOf(over(s.Baseline(), stats.Scale(syncShare, 100))),
	}
	var consensus verdict.Effect
	var others []verdict.Effect
	for i, f := range b.factors {
		g, err := change(s.At(1<<i), s.Baseline(), puts)
		if err != nil {
			return nil, err
		}
		row.cells = append(row.cells, s.At(1<<i))
		c, _ := claims.ByID(f.ID)
		if e := (verdict.Effect{Name: f.ID, Ratio: g}); c.Layer == "consensus" {
			consensus = e
		} else {
			others = append(others, e)
		}
	}
	if row.measured.N == 0 || consensus.Ratio.N == 0 {
		return nil, nil
	}
	row.verdict, row.reason = verdict.Bottleneck(row.measured, consensus, others)
	return row, nil
}

// syncShare is the share of the measured window in which the log was in a sync,
// the device profile included: one sync runs at a time.
func syncShare(t *record.Trial) (float64, bool) {
	if t.Mechanism == nil || t.MeasureNS <= 0 {
		return 0, false
	}
	return float64(t.Mechanism.FsyncNS) / float64(t.MeasureNS), true
}

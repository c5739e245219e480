package report

import (
	"fmt"

	"metastorebench/harness/claims"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// judgeItem measures an item alone, against the baseline: that is what the plan
// predicts of it. It is judged where all operations are of one type that the
// prediction is about.
func (b *builder) judgeItem(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	i, op := s.Index(c.ID), s.Op()
	if i < 0 || !c.About(op) {
		return nil, nil
	}
	row, err := b.effectRow(c, claims.Effect, s.At(1<<i), s.Baseline(), stats.Throughput(op))
	if row == nil || err != nil {
		return nil, err
	}
	row.what = fmt.Sprintf("%s throughput, %s / baseline", op, s.Factors[i].Setting())
	switch c.Axis {
	case axisPropose:
		row.reason += b.trap(s)
	case axisWAL:
		row.reason += b.perEntry(s)
	case "index":
		if op != record.OpPut {
			row.reason += b.putCost(c.ID, s)
		}
	}
	return row, nil
}

// effectRow judges the ratio of a cell's m to another's by a quantity of the claim.
func (b *builder) effectRow(c claims.Claim, quantity string, cell, below *stats.Cell, m stats.Metric) (*ledgerRow, error) {
	g, err := b.change(cell, below, m)
	if err != nil || g.N == 0 {
		return nil, err
	}
	q, _ := c.Quantity(quantity)
	p := q.Range()
	v, reason := infer.JudgeClaim(infer.Case{Kind: infer.KindRatio, Predicted: p, Measured: g})
	return &ledgerRow{predicted: p.String(), measured: g, verdict: v, reason: reason, cells: []*stats.Cell{cell, below}}, nil
}

// trap says what one sync per Ready brings without batched proposals: the Raft
// library hands over many entries at once, so that the plan's item and a group
// commit are two roads to the same thing. Empty where the run does not have it.
func (b *builder) trap(at *stats.Stratum) string {
	for _, s := range b.Run.Strata([]stats.Factor{syncPerReady}) {
		if s.Group != stats.GroupSync || s.Workload != at.Workload || s.Options[axisPropose] != "perop" ||
			s.Options["disk"] != at.Options["disk"] || s.Options["engine"] != at.Options["engine"] {
			continue
		}
		if g, err := b.change(s.Full(), s.Baseline(), puts); err == nil && g.N > 0 {
			return fmt.Sprintf("; trap: one sync per Ready without batched proposals makes %s", g)
		}
	}
	return ""
}

// perEntry says what a group commit makes of the plan's own starting point, a sync
// per entry, on the same disk and with the most clients. Empty where the run does
// not have it.
func (b *builder) perEntry(at *stats.Stratum) string {
	text, most := "", 0
	for _, s := range b.syncStrata(groupPerEntry) {
		if s.Options["disk"] != at.Options["disk"] || s.Options["engine"] != at.Options["engine"] || s.Clients() <= most {
			continue
		}
		if g, err := b.change(s.Full(), s.Baseline(), puts); err == nil && g.N > 0 {
			most = s.Clients()
			text = fmt.Sprintf("; trap: the plan starts from a sync per entry, and the baseline here syncs per Ready; group / perentry makes %s with %s", g, clients(most))
		}
	}
	return text
}

// putCost says what the same item does to puts on the same engine and disk. Empty
// where the run does not have it.
func (b *builder) putCost(id string, at *stats.Stratum) string {
	for _, s := range b.study {
		i := s.Index(id)
		if i < 0 || !s.WritesOnly() || s.Options["disk"] != at.Options["disk"] || s.Options["engine"] != at.Options["engine"] {
			continue
		}
		if g, err := b.change(s.At(1<<i), s.Baseline(), puts); err == nil && g.N > 0 {
			return fmt.Sprintf("; put throughput (%s) with it: %s", s.Workload, g)
		}
	}
	return ""
}

// judgePhase measures all items together (M1).
func (b *builder) judgePhase(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	if !s.WritesOnly() {
		return nil, nil
	}
	row, err := b.effectRow(c, b.goal(), s.Full(), s.Baseline(), puts)
	if row == nil || err != nil {
		return nil, err
	}
	row.what = "put throughput, all items / baseline"
	row.reason = fmt.Sprintf("phase %d: %s; the other phases are not in this run", b.phase(), row.reason)
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
	cells := []*stats.Cell{s.Baseline(), s.Full()}
	for i := range s.Factors {
		cells = append(cells, s.At(1<<i))
	}
	return &ledgerRow{
		what: "put throughput, all items / product of each alone", predicted: c.Predicted,
		measured: b.settled(comparison(p.Residual)),
		verdict:  infer.NotYet, reason: "the plan's figures are about all three phases; here, 1 means that the effects multiply", cells: cells,
	}, nil
}

// judgeBottleneck asks whether the log is the bottleneck (M3).
func (b *builder) judgeBottleneck(_ claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	if !s.WritesOnly() {
		return nil, nil
	}
	row := &ledgerRow{
		what: "share of the window in which the baseline syncs its log", unit: "%", cells: []*stats.Cell{s.Baseline()},
		predicted: fmt.Sprintf("%g %% or more, and consensus items matter most", infer.HalfBusy),
		measured:  over(s.Baseline(), stats.Scale(syncShare, 100)).Estimate,
	}
	var consensus infer.Item
	var others []infer.Item
	for i, f := range s.Factors {
		g, err := b.change(s.At(1<<i), s.Baseline(), puts)
		if err != nil {
			return nil, err
		}
		row.cells = append(row.cells, s.At(1<<i))
		if e := (infer.Item{Name: f.ID, Ratio: g}); layerOf(f) == layerConsensus {
			consensus = e
		} else {
			others = append(others, e)
		}
	}
	if row.measured.N == 0 || consensus.Ratio.N == 0 {
		return nil, nil
	}
	row.verdict, row.reason = infer.Bottleneck(row.measured, consensus, others)
	return row, nil
}

// layerConsensus is the layer that M3 is about.
const layerConsensus = "consensus"

// layerOf is the layer of the store that a factor belongs to: its claim's or, for a
// factor that is a whole layer, its own name.
func layerOf(f stats.Factor) string {
	if c, known := claims.ByID(f.ID); known {
		return c.Layer
	}
	return f.ID
}

// syncShare is the share of the measured window in which the log was in a sync,
// the device profile included: one sync runs at a time.
func syncShare(t *record.Trial) (float64, bool) {
	if t.Mechanism == nil || t.MeasureNS <= 0 {
		return 0, false
	}
	return float64(t.Mechanism.FsyncNS) / float64(t.MeasureNS), true
}

package report

import (
	"fmt"

	"metastorebench/harness/claims"
	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// judgeTarget measures a target of the run's phase on the cell with all items on,
// but for the batch API, which is a target of its own (T6).
func (b *builder) judgeTarget(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	return b.judgeTargetAt(c, rung{s, target(c, s), b.phase()})
}

// rung is a cell that has reached a phase of the plan, with the stratum that has
// its baseline. What is asked of it are the plan's figures for that phase.
type rung struct {
	*stats.Stratum
	full  *stats.Cell
	phase int
}

// goal is the name of a claim's quantity for the rung's phase.
func (r rung) goal() string { return fmt.Sprint("phase", r.phase) }

// cells are the two that a comparison with the baseline is made of.
func (r rung) cells() []*stats.Cell { return []*stats.Cell{r.full, r.Baseline()} }

// judgeTargetAt measures a target on a rung. Targets are about many clients;
// throughput targets about puts alone, because a rate of one operation type within
// a mix is not the rate of the mix.
func (b *builder) judgeTargetAt(c claims.Claim, at rung) (*ledgerRow, error) {
	if at.Clients() < 2 || at.full == nil || !at.full.Measured() {
		return nil, nil
	}
	w := at.full.Trials[0].Workload
	if (w.BatchOps > 0) != (c.ID == "T6") { // the batch API is a target of its own
		return nil, nil
	}
	rate := over(at.full, puts).Estimate
	switch c.ID {
	case "T1", "T2":
		if !at.WritesOnly() {
			return nil, nil
		}
		return b.targetRow(c, at, goal{what: "puts/s", measured: rate, kind: infer.KindTarget, change: puts})
	case "T3":
		return b.tailTarget(c, at)
	case "T4":
		m := stats.Scale(stats.CPUShare(b.Run.Manifest.Env.CPUs), 100)
		return b.targetRow(c, at, goal{what: "the store's share of all CPU time", measured: over(at.full, m).Estimate, kind: infer.KindLevel, change: m})
	case "T5":
		return b.memoryRow(c, at)
	case "T6":
		if !at.WritesOnly() {
			return nil, nil
		}
		what := fmt.Sprintf("puts/s in batches of %d", w.BatchOps)
		return b.targetRow(c, at, goal{what: what, measured: rate, kind: infer.KindTarget, change: puts})
	case "T7":
		return errorRow(c, at), nil
	case "T8":
		return b.tailRow(c, at)
	}
	return nil, nil
}

// target is the cell on which a target is measured; nil if the stratum has none.
func target(c claims.Claim, s *stats.Stratum) *stats.Cell {
	set := s.All()
	if i := s.Index(itemBatchAPI); i >= 0 && c.ID != "T6" {
		set &^= 1 << i
	}
	return s.At(set)
}

// goal is a quantity to be judged against the plan's figure for the phase.
type goal struct {
	what     string
	measured infer.Estimate // on the rung's cell
	kind     infer.Kind
	change   stats.Metric // whose ratio to the baseline tells a miss from a failure
	changeOf string       // see infer.Case
}

// targetRow judges a target, with its change against the baseline; nil if the plan
// sets none for the phase.
func (b *builder) targetRow(c claims.Claim, at rung, t goal) (*ledgerRow, error) {
	q, ok := c.Quantity(at.goal())
	if !ok || t.measured.N == 0 {
		return nil, nil
	}
	g, err := b.change(at.full, at.Baseline(), t.change)
	if err != nil {
		return nil, err
	}
	from, hasBaseline := c.Quantity(claims.Baseline)
	predicted := q.Range()
	text := predicted.String() + " " + unit(q)
	if hasBaseline {
		text += " (from " + from.Range().String() + ")"
	}
	v, reason := infer.JudgeClaim(infer.Case{
		Kind: t.kind, Predicted: predicted, Measured: t.measured, Change: g, ChangeOf: t.changeOf,
		Rises: from.Range().Min < predicted.Min,
	})
	return &ledgerRow{
		what: t.what, predicted: text, measured: t.measured, unit: unit(q),
		verdict: v, reason: reason, cells: at.cells(),
	}, nil
}

// memoryRow shows memory beside the plan's figure, which cannot be judged.
func (b *builder) memoryRow(c claims.Claim, at rung) (*ledgerRow, error) {
	m := stats.Scale(stats.PeakRSS, 1e-6)
	row, err := b.targetRow(c, at, goal{what: "the store's peak resident memory", measured: over(at.full, m).Estimate, kind: infer.KindLevel, change: m})
	if row != nil {
		w := at.full.Trials[0].Workload
		row.verdict, row.reason = infer.NotMeasurable, fmt.Sprintf("%s; here are %s keys of %d bytes with values of %d bytes", c.NotHere, format.Count(int64(w.Keys)), w.KeyBytes, w.ValueBytes)
	}
	return row, err
}

// tailTarget judges the p99. Where a block of the baseline has too few puts for a
// p99 of its own, the direction of the change is taken from the median.
func (b *builder) tailTarget(c claims.Claim, at rung) (*ledgerRow, error) {
	p99, err := percentile(at.full, 99)
	if err != nil {
		return nil, err
	}
	m, of := stats.ServicePercentile(record.OpPut, 99), ""
	if g, err := b.change(at.full, at.Baseline(), m); err != nil || g.N == 0 {
		m, of = stats.ServicePercentile(record.OpPut, 50), "its median; a block has too few puts for a p99"
	}
	return b.targetRow(c, at, goal{what: "p99 service time of puts", measured: p99, kind: infer.KindTarget, change: m, changeOf: of})
}

// unit writes a quantity's unit.
func unit(q claims.Quantity) string {
	if q.Unit == "percent" {
		return "%"
	}
	return q.Unit
}

// percentile is that of the merged histogram of puts, in milliseconds. Its
// interval is that of the median of the blocks' own percentiles, widened to hold
// the merged one: merging gives a bad block its weight, which a median does not.
func percentile(c *stats.Cell, p float64) (infer.Estimate, error) {
	l, err := putLatency(c)
	if err != nil {
		return infer.Estimate{}, err
	}
	ns, ok := l.Percentile(p)
	if !ok {
		return infer.Estimate{}, nil
	}
	e := over(c, stats.Scale(stats.ServicePercentile(record.OpPut, p), 1e-6)).Estimate
	e.Value = float64(ns) / 1e6
	e.Lo, e.Hi, e.N = min(e.Lo, e.Value), max(e.Hi, e.Value), l.Blocks
	return e, nil
}

// quantityP999 is T8's quantity for the tail, beside that of the median.
const quantityP999 = "phase3_p999"

// tailRow judges median and tail, which the plan sets for phase 3: before it they
// are only shown.
func (b *builder) tailRow(c claims.Claim, at rung) (*ledgerRow, error) {
	if !at.WritesOnly() {
		return nil, nil
	}
	p50, err := percentile(at.full, 50)
	if err != nil {
		return nil, err
	}
	p999, err := percentile(at.full, 99.9)
	if err != nil {
		return nil, err
	}
	row := &ledgerRow{
		what: "p50 service time of puts", predicted: "below 2 ms, p99.9 below 20 ms (phase 3)", measured: p50, unit: "ms",
		verdict: infer.NotYet, cells: []*stats.Cell{at.full},
	}
	q, ok := c.Quantity(at.goal())
	if !ok {
		tail := "p99.9 has too few operations behind it"
		if p999.N > 0 {
			tail = fmt.Sprintf("p99.9 is %s ms", p999)
		}
		row.reason = "the plan sets it for phase 3; " + tail
		return row, nil
	}
	tail, _ := c.Quantity(quantityP999)
	middle, why, err := b.quantile(at, 50, q, p50)
	if err != nil {
		return nil, err
	}
	late, whyLate, err := b.quantile(at, 99.9, tail, p999)
	if err != nil {
		return nil, err
	}
	row.cells = at.cells()
	row.verdict, row.reason = infer.Both(middle, late), fmt.Sprintf("p50: %s; p99.9, %s ms: %s", why, p999, whyLate)
	return row, nil
}

// quantile judges a percentile of puts by the bound q.
func (b *builder) quantile(at rung, p float64, q claims.Quantity, measured infer.Estimate) (infer.Verdict, string, error) {
	if measured.N == 0 {
		return infer.Inconclusive, "too few operations", nil
	}
	g, err := b.change(at.full, at.Baseline(), stats.ServicePercentile(record.OpPut, p))
	if err != nil {
		return "", "", err
	}
	v, why := infer.JudgeClaim(infer.Case{Kind: infer.KindTarget, Predicted: q.Range(), Measured: measured, Change: g})
	return v, why, nil
}

// errorRow judges the share of failed operations, of all types and blocks.
func errorRow(c claims.Claim, at rung) *ledgerRow {
	failed, all := failures(at.full)
	q, ok := c.Quantity(at.goal())
	if all == 0 || !ok {
		return nil
	}
	rate := proportion(failed, all)
	rate.N = len(at.full.Trials)
	v, reason := infer.JudgeClaim(infer.Case{Kind: infer.KindBound, Predicted: q.Range(), Measured: rate})
	return &ledgerRow{
		what: "failed operations", predicted: q.Range().String() + " %", measured: rate, unit: "%",
		verdict: v, reason: fmt.Sprintf("%s of %s operations failed; %s", format.Count(failed), format.Count(all), reason), cells: []*stats.Cell{at.full},
	}
}

// failures counts failed and all operations of a cell.
func failures(c *stats.Cell) (failed, all int64) {
	for _, t := range c.Trials {
		for i := range t.Ops {
			all += t.Ops[i].Count
			for _, n := range t.Ops[i].Errors {
				failed += n
				all += n
			}
		}
	}
	return failed, all
}

// proportion is failed/all in percent with its interval, which takes operations as
// independent: failures of one process are not, and a burst counts as many.
func proportion(failed, all int64) infer.Estimate {
	lo, hi := infer.Proportion(failed, all)
	return infer.Estimate{Value: 100 * float64(failed) / float64(all), Lo: 100 * lo, Hi: 100 * hi, Interval: true}
}

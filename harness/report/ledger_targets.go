package report

import (
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"

	"metastorebench/harness/claims"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
	"metastorebench/harness/verdict"
)

// judgeTarget measures a target on the cell with all items on, but for the batch
// API, which is a target of its own (T6). Targets are about many clients;
// throughput targets about puts alone, because a rate of one operation type within
// a mix is not the rate of the mix.
func (b *builder) judgeTarget(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	full := target(c, s)
	if s.Clients() < 2 || full == nil || !full.Measured() {
		return nil, nil
	}
	switch c.ID {
	case "T1", "T2":
		if !s.WritesOnly() {
			return nil, nil
		}
		return b.targetRow(c, s, goal{what: "puts/s", measured: estimateOf(over(full, puts)), kind: verdict.Target, change: puts})
	case "T3":
		return b.tailTarget(c, s)
	case "T4":
		m := stats.Scale(stats.CPUShare(b.Run.Manifest.Env.CPUs), 100)
		return b.targetRow(c, s, goal{what: "the store's share of all CPU time", measured: estimateOf(over(full, m)), kind: verdict.Level, change: m})
	case "T5":
		m := stats.Scale(stats.PeakRSS, 1e-6)
		row, err := b.targetRow(c, s, goal{what: "the store's peak resident memory", measured: estimateOf(over(full, m)), kind: verdict.Level, change: m})
		if row != nil {
			w := full.Trials[0].Workload
			row.verdict, row.reason = verdict.NotMeasurable, fmt.Sprintf("%s; here are %s keys of %d bytes with values of %d bytes", c.NotHere, stats.Count(int64(w.Keys)), w.KeyBytes, w.ValueBytes)
		}
		return row, err
	case "T6":
		w := full.Trials[0].Workload
		if !s.WritesOnly() || w.BatchOps == 0 {
			return nil, nil
		}
		what := fmt.Sprintf("puts/s in batches of %d", w.BatchOps)
		return b.targetRow(c, s, goal{what: what, measured: estimateOf(over(full, puts)), kind: verdict.Target, change: puts})
	case "T7":
		return b.errorRow(c, s), nil
	case "T8":
		return b.tailRow(c, s)
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
	measured verdict.Estimate // on the cell of target
	kind     verdict.Kind
	change   stats.Metric // whose ratio to the baseline tells a miss from a failure
	changeOf string       // see verdict.Case
}

// targetRow judges a target, with its change against the baseline.
func (b *builder) targetRow(c claims.Claim, s *stats.Stratum, t goal) (*ledgerRow, error) {
	q, ok := c.Quantity(b.goal())
	if !ok || t.measured.N == 0 {
		return nil, nil
	}
	full := target(c, s)
	g, err := change(full, s.Baseline(), t.change)
	if err != nil {
		return nil, err
	}
	from, hasBaseline := c.Quantity(claims.Baseline)
	predicted := verdict.RangeOf(q)
	text := predicted.String() + " " + unit(q)
	if hasBaseline {
		text += " (from " + verdict.RangeOf(from).String() + ")"
	}
	v, reason := verdict.Judge(verdict.Case{
		Kind: t.kind, Predicted: predicted, Measured: t.measured, Change: g, ChangeOf: t.changeOf,
		Rises: verdict.RangeOf(from).Min < predicted.Min,
	})
	return &ledgerRow{
		what: t.what, predicted: text, measured: t.measured, unit: unit(q),
		verdict: v, reason: reason, cells: []*stats.Cell{full, s.Baseline()},
	}, nil
}

// tailTarget judges the p99. Where a block of the baseline has too few puts for a
// p99 of its own, the direction of the change is taken from the median.
func (b *builder) tailTarget(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	full := target(c, s)
	p99, err := percentile(full, 99)
	if err != nil {
		return nil, err
	}
	m, of := stats.ServicePercentile(record.OpPut, 99), ""
	if g, err := change(full, s.Baseline(), m); err != nil || g.N == 0 {
		m, of = stats.ServicePercentile(record.OpPut, 50), "its median; a block has too few puts for a p99"
	}
	return b.targetRow(c, s, goal{what: "p99 service time of puts", measured: p99, kind: verdict.Target, change: m, changeOf: of})
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
func percentile(c *stats.Cell, p float64) (verdict.Estimate, error) {
	l, err := putLatency(c)
	if err != nil {
		return verdict.Estimate{}, err
	}
	ns, ok := l.Percentile(p)
	if !ok {
		return verdict.Estimate{}, nil
	}
	e := estimateOf(over(c, stats.Scale(stats.ServicePercentile(record.OpPut, p), 1e-6)))
	e.Value = float64(ns) / 1e6
	e.Lo, e.Hi, e.N = min(e.Lo, e.Value), max(e.Hi, e.Value), l.Blocks
	return e, nil
}

// tailRow shows median and tail beside what the plan sets for phase 3.
func (b *builder) tailRow(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	if !s.WritesOnly() {
		return nil, nil
	}
	full := target(c, s)
	p50, err := percentile(full, 50)
	if err != nil {
		return nil, err
	}
	p999, err := percentile(full, 99.9)
	if err != nil {
		return nil, err
	}
	tail := "p99.9 has too few operations behind it"
	if p999.N > 0 {
		tail = fmt.Sprintf("p99.9 is %s ms", p999)
	}
	return &ledgerRow{
		what: "p50 service time of puts", predicted: "below 2 ms, p99.9 below 20 ms (phase 3)", measured: p50, unit: "ms",
		verdict: verdict.NotYet, reason: "the plan sets it for phase 3; " + tail, cells: []*stats.Cell{full},
	}, nil
}

// errorRow judges the share of failed operations, of all types and blocks.
func (b *builder) errorRow(c claims.Claim, s *stats.Stratum) *ledgerRow {
	full := target(c, s)
	failed, all := failures(full)
	if all == 0 {
		return nil
	}
	q, _ := c.Quantity(b.goal())
	rate := proportion(failed, all)
	rate.N = len(full.Trials)
	v, reason := verdict.Judge(verdict.Case{Kind: verdict.Target, Predicted: verdict.RangeOf(q), Measured: rate})
	return &ledgerRow{
		what: "failed operations", predicted: verdict.RangeOf(q).String() + " %", measured: rate, unit: "%",
		verdict: v, reason: fmt.Sprintf("%s of %s operations failed; %s", stats.Count(failed), stats.Count(all), reason), cells: []*stats.Cell{full},
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

// proportion is failed/all in percent with a 95 % interval: the rule of three
// without a failure (Hanley and Lippman-Hand, If Nothing Goes Wrong, Is
// Everything All Right?, 1983), otherwise Clopper and Pearson's. Both take
// operations as independent, which failures of one process are not: a burst
// counts as many.
func proportion(failed, all int64) verdict.Estimate {
	k, n := float64(failed), float64(all)
	e := verdict.Estimate{Value: 100 * k / n, Hi: min(100, 100*3/n), Interval: true}
	if failed > 0 {
		const tail = (1 - stats.Confidence) / 2
		e.Lo = 100 * distuv.Beta{Alpha: k, Beta: n - k + 1}.Quantile(tail)
		e.Hi = 100
		if failed < all {
			e.Hi = 100 * distuv.Beta{Alpha: k + 1, Beta: n - k}.Quantile(1-tail)
		}
	}
	return e
}

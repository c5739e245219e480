package report

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/claims"
	"metastorebench/harness/format"
	"metastorebench/harness/infer"
	"metastorebench/harness/stats"
)

// claimErrors is the claim about failed operations.
const claimErrors = "T7"

// errorRow judges the share of failed operations, of all types and of all trials:
// one in which more fail than may is void, so that the valid ones alone show
// nothing. A trial that ended before its operations were counted forbids a
// confirmation.
func errorRow(c claims.Claim, at rung) *ledgerRow {
	f := failuresOf(at.full)
	q, ok := c.Quantity(at.goal())
	if f.counted+f.uncounted == 0 || !ok {
		return nil
	}
	row := &ledgerRow{what: "failed operations", predicted: q.Range().String() + " %", unit: "%", verdict: infer.Inconclusive, cells: []*stats.Cell{at.full}}
	if f.all > 0 {
		row.measured = proportion(f.failed, f.all)
		row.measured.N = f.counted
		row.verdict, row.reason = infer.JudgeClaim(infer.Case{Kind: infer.KindBound, Predicted: q.Range(), Measured: row.measured})
	}
	row.reason = strings.TrimSuffix(f.String()+"; "+row.reason, "; ")
	if f.uncounted > 0 && row.verdict == infer.Confirmed {
		row.verdict = infer.Inconclusive
	}
	return row
}

// failures are the failed and all operations of a cell's trials, void ones included.
type failures struct {
	failed, all   int64
	counted, void int // trials with a count of operations, and those of them that are void
	uncounted     int // trials without one
}

func failuresOf(c *stats.Cell) (f failures) {
	for _, t := range c.Recorded() {
		before := f.all
		for i := range t.Ops {
			f.all += t.Ops[i].Count
			for _, n := range t.Ops[i].Errors {
				f.failed += n
				f.all += n
			}
		}
		switch {
		case f.all == before:
			f.uncounted++
		case t.Void != "":
			f.void++
			fallthrough
		default:
			f.counted++
		}
	}
	return f
}

// String is "5 of 12,000 operations failed, those of 2 void trials included".
func (f failures) String() string {
	s := fmt.Sprintf("%s of %s operations failed", format.Count(f.failed), format.Count(f.all))
	if f.void > 0 {
		s += fmt.Sprintf(", those of %s included", plural(f.void, "void trial"))
	}
	if f.uncounted > 0 {
		s += fmt.Sprintf("; %s ended before operations were counted", plural(f.uncounted, "trial"))
	}
	return s
}

// recordedStrata are the strata of the study with those whose baseline has void
// trials alone.
func (b *builder) recordedStrata() []*stats.Stratum {
	return slices.DeleteFunc(b.Run.Strata(b.factors), func(s *stats.Stratum) bool {
		base := s.Baseline()
		return s.Apart() || base == nil || len(base.Recorded()) == 0
	})
}

// proportion is failed/all in percent with its interval, which takes operations as
// independent: failures of one process are not, and a burst counts as many.
func proportion(failed, all int64) infer.Estimate {
	lo, hi := infer.Proportion(failed, all)
	return infer.Estimate{Value: 100 * float64(failed) / float64(all), Lo: 100 * lo, Hi: 100 * hi, Interval: true}
}

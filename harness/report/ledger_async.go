package report

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"metastorebench/harness/claims"
	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// claimAsync is the claim about the log that is synced after the answer.
const claimAsync = "M4"

// judgeAsync measures how much faster the asynchronous log is than the fastest
// safe policy (M4). That it loses acknowledged writes is shown by cutting the
// power, which no trial does.
func (b *builder) judgeAsync(c claims.Claim, s *stats.Stratum) (*ledgerRow, error) {
	if !s.WritesOnly() {
		return nil, nil
	}
	g, err := unsafeSpeed(s.Full(), s.Baseline())
	if err != nil || g.N == 0 {
		return nil, err
	}
	measured := b.settled(g)
	v, reason := infer.Faster(measured)
	return &ledgerRow{
		what: "put throughput, wal=async (unsafe: not to be ranked) / wal=group", predicted: "faster", measured: measured,
		verdict: v, reason: reason + "; this is its speed alone: the acknowledged writes that it loses are counted where the power is cut, in the section of the benchmarks in process",
		cells: []*stats.Cell{s.Full(), s.Baseline()},
	}, nil
}

// unsafeSpeed is stats.UnsafeSpeed of puts, empty for cells that are absent or
// share no block, or where the first is not the unsafe one.
func unsafeSpeed(unsafe, safe *stats.Cell) (stats.Comparison, error) {
	if unsafe == nil || safe == nil || unsafe.Durability != record.TierUnsafe || safe.Durability != record.TierSynced {
		return stats.Comparison{}, nil
	}
	g, err := stats.UnsafeSpeed(unsafe, safe, puts)
	if errors.Is(err, stats.ErrNoPairs) {
		return stats.Comparison{}, nil
	}
	return g, err
}

// syncStrata are the strata of the group of sync policies by one factor, those
// that have measured cells on both sides, by disk and clients.
func (b *builder) syncStrata(f stats.Factor) []*stats.Stratum {
	var out []*stats.Stratum
	for _, s := range b.Run.Strata([]stats.Factor{f}) {
		off, on := s.Baseline(), s.Full()
		if s.Group == stats.GroupSync && off != nil && off.Measured() && on != nil && on.Measured() {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(x, y *stats.Stratum) int {
		return cmp.Or(strings.Compare(x.Options["disk"], y.Options["disk"]), cmp.Compare(x.Clients(), y.Clients()))
	})
	return out
}

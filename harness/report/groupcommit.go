package report

import (
	"fmt"

	"metastorebench/harness/infer"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// Steps of the sync policy that claims and tables are about.
var (
	groupPerReady = stats.Factor{ID: itemGroup, Axis: axisWAL, Off: "perready", On: "group"}
	groupPerEntry = stats.Factor{ID: itemGroup, Axis: axisWAL, Off: "perentry", On: "group"}
	asyncLog      = stats.Factor{ID: claimAsync, Axis: axisWAL, Off: "group", On: "async"}
)

// maxGroupCost is what a group commit may cost a single client in latency.
const maxGroupCost = 1.05

// groupCommit compares the sync policies by clients and disk: the safe ones, group
// commit against a sync per Ready, and apart from them the unsafe one.
func (b *builder) groupCommit() error {
	if !b.hasFactor(itemGroup) {
		return nil
	}
	if err := b.safePolicies(); err != nil {
		return err
	}
	if err := b.groupAgainstReady(); err != nil {
		return err
	}
	return b.unsafePolicy()
}

// safePolicies has a row per safe policy, disk and number of clients.
func (b *builder) safePolicies() error {
	t := table{
		caption: "Puts, closed loop, one operation in a call, acknowledged when synced. Ratio: to wal=perready with the same disk and clients. Latency: service time, histograms of all blocks merged. Other columns: medians of the blocks. " + ratioLegend,
		head: []column{text("disk"), num("clients"), text("wal"), num("n"), num("puts/s"), num("ratio"), num("p50, ms"), num("p99, ms"),
			num("fsyncs/put"), num("puts/fsync"), num("entries/Ready"), num("mean fsync, us")},
	}
	for _, f := range b.families(stats.GroupSync, axisWAL) {
		for _, c := range f.cells {
			if c.Durability != record.TierSynced {
				continue
			}
			r, err := against(c, f.at(axisWAL, groupPerReady.Off), puts)
			if err != nil {
				return err
			}
			l, err := putLatency(c)
			if err != nil {
				return err
			}
			fsync := scaled(over(c, stats.FsyncMean), 1e-3)
			t.row(f.disk, fmt.Sprint(f.clients), c.Options[axisWAL], presence(c), spread(over(c, puts))).ratio(r).
				text(millis(l, 50), millis(l, 99), median(over(c, stats.FsyncsPerWrite)), median(over(c, stats.WritesPerFsync)),
					median(over(c, stats.EntriesPerReady)), median(fsync))
			b.doubt(&t, "`"+c.ID+"`", c)
		}
	}
	b.part("Sync policies", &t)
	return nil
}

// groupAgainstReady has the ratios group / perready, with the bound on what one
// client may lose.
func (b *builder) groupAgainstReady() error {
	t := table{
		caption: fmt.Sprintf("Group commit against a sync per Ready: ratios of throughput (above 1 is faster) and of the service time of puts (below 1 is faster), each block's percentile out of its own trial; n/a where trials have too few puts for it. Bound: a single client's p50 may rise by %.0f %% at most. Closed loop. %s", 100*(maxGroupCost-1), ratioLegend),
		head:    []column{text("disk"), num("clients"), num("n"), num("puts/s"), num("p50"), num("p99"), text("bound")},
	}
	for _, s := range b.syncStrata(groupPerReady) {
		rate, err := against(s.Full(), s.Baseline(), puts)
		if err != nil {
			return err
		}
		p50, err := against(s.Full(), s.Baseline(), stats.ServicePercentile(record.OpPut, 50))
		if err != nil {
			return err
		}
		p99, err := against(s.Full(), s.Baseline(), stats.ServicePercentile(record.OpPut, 99))
		if err != nil {
			return err
		}
		bound := ""
		if s.Clients() == 1 {
			bound = costBound(b.settled(p50))
		}
		t.row(s.Options["disk"], fmt.Sprint(s.Clients()), fmt.Sprint(rate.N)).ratio(rate).ratio(p50).ratio(p99).text(bound)
	}
	b.part("Group commit against a sync per Ready", &t)
	return nil
}

// costBound says on which side of maxGroupCost a ratio of latencies lies.
func costBound(c infer.Estimate) string {
	switch {
	case !c.Interval:
		return "open: no interval"
	case c.Hi <= maxGroupCost:
		return "kept"
	case c.Lo > maxGroupCost:
		return "broken"
	}
	return fmt.Sprintf("open: the interval holds %.2f", maxGroupCost)
}

// unsafePolicy shows the asynchronous log beside the safe one that is nearest, and
// ranks it with none.
func (b *builder) unsafePolicy() error {
	t := table{
		caption: "**Unsafe: acknowledged before it is synced, so that a power cut loses acknowledged writes.** Not to be ranked with any other policy; how many are lost is counted in the section of the benchmarks in process. Speed: async / group. Puts, closed loop. " + ratioLegend,
		head: []column{text("disk"), num("clients"), num("n"), num("async (unsafe), puts/s"), num("group, puts/s"), num("speed"),
			num("async p50, ms"), num("async p99, ms"), num("fsyncs/put")},
	}
	for _, s := range b.syncStrata(asyncLog) {
		unsafe := s.Full()
		g, err := unsafeSpeed(unsafe, s.Baseline())
		if err != nil {
			return err
		}
		l, err := putLatency(unsafe)
		if err != nil {
			return err
		}
		t.row(s.Options["disk"], fmt.Sprint(s.Clients()), fmt.Sprint(g.N), spread(over(unsafe, puts)), spread(over(s.Baseline(), puts))).ratio(g).
			text(millis(l, 50), millis(l, 99), median(over(unsafe, stats.FsyncsPerWrite)))
	}
	b.part("The unsafe log, apart", &t)
	return nil
}

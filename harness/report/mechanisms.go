package report

import (
	"errors"
	"fmt"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// ladders prints the strata on a slowed disk step by step.
func (b *builder) ladders() error {
	for _, s := range b.study {
		if s.Options["disk"] == "native" || !s.WritesOnly() {
			continue
		}
		t := table{
			caption: "Puts, closed loop. Step: ratio to the cell without the last item that is on, in the plan's order. " + ratioLegend,
			head:    []column{text("cell"), num("n"), num("puts/s"), num("ratio to baseline"), num("ratio of the step"), num("writes/fsync"), num("mean fsync, ms")},
		}
		for _, row := range s.Rows {
			total, err := against(row.Cell, s.Baseline(), puts)
			if err != nil {
				return err
			}
			step, err := against(row.Cell, s.At(before(row.Setting)), puts)
			if err != nil {
				return err
			}
			if row.Setting == 0 {
				step = stats.Comparison{}
			}
			fsync := over(row.Cell, stats.FsyncMean)
			fsync.Median /= 1e6
			t.row(s.Label(row.Setting), presence(row.Cell), spread(over(row.Cell, puts))).ratio(total).ratio(step).
				text(median(over(row.Cell, stats.WritesPerFsync)), median(fsync))
			b.doubt(&t, s.Label(row.Setting), row.Cell)
		}
		b.part("Step by step: "+place(s), &t)
	}
	return nil
}

// before takes the last factor away that is on.
func before(set stats.Setting) stats.Setting {
	for i := 31; i >= 0; i-- {
		if set.Has(i) {
			return set &^ (1 << i)
		}
	}
	return set
}

// oneClient compares latency with and without batching where there is nothing
// to batch.
func (b *builder) oneClient() error {
	t := table{
		caption: "Service time of puts of a single client, propose=perop against propose=batch, the other items all off or all on; histograms of all blocks merged. Ratio of throughput, batch to perop. Closed loop. " + ratioLegend,
		head: []column{text("engine"), text("workload"), text("disk"), text("other items"), num("perop p50, ms"), num("batch p50, ms"),
			num("perop p99, ms"), num("batch p99, ms"), num("ratio"), num("n")},
	}
	for _, s := range b.study {
		propose := s.Index(itemBatching)
		if propose < 0 || s.Clients() != 1 || !s.WritesOnly() {
			continue
		}
		for _, others := range []struct {
			name string
			set  stats.Setting
		}{{"off", 0}, {"on", s.All() &^ (1 << propose)}} {
			perop, batch := s.At(others.set), s.At(others.set|1<<propose)
			r, err := against(batch, perop, puts)
			if err != nil {
				return err
			}
			if r.N == 0 {
				continue
			}
			lp, err := putLatency(perop)
			if err != nil {
				return err
			}
			lb, err := putLatency(batch)
			if err != nil {
				return err
			}
			t.row(s.Store(), s.Load(), s.Options["disk"], others.name, millis(lp, 50), millis(lb, 50), millis(lp, 99), millis(lb, 99)).
				ratio(r).text(fmt.Sprint(r.N))
			b.doubt(&t, place(s)+", others "+others.name+", perop", perop)
			b.doubt(&t, place(s)+", others "+others.name+", batch", batch)
		}
	}
	b.part("One client: does batching add waiting?", &t)
	return nil
}

// syncPerReady is the step from one sync per entry to one per Ready.
var syncPerReady = stats.Factor{ID: "P2.1", Axis: "wal", Off: "perentry", On: "perready"}

// syncPolicies crosses proposals with sync policies, which tells batching and
// group commit apart.
func (b *builder) syncPolicies() error {
	if !b.hasFactor(itemBatching) {
		return nil
	}
	t := table{
		caption: "Puts, closed loop. Ratio to propose=perop, wal=perentry on the same disk. Other columns: medians of the blocks. " + ratioLegend,
		head: []column{text("engine"), num("clients"), text("disk"), text("propose"), text("wal"), num("n"), num("puts/s"), num("ratio"),
			num("writes/fsync"), num("ops/proposal"), num("entries/Ready"), num("mean fsync, us")},
	}
	factors := []stats.Factor{b.factors[0], syncPerReady}
	for _, s := range b.Run.Strata(factors) {
		if s.Group != stats.GroupSync {
			continue
		}
		for _, row := range s.Rows {
			c := row.Cell
			r, err := against(c, s.Baseline(), puts)
			if err != nil {
				return err
			}
			fsync := over(c, stats.FsyncMean)
			fsync.Median /= 1e3
			t.row(s.Store(), fmt.Sprint(s.Clients()), s.Options["disk"], c.Options["propose"], c.Options["wal"], presence(c), spread(over(c, puts))).
				ratio(r).text(median(over(c, stats.WritesPerFsync)), median(over(c, stats.OpsPerProposal)),
				median(over(c, stats.EntriesPerReady)), median(fsync))
			b.doubt(&t, "`"+c.ID+"`", c)
		}
	}
	b.part("Sync policies", &t)
	return nil
}

// ceiling compares with a target that answers puts and stores nothing.
func (b *builder) ceiling() error {
	t := table{
		caption: "Puts against a server that answers them and stores nothing, driven by the same client in the same blocks. Share: store / ceiling; no ranking, since the ceiling keeps nothing. Closed loop. " + ratioLegend,
		head: []column{text("store"), text("workload"), num("clients"), num("ceiling, puts/s"), num("store, puts/s"), num("share"), num("n"),
			num("ceiling CPU, us/op"), num("store CPU, us/op"), num("client CPU, us/op")},
	}
	for _, top := range b.Run.Cells {
		if top.Durability != record.TierNone {
			continue
		}
		for _, c := range b.Run.Cells {
			if c.Workload != top.Workload || c.Durability == record.TierNone || !c.Measured() || !stats.SameCalls(c, top) {
				continue
			}
			share, err := stats.CeilingShare(c, top, puts)
			if errors.Is(err, stats.ErrNoPairs) {
				continue // no block has both
			}
			if err != nil {
				return err
			}
			t.row("`"+c.ID+"`", c.Workload, fmt.Sprint(c.Clients()), spread(over(top, puts)), spread(over(c, puts))).ratio(share).text(fmt.Sprint(share.N),
				median(over(top, stats.StoreCPU)), median(over(c, stats.StoreCPU)), median(over(c, stats.ClientCPU)))
			b.doubt(&t, "`"+c.ID+"`", c)
			b.doubt(&t, "`"+top.ID+"`", top)
		}
	}
	b.part("Share of the ceiling", &t)
	return nil
}

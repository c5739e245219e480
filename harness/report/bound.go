package report

import (
	"fmt"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// machineCeilings prints what was measured before the first trial.
func (b *builder) machineCeilings() error {
	if t := Ceilings(b.Run.Manifest.Ceilings); t != "" {
		b.printf("### Ceilings of this machine\n\n%s", t)
	}
	return nil
}

// boundCaption explains the tables of verdicts.
const boundCaption = "Bound: the busiest resource if at least %s of it is used, else none, with the busiest one in parentheses; then the trials that agree, of n. " +
	"Device: share of the time in log syncs. CPU: share of the machine's, all CPUs, and of it store, client, and other (kernel outside of both, other programs, stolen time); " +
	"without machine counters (records before they existed) CPU is store and client alone, a lower bound. Network: share of the loopback bandwidth. Medians of the trials. %s"

// ceilingCaption explains what the corners have besides.
const ceilingCaption = "calls/s: completed operations of all types, which is what the RPC layer carries. " +
	"Nearest ceiling: the one that the cell comes closest to, and the share of it that the cell reached: a no-op cell of the same run (shares per block), " +
	"a grpc-unary probe of the table above (both: clients x connections), or the log's syncs (writes per sync by the length of a sync, both the cell's own, device profile included); median and range. "

// groupCeiling is the group of the best store under the ceiling's load.
const groupCeiling = "ceiling"

// cellBounds says what bounds each cell: the corners in the open and with their
// ceilings, all cells folded up.
func (b *builder) cellBounds() error {
	caption := fmt.Sprintf(boundCaption, format.Number(stats.Saturated), b.loops())
	corners := table{
		caption: ceilingCaption + caption,
		head: []column{text("cell"), num("n"), num("calls/s"), text("nearest ceiling"), num("its ops/s"), num("share"), text("bound"),
			num("device"), num("CPU"), num("store"), num("client"), num("other"), num("stolen"), num("network")},
	}
	all := table{
		caption: caption,
		head:    []column{text("cell"), num("n"), text("bound"), num("device"), num("CPU"), num("store"), num("client"), num("other")},
	}
	isCorner := b.corners()
	for _, c := range b.Run.Cells {
		if !c.Measured() {
			continue
		}
		bound := b.Run.BoundOf(c)
		if isCorner[c.ID] {
			b.cornerRow(&corners, c, bound)
		}
		all.add("`"+c.ID+"`", presence(c), boundText(bound), median(bound.Device), median(bound.CPU), median(bound.Store), median(bound.Client), median(bound.Other))
		all.warn("`"+c.ID+"`", bound.Warnings...)
	}
	b.part("What bounds each cell", &corners)
	if len(all.rows) > len(corners.rows) {
		b.printf("<details><summary>What bounds each of all %d cells</summary>\n\n%s</details>\n\n", len(all.rows), all.markdown(b.Run.Questions, ""))
	}
	return nil
}

// corners are the cells with all items off and all on, and those of the ceiling.
func (b *builder) corners() map[string]bool {
	is := make(map[string]bool)
	for _, s := range b.study {
		for _, c := range []*stats.Cell{s.Baseline(), s.Full()} {
			if c != nil {
				is[c.ID] = true
			}
		}
	}
	for _, c := range b.Run.Cells {
		if c.Durability == record.TierNone || c.Group == groupCeiling {
			is[c.ID] = true
		}
	}
	return is
}

func (b *builder) cornerRow(t *table, c *stats.Cell, bound stats.Bound) {
	top := stats.Ceiling{Name: none}
	if known := b.Run.CeilingsOf(c); len(known) > 0 {
		top = known[0]
	}
	t.add("`"+c.ID+"`", presence(c), spread(over(c, stats.Calls)), top.Name, spread(top.OpsPerSecond), spread(top.Share), boundText(bound),
		median(bound.Device), median(bound.CPU), median(bound.Store), median(bound.Client), median(bound.Other), median(bound.Steal), median(bound.Network))
	t.warn("`"+c.ID+"`", bound.Warnings...)
}

// boundText writes "device 10/10" or "none (store CPU) 9/10".
func boundText(b stats.Bound) string {
	text := string(b.Resource)
	if b.Resource == stats.BoundNone && b.Busiest != stats.BoundNone {
		text += fmt.Sprintf(" (%s)", b.Busiest)
	}
	return fmt.Sprintf("%s %d/%d", text, b.Agree, b.N)
}

package report

import (
	"fmt"
	"slices"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// checkCost is the section of plan check-cost: the same cells with contended keys
// and without.
func (b *builder) checkCost() error {
	t := table{
		caption: "Clients contend for a few keys when the measured window is over (on), or do not (off), and linearizability is then not checked. Ratios: on/off. Closed loop. " + ratioLegend,
		head: []column{text("workload"), text("options"), text("operation"), num("n"), num("off, operations/s"), num("throughput"), num("p50"), num("p99"),
			num("store's CPU per operation"), num("allocations per operation"), num("syncs per write"), num("log bytes per write")},
	}
	for _, f := range slices.Concat(b.families("cost", record.OptionContend), b.families("counted", record.OptionContend)) {
		on, off := f.at(record.OptionContend, "on"), f.at(record.OptionContend, record.ContendOff)
		if on == nil || off == nil {
			continue
		}
		for _, op := range on.Ops() {
			row := t.row(f.workload, "propose="+on.Options[axisPropose], op, fmt.Sprint(len(on.Trials)), spread(over(off, stats.Throughput(op))))
			for _, m := range []stats.Metric{
				stats.Throughput(op), stats.ServicePercentile(op, 50), stats.ServicePercentile(op, 99),
				stats.StoreCPU, stats.Allocs, stats.FsyncsPerWrite, stats.WALBytesPerWrite,
			} {
				r, err := against(on, off, m)
				if err != nil {
					return err
				}
				row.ratio(r)
			}
		}
	}
	b.part("With and without contended keys", &t)
	return nil
}

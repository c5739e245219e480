package plots

import (
	"fmt"
	"slices"
	"strings"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// SyncPolicies draws, for each disk of a run that compares sync policies by
// clients, the log syncs per put, and the throughput of the safe policies.
func SyncPolicies(r *stats.Run) ([]*Figure, error) {
	var figs []*Figure
	for _, disk := range []string{"native", "1ms", "plan"} {
		cells := cellsOf(r, func(c *stats.Cell) bool { return c.Group == stats.GroupSync && c.Options["disk"] == disk })
		safe := slices.DeleteFunc(slices.Clone(cells), func(c *stats.Cell) bool { return c.Durability != record.TierSynced })
		tail := fmt.Sprintf(" Medians with the range of the blocks. Closed loop, one put in a call; %s disk, n=%d blocks.", disk, r.Manifest.Blocks)
		for _, c := range []struct {
			text   CurvesText
			curves []Curve
		}{
			{CurvesText{
				Name: "fsyncs-sync-" + disk, Title: fmt.Sprintf("Log syncs per put, %s disk, n=%d", disk, r.Manifest.Blocks), XLabel: "clients", YLabel: "fsyncs per put",
				Caption: "Log syncs per put by sync policy and clients: 1 means that no two puts share a sync. The policy async is unsafe: it answers before it syncs." + tail,
			}, policyCurves(cells, stats.FsyncsPerWrite)},
			{CurvesText{
				Name: "throughput-sync-" + disk, Title: fmt.Sprintf("Put throughput of the safe sync policies, %s disk, n=%d", disk, r.Manifest.Blocks), XLabel: "clients", YLabel: "puts per second (closed loop)",
				Caption: "Throughput of puts by sync policy and clients, the safe policies alone." + tail,
			}, policyCurves(safe, stats.Throughput(record.OpPut))},
		} {
			if !hasLine(c.curves) {
				continue // one number of clients is no curve
			}
			f, err := Curves(c.text, c.curves)
			if err != nil {
				return nil, err
			}
			figs = append(figs, f)
		}
	}
	return figs, nil
}

// policyCurves has a curve per sync policy over the clients.
func policyCurves(cells []*stats.Cell, m stats.Metric) []Curve {
	var curves []Curve
	for _, c := range cells {
		name := c.Options["wal"]
		if c.Durability == record.TierUnsafe {
			name += " (unsafe)"
		}
		i := slices.IndexFunc(curves, func(have Curve) bool { return have.Name == name })
		if i < 0 {
			i = len(curves)
			curves = append(curves, Curve{Name: name})
		}
		curves[i].Add(float64(c.Clients()), stats.Over(c, m))
	}
	return curves
}

// hasLine reports whether a curve goes from one place to another.
func hasLine(curves []Curve) bool {
	return slices.ContainsFunc(curves, func(c Curve) bool { return len(c.Points) > 1 && c.Points[0].X < c.Points[len(c.Points)-1].X })
}

// BatchSizes draws throughput over the size of a batch, with single operations
// beside it, for a run that compares sizes.
func BatchSizes(r *stats.Run) ([]*Figure, error) {
	cells := cellsOf(r, func(c *stats.Cell) bool {
		return (c.Group == stats.GroupBatchSizes || c.Group == stats.GroupBatchUnary) && len(c.Ops()) == 1 && c.Ops()[0] == record.OpPut
	})
	batches, unary := Curve{Name: "batch API"}, Curve{Name: "unary: one put in a call of etcd's service"}
	for _, c := range cells {
		rate := stats.Over(c, stats.Throughput(record.OpPut))
		if size := c.Trials[0].Workload.BatchOps; size > 0 {
			batches.Add(float64(size), rate)
		} else {
			unary.Add(1, rate)
		}
	}
	if !hasLine([]Curve{batches}) {
		return nil, nil
	}
	o, w := cells[0].Options, cells[0].Trials[0].Workload
	f, err := Curves(CurvesText{
		Name:    "throughput-batch-sizes",
		Title:   fmt.Sprintf("Put throughput by batch size: %s engine, %d clients, %s disk, n=%d", o["engine"], w.Clients, o["disk"], r.Manifest.Blocks),
		Caption: fmt.Sprintf("Throughput of puts by the number of puts in one call: medians with the range of the blocks. Closed loop; %d clients, one call at a time each.", w.Clients),
		XLabel:  "puts in a call", YLabel: "puts per second (closed loop)",
	}, []Curve{batches, unary})
	return []*Figure{f}, err
}

// Clients draws put throughput over the clients, a curve for each variant of the
// group that compares ends by clients, and each engine.
func Clients(r *stats.Run) ([]*Figure, error) {
	factors, err := r.Factors()
	if err != nil {
		return nil, err
	}
	curves := map[string]*Curve{}
	var names []string
	for _, s := range r.Strata(factors) {
		if s.Group != stats.GroupClients || !s.WritesOnly() {
			continue
		}
		for _, row := range s.Rows {
			name := strings.TrimPrefix(s.Store()+", "+s.Label(row.Setting), ", ")
			if curves[name] == nil {
				curves[name] = &Curve{Name: name}
				names = append(names, name)
			}
			curves[name].Add(float64(row.Cell.Clients()), stats.Over(row.Cell, stats.Throughput(record.OpPut)))
		}
	}
	var all []Curve
	for _, name := range names {
		all = append(all, *curves[name])
	}
	if !hasLine(all) {
		return nil, nil
	}
	f, err := Curves(CurvesText{
		Name: "throughput-clients", Title: fmt.Sprintf("Put throughput by clients, n=%d", r.Manifest.Blocks), XLabel: "clients", YLabel: "puts per second (closed loop)",
		Caption: fmt.Sprintf("Throughput of puts, sent one by one, by the number of clients, all items on and all off: medians with the range of the blocks. Closed loop, n=%d blocks.", r.Manifest.Blocks),
	}, all)
	return []*Figure{f}, err
}

// cellsOf are the measured cells that keep accepts.
func cellsOf(r *stats.Run, keep func(*stats.Cell) bool) []*stats.Cell {
	return slices.DeleteFunc(slices.Clone(r.Cells), func(c *stats.Cell) bool { return !c.Measured() || !keep(c) })
}

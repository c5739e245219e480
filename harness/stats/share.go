package stats

import (
	"fmt"
	"math"
	"slices"

	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

// Ceiling is what bounds a cell from above in one respect, and how much of it
// the cell reached.
type Ceiling struct {
	Name string // what it is, with its conditions
	// OpsPerSecond is the ceiling itself, Share the cell's rate divided by it:
	// per block where the ceiling was measured in the same blocks, otherwise by
	// the ceiling's median.
	OpsPerSecond, Share Summary
}

// maxClientsRatio is how far a ceiling's clients may be from a cell's: beyond it
// the one says nothing about the other.
const maxClientsRatio = 2

// CeilingsOf returns the ceilings that are known for a cell, the one that it
// comes closest to first: the RPC layer (calls of all types), and the device
// (writes). The RPC ceiling is a no-op cell with the cell's clients and
// connections if the run has one, else the nearest probe or no-op cell; for
// batches, one with batches of the same size, and for streams one with as many
// operations in flight, each in a message of its own.
func (r *Run) CeilingsOf(c *Cell) []Ceiling {
	var found []Ceiling
	if !c.Measured() || c.Durability == record.TierNone {
		return nil
	}
	if rpc, ok := r.rpcCeiling(c); ok {
		found = append(found, rpc)
	}
	if top := Over(c, SyncCeiling); top.N > 0 {
		device := Ceiling{Name: "log syncs", OpsPerSecond: top, Share: r.BoundOf(c).Device}
		if len(found) > 0 && device.Share.Median > found[0].Share.Median {
			return append([]Ceiling{device}, found...)
		}
		found = append(found, device)
	}
	return found
}

// rpcCeiling finds the ceiling of a cell's calls.
func (r *Run) rpcCeiling(c *Cell) (Ceiling, bool) {
	w := &c.Trials[0].Workload
	if w.API != "grpc" && w.API != "batch" && w.API != "stream" {
		return Ceiling{}, false
	}
	best, distance := Ceiling{}, math.Inf(1)
	consider := func(clients, conns int, of func() (Ceiling, bool)) {
		d, ok := loadDistance(w, clients, conns)
		if !ok || d >= distance {
			return
		}
		if ceiling, ok := of(); ok {
			best, distance = ceiling, d
		}
	}
	for _, top := range r.Cells {
		if top.Durability == record.TierNone {
			n := &top.Trials[0].Workload
			if !SameCalls(c, top) {
				continue
			}
			consider(n.Clients, n.Conns, func() (Ceiling, bool) { return pairedCeiling(c, top) })
		}
	}
	for _, p := range r.rpcProbes(w) {
		clients, ok1 := p.Int(record.ParamClients)
		conns, ok2 := p.Int(record.ParamConns)
		inFlight, ok3 := clients, true
		if p.Name == record.ProbeStream {
			var window int
			window, ok3 = p.Int(record.ParamWindow)
			inFlight *= window
		}
		if ok1 && ok2 && ok3 {
			consider(inFlight, conns, func() (Ceiling, bool) { return probeCeiling(c, p, inFlight, conns) })
		}
	}
	return best, !math.IsInf(distance, 1)
}

// rpcProbes are the probes that send as the workload does.
func (r *Run) rpcProbes(w *record.Workload) []record.Probe {
	name, param, want := record.ProbeUnary, "", 0
	switch w.API {
	case "batch":
		name, param, want = record.ProbeBatch, record.ParamBatch, w.BatchOps
	case "stream":
		name, param, want = record.ProbeStream, record.ParamPerMessage, 1
	}
	return slices.DeleteFunc(slices.Clone(r.Manifest.Ceilings.Find(name)), func(p record.Probe) bool {
		got, ok := p.Int(param)
		return param != "" && (!ok || got != want)
	})
}

// SameCalls reports whether the operations of two cells reach their targets the
// same way: over the same API, as many in a call. A cell without trials is like
// none.
func SameCalls(a, b *Cell) bool {
	if len(a.Trials) == 0 || len(b.Trials) == 0 {
		return false
	}
	v, w := &a.Trials[0].Workload, &b.Trials[0].Workload
	return v.API == w.API && v.BatchOps == w.BatchOps
}

// loadDistance says how far a ceiling's load is from a workload's; false if it
// is too far.
func loadDistance(w *record.Workload, clients, conns int) (float64, bool) {
	d := math.Abs(math.Log2(float64(clients) / float64(w.Clients)))
	if clients < 1 || conns < 1 || w.Clients < 1 || w.Conns < 1 || d > math.Log2(maxClientsRatio) {
		return 0, false
	}
	return d + math.Abs(math.Log2(float64(conns)/float64(w.Conns))), true
}

// pairedCeiling divides by the no-op cell's trial of the same block.
func pairedCeiling(c, top *Cell) (Ceiling, bool) {
	byBlock := make(map[int]float64)
	for _, t := range top.Trials {
		if v, ok := metric.Calls(t); ok && v > 0 {
			byBlock[t.Block] = v
		}
	}
	var shares []float64
	for _, t := range c.Trials {
		if v, ok := metric.Calls(t); ok && byBlock[t.Block] > 0 {
			shares = append(shares, v/byBlock[t.Block])
		}
	}
	w := &top.Trials[0].Workload
	return Ceiling{Name: loadName("no-op cell", w.Clients, w.Conns), OpsPerSecond: Over(top, metric.Calls), Share: Summarize(shares)}, len(shares) > 0
}

// probeCeiling divides by the probe's median.
func probeCeiling(c *Cell, p record.Probe, clients, conns int) (Ceiling, bool) {
	top := Summarize(p.Samples)
	if top.N == 0 || top.Median <= 0 {
		return Ceiling{}, false
	}
	return Ceiling{Name: loadName(p.Name, clients, conns), OpsPerSecond: top, Share: Over(c, metric.Scale(metric.Calls, 1/top.Median))}, true
}

func loadName(name string, clients, conns int) string {
	return fmt.Sprintf("%s, %d x %d", name, clients, conns)
}

package stats

import (
	"fmt"

	"metastorebench/harness/format"
	"metastorebench/harness/record"
)

// Resource is what may bound a cell's throughput.
type Resource string

// The verdicts on a cell.
const (
	BoundDevice    Resource = "device"
	BoundStoreCPU  Resource = "store CPU"
	BoundClientCPU Resource = "client CPU"
	BoundNetwork   Resource = "network"
	// BoundNone: no resource was busy enough to be the one. The clients wait for
	// one stage after the other, or what was busy does not belong to the trial.
	BoundNone Resource = "none"
	// OtherCPU is never a verdict, but may be the busiest: CPU used outside of
	// store and client.
	OtherCPU Resource = "CPU of others"
)

// Saturated is the usage from which a resource bounds a cell. By the utilization
// law (Lazowska et al., Quantitative System Performance, chapter 3) throughput
// cannot grow by more than the inverse of the highest usage while each operation
// costs the same: with 0.8, by no more than a quarter.
const Saturated = 0.8

// Bound is the verdict on one cell with the counters that it rests on: each the
// median over the trials that have it.
type Bound struct {
	// Resource is the verdict; Busiest is the resource with the highest usage,
	// saturated or not, BoundNone if nothing is known.
	Resource, Busiest Resource
	// Agree counts the trials that, each for itself, have the same verdict, of
	// N.
	Agree, N                                          int
	Device, CPU, Store, Client, Other, Steal, Network Summary
	Warnings                                          []Warning
}

// BoundOf judges a cell by its valid trials: the busiest resource bounds it if
// its usage, the median of the trials, reaches Saturated. CPU is that of the
// process, store or client, that used more of it; if others used more than
// either, it cannot be the verdict, and there is a warning. Records without Machine
// counters are judged by the CPU time of store and client.
func (r *Run) BoundOf(c *Cell) Bound {
	usages := make([]Usage, len(c.Trials))
	for i, t := range c.Trials {
		usages[i] = r.UsageOf(t)
	}
	pick := func(has func(Usage) bool, value func(Usage) float64) Summary {
		var values []float64
		for _, u := range usages {
			if has(u) {
				values = append(values, value(u))
			}
		}
		return Summarize(values)
	}
	cpu, machine := func(u Usage) bool { return u.HasCPU }, func(u Usage) bool { return u.HasMachine }
	b := Bound{
		N:       len(usages),
		Device:  pick(func(u Usage) bool { return u.HasDevice }, func(u Usage) float64 { return u.Device }),
		CPU:     pick(cpu, func(u Usage) float64 { return u.CPU }),
		Store:   pick(cpu, func(u Usage) float64 { return u.Store }),
		Client:  pick(cpu, func(u Usage) float64 { return u.Client }),
		Other:   pick(machine, func(u Usage) float64 { return u.Other }),
		Steal:   pick(machine, func(u Usage) float64 { return u.Steal }),
		Network: pick(func(u Usage) bool { return u.HasNetwork }, func(u Usage) float64 { return u.Network }),
	}
	b.Resource, b.Busiest = judge(b.medians())
	for _, u := range usages {
		if own, _ := judge(u); own == b.Resource {
			b.Agree++
		}
	}
	b.warn(c)
	return b
}

// medians is the usage with the median of each counter, 0 where it is unknown.
func (b *Bound) medians() Usage {
	return Usage{Device: b.Device.Median, CPU: b.CPU.Median, Store: b.Store.Median, Client: b.Client.Median, Other: b.Other.Median, Network: b.Network.Median}
}

// judge returns the verdict on one usage and its busiest resource. CPU that
// neither process used most of cannot be a verdict; another resource still can.
func judge(u Usage) (bound, busiest Resource) {
	process := BoundStoreCPU
	switch {
	case u.Other > max(u.Store, u.Client):
		process = OtherCPU
	case u.Client > u.Store:
		process = BoundClientCPU
	}
	bound, busiest = BoundNone, BoundNone
	top, topOwn := 0.0, Saturated
	for _, r := range []struct {
		resource Resource
		usage    float64 // 0 if it is unknown
	}{{BoundDevice, u.Device}, {process, u.CPU}, {BoundNetwork, u.Network}} {
		if r.usage > top {
			busiest, top = r.resource, r.usage
		}
		if r.resource != OtherCPU && r.usage >= topOwn {
			bound, topOwn = r.resource, r.usage
		}
	}
	return bound, busiest
}

func (b *Bound) warn(c *Cell) {
	if b.N == 0 {
		b.Warnings = append(b.Warnings, Warning{WarnFewSamples, "no valid trial"})
		return
	}
	if b.CPU.Median >= Saturated && b.Other.Median > max(b.Store.Median, b.Client.Median) {
		b.Warnings = append(b.Warnings, Warning{WarnSteal, fmt.Sprintf("others used %s of the CPU, store and client less", format.Number(b.Other.Median))})
	}
	if w := stolen(c); w != nil {
		b.Warnings = append(b.Warnings, *w)
	}
}

// SyncCeiling is what the device allows a cell, in writes per second: the writes
// of one sync by the length of one sync, both the trial's own, device profile
// included. A trial's share of it is Usage.Device.
func SyncCeiling(t *record.Trial) (float64, bool) {
	if t.Mechanism == nil || t.Mechanism.FsyncNS <= 0 {
		return 0, false
	}
	return float64(t.Mechanism.AppliedOps) * 1e9 / float64(t.Mechanism.FsyncNS), true
}

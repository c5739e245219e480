package stats

import "metastorebench/harness/record"

// Usage is how busy a trial kept each resource, as a share of what there is in
// the measured window: 0 idle, 1 saturated.
type Usage struct {
	// Device is the time that the log spent in syncs. One goroutine syncs, so 1
	// is all that there can be. The device profile's sleep is in it.
	Device    float64
	HasDevice bool
	// CPU is the machine's, of all its CPUs: with Machine counters all that was
	// not idle, time stolen by the hypervisor included; without them only what
	// store and client used, which is a lower bound.
	CPU, Store, Client float64
	HasCPU             bool
	// Other is the CPU that neither store nor client account for: the kernel's
	// work outside of processes, other programs, and Steal, the time that the
	// hypervisor gave to others. Both need Machine counters.
	Other, Steal float64
	HasMachine   bool
	// Network is the bytes sent over loopback, of what the loopback probe moved.
	Network    float64
	HasNetwork bool
}

// UsageOf reads the usage out of a trial of the run.
func (r *Run) UsageOf(t *record.Trial) Usage {
	var u Usage
	window := float64(t.MeasureNS) / 1e9
	if window <= 0 {
		return u
	}
	if t.Mechanism != nil && t.Mechanism.FsyncNS != record.Untold {
		u.Device, u.HasDevice = float64(t.Mechanism.FsyncNS)/1e9/window, true
	}
	if all := float64(r.Manifest.Env.CPUs) * window; all > 0 {
		u.Store = cpuSeconds(t.Store) / all
		u.Client = cpuSeconds(t.Client) / all
		u.CPU, u.HasCPU = u.Store+u.Client, u.Client > 0
	}
	m := t.Machine
	if m == nil {
		return u
	}
	idle := m.IdleSeconds + m.IOWaitSeconds
	if all := m.UserSeconds + m.SystemSeconds + m.StealSeconds + idle; all > 0 {
		u.CPU, u.HasCPU = 1-idle/all, true
		u.Other = max(0, u.CPU-u.Store-u.Client)
		u.Steal, u.HasMachine = m.StealSeconds/all, true
	}
	if top := r.LoopbackBandwidth(); top > 0 {
		u.Network, u.HasNetwork = float64(m.LoopbackBytes)/window/top, true
	}
	return u
}

// LoopbackBandwidth is the ceiling in bytes a second, 0 if it was not measured.
func (r *Run) LoopbackBandwidth() float64 {
	best := 0.0
	for _, p := range r.Manifest.Ceilings.Find(record.ProbeLoopbackBandwidth) {
		best = max(best, Summarize(p.Samples).Median)
	}
	return best
}

func cpuSeconds(p record.Process) float64 { return p.CPUUserSeconds + p.CPUSystemSeconds }

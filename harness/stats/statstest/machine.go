package statstest

import (
	"strconv"

	"metastorebench/harness/record"
)

// cpus of the synthetic machine.
const cpus = 2

// ceilings of the synthetic machine.
func ceilings() *record.Ceilings {
	unary := func(clients, conns int, samples ...float64) record.Probe {
		return record.Probe{Name: record.ProbeUnary, Unit: record.UnitOps, Samples: samples, Params: map[string]string{
			record.ParamClients: strconv.Itoa(clients), record.ParamConns: strconv.Itoa(conns), record.ParamRPC: "tuned",
		}}
	}
	return &record.Ceilings{Probes: []record.Probe{
		unary(1, 1, 9_000, 9_100, 8_900),
		unary(50, 1, 44_000, 45_000, 46_000),
		{Name: record.ProbeLoopbackBandwidth, Unit: record.UnitBytes, Samples: []float64{4.1e9, 4e9, 4.2e9}, Params: map[string]string{record.ParamBytes: "4194304"}},
		{Name: record.ProbeSyncLatency, Unit: record.UnitNS, Samples: []float64{110e3, 108e3, 113e3}, Params: map[string]string{record.ParamPercentile: "50", record.ParamSyncs: "1000"}},
		{Name: record.ProbeSyncLatency, Unit: record.UnitNS, Samples: []float64{240e3}, Params: map[string]string{record.ParamPercentile: "99", record.ParamSyncs: "1000"}},
	}}
}

// machine gives a trial the counters of a machine that did nothing else: the
// kernel took 5 % of the CPU time beside store and client, and none was stolen.
func machine(t *record.Trial) *record.Machine {
	all := cpus * float64(t.MeasureNS) / 1e9
	m := &record.Machine{
		UserSeconds:   t.Store.CPUUserSeconds + t.Client.CPUUserSeconds,
		SystemSeconds: t.Store.CPUSystemSeconds + t.Client.CPUSystemSeconds + 0.05*all,
	}
	m.IdleSeconds = max(0, all-m.UserSeconds-m.SystemSeconds)
	for i := range t.Ops {
		m.LoopbackBytes += 700 * t.Ops[i].Count
	}
	return m
}

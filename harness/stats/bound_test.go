package stats

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

// boundRun is a run of one cell of puts on two CPUs, with one-second windows,
// beside a no-op cell and the given probes.
func boundRun(t *testing.T, trials []record.Trial, probes ...record.Probe) (*Run, *Cell) {
	t.Helper()
	m := record.Manifest{
		Blocks: len(trials), Env: record.Environment{CPUs: 2}, Ceilings: &record.Ceilings{Probes: probes},
		Cells: []record.Cell{{ID: "store", Target: "metastore"}, {ID: "noop", Target: "noop"}},
	}
	for i := range trials {
		tr := &trials[i]
		tr.Block, tr.MeasureNS = i, 1e9
		if tr.Cell == "" {
			tr.Cell, tr.Durability = "store", record.TierSynced
		}
		if tr.Workload.Clients == 0 {
			tr.Workload = record.Workload{API: "grpc", Clients: 50, Conns: 1}
		}
	}
	r, err := NewRun(m, trials)
	require.NoError(t, err)
	return r, r.Cell("store")
}

func syncing(seconds float64) *record.Mechanism {
	return &record.Mechanism{AppliedOps: 1000, Fsyncs: 100, FsyncNS: int64(seconds * 1e9)}
}

func cpu(seconds float64) record.Process {
	return record.Process{CPUUserSeconds: seconds * 0.75, CPUSystemSeconds: seconds * 0.25}
}

// machine is a second of two CPUs.
func machine(busy, steal float64, loopback int64) *record.Machine {
	return &record.Machine{UserSeconds: busy / 2, SystemSeconds: busy / 2, StealSeconds: steal, IdleSeconds: (2 - busy - steal) * 0.75, IOWaitSeconds: (2 - busy - steal) * 0.25, LoopbackBytes: loopback}
}

var loopbackProbe = record.Probe{Name: record.ProbeLoopbackBandwidth, Unit: record.UnitBytes, Samples: []float64{0.9e9, 1e9, 1.1e9}}

func TestBoundVerdicts(t *testing.T) {
	for name, tt := range map[string]struct {
		trial          record.Trial
		bound, busiest Resource
	}{
		"syncs fill the window":  {record.Trial{Mechanism: syncing(0.9), Store: cpu(0.6), Client: cpu(0.2)}, BoundDevice, BoundDevice},
		"just not saturated":     {record.Trial{Mechanism: syncing(0.79), Store: cpu(0.6), Client: cpu(0.2)}, BoundNone, BoundDevice},
		"old record, store":      {record.Trial{Mechanism: syncing(0.3), Store: cpu(1.1), Client: cpu(0.7)}, BoundStoreCPU, BoundStoreCPU},
		"old record, client":     {record.Trial{Store: cpu(0.7), Client: cpu(1.1)}, BoundClientCPU, BoundClientCPU},
		"machine counters win":   {record.Trial{Store: cpu(0.8), Client: cpu(0.6), Machine: machine(1.9, 0, 1e6)}, BoundStoreCPU, BoundStoreCPU},
		"the busier of two":      {record.Trial{Mechanism: syncing(0.85), Store: cpu(1), Client: cpu(0.6), Machine: machine(1.9, 0, 0)}, BoundStoreCPU, BoundStoreCPU},
		"CPU used by others":     {record.Trial{Store: cpu(0.4), Client: cpu(0.3), Machine: machine(1.9, 0, 0)}, BoundNone, OtherCPU},
		"device beside others":   {record.Trial{Mechanism: syncing(0.9), Store: cpu(0.4), Client: cpu(0.3), Machine: machine(1.9, 0, 0)}, BoundDevice, OtherCPU},
		"stolen":                 {record.Trial{Store: cpu(0.4), Client: cpu(0.3), Machine: machine(0.7, 1.2, 0)}, BoundNone, OtherCPU},
		"bytes":                  {record.Trial{Store: cpu(0.4), Client: cpu(0.3), Machine: machine(0.8, 0, 9e8)}, BoundNetwork, BoundNetwork},
		"one client waits":       {record.Trial{Mechanism: syncing(0.4), Store: cpu(0.7), Client: cpu(0.4)}, BoundNone, BoundStoreCPU},
		"nothing is known of it": {record.Trial{}, BoundNone, BoundNone},
	} {
		t.Run(name, func(t *testing.T) {
			r, c := boundRun(t, []record.Trial{tt.trial}, loopbackProbe)
			b := r.BoundOf(c)
			require.Equal(t, tt.bound, b.Resource)
			require.Equal(t, tt.busiest, b.Busiest)
			require.Equal(t, 1, b.Agree)
		})
	}
}

func TestBoundCounters(t *testing.T) {
	r, c := boundRun(t, []record.Trial{
		{Mechanism: syncing(0.9), Store: cpu(0.5), Client: cpu(0.3), Machine: machine(1, 0.2, 1e8)},
		{Mechanism: syncing(0.7), Store: cpu(0.5), Client: cpu(0.3), Machine: machine(1, 0.2, 1e8)},
		{Mechanism: syncing(0.85), Store: cpu(0.5), Client: cpu(0.3)},
	}, loopbackProbe)
	b := r.BoundOf(c)
	require.Equal(t, BoundDevice, b.Resource)
	require.Equal(t, 2, b.Agree, "the second trial says none")
	require.Equal(t, 3, b.N)
	require.InDelta(t, 0.85, b.Device.Median, 1e-9)
	require.InDelta(t, 0.6, b.CPU.Max, 1e-9)
	require.InDelta(t, 0.4, b.CPU.Min, 1e-9, "without machine counters: store and client")
	require.InDelta(t, 0.25, b.Store.Median, 1e-9)
	require.InDelta(t, 0.15, b.Client.Median, 1e-9)
	require.InDelta(t, 0.2, b.Other.Median, 1e-9)
	require.Equal(t, 2, b.Other.N)
	require.InDelta(t, 0.1, b.Network.Median, 1e-9)
	require.Len(t, b.Warnings, 1)
	require.Equal(t, WarnSteal, b.Warnings[0].Kind)
	require.Equal(t, "10.0 % of the CPU time stolen", b.Warnings[0].Text)

	require.Equal(t, []Warning{{WarnFewSamples, "no valid trial"}}, r.BoundOf(r.Cell("noop")).Warnings)
}

func unaryProbe(clients, conns string, ops float64) record.Probe {
	return record.Probe{Name: record.ProbeUnary, Unit: record.UnitOps, Samples: []float64{ops, ops, ops},
		Params: map[string]string{record.ParamClients: clients, record.ParamConns: conns}}
}

func manyPuts(n int64) []record.OpStats { return []record.OpStats{{Op: record.OpPut, Count: n}} }

func TestCeilingsOf(t *testing.T) {
	store := record.Trial{Mechanism: syncing(0.5), Ops: manyPuts(1000)}
	noop := record.Trial{Cell: "noop", Durability: record.TierNone, Ops: manyPuts(4000), Workload: record.Workload{API: "grpc", Clients: 100, Conns: 10}}

	r, c := boundRun(t, []record.Trial{store}, unaryProbe("1", "1", 500), unaryProbe("40", "1", 1250), unaryProbe("50", "10", 3000))
	got := r.CeilingsOf(c)
	require.Len(t, got, 2)
	require.Equal(t, "grpc-unary, 40 x 1", got[0].Name, "the nearest load")
	require.Equal(t, 0.8, got[0].Share.Median)
	require.Equal(t, "log syncs", got[1].Name)
	require.Equal(t, 2000.0, got[1].OpsPerSecond.Median, "1,000 writes in half a second of syncs")
	require.Equal(t, 0.5, got[1].Share.Median)

	r, c = boundRun(t, []record.Trial{store, {Mechanism: syncing(0.9), Ops: manyPuts(1000)}}, unaryProbe("101", "1", 1000))
	got = r.CeilingsOf(c)
	require.Len(t, got, 1, "a ceiling of more than twice the clients says nothing")
	require.Equal(t, "log syncs", got[0].Name)

	// A no-op cell of the run is paired by block, and preferred at equal distance.
	second := noop
	second.Ops = manyPuts(5000)
	trials := []record.Trial{store, store, noop, second}
	r, c = boundRun(t, trials, unaryProbe("100", "10", 1000))
	require.Len(t, c.Trials, 2)
	trials[2].Block, trials[3].Block = 0, 1
	got = r.CeilingsOf(c)
	require.Equal(t, "no-op cell, 100 x 10", got[1].Name)
	require.Equal(t, 0.25, got[1].Share.Max)
	require.Equal(t, 0.2, got[1].Share.Min)
	require.Empty(t, r.CeilingsOf(r.Cell("noop")), "a ceiling has none")

	for _, tr := range c.Trials {
		tr.Workload.API = "http"
	}
	require.Len(t, r.CeilingsOf(c), 1, "no gRPC")
}

// Batches have ceilings of batches of their size, and no other.
func TestCeilingsOfBatches(t *testing.T) {
	batchProbe := func(size string, ops float64) record.Probe {
		p := unaryProbe("50", "1", ops)
		p.Name, p.Params[record.ParamBatch] = record.ProbeBatch, size
		return p
	}
	store := record.Trial{Mechanism: syncing(0.5), Ops: manyPuts(1000),
		Workload: record.Workload{API: "batch", BatchOps: 100, Clients: 50, Conns: 1}}
	probes := []record.Probe{unaryProbe("50", "1", 1100), batchProbe("10", 1200), batchProbe("100", 2000)}
	r, c := boundRun(t, []record.Trial{store}, probes...)
	got := r.CeilingsOf(c)
	require.Equal(t, "grpc-batch, 50 x 1", got[0].Name)
	require.Equal(t, 0.5, got[0].Share.Median, "of the probe of 100 in a call")

	noop := store
	noop.Cell, noop.Durability, noop.Mechanism = "noop", record.TierNone, nil
	noop.Ops, noop.Workload.BatchOps = manyPuts(4000), 10
	trials := []record.Trial{store, noop}
	r, c = boundRun(t, trials, probes...)
	trials[1].Block = 0
	require.Equal(t, "grpc-batch, 50 x 1", r.CeilingsOf(c)[0].Name, "no-op batches of another size")
	trials[1].Workload.BatchOps = 100
	r, c = boundRun(t, trials, probes[0])
	trials[1].Block = 0
	require.Equal(t, "no-op cell, 50 x 1", r.CeilingsOf(c)[1].Name)
	require.Equal(t, 0.25, r.CeilingsOf(c)[1].Share.Median)
}

// TestCeilingOfStreams checks that a cell on streams is compared with streams that
// have as much in flight, one operation in a message.
func TestCeilingOfStreams(t *testing.T) {
	probe := func(window, perMessage string, ops float64) record.Probe {
		p := unaryProbe("2", "2", ops)
		p.Name = record.ProbeStream
		p.Params[record.ParamWindow], p.Params[record.ParamPerMessage] = window, perMessage
		return p
	}
	store := record.Trial{Ops: manyPuts(1000)}
	r, c := boundRun(t, []record.Trial{store}, unaryProbe("64", "2", 1), probe("32", "64", 8000), probe("16", "1", 3000), probe("32", "1", 4000))
	c.Trials[0].Workload.API, c.Trials[0].Workload.Clients, c.Trials[0].Workload.Conns = "stream", 60, 2
	got := r.CeilingsOf(c)
	require.Len(t, got, 1)
	require.Equal(t, "grpc-stream, 64 x 2", got[0].Name)
	require.Equal(t, 0.25, got[0].Share.Median)
}

package gate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

// TestPlantsFollowTheFloor: what is planted is as large as the floor and what head
// measured ask for, so that it stays above the floor of a head that costs more.
func TestPlantsFollowTheFloor(t *testing.T) {
	r := mustRules(t)
	require.NoError(t, CheckPlants(r.Plants))
	require.NoError(t, CheckPlants(r.Power))
	pilot := func(allocs, seconds float64) Pilot {
		const ops = 10_000
		return Pilot{CPUs: 2, Trial: &record.Trial{
			MeasureNS: int64(seconds * 1e9), Durability: record.TierSynced, Workload: record.Workload{Clients: 50},
			Ops: []record.OpStats{{Op: record.OpPut, Count: ops}}, Store: record.Process{HeapAllocs: int64(allocs * ops)},
			Mechanism: &record.Mechanism{AppliedOps: ops, Proposals: 100, ProposedOps: ops, WALBytes: 360 * ops},
		}}
	}
	idle := pilot(10, 0.4)
	idle.Trial.Store.CPUUserSeconds, idle.Trial.Client.CPUSystemSeconds = 0.3, 0.1
	for _, c := range []struct {
		plant   Plant
		pilot   Pilot
		setting string
	}{
		{Plant{Fault: faultAllocations, Floors: 3, Metric: "allocs", Load: "batch1"}, pilot(10, 1), "allocations=1"},
		{Plant{Fault: faultAllocations, Floors: 3, Metric: "allocs", Load: "batch1"}, pilot(70, 1), "allocations=5"},
		{Plant{Fault: faultAllocations, Floors: 3, Metric: "allocs", Load: "batch1"}, pilot(-1, 1), "allocations=1"},
		{Plant{Fault: faultFrames, Floors: 1, Metric: "wal_bytes_per_write", Load: "put1"}, pilot(10, 1), "frames=1"},
		{Plant{Fault: faultFrames, Floors: 10, Metric: "wal_bytes_per_write", Load: "put1"}, pilot(10, 1), "frames=4"},
		{Plant{Fault: faultParts, Floors: 10, Metric: "proposals_per_write", Load: "batch1"}, pilot(10, 1), "parts=2"},
		// 40 us an operation: a fifth of the throughput is 20 us of CPU time on two CPUs.
		{Plant{Fault: faultDelay, Floors: 4, Metric: "throughput", Load: "put50"}, pilot(10, 0.4), "delay=20µs"},
		{Plant{Fault: faultDelay, Floors: 4, Metric: "throughput", Load: "put50"}, pilot(10, 0.8), "delay=40µs"},
		// Half of the CPU time is left, which has to go first.
		{Plant{Fault: faultDelay, Floors: 4, Metric: "throughput", Load: "put50"}, idle, "delay=60µs"},
		{Plant{Fault: faultDelay, Floors: 4, Metric: "throughput", Load: "put50"}, Pilot{CPUs: 2, Trial: &record.Trial{}}, "delay=20µs"},
	} {
		setting, doc := r.Size(c.plant, c.pilot)
		require.Equal(t, c.setting, setting)
		require.NotEmpty(t, doc)
	}
}

func TestPlantsThatCannotBe(t *testing.T) {
	good := Plant{Name: "a", Fault: faultDelay, Floors: 1}
	for want, change := range map[string]func(*Plant){
		`fault is "sleep"; accepted: delay, allocations, frames, parts`: func(p *Plant) { p.Fault = "sleep" },
		"floors is 0; accepted: above 0":                                func(p *Plant) { p.Floors = 0 },
		"two plants have this name":                                     func(*Plant) {},
	} {
		bad := good
		change(&bad)
		err := CheckPlants([]Plant{good, bad})
		require.ErrorIs(t, err, ErrPlant)
		require.ErrorContains(t, err, want)
	}
}

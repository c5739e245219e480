package report_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/stats/statstest"
)

// indexRun makes of a sweep's cells on pebble a run of two indexes of the memory
// engine under a blend, one of which reports 40 ns of lock waits per operation.
func indexRun() (record.Manifest, []record.Trial) {
	m, trials := statstest.Sweep(statstest.Config{Seed: 5, Blocks: 6, Level: "full", Samples: 300})
	m.Plan = "indexes"
	of := map[string]record.Cell{}
	m.Cells = slices.DeleteFunc(m.Cells, func(c record.Cell) bool {
		if c.Options["engine"] != "pebble" {
			return true
		}
		c.Options["index"] = map[string]string{"default": "hash", "tuned": "lockfree"}[c.Options["engine-profile"]]
		c.Options["engine"], c.Options["engine-profile"] = "memory", "default"
		of[c.ID] = c
		return false
	})
	trials = slices.DeleteFunc(trials, func(t record.Trial) bool { _, kept := of[t.Cell]; return !kept })
	for i := range trials {
		t := &trials[i]
		t.Effective = of[t.Cell].Options
		t.Workload.Type, t.Workload.Mix = "blend", map[string]float64{record.OpGet: 0.95, record.OpPut: 0.05}
		get := t.Ops[0]
		get.Op = record.OpGet
		t.Ops = append(t.Ops, get)
		if t.Effective["index"] == "hash" {
			t.Mechanism.LockWaitNS = 40 * (t.Ops[0].Count + t.Ops[1].Count)
		} else {
			t.Mechanism.LockWaitNS = 0
		}
	}
	return m, trials
}

// TestLockWaits reads the table of lock waits, which only a run of several indexes
// has, and the name of a blend.
func TestLockWaits(t *testing.T) {
	m, trials := indexRun()
	section := sectionOf(t, m, trials)
	require.Contains(t, section, "### Lock waits\n")
	require.Regexp(t, `\| put:get 5:95 +\| index=hash +\| +64 +\| +6 \| 40\.0 \(40\.0 to 40\.0\) \|`, section)
	require.Regexp(t, `\| put:get 5:95 +\| index=lockfree +\| +64 +\| +6 \| +0 \(0 to 0\) \|`, section)
	require.Contains(t, section, "index=lockfree / hash")
	require.NotContains(t, section, "### Loading")
	require.NotContains(t, section, "filling")
	require.NotContains(t, golden(t, "sweep.md"), "Lock waits")
}

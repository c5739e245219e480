package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

// TestCheckCost: the same cell with contended keys and without stand in one row, and
// what was not checked stands beside the figures.
func TestCheckCost(t *testing.T) {
	m := record.Manifest{Schema: record.Schema, Plan: "check-cost", Level: "default", Blocks: 2, Command: []string{"metabench", "run", "check-cost"}}
	var trials []record.Trial
	for _, contend := range []string{"on", record.ContendOff} {
		cell := record.Cell{ID: "memory/put1/contend=" + contend, Group: "cost", Workload: "put1", Target: "metastore",
			Options: map[string]string{"engine": "memory", "propose": "perop", record.OptionContend: contend}}
		m.Cells = append(m.Cells, cell)
		for block := range 2 {
			checked := record.Check{Name: "linearizable", OK: true}
			if contend == record.ContendOff {
				checked = record.Check{Name: "linearizable", State: record.CheckOff, Detail: "the cell has contend=off"}
			}
			trials = append(trials, record.Trial{
				Schema: record.Schema, Cell: cell.ID, Block: block, Order: len(trials), MeasureNS: 1e9, Durability: record.TierSynced,
				Workload: record.Workload{Name: "put1", Type: "put", API: "grpc", Loop: record.LoopClosed, Clients: 1, Conns: 1, KeyBytes: 8, ValueBytes: 64, Keys: 10, Mix: map[string]float64{"put": 1}},
				Ops:      []record.OpStats{{Op: record.OpPut, Count: 2000, ServiceHDR: encoded(t, 2000, time.Millisecond, 0, time.Second)}},
				Checks:   []record.Check{checked},
			})
		}
	}
	section := sectionOf(t, m, trials)
	require.Contains(t, section, "Not checked: linearizable is off in 2 of 4 trials, first in memory/put1/contend=off, block 0: the cell has contend=off.")
	_, table, found := strings.Cut(section, "### With and without contended keys\n")
	require.True(t, found)
	rows := tableRows(table)
	require.Len(t, rows, 1)
	require.Equal(t, []string{"put1", "propose=perop", "put", "2"}, rows[0][:4])
	require.True(t, strings.HasPrefix(rows[0][5], "1.00 "), rows[0])
}

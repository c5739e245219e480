package report_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/gate"
	"metastorebench/harness/record"
	"metastorebench/harness/report"
)

// TestGateSection reports a power study of one run, in which a planted fault of
// twice the syncs was found.
func TestGateSection(t *testing.T) {
	dir := t.TempDir()
	document, study := filepath.Join(dir, "EXPERIMENTS.md"), filepath.Join(dir, "study")
	require.NoError(t, os.WriteFile(document, []byte("# Experiments\n\n<!-- metabench:begin stall -->\n<!-- metabench:end stall -->\n"), 0o644))
	o := report.Options{RunDir: study, ExperimentsPath: document, Section: report.SectionGate}
	require.ErrorIs(t, report.Generate(o), gate.ErrRecords)

	writeStudy(t, gate.PowerRunDir(study, 1))
	require.NoError(t, report.Generate(o))
	text, err := os.ReadFile(document)
	require.NoError(t, err)
	for _, part := range []string{
		"## What the regression gate can tell", "bin/metabench report study --experiments EXPERIMENTS.md --section gate",
		"| false alarms: the same build regressed | 0 | 1 |", "| twice the syncs | fsyncs_per_write@put | +100.00 % | 1 | 1 |", "![gate-power](study/figures/gate-power.png)",
	} {
		require.Contains(t, string(text), part)
	}
	require.NoError(t, report.Check(o))
	require.NoError(t, os.Remove(filepath.Join(study, "figures", "gate-power.svg")))
	require.ErrorIs(t, report.Check(o), report.ErrStale)
}

// writeStudy writes the records of a study's run.
func writeStudy(t *testing.T, dir string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	const rules = "{alpha: 0.05, beta: 0.05, looks: [1], gates: [{metric: fsyncs_per_write, load: put, kind: steady, floor: 1}], power: [{name: syncs, metric: fsyncs_per_write, load: put}]}"
	m := record.Manifest{Plan: "gate", Level: "default", Blocks: 6, Started: time.Unix(0, 0).UTC(), Finished: time.Unix(60, 0).UTC(), Gate: &record.Gate{Rule: gate.Rule, Rules: rules, Power: true}}
	log, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, arm := range []record.Arm{{Name: record.ArmBase}, {Name: record.ArmHead}, {Name: record.ArmAgain}, {Name: record.ArmPlanted + "syncs", Fault: "twice the syncs"}} {
		m.Gate.Arms = append(m.Gate.Arms, arm)
		cell := record.Cell{ID: "put" + gate.ArmSuffix(arm.Name), Workload: "put", Options: map[string]string{record.OptionArm: arm.Name}}
		m.Cells = append(m.Cells, cell)
		for b := range 6 {
			mechanism := &record.Mechanism{AppliedOps: 100, Fsyncs: 100}
			if arm.Fault != "" {
				mechanism.Fsyncs = 200
			}
			require.NoError(t, log.Append(record.Trial{Cell: cell.ID, Block: b, MeasureNS: 1, Durability: record.TierSynced, Workload: record.Workload{Name: "put"}, Mechanism: mechanism}))
		}
	}
	require.NoError(t, log.Close())
	require.NoError(t, record.WriteManifest(dir, m))
}

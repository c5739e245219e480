package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/gate"
	"metastorebench/harness/record"
	"metastorebench/harness/revision"
)

func TestGateMisuse(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "one of --base REF, --baseline DIR, --report DIR and --power RUNS"},
		{[]string{"--base", "HEAD", "--baseline", "x"}, "one of --base REF, --baseline DIR, --report DIR and --power RUNS"},
		{[]string{"--power", "-3"}, "--power -3; accepted: 1 or more runs"},
		{[]string{"--power", "3", "--base", "HEAD"}, "one of --base REF"},
		{[]string{"--speed"}, "unknown flag --speed; did you mean --seed?"},
		{[]string{"HEAD~1"}, `"HEAD~1" is an argument too many`},
		{[]string{"--base", "no-such-branch"}, `unknown revision "no-such-branch"`},
		{[]string{"--base", "HEAD", "--head", "no-such-branch"}, "accepted: a commit, branch or tag"},
		{[]string{"--base", "HEAD", "--rules", "no-such-file"}, "--rules: open no-such-file"},
		{[]string{"--baseline", "no-such-run"}, "--baseline: read manifest"},
		{[]string{"--report", "../../results/reference/aa"}, "records are not of a gate"},
	} {
		err := run(append([]string{"gate"}, c.args...), &bytes.Buffer{}, &bytes.Buffer{})
		require.ErrorContains(t, err, c.want)
		require.Equal(t, statusMisuse, exitStatus(err), "%v", c.args)
	}
}

func TestGateSkipsWithoutBase(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run([]string{"gate", "--base", "no-such-branch", "--skip-without-base"}, &out, &bytes.Buffer{}))
	require.Contains(t, out.String(), `gate skipped: revision: unknown revision "no-such-branch"`)
	out.Reset()
	t.Chdir(t.TempDir())
	require.NoError(t, run([]string{"gate", "--base", "HEAD~1", "--skip-without-base"}, &out, &bytes.Buffer{}))
	require.Contains(t, out.String(), "gate skipped: revision: no git repository")
}

// TestGateOfABaseThatDoesNotBuild checks that the step is named, the log kept and
// nothing else left behind.
func TestGateOfABaseThatDoesNotBuild(t *testing.T) {
	dir, temp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	git := func(args ...string) {
		out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
	git("init", "-q")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module tiny\n\ngo 1.26\n"), 0o644))
	git("add", "-A")
	git("commit", "-q", "-m", "no store yet")
	t.Chdir(dir)
	err := run([]string{"gate", "--base", "HEAD", "--out", "out"}, &bytes.Buffer{}, &bytes.Buffer{})
	require.ErrorIs(t, err, revision.ErrBuild)
	require.ErrorContains(t, err, "go build")
	require.Equal(t, statusMisuse, exitStatus(err))
	require.FileExists(t, filepath.Join(dir, "out", "build-base.log"))
	left, err := os.ReadDir(temp)
	require.NoError(t, err)
	for _, e := range left {
		require.NotContains(t, e.Name(), "metabench-gate")
	}
}

// TestGateStatus checks each outcome's exit status on records.
func TestGateStatus(t *testing.T) {
	dir := t.TempDir()
	const rules = "{alpha: 0.05, beta: 0.05, looks: [1], gates: [{metric: fsyncs_per_write, load: put, floor: 1}]}"
	m := record.Manifest{Plan: "gate", Level: "default", Blocks: 6, Gate: &record.Gate{Rule: gate.Rule, Rules: rules}}
	log, _, err := record.OpenLog(dir)
	require.NoError(t, err)
	for _, arm := range []string{record.ArmBase, record.ArmHead, record.ArmAgain} {
		m.Gate.Arms = append(m.Gate.Arms, record.Arm{Name: arm})
		cell := record.Cell{ID: "put" + gate.ArmSuffix(arm), Workload: "put", Options: map[string]string{record.OptionArm: arm}}
		m.Cells = append(m.Cells, cell)
		for b := range 6 {
			mech := &record.Mechanism{AppliedOps: 100, Fsyncs: 100}
			if arm != record.ArmBase {
				mech.Fsyncs = 150
			}
			require.NoError(t, log.Append(record.Trial{Cell: cell.ID, Block: b, MeasureNS: 1, Durability: record.TierSynced, Workload: record.Workload{Name: "put"}, Mechanism: mech}))
		}
	}
	require.NoError(t, log.Close())
	report := func() int {
		require.NoError(t, record.WriteManifest(dir, m))
		var out bytes.Buffer
		err := run([]string{"gate", "--report", dir}, &out, &bytes.Buffer{})
		for _, name := range []string{"gate.md", "gate.json", "gate.xml", "figures/gate-ratios.svg"} {
			require.FileExists(t, filepath.Join(dir, name))
		}
		require.Contains(t, out.String(), "fsyncs_per_write  put ")
		if err == nil {
			return 0
		}
		return exitStatus(err)
	}
	require.Equal(t, 1, report())
	history := filepath.Join(dir, "history.jsonl")
	err = run([]string{"gate", "--report", dir, "--record", "--history", history}, &bytes.Buffer{}, &bytes.Buffer{})
	require.Equal(t, 1, exitStatus(err))
	entries, err := gate.ReadHistory(history)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.InDelta(t, 1.5, entries[0].Values[0].Median, 1e-9)
	m.Gate.Accepted = []record.Accepted{{Metric: "fsyncs_per_write", Reason: "why", Commit: "c0ffee"}}
	require.Equal(t, 0, report())
	m.Blocks = 12
	require.Equal(t, statusInconclusive, report())
}

// TestPowerReport sums up a study of one run, which found what was planted.
func TestPowerReport(t *testing.T) {
	dir := t.TempDir()
	runDir := gate.PowerRunDir(dir, 1)
	require.NoError(t, os.MkdirAll(runDir, 0o755))
	const rules = "{alpha: 0.05, beta: 0.05, looks: [1], gates: [{metric: fsyncs_per_write, load: put, floor: 1}], power: [{name: lost-batch, metric: fsyncs_per_write, load: put}]}"
	m := record.Manifest{Plan: "gate", Level: "default", Blocks: 6, Gate: &record.Gate{Rule: gate.Rule, Rules: rules, Power: true}}
	m.Started, m.Finished = time.Unix(0, 0).UTC(), time.Unix(60, 0).UTC()
	log, _, err := record.OpenLog(runDir)
	require.NoError(t, err)
	for _, arm := range []string{record.ArmBase, record.ArmHead, record.ArmAgain, record.ArmPlanted + "lost-batch"} {
		m.Gate.Arms = append(m.Gate.Arms, record.Arm{Name: arm, Fault: strings.TrimPrefix(arm, record.ArmPlanted)})
		cell := record.Cell{ID: "put" + gate.ArmSuffix(arm), Workload: "put", Options: map[string]string{record.OptionArm: arm}}
		m.Cells = append(m.Cells, cell)
		for b := range 6 {
			mech := &record.Mechanism{AppliedOps: 100, Fsyncs: 100}
			if strings.HasPrefix(arm, record.ArmPlanted) {
				mech.Fsyncs = 200
			}
			require.NoError(t, log.Append(record.Trial{Cell: cell.ID, Block: b, MeasureNS: 1, Durability: record.TierSynced, Workload: record.Workload{Name: "put"}, Mechanism: mech}))
		}
	}
	require.NoError(t, log.Close())
	require.NoError(t, record.WriteManifest(runDir, m))
	var out bytes.Buffer
	require.NoError(t, run([]string{"gate", "--report", dir}, &out, &bytes.Buffer{}))
	require.Contains(t, out.String(), "lost-batch  fsyncs_per_write@put ")
	require.FileExists(t, filepath.Join(dir, "power.md"))
	require.FileExists(t, filepath.Join(dir, "figures", "gate-power.svg"))
}

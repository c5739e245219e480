package gate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

const powerRules = testRules + `
power:
  - {name: delay-1us, metric: throughput, load: put}
  - {name: delay-9us, metric: throughput, load: put}
  - {name: allocation, metric: allocs, load: put}
`

// study simulates runs of a power study: a delay that is never found, one that is
// not found in run 1, and an allocation.
func study(runs int) []record.Run {
	var all []record.Run
	for i := range runs {
		large := armTruth{ops: -0.15}
		if i == 1 {
			large = armTruth{}
		}
		run := simulated(24, map[string]armTruth{
			record.ArmPlanted + "delay-1us": {}, record.ArmPlanted + "delay-9us": large, record.ArmPlanted + "allocation": {allocs: 5},
		})
		run.Manifest.Gate.Rules, run.Manifest.Gate.Power = powerRules, true
		run.Manifest.Started, run.Manifest.Finished = time.Unix(0, 0).UTC(), time.Unix(100, 0).UTC()
		all = append(all, run)
	}
	return all
}

func TestPower(t *testing.T) {
	var results []*Result
	for _, run := range study(20) {
		results = append(results, judge(t, run))
	}
	p, err := NewPower(results)
	require.NoError(t, err)
	require.Equal(t, 20, p.Runs)
	require.Equal(t, 0, p.Alarms)
	require.Equal(t, 20, p.Passes)
	require.Equal(t, 100.0, p.MedianSeconds)
	var found []int
	for _, f := range p.Faults {
		require.Equal(t, 20, f.Runs)
		found = append(found, f.Found)
	}
	require.Equal(t, []int{0, 19, 20}, found)
	require.InDelta(t, 0.15, p.Faults[1].Loss, 0.02)
	least, ok := p.Detectable("throughput@put")
	require.True(t, ok)
	require.Equal(t, p.Faults[1].Fault, least.Fault)
	_, ok = p.Detectable("p99@put")
	require.False(t, ok)
	text := p.Markdown()
	require.Contains(t, text, "20 runs in which base is head")
	require.Contains(t, text, "|false alarms: the same build regressed|0|20|0 [0, 16.8]|")
	require.Contains(t, text, "|19|20|95.0 [75.1, 99.9]|")
	require.Contains(t, text, "- throughput@put: +14.14 % (a known planted-delay-9us)")

	// A fault that is planted in some runs only is counted in those.
	runs := study(4)
	for i := range runs {
		if i > 0 {
			g := runs[i].Manifest.Gate
			g.Arms = slices.DeleteFunc(g.Arms, func(a record.Arm) bool { return a.Name == record.ArmPlanted+"delay-9us" })
			runs[i].Manifest.Cells = slices.DeleteFunc(runs[i].Manifest.Cells, func(c record.Cell) bool { return strings.HasSuffix(c.ID, "delay-9us") })
			runs[i].Trials = slices.DeleteFunc(runs[i].Trials, func(tr record.Trial) bool { return strings.HasSuffix(tr.Cell, "delay-9us") })
		}
	}
	results = nil
	for _, run := range runs {
		results = append(results, judge(t, run))
	}
	p, err = NewPower(results)
	require.NoError(t, err)
	require.Equal(t, []int{4, 1, 4}, []int{p.Faults[0].Runs, p.Faults[1].Runs, p.Faults[2].Runs})

	// Other layouts of the same revision are counted apart.
	run := study(1)[0]
	relay(&run, record.ArmPlacebo, armTruth{})
	relay(&run, record.ArmRelaid, armTruth{ops: -0.2})
	p, err = NewPower([]*Result{judge(t, run)})
	require.NoError(t, err)
	require.Equal(t, []int{0, 1, 1, 0}, []int{p.Alarms, p.Relaid, p.RelaidAlarms, p.PlaceboDifferent})
	require.Contains(t, p.Markdown(), "|placebo, false alarms: head in another layout regressed|1|1|")

	// A build that seems worse than itself is a false alarm.
	bad := judge(t, study(1)[0])
	bad.Rows[0].Verdict = Regressed
	p, err = NewPower([]*Result{bad})
	require.NoError(t, err)
	require.Equal(t, 1, p.Alarms)
	require.Equal(t, 0, p.Passes)
}

func TestRunsThatAreNoPowerStudy(t *testing.T) {
	_, err := NewPower(nil)
	require.ErrorIs(t, err, ErrRecords)
	for want, change := range map[string]func(*record.Run){
		"was not made by metabench gate --power": func(r *record.Run) { r.Manifest.Gate.Power, r.Manifest.Gate.Rules = false, testRules },
		"has a base that is not head":            func(r *record.Run) { r.Manifest.Gate.Arm(record.ArmBase).SHA256 = "other" },
		"has other rules, or another plan":       func(r *record.Run) { r.Manifest.PlanYAML = "other" },
		"has another head": func(r *record.Run) {
			r.Manifest.Gate.Arm(record.ArmBase).SHA256, r.Manifest.Gate.Arm(record.ArmHead).SHA256 = "other", "other"
		},
	} {
		runs := study(2)
		change(&runs[1])
		_, err := NewPower([]*Result{judge(t, runs[0]), judge(t, runs[1])})
		require.ErrorIs(t, err, ErrRecords)
		require.ErrorContains(t, err, "run 2 "+want)
	}
}

// TestReadPower takes the runs up to the first that has not ended.
func TestReadPower(t *testing.T) {
	dir := t.TempDir()
	require.False(t, IsPower(dir))
	for i, run := range study(3) {
		runDir := PowerRunDir(dir, i+1)
		writeRun(t, runDir, run, i < 2)
	}
	require.True(t, IsPower(dir))
	p, err := ReadPower(dir)
	require.NoError(t, err)
	require.Equal(t, 2, p.Runs)
	require.Equal(t, fmt.Sprint(dir, "/run-002"), PowerRunDir(dir, 2))
}

package gate

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"metastorebench/harness/record"
	"metastorebench/harness/stats"
)

// powerWanted is the share of runs in which a loss has to be found to count as one
// that the gate detects.
const powerWanted = 0.9

// Power is what repeated runs in which base is head say about the gate itself.
type Power struct {
	Runs int
	// Alarms are the runs in which base against head, the same build, had a gate that
	// regressed; Passes those in which all passed.
	Alarms, Passes int
	// Relaid are the runs with a layout of head of its own, and RelaidAlarms those in
	// which it, judged as head is, had a gate that regressed. PlaceboDifferent are those
	// in which base's two layouts, with no allowance for either, had a gate that differs.
	Relaid, RelaidAlarms, PlaceboDifferent int
	// MedianSeconds is how long a run took.
	MedianSeconds float64
	// Faults are in the order of the first run that has them.
	Faults []FaultPower
	// Describe names the machine, head and loads.
	Describe string
}

// FaultPower is how often a planted fault was found by the gate that it is aimed
// at.
type FaultPower struct {
	Gate  Gate
	Fault string // in words
	// Found of Runs runs called it regressed.
	Runs, Found int
	// Loss is the mean of what was measured in all blocks of all runs, as a part of the
	// value without the fault. A mean of the runs' own means would be too large: a run
	// in which noise adds to the loss ends early.
	Loss float64

	blocks int     // pairs
	sum    float64 // of their losses
}

func (f FaultPower) name() string { return f.Fault + ": " + f.Gate.Name() }

// NewPower sums up the runs of `metabench gate --power`. ErrRecords says that there
// are none, or of another kind, or of different heads or rules.
func NewPower(results []*Result) (*Power, error) {
	if len(results) == 0 {
		return nil, fmt.Errorf("%w: no run has ended", ErrRecords)
	}
	first := results[0]
	p := &Power{Runs: len(results), Describe: fmt.Sprintf("head %s, level %s, on %s", first.describe(record.ArmHead), first.Manifest.Level, machine(first.Manifest))}
	var seconds []float64
	for i, r := range results {
		if err := sameStudy(first, r); err != nil {
			return nil, fmt.Errorf("%w: run %d %w", ErrRecords, i+1, err)
		}
		seconds = append(seconds, r.Manifest.Finished.Sub(r.Manifest.Started).Seconds())
		if slices.ContainsFunc(r.Rows, func(w Row) bool { return w.Verdict == Regressed }) {
			p.Alarms++
		}
		if !slices.ContainsFunc(r.Rows, func(w Row) bool { return w.Verdict != Pass && w.Verdict != Improved }) {
			p.Passes++
		}
		p.addLayouts(r)
		p.addFaults(r)
	}
	p.MedianSeconds = stats.Summarize(seconds).Median
	for i := range p.Faults {
		f := &p.Faults[i]
		if f.blocks > 0 {
			f.Loss = f.Gate.share(f.sum / float64(f.blocks))
		}
	}
	return p, nil
}

// addLayouts counts what other layouts came to.
func (p *Power) addLayouts(r *Result) {
	if r.Relaid == nil {
		return
	}
	p.Relaid++
	if slices.ContainsFunc(r.Relaid, func(w Row) bool { return w.Verdict == Regressed }) {
		p.RelaidAlarms++
	}
	if slices.ContainsFunc(r.Placebo, func(w Row) bool { return w.Verdict == Regressed || w.Verdict == Improved }) {
		p.PlaceboDifferent++
	}
}

// sameStudy says why a run is not of the same study.
func sameStudy(a, b *Result) error {
	hash := func(r *Result, arm string) string {
		if found := r.Gate.Arm(arm); found != nil {
			return found.SHA256
		}
		return ""
	}
	switch {
	case !b.Gate.Power:
		return fmt.Errorf("was not made by metabench gate --power")
	case hash(b, record.ArmBase) != hash(b, record.ArmHead):
		return fmt.Errorf("has a base that is not head")
	case hash(a, record.ArmHead) != hash(b, record.ArmHead):
		return fmt.Errorf("has another head")
	case a.Gate.Rules != b.Gate.Rules || a.Manifest.PlanYAML != b.Manifest.PlanYAML || a.Manifest.Level != b.Manifest.Level:
		return fmt.Errorf("has other rules, or another plan")
	}
	return nil
}

// addFaults counts what a run found.
func (p *Power) addFaults(r *Result) {
	for _, t := range r.Tests {
		if t.Pair.Want != Regressed {
			continue
		}
		for _, w := range t.Rows {
			found := FaultPower{Gate: w.Gate, Fault: t.Fault}
			i := slices.IndexFunc(p.Faults, func(f FaultPower) bool { return f.name() == found.name() })
			if i < 0 {
				i = len(p.Faults)
				p.Faults = append(p.Faults, found)
			}
			f := &p.Faults[i]
			f.Runs++
			if w.Verdict == Regressed {
				f.Found++
			}
			f.blocks += w.N
			f.sum += float64(w.N) * w.Mean
		}
	}
}

// Detectable is the smallest measured loss of a gate's planted faults that is found
// in nine runs of ten, as are all larger ones; false if there is none.
func (p *Power) Detectable(name string) (FaultPower, bool) {
	var faults []FaultPower
	for _, f := range p.Faults {
		if f.Gate.Name() == name {
			faults = append(faults, f)
		}
	}
	slices.SortFunc(faults, func(a, b FaultPower) int { return cmp.Compare(b.Loss, a.Loss) })
	var least FaultPower
	found := false
	for _, f := range faults {
		if float64(f.Found) < powerWanted*float64(f.Runs) {
			break
		}
		least, found = f, true
	}
	return least, found
}

// gates are those that faults are aimed at, in the faults' order.
func (p *Power) gates() (names []string) {
	for _, f := range p.Faults {
		if !slices.Contains(names, f.Gate.Name()) {
			names = append(names, f.Gate.Name())
		}
	}
	return names
}

// powerRun is the name of a run's directory within a power study's.
const powerRun = "run-%03d"

// PowerRunDir is where the i-th run of the power study in dir, from 1, keeps its
// records.
func PowerRunDir(dir string, i int) string { return filepath.Join(dir, fmt.Sprintf(powerRun, i)) }

// IsPower reports whether dir holds a power study, begun at least.
func IsPower(dir string) bool {
	_, err := os.Stat(filepath.Join(PowerRunDir(dir, 1), record.ManifestFile))
	return err == nil
}

// ReadPower sums up the power study in dir: its runs from the first to the last
// that has ended. ErrRecords says that there is none.
func ReadPower(dir string) (*Power, error) {
	if !IsPower(dir) {
		return nil, fmt.Errorf("%w: %s holds no power study; accepted: a folder that metabench gate --power made", ErrRecords, dir)
	}
	var results []*Result
	for i := 1; ; i++ {
		m, err := record.ReadManifest(PowerRunDir(dir, i))
		if errors.Is(err, fs.ErrNotExist) || err == nil && m.Finished.IsZero() {
			return NewPower(results)
		}
		if err != nil {
			return nil, err
		}
		run, err := record.ReadRun(PowerRunDir(dir, i))
		if err != nil {
			return nil, err
		}
		res, err := Judge(run, nil)
		if err != nil {
			return nil, err
		}
		results = append(results, res)
	}
}

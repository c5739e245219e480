package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

// here describes a machine and builds that are fit for a reference run.
func here(string, string) (record.Environment, error) {
	return record.Environment{
		Commit: "aa", CPUModel: "x", CPUs: 2, Kernel: "6.18.44", MachineID: "m1", Filesystem: "ext4", FilesystemID: "f1",
		Harness: &record.Build{Revision: "aa", SHA256: "h1"},
	}, nil
}

// elsewhere changes it.
func elsewhere(change func(*record.Environment)) func(string, string) (record.Environment, error) {
	return func(string, string) (record.Environment, error) {
		e, err := here("", "")
		change(&e)
		return e, err
	}
}

// TestResumeRefusesAnotherPlace: the records of one run come from one machine, one
// filesystem and one build of the harness. A refused run stays as it was.
func TestResumeRefusesAnotherPlace(t *testing.T) {
	b := newBench(t)
	b.opts.Describe = here
	_, err := b.run()
	require.NoError(t, err)
	path := filepath.Join(b.opts.Out, record.ManifestFile)
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	b.opts.Resume, b.opts.Out = b.opts.Out, ""
	for says, change := range map[string]func(*record.Environment){
		"this program differs (SHA-256 h2, was h1)":                                          func(e *record.Environment) { e.Harness = &record.Build{SHA256: "h2"} },
		"another machine or filesystem, then and now: CPUs 2 and 8, filesystem ext4 and xfs": func(e *record.Environment) { e.CPUs, e.Filesystem = 8, "xfs" },
		"then and now: machine m1 and m2":                                                    func(e *record.Environment) { e.MachineID = "m2" },
		"then and now: filesystem's id f1 and f2":                                            func(e *record.Environment) { e.FilesystemID = "f2" },
		"then and now: kernel 6.18 and 6.19":                                                 func(e *record.Environment) { e.Kernel = "6.19.1" },
	} {
		b.opts.Describe = elsewhere(change)
		_, err = b.run()
		require.ErrorIs(t, err, ErrResume)
		require.ErrorContains(t, err, says)
		after, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after))
	}
	b.opts.Describe = elsewhere(func(e *record.Environment) { e.Kernel = "6.18.45-updated" })
	_, err = b.run()
	require.NoError(t, err, "an updated machine is the same")
	b.opts.External = "other:2379"
	_, err = b.run()
	require.ErrorContains(t, err, `the external endpoint differs ("other:2379", was "")`)
	b.opts.External = ""

	m, err := record.ReadManifest(b.opts.Resume)
	require.NoError(t, err)
	m.Env.Harness = nil
	require.NoError(t, record.WriteManifest(b.opts.Resume, m))
	_, err = b.run()
	require.ErrorContains(t, err, "the harness that began the run is not recorded")
}

// TestDataDirDecidesTheFilesystem: a directory that is not there yet is described by the
// nearest one that is.
func TestDataDirDecidesTheFilesystem(t *testing.T) {
	for name, set := range map[string]func(*Options){
		"out":      func(*Options) {},
		"data dir": func(o *Options) { o.DataDir = filepath.Join(filepath.Dir(o.Out), "some", "where") },
	} {
		b := newBench(t)
		set(&b.opts)
		var asked string
		b.opts.Describe = func(store, dir string) (record.Environment, error) {
			asked = dir
			require.Equal(t, b.opts.Metastore, store)
			return here(store, dir)
		}
		_, err := b.run()
		require.NoError(t, err)
		require.Equal(t, filepath.Dir(b.opts.Out), asked, name)
	}
}

// TestReferenceRefusesBuilds that nobody can make again, before anything is written.
func TestReferenceRefusesBuilds(t *testing.T) {
	for says, change := range map[string]func(*record.Environment){
		"the store does not say which commit it was built from":                         func(e *record.Environment) { e.Commit = "" },
		"the store was built from aa with changes that are not committed":               func(e *record.Environment) { e.Dirty = true },
		"this program does not say which commit it was built from; commit or stash all": func(e *record.Environment) { e.Harness = &record.Build{} },
		"this program was built from bb with changes that are not committed":            func(e *record.Environment) { e.Harness = &record.Build{Revision: "bb", Modified: true} },
	} {
		b := newBench(t)
		b.opts.Reference, b.opts.Describe = true, elsewhere(change)
		_, err := b.run()
		require.ErrorIs(t, err, ErrReference)
		require.ErrorContains(t, err, says)
		require.NoDirExists(t, b.opts.Out)
		b.opts.Reference = false
		_, err = b.run()
		require.NoError(t, err, "other runs may")

		c := newCapacityBench(t)
		c.opts.Reference, c.opts.Describe = true, elsewhere(change)
		_, err = Capacity(t.Context(), c.opts)
		require.ErrorContains(t, err, says)
	}
	b := newBench(t)
	b.opts.Reference, b.opts.Only = true, []string{"target=noop"}
	b.opts.Metastore, b.opts.Describe = "", elsewhere(func(e *record.Environment) { e.Commit = "" })
	_, err := b.run()
	require.NoError(t, err, "there is no store to know")
}

// TestReferenceFailsOnUncheckedTrials: others only count them.
func TestReferenceFailsOnUncheckedTrials(t *testing.T) {
	for _, reference := range []bool{true, false} {
		b := newBench(t)
		b.opts.Reference, b.opts.Describe = reference, here
		b.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
			tr, err := b.trial(ctx, s)
			if s.Order == 2 {
				tr.Checks = nil
			}
			return tr, err
		}
		res, err := b.run()
		require.Len(t, res.Unchecked, 1)
		require.Equal(t, 6, res.Trials)
		require.Equal(t, reference, b.read().Manifest.Reference)
		if !reference {
			require.NoError(t, err)
			continue
		}
		require.ErrorIs(t, err, ErrUnchecked)
		require.ErrorContains(t, err, res.Dir+" is no reference: trials not fully checked:\n  "+res.Unchecked[0])
		require.Contains(t, res.Unchecked[0], ", block 0: no check was made")
		b.opts.Reference, b.opts.Resume = false, b.opts.Out
		_, err = b.run()
		require.ErrorIs(t, err, ErrUnchecked, "a reference run stays one")
	}
}

// TestStartsAreTriedAgain, on other ports, as often as is sensible.
func TestStartsAreTriedAgain(t *testing.T) {
	taken := fmt.Errorf("%w: %w", trial.ErrStart, syscall.EADDRINUSE)
	for fails, voids := range map[int]int{startTries - 1: 0, startTries: 1} {
		b := newBench(t)
		failed := 0
		b.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
			if failed < fails {
				failed++
				return record.Trial{}, taken
			}
			return b.trial(ctx, s)
		}
		res, _ := b.run()
		require.Len(t, res.Voids, voids)
		require.Equal(t, 6, res.Trials)
		for _, v := range res.Voids {
			require.True(t, v.Retry)
		}
	}
}

// TestSmokeMayBeTooSlowForARate, and for nothing else.
func TestSmokeMayBeTooSlowForARate(t *testing.T) {
	for _, c := range []struct {
		level, more string
		fails       bool
	}{{"smoke", "", false}, {"smoke", "; check answers failed: stale", true}, {"default", "", true}} {
		b := newBench(t)
		b.opts.Level, b.opts.Only = c.level, []string{"target=noop"}
		b.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
			tr, err := b.trial(ctx, s)
			tr.OpenLoop = &record.OpenLoop{Due: 1000, Sent: 100, Unsent: 900}
			tr.Ops = []record.OpStats{{Op: record.OpPut, Count: 100}}
			fault, faultErr := tr.OpenLoopFault()
			require.NoError(t, faultErr)
			require.NotEmpty(t, fault)
			tr.Void = fault + c.more
			return tr, err
		}
		res, err := b.run()
		require.NotEmpty(t, res.Voids, "they are told all the same")
		require.Equal(t, c.fails, errors.Is(err, ErrVoid), "%+v: %v", c, err)
	}
}

// TestFullDiskIsNoMeasurement, unless an answer was wrong.
func TestFullDiskIsNoMeasurement(t *testing.T) {
	full := record.Trial{Void: "the target ended by itself: write wal: no space left on device"}
	require.True(t, diskFull(&full))
	full.Checks = []record.Check{{Name: "answers", OK: true}}
	require.True(t, diskFull(&full))
	full.Checks[0].OK = false
	require.False(t, diskFull(&full))
	require.False(t, diskFull(&record.Trial{}))
}

// TestSmokeWaitsForABusyMachine: the window grows until something ends in it, within
// bounds. Other levels have the window that their plan promises.
func TestSmokeWaitsForABusyMachine(t *testing.T) {
	for name, c := range map[string]struct {
		level string
		needs time.Duration // for an operation to end
		voids int
		tries int // of the slow trial
	}{
		"at once":       {"smoke", time.Millisecond, 0, 1},
		"in the end":    {"smoke", 10 * time.Second, 0, 8},
		"never":         {"smoke", time.Hour, 1, 8},
		"another level": {"default", time.Hour, 1, 1},
	} {
		b := newBench(t)
		b.opts.Level, b.opts.Only = c.level, []string{"target=noop"}
		tries := 0
		b.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
			tr, err := b.trial(ctx, s)
			tr.Ops = []record.OpStats{{Op: record.OpPut, Count: 1}}
			if s.Block == 0 {
				tries++
				if s.Measure < c.needs {
					tr.Ops, tr.Void = []record.OpStats{{Op: record.OpPut}}, "check errors failed"
					tr.Checks = []record.Check{{Name: "errors"}}
				}
			}
			return tr, err
		}
		res, _ := b.run()
		require.Len(t, res.Voids, c.voids, name)
		require.Equal(t, c.tries, tries, name)
		for _, tr := range b.read().Trials {
			require.LessOrEqual(t, tr.MeasureNS, longestSmoke.Nanoseconds(), name)
		}
	}
}

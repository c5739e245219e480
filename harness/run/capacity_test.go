package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/capacity"
	"metastorebench/harness/capacity/capacitytest"
	"metastorebench/harness/record"
	"metastorebench/harness/trial"
)

const capacityVariants = `[
 {"axis":"propose","values":[{"name":"perop","baseline":true,"available":true},{"name":"batch","available":true}]},
 {"axis":"engine","values":[{"name":"memory","available":true},{"name":"rocksdb","available":false,"reason":"rocksdb engine is not in this build"}]}]`

// capacityBench is a study of two queues with a store that only knows its
// variants.
type capacityBench struct {
	*bench
	opts   CapacityOptions
	stopAt int // trial at which the run is interrupted; 0 for never
	cancel context.CancelFunc
}

func newCapacityBench(t *testing.T) *capacityBench {
	b := &capacityBench{bench: newBench(t)}
	b.writeStore(capacityVariants)
	spec := capacitytest.Spec()
	spec.Blocks = 1
	b.opts = CapacityOptions{Options: b.bench.opts, Spec: &spec}
	b.opts.Command = []string{"metabench", "capacity", "--slo", "p99=5ms"}
	b.opts.Plan, b.opts.Level, b.opts.Trial = "", "default", b.trial
	return b
}

// trial answers as a queue of the variant's rate would.
func (b *capacityBench) trial(ctx context.Context, s trial.Spec) (record.Trial, error) {
	b.specs = append(b.specs, s)
	if len(b.specs) == b.stopAt {
		b.cancel()
		return record.Trial{}, ctx.Err()
	}
	a := capacity.Ask{Rate: s.Workload.OfferedOpsPerSecond, Block: s.Block, Order: s.Order}
	queue := capacitytest.Queue{Rate: 3000}
	if s.Cell.Options["propose"] == "batch" {
		a.Variant, queue.Rate = 1, 9000
	}
	if strings.Contains(s.Cell.ID, "/load=") {
		a.Load = strings.TrimPrefix(strings.Split(s.Cell.ID, "/")[3], "load=")
	}
	t := queue.Trial(*b.opts.Spec, a)
	if t.Cell != s.Cell.ID || t.Seed != s.Seed {
		return record.Trial{}, errors.New("the trial's spec is not what the study asked for")
	}
	return t, nil
}

func TestCapacityIsAnOrdinaryRun(t *testing.T) {
	b := newCapacityBench(t)
	var told strings.Builder
	b.opts.Progress = &told
	res, err := Capacity(t.Context(), b.opts)
	require.NoError(t, err)
	require.Equal(t, res.Planned, res.Trials)
	require.Contains(t, told.String(), "capacity of baseline: ")

	run, err := record.ReadRun(res.Dir)
	require.NoError(t, err)
	require.Equal(t, capacity.PlanName, run.Manifest.Plan)
	require.Equal(t, b.opts.Command, run.Manifest.Command)
	require.False(t, run.Manifest.Finished.IsZero())
	require.Len(t, run.Trials, res.Trials)
	spec, err := capacity.DecodeSpec([]byte(run.Manifest.PlanYAML))
	require.NoError(t, err)
	again, err := capacity.Replay(spec, run.Trials)
	require.NoError(t, err)
	require.Equal(t, res.Study.Outcomes(), again.Outcomes())
	for _, s := range b.specs {
		require.Equal(t, record.LoopOpen, s.Workload.Loop)
		require.Equal(t, record.ArrivalsPoisson, s.Workload.Arrivals)
	}
}

func TestCapacityResumes(t *testing.T) {
	whole := newCapacityBench(t)
	_, err := Capacity(t.Context(), whole.opts)
	require.NoError(t, err)

	b := newCapacityBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	b.stopAt, b.cancel = 20, cancel
	res, err := Capacity(ctx, b.opts)
	require.ErrorIs(t, err, ErrInterrupted)
	require.ErrorContains(t, err, "metabench capacity --resume "+res.Dir)
	require.Equal(t, 19, res.Trials)

	b.specs, b.stopAt = b.specs[:19], 0
	b.opts.Resume, b.opts.Out = res.Dir, ""
	_, err = Capacity(t.Context(), b.opts)
	require.NoError(t, err)
	require.Len(t, b.specs, len(whole.specs))
	for i := range b.specs {
		require.Equal(t, whole.specs[i].Cell, b.specs[i].Cell)
		require.Equal(t, whole.specs[i].Seed, b.specs[i].Seed)
	}
}

func TestCapacityReportsFailures(t *testing.T) {
	b := newCapacityBench(t)
	b.opts.Trial = func(context.Context, trial.Spec) (record.Trial, error) { return record.Trial{}, trial.ErrStart }
	res, err := Capacity(t.Context(), b.opts)
	require.ErrorIs(t, err, ErrNoTrial)
	require.ErrorContains(t, err, "3 times in a row: trial failed: "+trial.ErrStart.Error()+"; continue with: metabench capacity --resume "+res.Dir)
	require.Equal(t, 1, res.Trials)
	b.opts.Resume, b.opts.Out, b.opts.Trial = res.Dir, "", b.trial
	res, err = Capacity(t.Context(), b.opts)
	require.NoError(t, err)
	run, err := record.ReadRun(res.Dir)
	require.NoError(t, err)
	_, err = capacity.Replay(*b.opts.Spec, run.Trials)
	require.NoError(t, err)
	require.Len(t, run.Trials, res.Trials)

	b = newCapacityBench(t)
	b.opts.Trial = func(ctx context.Context, s trial.Spec) (record.Trial, error) {
		tr, err := b.trial(ctx, s)
		if s.Order == 4 {
			tr.Checks = []record.Check{{Name: "answers", Detail: "a wrong one"}}
			tr.Void = "check answers failed"
		}
		return tr, err
	}
	res, err = Capacity(t.Context(), b.opts)
	require.ErrorIs(t, err, ErrVoid)
	require.Len(t, res.Voids, 1)
	require.Positive(t, res.Study.Outcomes()[0].Met, "the rest has run")
}

func TestCapacityRefusals(t *testing.T) {
	b := newCapacityBench(t)
	b.opts.Spec.Variants[1].Options["engine"] = "rocksdb"
	_, err := Capacity(t.Context(), b.opts)
	require.ErrorContains(t, err, "variant full: rocksdb engine is not in this build")

	b = newCapacityBench(t)
	b.opts.Spec.Repeats = 2
	_, err = Capacity(t.Context(), b.opts)
	require.ErrorIs(t, err, capacity.ErrSpec)

	b = newCapacityBench(t)
	b.opts.Metastore = filepath.Join(t.TempDir(), "none")
	_, err = Capacity(t.Context(), b.opts)
	require.ErrorIs(t, err, ErrNoStore)
	require.NoDirExists(t, b.opts.Out)

	plain := newBench(t)
	res, err := plain.run()
	require.NoError(t, err)
	b.opts.Resume = res.Dir
	_, err = Capacity(t.Context(), b.opts)
	require.ErrorIs(t, err, ErrResume)
	require.ErrorContains(t, err, "metabench run --resume")
}

func TestVariants(t *testing.T) {
	b := newCapacityBench(t)
	all := func(texts ...string) ([]capacity.Variant, error) {
		return Variants(t.Context(), b.opts.Metastore, texts, map[string]string{"disk": "plan"})
	}
	vs, err := all("baseline", "mine:propose=batch,disk=1ms")
	require.NoError(t, err)
	require.Equal(t, []capacity.Variant{
		{Name: "baseline", Options: map[string]string{"propose": "perop", "engine": "memory", "disk": "plan"}},
		{Name: "mine", Options: map[string]string{"propose": "batch", "engine": "memory", "disk": "1ms"}},
	}, vs)
	for text, says := range map[string]string{
		"fast": "accepted: baseline, the name of a plan", ":propose=batch": "not empty", "a/b:propose=batch": "without slash", "a:propose": "axis=value",
		"a:propose=fast": "accepted: perop, batch", "a:prose=batch": "unknown axis", "a:engine=rocksdb": "not in this build",
		"a:api=batch": "sent one by one",
	} {
		_, err := all(text)
		require.ErrorContains(t, err, says, text)
	}
	require.NoError(t, os.Remove(b.opts.Metastore))
	_, err = all("baseline")
	require.ErrorIs(t, err, ErrNoStore)
}

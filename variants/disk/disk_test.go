package disk

import (
	"errors"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"
)

// record returns a profile whose sleeps are written down instead of slept.
func record(t *testing.T, name string, seed uint64, inner vfs.FS) (vfs.FS, *[]time.Duration) {
	var slept []time.Duration
	wrap, err := profileWithSleep(name, seed, func(d time.Duration) { slept = append(slept, d) })
	require.NoError(t, err)
	return wrap(inner), &slept
}

func syncs(t *testing.T, fs vfs.FS, n int) {
	f, err := fs.Create("f", vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	for range n {
		require.NoError(t, f.SyncData())
	}
	require.NoError(t, f.Close())
}

func TestNativeIsTheFileSystemItself(t *testing.T) {
	mem := vfs.NewMem()
	fs, slept := record(t, "native", 1, mem)
	require.Same(t, mem, fs)
	syncs(t, fs, 3)
	require.Empty(t, *slept)
}

func TestOneMillisecond(t *testing.T) {
	fs, slept := record(t, "1ms", 1, vfs.NewMem())
	syncs(t, fs, 3)
	require.Equal(t, []time.Duration{time.Millisecond, time.Millisecond, time.Millisecond}, *slept)
}

// The plan's profile is uniform over 2-5 ms: each tenth of the interval gets a
// tenth of the draws. The seed makes the counts the same in every run.
func TestPlanIsUniformAndSeeded(t *testing.T) {
	const n = 10_000
	fs, slept := record(t, "plan", 7, vfs.NewMem())
	syncs(t, fs, n)
	require.Len(t, *slept, n)
	var tenths [10]int
	for _, d := range *slept {
		require.GreaterOrEqual(t, d, 2*time.Millisecond)
		require.LessOrEqual(t, d, 5*time.Millisecond)
		tenths[min(9, int((d-2*time.Millisecond)/(300*time.Microsecond)))]++
	}
	for i, count := range tenths {
		require.InDelta(t, n/10, count, 150, "tenth %d", i)
	}

	again, repeated := record(t, "plan", 7, vfs.NewMem())
	syncs(t, again, n)
	require.Equal(t, *slept, *repeated)
	other, different := record(t, "plan", 8, vfs.NewMem())
	syncs(t, other, n)
	require.NotEqual(t, *slept, *different)
}

// However a file was opened, each kind of sync sleeps exactly once.
func TestEveryWayToOpenAndSync(t *testing.T) {
	fs, slept := record(t, "1ms", 1, vfs.NewMem())
	syncs(t, fs, 1)
	open := map[string]func() (vfs.File, error){
		"Create":        func() (vfs.File, error) { return fs.Create("a", vfs.WriteCategoryUnspecified) },
		"Open":          func() (vfs.File, error) { return fs.Open("f") },
		"OpenReadWrite": func() (vfs.File, error) { return fs.OpenReadWrite("f", vfs.WriteCategoryUnspecified) },
		"OpenDir":       func() (vfs.File, error) { return fs.OpenDir("") },
		"ReuseForWrite": func() (vfs.File, error) { return fs.ReuseForWrite("f", "f", vfs.WriteCategoryUnspecified) },
	}
	for name, open := range open {
		f, err := open()
		require.NoError(t, err, name)
		*slept = nil
		require.NoError(t, f.Sync(), name)
		require.NoError(t, f.SyncData(), name)
		_, err = f.SyncTo(0)
		require.NoError(t, err, name)
		require.Len(t, *slept, 3, name)
		require.NoError(t, f.Close(), name)
	}
	require.NotNil(t, fs.Unwrap())
	_, err := fs.Open("missing")
	require.Error(t, err)
}

// The real sync's error comes through.
func TestErrorsComeThrough(t *testing.T) {
	broken := errors.New("device gone")
	inner := errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSync {
			return broken
		}
		return nil
	}))
	fs, _ := record(t, "1ms", 1, inner)
	f, err := fs.Create("f", vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	require.ErrorIs(t, f.SyncData(), broken)
	require.ErrorIs(t, f.Sync(), broken)
}

func TestUnknownProfile(t *testing.T) {
	_, err := Profile("floppy", 1)
	require.EqualError(t, err, `unknown --disk "floppy", want one of native, 1ms, plan`)
	require.Empty(t, Summary("floppy"))
	for _, name := range Names() {
		_, err := Profile(name, 1)
		require.NoError(t, err)
		require.NotEmpty(t, Summary(name))
	}
}

func TestNanosleepIsNotShort(t *testing.T) {
	for range 5 {
		begin := time.Now()
		sleep(2 * time.Millisecond)
		require.GreaterOrEqual(t, time.Since(begin), 2*time.Millisecond)
	}
}

// BenchmarkSleep reports by how much a sleep of 3.5 ms, the mean of the plan's
// profile, overshoots: with this package's sleep and with time.Sleep.
func BenchmarkSleep(b *testing.B) {
	const want = 3500 * time.Microsecond
	for name, sleep := range map[string]func(time.Duration){"profile": sleep, "time": time.Sleep} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				sleep(want)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)-float64(want), "over-ns/op")
		})
	}
}

package variants_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// This file counts the acknowledged writes that each value of --wal loses when the
// power fails: the claim M4.
//
//  1. A node runs on a file system in memory that knows what was synced, below a
//     device that takes 1 ms for a sync. Callers put, each put to a new key.
//  2. At random acknowledgements the power is cut: the file system is copied as
//     the device would be found, with a random part of what was not synced, from
//     nothing to all of it. The node goes on, towards the next cut.
//  3. A new node starts on each copy. A put that had been acknowledged before the
//     cut and is not there is lost. Keys that are kept in memory must be those
//     that are stored.
//
// A put whose answer was under way counts as not acknowledged, so losses are not
// overstated. How much async loses depends on the load and on the device: the
// count shows that there is a risk, and is no rate for another machine.

// cut cuts the power of a store, the best with some axes changed, so many times
// and requires that a safe policy loses nothing, and an unsafe one something.
func (p logPolicy) cut(tb testing.TB, cuts int, axes ...string) losses {
	tb.Helper()
	s := p.selection(tb, append(axes, "disk", "1ms")...)
	sum := cutPower(tb, s, p.linger, cuts)
	require.Equal(tb, cuts, sum.cuts)
	require.Greater(tb, sum.acked, cuts)
	if s.Durability() == "synced" {
		require.Zero(tb, sum.lost, "%s lost acknowledged writes", p.name)
	} else {
		require.Positive(tb, sum.lost, "%s is marked unsafe, and nothing was lost", p.name)
	}
	return sum
}

// TestPowerCuts is a short run of BenchmarkPowerCuts, of two lives, and of one on an
// engine that keeps its data on disk and, under async, gets ahead of the log, alone and
// with its keys in memory.
func TestPowerCuts(t *testing.T) {
	for name, c := range map[string]struct {
		lives int
		axes  []string
	}{
		"memory": {2, nil}, "pebble": {1, []string{"engine", "pebble"}}, "pebble-key-index": {1, []string{"engine", "pebble", "key-index", "ranked"}},
	} {
		for _, p := range logPolicies() {
			t.Run(name+"/"+p.name, func(t *testing.T) {
				t.Parallel()
				t.Log(p.cut(t, c.lives*lifeCuts, c.axes...))
			})
		}
	}
}

// BenchmarkPowerCuts is M4's table: an operation is a cut, so run it with
// -benchtime 1000x. A safe policy that loses an acknowledged write fails it, and so
// does async if it loses none.
func BenchmarkPowerCuts(b *testing.B) {
	for _, p := range logPolicies() {
		b.Run("wal="+p.name, func(b *testing.B) {
			if b.N == 1 {
				return // go test tries out every benchmark; one cut shows nothing
			}
			sum := p.cut(b, b.N)
			b.ReportMetric(0, "ns/op") // how long it takes says nothing
			b.ReportMetric(float64(sum.cuts), "cuts")
			b.ReportMetric(float64(sum.lossy), "cuts-with-loss")
			b.ReportMetric(float64(sum.acked), "acknowledged")
			b.ReportMetric(float64(sum.lost), "lost")
			b.ReportMetric(float64(sum.most), "most-lost-in-a-cut")
		})
	}
}

// losses is what the cuts of one store came to.
type losses struct {
	cuts, lossy int // lossy cuts lost at least one acknowledged write
	acked, lost int // writes, summed over the cuts, of which each is a life's only one
	most        int // lost in one cut
}

func (l losses) String() string {
	return fmt.Sprintf("%d of %d acknowledged writes lost over %d cuts; %d cuts lost any, %d at most",
		l.lost, l.acked, l.cuts, l.lossy, l.most)
}

const (
	// lifeCuts is how many cuts a node lives through: few enough that their
	// copies fit in memory.
	lifeCuts = 25
	// meanGap is the mean number of acknowledgements from one cut to the next.
	meanGap = 20
	// lifeCallers put at the same time.
	lifeCallers = 8
)

// cutPower cuts the power that many times, over as many lives as it takes.
func cutPower(tb testing.TB, s variants.Selection, linger time.Duration, cuts int) (sum losses) {
	tb.Helper()
	for seed := uint64(1); sum.cuts < cuts; seed++ {
		l := &life{sel: s, linger: linger, rng: rand.New(rand.NewPCG(seed, 7)), fs: vfs.NewCrashableMem(), wanted: min(lifeCuts, cuts-sum.cuts)}
		l.live(tb)
		for _, c := range l.cuts {
			lost := l.lost(tb, c)
			sum.cuts++
			sum.acked += c.acked
			sum.lost += lost
			sum.most = max(sum.most, lost)
			if lost > 0 {
				sum.lossy++
			}
		}
	}
	return sum
}

// life is one node's, through several power cuts.
type life struct {
	sel    variants.Selection
	linger time.Duration
	fs     *vfs.MemFS
	wanted int // cuts

	mu    sync.Mutex
	rng   *rand.Rand
	acked []string // keys, in the order of their acknowledgement
	next  int      // the acknowledgement at which the power fails next
	cuts  []powerCut
}

// powerCut is a device as it was found: the first acked puts must be on it.
type powerCut struct {
	fs    *vfs.MemFS
	acked int
}

// live runs callers until there were enough cuts.
func (l *life) live(tb testing.TB) {
	tb.Helper()
	n := l.start(tb, l.fs)
	l.next = l.gap()
	errs := make([]error, lifeCallers)
	var callers sync.WaitGroup
	for c := range lifeCallers {
		callers.Go(func() { errs[c] = l.call(n, c) })
	}
	callers.Wait()
	require.NoError(tb, errors.Join(append(errs, n.Stop())...))
}

// start does without the tests' start, which keeps every node to the end.
func (l *life) start(tb testing.TB, fs vfs.FS) *node.Node {
	tb.Helper()
	o := options(tb, fs, "data", l.sel)
	o.SyncLinger = l.linger
	o.SnapshotCount, o.SegmentBytes = 200, 64<<10 // snapshots and new log files within a life
	n, err := node.Start(context.Background(), o)
	require.NoError(tb, err)
	return n
}

func (l *life) call(n *node.Node, caller int) error {
	for i, more := 0, true; more; i++ {
		key := fmt.Sprintf("%d-%d", caller, i)
		if _, err := n.Propose(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: []byte(key), Value: make([]byte, 64)}}); err != nil {
			return err
		}
		more = l.acknowledged(key)
	}
	return nil
}

// acknowledged notes one and cuts the power when it is time. It reports whether
// more cuts are wanted.
func (l *life) acknowledged(key string) (more bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked = append(l.acked, key)
	if len(l.cuts) < l.wanted && len(l.acked) >= l.next {
		kept := []int{0, 20, 50, 80, 100}[l.rng.IntN(5)]
		l.cuts = append(l.cuts, powerCut{l.fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: kept, RNG: l.rng}), len(l.acked)})
		l.next += l.gap()
	}
	return len(l.cuts) < l.wanted
}

func (l *life) gap() int { return 1 + l.rng.IntN(2*meanGap-1) }

// lost starts a node on what a cut left and counts what is missing.
func (l *life) lost(tb testing.TB, c powerCut) (lost int) {
	tb.Helper()
	n := l.start(tb, c.fs)
	require.NoError(tb, n.Read(context.Background(), false, func(r engine.Reader) error {
		for _, key := range l.acked[:c.acked] {
			got, err := r.Get([]byte(key))
			if err != nil {
				return err
			}
			if got == nil {
				lost++
			}
		}
		if l.sel["key-index"] == "none" {
			return nil
		}
		return enginetest.CheckCounts(r)
	}))
	require.NoError(tb, n.Stop())
	return lost
}

package variants_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/engine/enginetest"
	"metastorebench/core/kv"
	"metastorebench/core/metrics"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// options returns the parts of a node of the selection, on fs.
func options(tb testing.TB, fs vfs.FS, dir string, s variants.Selection) node.Options {
	tb.Helper()
	o := node.Options{
		DataDir: dir, FS: fs, Name: "n", ClusterToken: "t",
		Members: map[string]string{"n": "http://127.0.0.1:2380"},
		Metrics: metrics.New(s["engine"]),
	}
	require.NoError(tb, s.Apply(&o, 1))
	return o
}

func start(tb testing.TB, o node.Options) *node.Node {
	tb.Helper()
	n, err := node.Start(tb.Context(), o)
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = n.Stop() })
	return n
}

// with returns the best selection with some axes changed.
func with(tb testing.TB, variant string, axes ...string) variants.Selection {
	tb.Helper()
	s, err := variants.Named(variant)
	require.NoError(tb, err)
	for i := 0; i < len(axes); i += 2 {
		s[axes[i]] = axes[i+1]
	}
	return s
}

// selections returns the baseline, the best, and every value in between once,
// for each engine of this build, and the best with each index.
func selections(tb testing.TB) map[string]variants.Selection {
	all := make(map[string]variants.Selection)
	for _, e := range engines() {
		all[e+"/baseline"] = with(tb, variants.VariantBaseline, "engine", e)
		all[e+"/best-perentry"] = with(tb, variants.VariantBest, "engine", e, "wal", "perentry")
		all[e+"/baseline-perready"] = with(tb, variants.VariantBaseline, "engine", e, "wal", "perready")
		all[e+"/baseline-pooled"] = with(tb, variants.VariantBaseline, "engine", e, "pool", "on")
		all[e+"/baseline-group"] = with(tb, variants.VariantBaseline, "engine", e, "wal", "group")
	}
	all["memory/baseline-pipelined"] = with(tb, variants.VariantBaseline, "pipeline", "on")
	all["memory/perentry-pipelined"] = with(tb, variants.VariantBest, "wal", "perentry", "pipeline", "on")
	maps.Copy(all, stores(tb))
	return all
}

// stores returns the best selection on each engine of this build, with both kinds
// of log, in the Raft loop and behind it, the memory engine with each index and
// the others with each profile and with keys in memory. Pipelines are on for a part: an engine does not
// meet them.
func stores(tb testing.TB) map[string]variants.Selection {
	all := make(map[string]variants.Selection)
	for _, e := range engines() {
		all[e] = with(tb, variants.VariantBest, "engine", e)
		if e != "memory" {
			all[e+"/tuned"] = with(tb, variants.VariantBest, "engine", e, "engine-profile", "tuned")
			all[e+"/key-index"] = with(tb, variants.VariantBest, "engine", e, "key-index", "ranked")
		}
		all[e+"/perready"] = with(tb, variants.VariantBest, "engine", e, "wal", "perready")
		all[e+"/wire"] = with(tb, variants.VariantBest, "engine", e, "codec", "wire")
		all[e+"/wire-pooled"] = with(tb, variants.VariantBest, "engine", e, "codec", "wire", "pool", "on")
	}
	for _, index := range values("index") {
		all["memory/"+index] = with(tb, variants.VariantBest, "engine", "memory", "index", index)
	}
	delete(all, "memory") // its index is among them
	all["memory/pipelined"] = with(tb, variants.VariantBest, "wal", "perready", "pipeline", "on")
	all["pebble/pipelined"] = with(tb, variants.VariantBest, "engine", "pebble", "wal", "perentry", "pipeline", "on")
	return all
}

// logPolicy is how a single node writes its log.
type logPolicy struct {
	name, wal, pipeline string
	linger              time.Duration
}

// logPolicies returns every value of --wal, group also with a linger, and with
// --pipeline=on those that a single node then writes in another way.
func logPolicies() []logPolicy {
	var all []logPolicy
	for _, wal := range values("wal") {
		all = append(all, logPolicy{name: wal, wal: wal, pipeline: "off"})
		switch wal {
		case "group":
			all = append(all, logPolicy{name: "group-linger", wal: wal, pipeline: "off", linger: 500 * time.Microsecond})
		case "perentry", "perready":
			all = append(all, logPolicy{name: wal + "-pipelined", wal: wal, pipeline: "on"})
		}
	}
	return all
}

// selection is the best with this policy and some axes changed.
func (p logPolicy) selection(tb testing.TB, axes ...string) variants.Selection {
	tb.Helper()
	return with(tb, variants.VariantBest, append(axes, "wal", p.wal, "pipeline", p.pipeline)...)
}

// safePolicies are those that may be compared in speed.
func safePolicies() []logPolicy {
	return slices.DeleteFunc(logPolicies(), func(p logPolicy) bool { return p.wal == "async" })
}

func engines() []string { return values("engine") }

// values returns the axis's values that are in this build.
func values(axis string) []string {
	var names []string
	for _, a := range variants.Axes() {
		for _, v := range a.Values {
			if a.Name == axis && v.Missing == "" {
				names = append(names, v.Name)
			}
		}
	}
	return names
}

// ledger is what callers were told.
type ledger struct {
	mu    sync.Mutex
	more  sync.Cond        // signalled on every answer and at the end of a load
	acked map[string]int64 // key -> newest acknowledged revision
	value map[int64]string // revision -> value
	pad   string           // the end of each value
	done  bool             // the load has ended
}

// load runs callers that put, each over its own keys, until the node has stopped. A
// put that fails otherwise, as between two leaders, is one that was not acknowledged.
func (l *ledger) load(n *node.Node, callers, puts int, seed uint64) {
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(seed, uint64(c)))
			for i := range puts {
				key, value := fmt.Sprintf("\xff%d-%d", c, rng.IntN(8)), fmt.Sprintf("%d-%d-%d%s", seed, c, i, l.pad)
				res, err := n.Propose(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: []byte(key), Value: []byte(value)}})
				if errors.Is(err, kv.ErrStopped) {
					return
				}
				if err != nil {
					time.Sleep(time.Millisecond) // it may have been refused at once
					continue
				}
				l.mu.Lock()
				l.acked[key] = res.Revision
				l.value[res.Revision] = value
				l.mu.Unlock()
				l.more.Signal()
			}
		})
	}
	wg.Wait()
	l.mu.Lock()
	l.done = true
	l.mu.Unlock()
	l.more.Signal()
}

// check compares a restarted node with the ledger: nothing acknowledged is
// missing. A put that was not acknowledged may be there. Whatever is there is
// counted.
func (l *ledger) check(t *testing.T, n *node.Node) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	require.NoError(t, n.Read(t.Context(), false, func(r engine.Reader) error {
		for key, rev := range l.acked {
			got, err := r.Get([]byte(key))
			require.NoError(t, err)
			require.NotNil(t, got, "key %q, put at revision %d, is lost", key, rev)
			require.GreaterOrEqual(t, got.ModRevision, rev, "key %q went back", key)
			if got.ModRevision == rev {
				require.Equal(t, l.value[rev], string(got.Value))
			}
		}
		return enginetest.CheckCounts(r)
	}))
}

func newLedger() *ledger {
	l := &ledger{acked: make(map[string]int64), value: make(map[int64]string)}
	l.more.L = &l.mu
	return l
}

// TestRestart stops and starts a node of every kind several times, with
// snapshots between, and looks for every acknowledged put.
func TestRestart(t *testing.T) {
	for name, s := range selections(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, vfs.Default, t.TempDir(), s)
			o.SnapshotCount = 20
			l := newLedger()
			for round := range uint64(3) {
				n := start(t, o)
				l.check(t, n)
				l.load(n, 4, 25, round)
				require.NoError(t, n.Stop())
			}
			l.check(t, start(t, o))
		})
	}
}

// TestPowerLoss cuts the power at random moments under load: of what was not
// synced a random part is lost, and every acknowledged put must be there.
func TestPowerLoss(t *testing.T) {
	for name, s := range selections(t) {
		if s["engine"] == "rocksdb" {
			continue // it does its own file access; kill -9 is tested in cmd/metastore
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs, l := vfs.NewCrashableMem(), newLedger()
			for round := range uint64(4) {
				o := options(t, fs, "data", s)
				o.SnapshotCount = 20
				n := start(t, o)
				l.check(t, n)
				fs = cutUnderLoad(fs, n, l, round)
			}
		})
	}
}

// cutUnderLoad loads n, takes what is on disk after some answers, and stops n.
// The ledger is held while the disk is taken, so that it says what had been
// acknowledged by then at the latest.
func cutUnderLoad(fs *vfs.MemFS, n *node.Node, l *ledger, seed uint64) *vfs.MemFS {
	var wg sync.WaitGroup
	l.done = false
	wg.Go(func() { l.load(n, 4, 50, seed) })
	rng := rand.New(rand.NewPCG(seed, 99))
	l.mu.Lock()
	for target := len(l.value) + rng.IntN(150); len(l.value) < target && !l.done; {
		l.more.Wait()
	}
	crashed := fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
	acked, value := maps.Clone(l.acked), maps.Clone(l.value)
	l.mu.Unlock()
	_ = n.Stop() // on the old disk, which nobody reads again
	wg.Wait()
	l.acked, l.value = acked, value
	return crashed
}

// TestRefusals starts on data directories of others.
func TestRefusals(t *testing.T) {
	fs := vfs.NewMem()
	best := with(t, variants.VariantBest)
	o := options(t, fs, "data", best)
	n := start(t, o)
	_, err := node.Start(t.Context(), o)
	require.ErrorContains(t, err, "in use by another process")
	require.NoError(t, n.Stop())

	other := o
	other.ClusterToken = "another"
	_, err = node.Start(t.Context(), other)
	require.ErrorIs(t, err, node.ErrDataDir)
	require.ErrorContains(t, err, "cluster id")

	_, err = node.Start(t.Context(), options(t, fs, "data", with(t, variants.VariantBest, "engine", "pebble")))
	require.ErrorIs(t, err, node.ErrDataDir)
	require.ErrorContains(t, err, "says engine memory, this node is started with pebble")

	require.NoError(t, fs.RemoveAll("data/wal"))
	_, err = node.Start(t.Context(), o)
	require.ErrorIs(t, err, node.ErrDataDir)
	require.ErrorContains(t, err, "lost its beginning")
}

// TestOtherCodec reads a log with another --codec than it was written with.
func TestOtherCodec(t *testing.T) {
	dir, l := t.TempDir(), newLedger()
	for round, codec := range []string{"json", "wire", "protobuf", "json", "wire"} {
		n := start(t, options(t, vfs.Default, dir, with(t, variants.VariantBest, "codec", codec)))
		l.check(t, n)
		l.load(n, 2, 20, uint64(round))
		require.NoError(t, n.Stop())
	}
	l.check(t, start(t, options(t, vfs.Default, dir, with(t, variants.VariantBest))))
}

// TestStoppedNodeAnswers looks for callers left waiting.
func TestStoppedNodeAnswers(t *testing.T) {
	n := start(t, options(t, vfs.NewMem(), "data", with(t, variants.VariantBest)))
	require.NoError(t, n.Stop())
	_, err := n.Propose(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte("k")}})
	require.True(t, errors.Is(err, kv.ErrStopped) && kv.Unknown(err), "%v", err)
	require.ErrorIs(t, n.Read(t.Context(), false, func(engine.Reader) error { return nil }), kv.ErrStopped)
	require.NoError(t, n.Err())
}

// bytes is at least what the acknowledged puts took in the log.
func (l *ledger) bytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sum int64
	for _, v := range l.value {
		sum += int64(len(v)) + 32 // an entry's header and a frame's are longer
	}
	return sum
}

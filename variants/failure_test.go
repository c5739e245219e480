package variants_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// TestFailingDevice lets one kind of log access fail under load: the node stops
// with the reason, nothing is acknowledged any more, and after a restart on a
// sound device everything acknowledged is there.
func TestFailingDevice(t *testing.T) {
	for name, c := range map[string]struct {
		kinds []errorfs.OpKind
		err   error
	}{
		"sync fails": {[]errorfs.OpKind{errorfs.OpFileSync, errorfs.OpFileSyncData}, syscall.EIO},
		"disk full":  {[]errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileWriteAt}, syscall.ENOSPC},
	} {
		for storeName, s := range stores(t) {
			if s["engine"] == "rocksdb" {
				continue // it does its own file access
			}
			t.Run(name+"/"+storeName, func(t *testing.T) {
				t.Parallel()
				failing := &errorfs.Toggle{Injector: errorfs.InjectorFunc(func(op errorfs.Op) error {
					for _, k := range c.kinds {
						if op.Kind == k && strings.Contains(op.Path, "wal") {
							return c.err
						}
					}
					return nil
				})}
				mem := vfs.NewCrashableMem()
				n := start(t, options(t, errorfs.Wrap(mem, failing), "data", s))
				l := newLedger()
				l.load(n, 4, 20, 1)
				failing.On()
				l.load(n, 4, 20, 2) // ends when the node answers no more

				select {
				case <-n.Failed():
				case <-time.After(time.Minute):
					t.Fatal("the node goes on after a failed access")
				}
				require.ErrorIs(t, n.Err(), c.err)
				failing.Off()
				_, err := n.Propose(t.Context(), &kv.Command{Put: &kv.PutRequest{Key: []byte("after")}})
				require.ErrorIs(t, err, kv.ErrStopped, "a failed sync must not be retried")
				require.ErrorIs(t, n.Read(t.Context(), true, func(engine.Reader) error { return nil }), kv.ErrStopped)
				_ = n.Stop()

				l.check(t, start(t, options(t, mem.CrashClone(vfs.CrashCloneCfg{}), "data", s)))
			})
		}
	}
}

// TestLogIsBounded writes far more than the bounds and looks at what is left on
// disk: few log files, one snapshot, and all of the data.
func TestLogIsBounded(t *testing.T) {
	for storeName, s := range stores(t) {
		for name, bound := range map[string]func(*node.Options){
			"by entries": func(o *node.Options) { o.SnapshotCount = 20 },
			"by bytes":   func(o *node.Options) { o.SnapshotBytes = 16 << 10 },
		} {
			t.Run(storeName+"/"+name, func(t *testing.T) {
				t.Parallel()
				o := options(t, vfs.Default, t.TempDir(), s)
				o.SegmentBytes = 4 << 10
				bound(&o)
				l, n := newLedger(), start(t, o)
				l.pad = strings.Repeat("v", 400) // some ten puts fill a log file
				// Snapshots are taken in the background: write until they show.
				round := uint64(0)
				require.Eventually(t, func() bool {
					l.load(n, 4, 25, round)
					round++
					logs, err := o.FS.List(o.FS.PathJoin(o.DataDir, "wal"))
					written := int(l.bytes() / o.SegmentBytes) // log files, had none been dropped
					return err == nil && written > 20 && len(logs) < written/2
				}, time.Minute, time.Millisecond)
				require.NoError(t, n.Stop())

				snaps, err := o.FS.List(o.FS.PathJoin(o.DataDir, "snap"))
				if s["engine"] == "memory" {
					require.NoError(t, err)
					// The one that the log names, and one that the stop may have
					// come before recording.
					require.Contains(t, []int{1, 2}, len(snaps))
				} else {
					require.Error(t, err, "a persistent engine keeps no snapshot files")
				}
				l.check(t, start(t, o))
			})
		}
	}
}

// TestMissingSnapshot removes the snapshot that the log begins with.
func TestMissingSnapshot(t *testing.T) {
	o := options(t, vfs.NewMem(), "data", with(t, variants.VariantBest))
	o.SnapshotCount = 10
	n := start(t, o)
	// A second snapshot begins after the log has recorded the first.
	seen := make(map[string]bool)
	require.Eventually(t, func() bool {
		newLedger().load(n, 1, 20, 1)
		snaps, _ := o.FS.List("data/snap") // not there before the first
		for _, s := range snaps {
			if strings.HasSuffix(s, ".snap") {
				seen[s] = true
			}
		}
		return len(seen) > 1
	}, time.Minute, time.Millisecond)
	require.NoError(t, n.Stop())
	require.NoError(t, o.FS.RemoveAll("data/snap"))
	_, err := node.Start(t.Context(), o)
	require.ErrorIs(t, err, node.ErrDataDir)
	require.ErrorContains(t, err, "its snapshot cannot be read")
}

// TestFormatVersion starts on a data directory of a later format.
func TestFormatVersion(t *testing.T) {
	o := options(t, vfs.NewMem(), "data", with(t, variants.VariantBest))
	require.NoError(t, start(t, o).Stop())
	f, err := o.FS.Create("data/meta.json", vfs.WriteCategoryUnspecified)
	require.NoError(t, err)
	_, err = f.Write([]byte(`{"format": 3}`))
	require.NoError(t, errors.Join(err, f.Close()))
	_, err = node.Start(t.Context(), o)
	require.ErrorIs(t, err, node.ErrDataDir)
	require.ErrorContains(t, err, "format version 3, accepted: 2; another version of this program has written it")
}

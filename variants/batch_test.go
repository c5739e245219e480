package variants_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
)

const (
	batchCallers = 3
	// batchKeys is the number of keys that each caller's batches have.
	batchKeys = 24
)

// batchWriters put batches, each over its own keys, all with the batch's number:
// after a crash a writer's keys say which of its batches happened.
type batchWriters struct {
	mu    sync.Mutex
	acked map[int]uint64 // writer -> number of its newest acknowledged batch
}

func newBatchWriters() *batchWriters {
	b := &batchWriters{acked: make(map[int]uint64)}
	for w := range batchCallers {
		b.acked[w] = 0
	}
	return b
}

func batchKey(writer, i int) []byte { return fmt.Appendf(nil, "\xff%d/%d", writer, i) }

func batchOf(writer int, number uint64) []*kv.Command {
	cmds := make([]*kv.Command, batchKeys)
	for i := range cmds {
		cmds[i] = &kv.Command{Put: &kv.PutRequest{Key: batchKey(writer, i), Value: binary.BigEndian.AppendUint64(nil, number)}}
	}
	return cmds
}

// run puts batches until every writer has had so many acknowledged, or its call
// fails. answered is called after each answer.
func (b *batchWriters) run(t *testing.T, n *node.Node, batches int, answered func()) {
	var wg sync.WaitGroup
	for w := range batchCallers {
		wg.Go(func() {
			for range batches {
				b.mu.Lock()
				number := b.acked[w] + 1
				b.mu.Unlock()
				results, err := n.ProposeBatch(context.Background(), batchOf(w, number))
				if err != nil {
					return
				}
				for i, r := range results {
					if want := results[0].Revision + int64(i); r.Err != nil || r.Revision != want {
						t.Errorf("put %d of a batch: revision %d, want %d: %v", i, r.Revision, want, r.Err)
					}
				}
				b.mu.Lock()
				b.acked[w] = number
				b.mu.Unlock()
				answered()
			}
		})
	}
	wg.Wait()
}

// check looks at every writer's keys: all are of one batch, which is the newest
// acknowledged or the one after it, and each was put once per batch.
func (b *batchWriters) check(t *testing.T, n *node.Node) {
	t.Helper()
	require.NoError(t, n.Read(t.Context(), false, func(r engine.Reader) error {
		for w, acked := range b.acked {
			newest := newestBatch(t, r, w)
			require.Contains(t, []uint64{acked, acked + 1}, newest, "writer %d", w)
			b.acked[w] = newest
		}
		return nil
	}))
}

// newestBatch returns the number of the batch that all keys of a writer are of,
// 0 if there are none.
func newestBatch(t *testing.T, r engine.Reader, writer int) (newest uint64) {
	for i := range batchKeys {
		pair, err := r.Get(batchKey(writer, i))
		require.NoError(t, err)
		number := uint64(0)
		if pair != nil {
			number = binary.BigEndian.Uint64(pair.Value)
			require.EqualValues(t, number, pair.Version, "writer %d, key %d: a batch was applied twice", writer, i)
		}
		if i == 0 {
			newest = number
		}
		require.Equal(t, newest, number, "writer %d, key %d: a batch happened in part", writer, i)
	}
	return newest
}

// TestBatches puts batches into a store of every kind over several restarts.
func TestBatches(t *testing.T) {
	for name, s := range selections(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t, vfs.Default, t.TempDir(), s)
			o.SnapshotCount = 10
			b := newBatchWriters()
			for range 3 {
				n := start(t, o)
				b.check(t, n)
				b.run(t, n, 5, func() {})
				require.NoError(t, n.Stop())
			}
			n := start(t, o)
			b.check(t, n)
			for w := range batchCallers {
				require.EqualValues(t, 15, b.acked[w])
			}
		})
	}
}

// TestBatchesAndPowerLoss cuts the power under batches: each is there whole or
// not at all, and once.
func TestBatchesAndPowerLoss(t *testing.T) {
	for name, s := range selections(t) {
		if s["engine"] == "rocksdb" {
			continue // it does its own file access; kill -9 is tested in cmd/metastore
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fs, b := vfs.NewCrashableMem(), newBatchWriters()
			for round := range uint64(3) {
				rng := rand.New(rand.NewPCG(round, 7))
				o := options(t, fs, "data", s)
				o.SnapshotCount = 10
				n := start(t, o)
				b.check(t, n)
				var crashed *vfs.MemFS
				left := 1 + rng.IntN(18)
				var answers sync.Mutex
				var acked map[int]uint64
				b.run(t, n, 6, func() {
					answers.Lock()
					defer answers.Unlock()
					if left--; left != 0 {
						return
					}
					b.mu.Lock()
					defer b.mu.Unlock()
					crashed = fs.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rng.IntN(101), RNG: rng})
					acked = maps.Clone(b.acked)
				})
				require.NotNil(t, crashed)
				require.NoError(t, n.Stop()) // on the old disk, which nobody reads again
				fs, b.acked = crashed, acked
			}
			b.check(t, start(t, options(t, fs, "data", s)))
		})
	}
}

// TestBatchWithBadCommands checks that a command which cannot be carried out
// fails alone, on every engine.
func TestBatchWithBadCommands(t *testing.T) {
	for name, s := range stores(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := start(t, options(t, vfs.Default, t.TempDir(), s))
			results, err := n.ProposeBatch(t.Context(), []*kv.Command{
				{Put: &kv.PutRequest{Key: []byte("a"), Value: []byte("1")}},
				{Put: &kv.PutRequest{Key: []byte("none"), IgnoreValue: true}},
				{DeleteRange: &kv.DeleteRangeRequest{Key: []byte("a")}},
				{Put: &kv.PutRequest{Key: []byte("a"), Value: []byte("2")}},
			})
			require.NoError(t, err)
			require.ErrorIs(t, results[1].Err, kv.ErrKeyNotFound)
			require.EqualValues(t, 1, results[2].Delete.Deleted)
			require.Equal(t, []int64{2, 3, 4}, []int64{results[0].Revision, results[2].Revision, results[3].Revision})
			require.NoError(t, n.Read(t.Context(), false, func(r engine.Reader) error {
				pair, err := r.Get([]byte("a"))
				require.NoError(t, err)
				require.Equal(t, []int64{4, 4, 1}, []int64{pair.ModRevision, pair.CreateRevision, pair.Version})
				return nil
			}))
		})
	}
}

// TestStoppedNodeAnswersBatches looks for callers left waiting.
func TestStoppedNodeAnswersBatches(t *testing.T) {
	n := start(t, options(t, vfs.NewMem(), "data", with(t, variants.VariantBest)))
	require.NoError(t, n.Stop())
	_, err := n.ProposeBatch(t.Context(), batchOf(0, 1))
	require.ErrorIs(t, err, kv.ErrStopped)
}

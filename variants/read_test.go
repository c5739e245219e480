package variants_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// TestReadYourWrites is what every value of --read owes a cluster of one: each
// caller, and everybody who hears of its put, reads what was acknowledged.
func TestReadYourWrites(t *testing.T) {
	for _, read := range values("read") {
		for _, wal := range []string{"perready", "group"} {
			t.Run(read+"/"+wal, func(t *testing.T) {
				n := start(t, options(t, vfs.NewMem(), "data", with(t, variants.VariantBest, "read", read, "wal", wal)))
				var newest atomic.Int64 // acknowledged revision
				var callers sync.WaitGroup
				for c := range 4 {
					callers.Go(func() {
						key := fmt.Appendf(nil, "%d", c)
						for range 50 {
							if err := putAndRead(n, key, &newest); err != nil {
								t.Error(err)
								return
							}
						}
					})
				}
				callers.Wait()
				require.NoError(t, n.Stop())
				require.ErrorIs(t, n.Read(t.Context(), false, func(engine.Reader) error { return nil }), kv.ErrStopped)
			})
		}
	}
}

// putAndRead puts key and reads it back, from a view that must not be older than
// anything acknowledged to anybody before.
func putAndRead(n *node.Node, key []byte, newest *atomic.Int64) error {
	res, err := n.Propose(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: key}})
	if err != nil {
		return err
	}
	for old := newest.Load(); old < res.Revision && !newest.CompareAndSwap(old, res.Revision); {
		old = newest.Load()
	}
	floor := newest.Load()
	return n.Read(context.Background(), false, func(r engine.Reader) error {
		if at := r.State().Revision; at < floor {
			return fmt.Errorf("read revision %d, but %d had been acknowledged", at, floor)
		}
		pair, err := r.Get(key)
		if err == nil && (pair == nil || pair.ModRevision != res.Revision) {
			err = fmt.Errorf("read %v, but revision %d had been acknowledged", pair, res.Revision)
		}
		return err
	})
}

// BenchmarkRead measures reads of one key in process, without gRPC, by callers,
// with the store at rest and beside callers that put.
func BenchmarkRead(b *testing.B) {
	for _, read := range values("read") {
		for _, callers := range []int{1, 50, 1000} {
			for _, writers := range []int{0, 50} {
				b.Run(fmt.Sprintf("read=%s/callers=%d/writers=%d", read, callers, writers), func(b *testing.B) {
					s := with(b, variants.VariantBest, "read", read, "index", "hybrid")
					benchmarkRead(b, start(b, options(b, vfs.Default, b.TempDir(), s)), callers, writers)
				})
			}
		}
	}
}

func benchmarkRead(b *testing.B, n *node.Node, callers, writers int) {
	const keys = 1000
	key := func(i int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(i%keys)) }
	put := func(ctx context.Context, i int64) error {
		_, err := n.Propose(ctx, &kv.Command{Put: &kv.PutRequest{Key: key(i), Value: make([]byte, 256)}})
		return err
	}
	for i := range int64(keys) {
		require.NoError(b, put(b.Context(), i))
	}
	ctx, stop := context.WithCancel(b.Context())
	var load, reads sync.WaitGroup
	for w := range int64(writers) {
		load.Go(func() {
			for i := w; ctx.Err() == nil; i++ {
				if err := put(ctx, i); err != nil && ctx.Err() == nil {
					b.Error(err)
					return
				}
			}
		})
	}
	var next atomic.Int64
	b.ReportAllocs()
	b.ResetTimer()
	for range callers {
		reads.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				err := n.Read(ctx, false, func(r engine.Reader) error {
					_, err := r.Get(key(i))
					return err
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	reads.Wait()
	b.StopTimer()
	stop()
	load.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
}

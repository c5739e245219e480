package variants_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/apply"
	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/metrics"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// persistent calls bench for each engine of this build that persists, with each
// value of --key-index.
func persistent(b *testing.B, bench func(b *testing.B, s variants.Selection)) {
	for _, e := range engines() {
		if e == "memory" {
			continue
		}
		for _, index := range values("key-index") {
			b.Run(fmt.Sprintf("engine=%s/key-index=%s", e, index), func(b *testing.B) {
				bench(b, with(b, variants.VariantBest, "engine", e, "engine-profile", "tuned", "key-index", index))
			})
		}
	}
}

// openFilled opens the selection's engine with so many pairs of 8-byte keys and
// 256-byte values on disk. open opens it again once it is closed.
func openFilled(b *testing.B, s variants.Selection, keys int) (open func() engine.Metered) {
	b.Helper()
	o, dir := node.Options{FS: vfs.Default, Metrics: metrics.New(s["engine"])}, b.TempDir()
	require.NoError(b, s.Apply(&o, 1))
	open = func() engine.Metered {
		e, err := o.OpenEngine(dir)
		require.NoError(b, err)
		return e.(engine.Metered)
	}
	e, value := open(), make([]byte, 256)
	for i := 0; i < keys; {
		batch := e.NewBatch()
		for end := min(i+1000, keys); i < end; i++ {
			key := binary.BigEndian.AppendUint64(nil, uint64(i))
			require.NoError(b, batch.Put(&kv.KeyValue{Key: key, Value: value, CreateRevision: 2, ModRevision: 2, Version: 1}))
		}
		require.NoError(b, batch.Commit(engine.State{AppliedIndex: uint64(i), Revision: 2}))
	}
	require.NoError(b, e.Flush())
	require.NoError(b, e.Close())
	return open
}

// BenchmarkLimitedRange answers a request for the first 10 of all keys, whose
// answer has the count of all, as the apply stage does: without gRPC, a node or its
// log. It reports how many stored keys each answer stepped over.
func BenchmarkLimitedRange(b *testing.B) {
	for _, keys := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			persistent(b, func(b *testing.B, s variants.Selection) {
				e := openFilled(b, s, keys)()
				req := &kv.RangeRequest{Key: []byte{0}, RangeEnd: []byte{0xff}, Limit: 10}
				before, err := e.StorageStats()
				require.NoError(b, err)
				answers := 0
				b.ReportAllocs()
				for b.Loop() {
					v := e.View()
					res, err := apply.Range(v, req)
					v.Close()
					if err != nil || len(res.KVs) != 10 || res.Count != int64(keys) {
						b.Fatalf("%v, %v", res, err)
					}
					answers++
				}
				after, err := e.StorageStats()
				require.NoError(b, err)
				b.ReportMetric(float64(after.VisitedKeys-before.VisitedKeys)/float64(answers), "visited-keys/op")
				require.NoError(b, e.Close())
			})
		})
	}
}

// BenchmarkRebuild opens an engine with a million keys: what --key-index=ranked
// adds to a start is the difference between its values.
func BenchmarkRebuild(b *testing.B) {
	if testing.Short() {
		b.Skip("stores a million pairs")
	}
	const keys = 1_000_000
	persistent(b, func(b *testing.B, s variants.Selection) {
		open := openFilled(b, s, keys)
		for b.Loop() {
			if err := open().Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/million-keys")
	})
}

// BenchmarkPutKeyIndex says what keeping the keys costs a put: the first 100,000 are
// to new keys, the others to old ones.
func BenchmarkPutKeyIndex(b *testing.B) {
	persistent(b, func(b *testing.B, s variants.Selection) {
		benchmarkPut(b, options(b, vfs.Default, b.TempDir(), s), 100)
	})
}

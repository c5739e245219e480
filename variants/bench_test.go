package variants_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"metastorebench/core/kv"
	"metastorebench/variants"
)

// BenchmarkPut measures synced puts of 8-byte keys and 256-byte values in
// process, without gRPC, on the file system of the temporary directory.
func BenchmarkPut(b *testing.B) {
	for _, variant := range []string{variants.VariantBaseline, variants.VariantBest} {
		for _, engine := range engines() {
			for _, clients := range []int{1, 50, 1000} {
				b.Run(fmt.Sprintf("variant=%s/engine=%s/clients=%d", variant, engine, clients), func(b *testing.B) {
					benchmarkPut(b, with(b, variant, "engine", engine), clients)
				})
			}
		}
	}
}

// BenchmarkSync compares the values of --wal on the best selection: the time of a
// put at few clients, and the rate at many.
func BenchmarkSync(b *testing.B) {
	for _, disk := range []string{"native", "plan"} {
		for _, clients := range []int{1, 50, 1000} {
			for _, wal := range values("wal") {
				b.Run(fmt.Sprintf("disk=%s/clients=%d/wal=%s", disk, clients, wal), func(b *testing.B) {
					benchmarkPut(b, with(b, variants.VariantBest, "wal", wal, "disk", disk), clients)
				})
			}
		}
	}
}

func benchmarkPut(b *testing.B, s variants.Selection, clients int) {
	n := start(b, options(b, vfs.Default, b.TempDir(), s))
	value := make([]byte, 256)
	var next atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for range clients {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				key := binary.BigEndian.AppendUint64(nil, uint64(i%100_000))
				if _, err := n.Propose(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: key, Value: value}}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
	if err := n.Stop(); err != nil {
		b.Fatal(err)
	}
}

package variants_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// BenchmarkPut measures synced puts of 8-byte keys and 256-byte values in
// process, without gRPC, on the file system of the temporary directory.
func BenchmarkPut(b *testing.B) {
	for _, variant := range []string{variants.VariantBaseline, variants.VariantBest} {
		for _, engine := range engines() {
			for _, clients := range []int{1, 50, 1000} {
				b.Run(fmt.Sprintf("variant=%s/engine=%s/clients=%d", variant, engine, clients), func(b *testing.B) {
					benchmarkPut(b, options(b, vfs.Default, b.TempDir(), with(b, variant, "engine", engine)), clients)
				})
			}
		}
	}
}

// BenchmarkWALPolicy compares the safe ways of a single node to write its log, with
// the best of all else: the time of a put at few clients, and the rate at many.
func BenchmarkWALPolicy(b *testing.B) {
	for _, disk := range []string{"native", "plan"} {
		for _, clients := range []int{1, 10, 100, 1000} {
			for _, p := range safePolicies() {
				b.Run(fmt.Sprintf("disk=%s/clients=%d/wal=%s", disk, clients, p.name), func(b *testing.B) {
					o := options(b, vfs.Default, b.TempDir(), p.selection(b, "disk", disk))
					o.SyncLinger = p.linger
					benchmarkPut(b, o, clients)
				})
			}
		}
	}
}

// BenchmarkOneClient puts to one store of each safe value of --wal in turn, so that
// all see the same machine, and reports the median time of a put of each, and what
// group adds to it over perready: the price of group commit for a client that has
// nobody to share a sync with. perentry and perready do the same here, so what lies
// between them is noise. async is not among them: its syncs would go on during the
// next store's put.
func BenchmarkOneClient(b *testing.B) {
	for _, disk := range []string{"native", "plan"} {
		b.Run("disk="+disk, func(b *testing.B) {
			policies := []string{"perentry", "perready", "group"}
			nodes, times := make(map[string]*node.Node), make(map[string][]time.Duration)
			for _, wal := range policies {
				nodes[wal] = start(b, options(b, vfs.Default, b.TempDir(), with(b, variants.VariantBest, "wal", wal, "disk", disk)))
			}
			value := make([]byte, 256)
			for i := range b.N {
				key := binary.BigEndian.AppendUint64(nil, uint64(i%100_000))
				for p := range policies {
					wal := policies[(i+p)%len(policies)] // nobody always comes first
					began := time.Now()
					if _, err := nodes[wal].Propose(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: key, Value: value}}); err != nil {
						b.Fatal(err)
					}
					times[wal] = append(times[wal], time.Since(began))
				}
			}
			median := make(map[string]float64)
			for wal, ts := range times {
				slices.Sort(ts)
				median[wal] = float64(ts[len(ts)/2])
				b.ReportMetric(median[wal], wal+"-p50-ns")
			}
			b.ReportMetric(median["group"]/median["perready"], "group/perready")
			b.ReportMetric(0, "ns/op") // of all stores together
		})
	}
}

func benchmarkPut(b *testing.B, o node.Options, clients int) {
	n := start(b, o)
	b.ReportAllocs()
	b.ResetTimer()
	putAll(b, n, clients, b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
	if err := n.Stop(); err != nil {
		b.Fatal(err)
	}
}

// putAll puts so many times, from so many clients, to up to 100,000 keys.
func putAll(b *testing.B, n *node.Node, clients, puts int) {
	value := make([]byte, 256)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(puts); i = next.Add(1) {
				key := binary.BigEndian.AppendUint64(nil, uint64(i%100_000))
				if _, err := n.Propose(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: key, Value: value}}); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

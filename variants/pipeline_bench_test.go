package variants_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/kv"
	"metastorebench/core/node"
	"metastorebench/variants"
)

// BenchmarkPipeline measures puts at the leader of three members in this process,
// without gRPC, with and without many appends in flight.
func BenchmarkPipeline(b *testing.B) {
	for _, delay := range []time.Duration{0, 10 * time.Millisecond} {
		for _, propose := range []string{"perop", "batch"} {
			for _, wal := range []string{"perready", "group"} {
				for _, clients := range []int{100, 1000} {
					for _, pipeline := range values("pipeline") {
						b.Run(fmt.Sprintf("link-delay=%v/propose=%s/wal=%s/clients=%d/pipeline=%s", delay, propose, wal, clients, pipeline), func(b *testing.B) {
							benchmarkCluster(b, with(b, variants.VariantBest, "propose", propose, "wal", wal, "pipeline", pipeline), delay, clients)
						})
					}
				}
			}
		}
	}
}

func benchmarkCluster(b *testing.B, s variants.Selection, delay time.Duration, clients int) {
	leader := startMembers(b, s, delay)
	putTimed(b, leader, clients, 10*clients) // the followers are reached
	b.ResetTimer()
	times := putTimed(b, leader, clients, b.N)
	b.StopTimer()
	slices.Sort(times)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
	b.ReportMetric(float64(times[len(times)/2])/1e6, "p50-ms")
}

// startMembers starts three members on the file system of the temporary directory
// and returns the leader.
func startMembers(b *testing.B, s variants.Selection, delay time.Duration) *node.Node {
	b.Helper()
	urls, listeners := make(map[string]string), make(map[string]net.Listener)
	for _, name := range []string{"a", "b", "c"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(b, err)
		urls[name], listeners[name] = "http://"+l.Addr().String(), l
	}
	nodes := make(chan *node.Node, len(urls))
	for name, l := range listeners {
		o := options(b, vfs.Default, b.TempDir(), s)
		o.Name, o.Members, o.PeerListeners, o.LinkDelay = name, urls, []net.Listener{l}, delay
		go func() {
			n, err := node.Start(b.Context(), o)
			if err != nil {
				b.Errorf("member %s: %v", name, err)
			}
			nodes <- n
		}()
	}
	var members []*node.Node
	for range urls {
		if n := <-nodes; n != nil {
			members = append(members, n)
			b.Cleanup(func() { _ = n.Stop() })
		}
	}
	require.Len(b, members, len(urls))
	var leader *node.Node
	require.Eventually(b, func() bool {
		i := slices.IndexFunc(members, func(n *node.Node) bool { st := n.Status(); return st.Leader == st.MemberID })
		if i >= 0 {
			leader = members[i]
		}
		return i >= 0
	}, time.Minute, time.Millisecond)
	return leader
}

// putTimed is putAll with the time of each put.
func putTimed(b *testing.B, n *node.Node, clients, puts int) []time.Duration {
	value := make([]byte, 256)
	times := make([]time.Duration, puts)
	var next atomic.Int64
	var callers sync.WaitGroup
	for range clients {
		callers.Go(func() {
			for i := next.Add(1) - 1; i < int64(puts); i = next.Add(1) - 1 {
				key := binary.BigEndian.AppendUint64(nil, uint64(i%100_000))
				began := time.Now()
				if _, err := n.Propose(context.Background(), &kv.Command{Put: &kv.PutRequest{Key: key, Value: value}}); err != nil {
					b.Error(err)
					return
				}
				times[i] = time.Since(began)
			}
		})
	}
	callers.Wait()
	return times
}

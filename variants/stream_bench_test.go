package variants_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"metastorebench/core/api"
	"metastorebench/core/client"
	"metastorebench/core/node"
	"metastorebench/variants"
	"metastorebench/variants/rpc"
)

// BenchmarkStreamPut measures synced puts of 8-byte keys and 256-byte values end to
// end: 1,000 goroutines on two streams, over TCP and gRPC, with client and store in
// one process.
func BenchmarkStreamPut(b *testing.B) {
	for _, engine := range engines() {
		b.Run("engine="+engine, func(b *testing.B) {
			profile, err := rpc.Lookup(rpc.Tuned)
			if err != nil {
				b.Fatal(err)
			}
			selection := with(b, variants.VariantBest, "engine", engine)
			if engine != "memory" {
				selection["engine-profile"] = "tuned"
			}
			benchmarkStreamPut(b, selection, profile)
		})
	}
}

func benchmarkStreamPut(b *testing.B, selection variants.Selection, profile rpc.Profile) {
	n := start(b, options(b, vfs.Default, b.TempDir(), selection))
	addr, shutdown := serve(b, n, api.ServerOptions{RPC: profile.Server, Pool: selection.Pool()})
	pool, err := client.Dial(client.Options{Endpoint: addr, Conns: 2, DialOptions: profile.Client})
	if err != nil {
		b.Fatal(err)
	}
	streams := pool.Streams(2)
	streamPuts(b, streams, 1000, 10_000) // keys, connections and pools are there
	b.ReportAllocs()
	b.ResetTimer()
	streamPuts(b, streams, 1000, b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
	if err := errors.Join(streams.Close(), pool.Close(), shutdown(), n.Stop()); err != nil {
		b.Fatal(err)
	}
}

// serve serves the node on a port.
func serve(tb testing.TB, n *node.Node, o api.ServerOptions) (addr string, shutdown func() error) {
	tb.Helper()
	s, err := api.NewServer(n, o)
	if err != nil {
		tb.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.ServeGRPC(l) }()
	return l.Addr().String(), func() error {
		if err := s.Shutdown(context.Background()); err != nil {
			return err
		}
		return <-served
	}
}

// streamPuts puts so many times, from so many goroutines, to up to 100,000 keys.
func streamPuts(b testing.TB, streams *client.Streams, clients, puts int) {
	ctx, cancel := context.WithCancel(context.Background()) // as a caller's can be
	defer cancel()
	value := make([]byte, 256)
	var next atomic.Int64
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			h := streams.Handle(c)
			var key []byte
			for i := next.Add(1); i <= int64(puts); i = next.Add(1) {
				key = binary.BigEndian.AppendUint64(key[:0], uint64(i%100_000))
				if _, err := h.Put(ctx, key, value); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

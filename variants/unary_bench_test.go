package variants_test

import (
	"context"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"metastorebench/core/api"
	"metastorebench/core/client"
	"metastorebench/variants"
	"metastorebench/variants/rpc"
)

// BenchmarkUnaryPut measures single puts over ten connections, from 100 callers, by
// transport and client, with all other axes at their defaults. What is allocated is
// what server and client allocate together; the lean client allocates next to nothing.
func BenchmarkUnaryPut(b *testing.B) {
	for _, profile := range rpc.Profiles() {
		for _, kind := range []string{"grpc-go", "lean"} {
			b.Run("rpc="+profile.Name+"/client="+kind, func(b *testing.B) { benchmarkUnary(b, profile, kind) })
		}
	}
}

// connections are a client's.
type connections interface {
	Handle(i int) client.KV
	Close() error
}

func connect(b *testing.B, kind, endpoint string, profile rpc.Profile) (c connections) {
	o := client.Options{Endpoint: endpoint, Conns: 10, DialOptions: profile.Client}
	var err error
	if kind == "lean" {
		c, err = client.DialLean(o)
	} else {
		c, err = client.Dial(o)
	}
	if err != nil {
		b.Fatal(err)
	}
	return c
}

func benchmarkUnary(b *testing.B, profile rpc.Profile, kind string) {
	s := with(b, variants.VariantBest, "rpc", profile.Name)
	n := start(b, options(b, vfs.Default, b.TempDir(), s))
	addr, shutdown := serve(b, n, api.ServerOptions{RPC: profile.Server, Lean: profile.Lean})
	conns := connect(b, kind, addr, profile)
	put := func(puts int) {
		var next atomic.Int64
		var callers sync.WaitGroup
		for c := range 100 {
			callers.Go(func() {
				h, value := conns.Handle(c), make([]byte, 256)
				var key []byte
				for i := next.Add(1); i <= int64(puts); i = next.Add(1) {
					key = binary.BigEndian.AppendUint64(key[:0], uint64(i%10_000))
					if _, err := h.Put(context.Background(), key, value); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		callers.Wait()
	}
	put(20_000)
	b.ReportAllocs()
	b.ResetTimer()
	put(b.N)
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "puts/s")
	if err := errors.Join(conns.Close(), shutdown(), n.Stop()); err != nil {
		b.Fatal(err)
	}
}

package main

import (
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"metastorebench/core/client"
	"metastorebench/variants"
)

// streamWriter counts up in a key of its own, over a stream that it shares.
type streamWriter struct {
	key     []byte
	number  uint64 // newest one acknowledged
	unknown bool   // the next one may have happened
}

// putUntilError puts until an error says that the store is gone.
func (w *streamWriter) putUntilError(t *testing.T, c client.KV, acked func()) {
	for {
		_, err := c.Put(t.Context(), w.key, binary.BigEndian.AppendUint64(nil, w.number+1))
		if err != nil {
			w.unknown = client.Unknown(err)
			return
		}
		w.number++
		acked()
	}
}

// check reads the key after a restart. Each number was put once.
func (w *streamWriter) check(t *testing.T, c client.KV) {
	t.Helper()
	pair, _, err := c.Get(t.Context(), w.key)
	require.NoError(t, err)
	found := uint64(0)
	if pair != nil {
		found = binary.BigEndian.Uint64(pair.Value)
		require.EqualValues(t, found, pair.Version, "a put was applied twice, or lost")
	}
	if w.unknown {
		require.Contains(t, []uint64{w.number, w.number + 1}, found)
	} else {
		require.Equal(t, w.number, found, "a put of known outcome")
	}
	w.number, w.unknown = found, false
}

// TestKillUnderStreams kills the store with SIGKILL under streams and starts it
// again, several times on the same data: every acknowledged put is there, once,
// and none that the client says was not sent.
func TestKillUnderStreams(t *testing.T) {
	onEngines(t, func(t *testing.T, engine string) {
		for _, variant := range []string{variants.VariantBest, variants.VariantBaseline} {
			t.Run(variant, func(t *testing.T) {
				killStreams(t, "--engine", engine, "--variant", variant, "--snapshot-count", "20")
			})
		}
	})
}

func killStreams(t *testing.T, args ...string) {
	dir := t.TempDir()
	writers := make([]*streamWriter, 32)
	for i := range writers {
		writers[i] = &streamWriter{key: fmt.Appendf(nil, "\xff%d", i)}
	}
	for round := range 3 {
		p := startProcess(t, dir, args...)
		pool, err := client.Dial(client.Options{Endpoint: p.ready.Client, Conns: 2})
		require.NoError(t, err)
		streams := pool.Streams(2)
		for i, w := range writers {
			w.check(t, streams.Handle(i))
		}
		if round < 2 {
			var all sync.WaitGroup
			var acked atomic.Int64
			for i, w := range writers {
				all.Go(func() {
					w.putUntilError(t, streams.Handle(i), func() {
						if acked.Add(1) == int64(300+100*round) {
							p.kill()
						}
					})
				})
			}
			all.Wait()
		}
		require.NoError(t, streams.Close())
		require.NoError(t, pool.Close())
	}
	for _, w := range writers {
		require.Positive(t, w.number)
	}
}

// TestMaxPipelines checks that --max-pipelines bounds the streams that are open,
// and says what is wrong with a value out of range.
func TestMaxPipelines(t *testing.T) {
	p := startProcess(t, t.TempDir(), "--max-pipelines", "1")
	pool, err := client.Dial(client.Options{Endpoint: p.ready.Client})
	require.NoError(t, err)
	streams := pool.Streams(2)
	_, err = streams.Handle(0).Put(t.Context(), []byte("k"), []byte("v"))
	require.NoError(t, err)
	_, err = streams.Handle(1).Put(t.Context(), []byte("k"), []byte("v"))
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	require.ErrorContains(t, err, "1 streams of operations are open; accepted: 1")
	require.False(t, client.Unknown(err))
	require.NoError(t, streams.Close())
	require.NoError(t, pool.Close())

	_, err = output(t, "--data-dir", t.TempDir(), "--max-pipelines", "9000000000")
	require.ErrorContains(t, err, "max-pipelines 9000000000, want 1 to 2147483647")
}

package enginetest

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// testStorageStats writes the same keys twice, with values that do not shrink
// when compressed, and checks an engine's account of it while it commits and
// after. Engines without an account have nothing to check.
func testStorageStats(t *testing.T, f Factory) {
	e, ok := f.Open(t).(engine.Metered)
	if !ok {
		return
	}
	const keys, valueBytes, rounds = 200, 4096, 2
	rng := rand.New(rand.NewPCG(1, 2))
	var before engine.StorageStats
	for round := range uint64(rounds) {
		asked := make(chan error, 1)
		go func() {
			_, err := e.StorageStats()
			asked <- err
		}()
		b := e.NewBatch()
		for k := range keys {
			value := make([]byte, valueBytes)
			for i := range value {
				value[i] = byte(rng.Uint32())
			}
			require.NoError(t, b.Put(&kv.KeyValue{Key: []byte{byte(k)}, Value: value, ModRevision: 1}))
		}
		require.NoError(t, b.Commit(stateAt(round+1)))
		require.NoError(t, <-asked)
		require.NoError(t, e.Flush())

		s, err := e.StorageStats()
		require.NoError(t, err)
		written := int64(round+1) * keys * valueBytes
		require.InEpsilon(t, written, s.WrittenBytes, 0.05, "bytes that came in")
		require.GreaterOrEqual(t, s.FlushedBytes, before.FlushedBytes+keys*valueBytes)
		require.Less(t, s.FlushedBytes, written*11/10)
		require.GreaterOrEqual(t, s.CompactedBytes, before.CompactedBytes)
		require.GreaterOrEqual(t, s.CompactionReadBytes, before.CompactionReadBytes)
		require.GreaterOrEqual(t, s.TableBytes, int64(keys*valueBytes))
		require.LessOrEqual(t, s.LiveBytes, s.TableBytes)
		require.GreaterOrEqual(t, s.LiveBytes, int64(keys*valueBytes), "one copy of every key is live")
		before = s
	}
	b := e.NewBatch()
	require.NoError(t, b.Delete([]byte("gone")))
	require.NoError(t, b.Discard())
	s, err := e.StorageStats()
	require.NoError(t, err)
	require.Equal(t, before.WrittenBytes, s.WrittenBytes, "a discarded batch brings nothing in")
	require.NoError(t, e.Close())
	_, err = e.StorageStats()
	require.ErrorIs(t, err, engine.ErrClosed)
}

package enginetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// generator makes keys from a small alphabet, so that they often meet and are
// often prefixes of one another.
type generator struct{ *rand.Rand }

func (g generator) key() []byte {
	const alphabet = "\x00ab\xff"
	k := make([]byte, 1+g.IntN(4))
	for i := range k {
		k[i] = alphabet[g.IntN(len(alphabet))]
	}
	return k
}

func (g generator) pair() *kv.KeyValue {
	value := make([]byte, g.IntN(40))
	for i := range value {
		value[i] = byte(g.Uint32())
	}
	return &kv.KeyValue{
		Key: g.key(), Value: value,
		CreateRevision: g.Int64(), ModRevision: g.Int64N(1000), Version: g.Int64N(5), Lease: int64(g.Uint64()),
	}
}

// bound is a key, or now and then no bound.
func (g generator) bound() []byte {
	if g.IntN(4) == 0 {
		return nil
	}
	return g.key()
}

// testRandom runs seeded sequences of batches, and compares the engine with the
// oracle inside of each batch and after it.
func testRandom(t *testing.T, f Factory) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			g := generator{rand.New(rand.NewPCG(seed, 2))}
			e, m := f.Open(t), newModel()
			defer func() { require.NoError(t, e.Close()) }()
			require.NoError(t, e.Restore(bytes.NewReader(m.stream(t))), "empty the place for this seed")
			for index := range uint64(80) {
				randomBatch(t, g, e, m, stateAt(index+1))
				requireView(t, m, e)
				switch g.IntN(12) {
				case 0:
					require.NoError(t, e.Flush())
				case 1:
					requireRoundTrip(t, e, m)
				}
			}
		})
	}
}

// randomBatch opens a batch, changes and reads at random, and commits.
func randomBatch(t *testing.T, g generator, e engine.Engine, m *model, state engine.State) {
	t.Helper()
	b := e.NewBatch()
	require.Equal(t, m.state, b.State())
	for range g.IntN(12) {
		switch g.IntN(6) {
		case 0, 1, 2:
			p := g.pair()
			require.NoError(t, b.Put(p))
			m.put(p)
		case 3:
			k := g.key()
			require.NoError(t, b.Delete(k))
			m.delete(k)
			k[0]++ // the key is the caller's again
		case 4:
			k := g.key()
			got, err := b.Get(k)
			require.NoError(t, err)
			requirePair(t, m.get(k), got)
		case 5:
			requireScan(t, m, b, g.bound(), g.bound())
		}
	}
	require.NoError(t, b.Commit(state))
	m.state = state
}

// requireRoundTrip writes a snapshot of e, compares it with the oracle's and
// restores e from it.
func requireRoundTrip(t *testing.T, e engine.Engine, m *model) {
	t.Helper()
	stream := snapshotBytes(t, e)
	require.Equal(t, m.stream(t), stream)
	require.NoError(t, e.Restore(bytes.NewReader(stream)))
	requireView(t, m, e)
}

// snapshotBytes returns the stream of a snapshot taken now.
func snapshotBytes(t *testing.T, e engine.Engine) []byte {
	t.Helper()
	snap, err := e.Snapshot()
	require.NoError(t, err)
	defer func() { require.NoError(t, snap.Close()) }()
	var buf bytes.Buffer
	_, err = snap.WriteTo(&buf)
	require.NoError(t, err)
	return buf.Bytes()
}

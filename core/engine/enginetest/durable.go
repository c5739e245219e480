package enginetest

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// largeModel returns a model whose stream has many chunks, and is more than an
// engine would load in one go.
func largeModel() *model {
	m := newModel()
	m.state = stateAt(77)
	value := bytes.Repeat([]byte("\xfe0123456789"), 100)
	for i := range 3000 {
		m.pairs = append(m.pairs, &kv.KeyValue{
			Key: fmt.Appendf(nil, "large %05d", i), Value: value,
			CreateRevision: 2, ModRevision: int64(i), Version: 1,
		})
	}
	return m
}

// testRestoreReplaces restores a stream that another engine could have written.
func testRestoreReplaces(t *testing.T, f Factory) {
	e, m := open(t, f), newModel()
	commit(t, e, m, stateAt(1), pair("a", "1", 1), pair("large 00001", "old", 1), pair("\xff\xff", "", 1))
	m = largeModel()
	require.NoError(t, e.Restore(bytes.NewReader(m.stream(t))))
	requireView(t, m, e)
	b := e.NewBatch()
	requireSame(t, m, b)
	require.NoError(t, b.Discard())
	commit(t, e, m, stateAt(78), pair("a", "2", 2))
	requireView(t, m, e)
	require.Equal(t, m.stream(t), snapshotBytes(t, e))
}

// testRestoreDamaged checks that a damaged or cut stream is refused. The engine
// is discarded after each failure, as the contract says.
func testRestoreDamaged(t *testing.T, f Factory) {
	stream := largeModel().stream(t)
	damage := map[string][]byte{
		"empty":        nil,
		"cut":          stream[:len(stream)/2],
		"no end chunk": stream[:len(stream)-17],
	}
	for _, at := range []int{0, 30, len(stream) / 2, len(stream) - 1} {
		flipped := bytes.Clone(stream)
		flipped[at] ^= 0x10
		damage[fmt.Sprintf("bit flipped in byte %d", at)] = flipped
	}
	for name, bad := range damage {
		e := f.Open(t)
		require.ErrorIs(t, e.Restore(bytes.NewReader(bad)), engine.ErrSnapshotCorrupt, name)
		require.NoError(t, e.Close())
	}
}

// history remembers the model after every batch, by applied index.
type history map[uint64]*model

// requireAgrees checks that e holds exactly what some batch had left, and
// returns that batch's index.
func (h history) requireAgrees(t *testing.T, e engine.Engine) uint64 {
	t.Helper()
	v := e.View()
	defer v.Close()
	index := v.State().AppliedIndex
	require.Contains(t, h, index, "a state that no batch had committed")
	requireSame(t, h[index], v)
	return index
}

// run commits batches of indexes (from, to], in e and in the history.
func (h history) run(t *testing.T, e engine.Engine, from, to uint64) {
	t.Helper()
	m := h[from].clone()
	for i := from + 1; i <= to; i++ {
		commit(t, e, m, stateAt(i),
			pair(fmt.Sprintf("key %d", i%17), fmt.Sprintf("value %d", i), int64(i)),
			pair(fmt.Sprintf("new %d", i), "", int64(i)))
		h[i] = m.clone()
	}
}

// requirePersistent skips a test of durability for an engine that has none.
func requirePersistent(t *testing.T, f Factory) {
	t.Helper()
	if f.Crash == nil {
		t.Skip("the engine is not persistent")
	}
}

// testReopen checks that Flush and Close keep everything, and that a Close
// without Flush leaves data and State in agreement.
func testReopen(t *testing.T, f Factory) {
	requirePersistent(t, f)
	h := history{0: newModel()}
	e := f.Open(t)
	h.run(t, e, 0, 100)
	require.NoError(t, e.Flush())
	require.NoError(t, e.Close())

	e = f.Open(t)
	require.EqualValues(t, 100, h.requireAgrees(t, e))
	h.run(t, e, 100, 150)
	require.NoError(t, e.Close())

	e = open(t, f)
	require.GreaterOrEqual(t, h.requireAgrees(t, e), uint64(100))
}

// testCrash checks that a crash keeps what was flushed, and leaves data and
// State in agreement, over several rounds of work, flush, work and crash.
func testCrash(t *testing.T, f Factory) {
	requirePersistent(t, f)
	h := history{0: newModel()}
	index := uint64(0)
	for range 4 {
		e := open(t, f)
		require.Equal(t, index, h.requireAgrees(t, e))
		h.run(t, e, index, index+40)
		require.NoError(t, e.Flush())
		h.run(t, e, index+40, index+60)
		f.Crash(t)
		flushed := index + 40

		e = f.Open(t)
		index = h.requireAgrees(t, e)
		require.GreaterOrEqual(t, index, flushed)
		require.NoError(t, e.Close())
	}
}

// testCrashInRestore crashes while a snapshot is half read. The engine must
// come back with the old state or as a new one, never with some of both.
func testCrashInRestore(t *testing.T, f Factory) {
	requirePersistent(t, f)
	h := history{0: newModel()}
	e := open(t, f)
	h.run(t, e, 0, 40)
	require.NoError(t, e.Flush())

	stream := largeModel().stream(t)
	half := len(stream) / 2
	r := io.MultiReader(
		bytes.NewReader(stream[:half]),
		readerFunc(func([]byte) (int, error) {
			// The worst that a background flush can do: keep the first half.
			require.NoError(t, e.Flush())
			f.Crash(t)
			return 0, io.EOF
		}),
		bytes.NewReader(stream[half:]))
	require.NoError(t, e.Restore(r))
	requireView(t, largeModel(), e)

	e = open(t, f)
	require.Contains(t, []uint64{0, 40}, h.requireAgrees(t, e))
}

// readerFunc is a Reader made of a function.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

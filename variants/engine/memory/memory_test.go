package memory_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
	"metastorebench/variants/index/hash"
)

func put(t *testing.T, e engine.Engine, key string) {
	t.Helper()
	b := e.NewBatch()
	require.NoError(t, b.Put(&kv.KeyValue{Key: []byte(key)}))
	require.NoError(t, b.Commit(engine.State{AppliedIndex: 1}))
}

func keys(t *testing.T, r engine.Reader) (all []string) {
	t.Helper()
	require.NoError(t, r.Scan(nil, nil, func(p *kv.KeyValue) bool {
		all = append(all, string(p.Key))
		return true
	}))
	return all
}

func stream(t *testing.T, e engine.Engine) []byte {
	t.Helper()
	snap, err := e.Snapshot()
	require.NoError(t, err)
	var buf bytes.Buffer
	_, err = snap.WriteTo(&buf)
	require.NoError(t, err)
	require.NoError(t, snap.Close())
	return buf.Bytes()
}

// TestRestoreUnderView checks what this engine promises beyond the contract: a
// view that is open during Restore keeps the old state, and a failed Restore
// leaves it to all.
func TestRestoreUnderView(t *testing.T) {
	other := memory.New(hash.New(nil))
	put(t, other, "new")
	data := stream(t, other)

	e := memory.New(hash.New(nil))
	put(t, e, "old")
	v := e.View()
	require.ErrorIs(t, e.Restore(bytes.NewReader(data[:len(data)-1])), engine.ErrSnapshotCorrupt)
	require.Equal(t, []string{"old"}, keys(t, v))
	require.NoError(t, e.Restore(bytes.NewReader(data)))
	require.Equal(t, []string{"old"}, keys(t, v))
	v.Close()
	v = e.View()
	require.Equal(t, []string{"new"}, keys(t, v))
	v.Close()
	require.NoError(t, e.Close())
}

// failingWriter fails once it has taken n bytes.
type failingWriter struct{ n int }

var errFull = errors.New("full")

func (w *failingWriter) Write(p []byte) (int, error) {
	if len(p) > w.n {
		return 0, errFull
	}
	w.n -= len(p)
	return len(p), nil
}

func TestSnapshotWriteFails(t *testing.T) {
	e := memory.New(hash.New(nil))
	put(t, e, "key")
	size := len(stream(t, e))
	for room := range size {
		snap, err := e.Snapshot()
		require.NoError(t, err)
		_, err = snap.WriteTo(&failingWriter{room})
		require.ErrorIs(t, err, errFull, "room for %d of %d bytes", room, size)
		require.NoError(t, snap.Close())
	}
}

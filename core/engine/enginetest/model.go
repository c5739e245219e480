package enginetest

import (
	"bytes"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// model is the oracle: all pairs in one sorted slice, and the State.
type model struct {
	state engine.State
	pairs []*kv.KeyValue
}

func newModel() *model { return &model{state: engine.NewState()} }

// clone returns a copy that shares only the immutable pairs.
func (m *model) clone() *model {
	return &model{state: m.state, pairs: slices.Clone(m.pairs)}
}

func (m *model) search(key []byte) (int, bool) {
	return slices.BinarySearchFunc(m.pairs, key, func(p *kv.KeyValue, k []byte) int {
		return bytes.Compare(p.Key, k)
	})
}

func (m *model) put(pair *kv.KeyValue) {
	i, found := m.search(pair.Key)
	if found {
		m.pairs[i] = pair
		return
	}
	m.pairs = slices.Insert(m.pairs, i, pair)
}

// commit is a batch that puts pairs.
func (m *model) commit(state engine.State, pairs ...*kv.KeyValue) {
	for _, p := range pairs {
		m.put(p)
	}
	m.state = state
}

func (m *model) delete(key []byte) {
	if i, found := m.search(key); found {
		m.pairs = slices.Delete(m.pairs, i, i+1)
	}
}

func (m *model) get(key []byte) *kv.KeyValue {
	if i, found := m.search(key); found {
		return m.pairs[i]
	}
	return nil
}

func (m *model) scan(start, end []byte) []*kv.KeyValue {
	var in []*kv.KeyValue
	for _, p := range m.pairs {
		if bytes.Compare(p.Key, start) >= 0 && (len(end) == 0 || bytes.Compare(p.Key, end) < 0) {
			in = append(in, p)
		}
	}
	return in
}

// all is the model in the form that engine.WriteSnapshot takes.
func (m *model) all() iter.Seq2[*kv.KeyValue, error] {
	return func(yield func(*kv.KeyValue, error) bool) {
		for _, p := range m.pairs {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// stream is the model's snapshot stream.
func (m *model) stream(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	_, err := engine.WriteSnapshot(&buf, m.state, m.all())
	require.NoError(t, err)
	return buf.Bytes()
}

// requirePair compares two pairs. It does not tell nil from empty slices: an
// empty value is an empty value.
func requirePair(t testing.TB, want, got *kv.KeyValue) {
	t.Helper()
	if want == nil || got == nil {
		require.Equal(t, want, got)
		return
	}
	same := bytes.Equal(want.Key, got.Key) && bytes.Equal(want.Value, got.Value) &&
		want.CreateRevision == got.CreateRevision && want.ModRevision == got.ModRevision &&
		want.Version == got.Version && want.Lease == got.Lease
	if !same {
		require.Equal(t, want, got)
	}
}

// requireScan compares a whole scan in each direction, and the count, of
// [start, end).
func requireScan(t testing.TB, m *model, r engine.Reader, start, end []byte) {
	t.Helper()
	want := m.scan(start, end)
	requirePairs := func(direction string, scan func(start, end []byte, fn func(*kv.KeyValue) bool) error) {
		t.Helper()
		var got []*kv.KeyValue
		require.NoError(t, scan(start, end, func(p *kv.KeyValue) bool {
			got = append(got, p)
			return true
		}))
		require.Len(t, got, len(want), "%s [%q, %q)", direction, start, end)
		for i := range want {
			requirePair(t, want[i], got[i])
		}
	}
	requirePairs("scan", r.Scan)
	slices.Reverse(want)
	requirePairs("reverse scan", r.ScanReverse)
	n, err := r.Count(start, end)
	require.NoError(t, err)
	require.EqualValues(t, len(want), n, "count [%q, %q)", start, end)
}

// requireSame compares all that r shows with the model.
func requireSame(t testing.TB, m *model, r engine.Reader) {
	t.Helper()
	require.Equal(t, m.state, r.State())
	requireScan(t, m, r, nil, nil)
	for _, p := range m.pairs {
		got, err := r.Get(p.Key)
		require.NoError(t, err)
		requirePair(t, p, got)
	}
}

// requireView compares a view of e, opened for it, with the model.
func requireView(t testing.TB, m *model, e engine.Engine) {
	t.Helper()
	v := e.View()
	defer v.Close()
	requireSame(t, m, v)
}

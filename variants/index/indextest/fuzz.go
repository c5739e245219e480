package indextest

import (
	"bytes"
	"iter"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/variants/engine/memory"
)

// Fuzz reads the input as a program of batches, reads and captures, runs it on
// an index and on a sorted slice, and compares every answer. Each step is an operation
// and two keys of one byte or two.
func Fuzz(f *testing.F, newIndex func() memory.Index) {
	f.Add([]byte("\x00ab\x00cd\x06..\x02ad\x01ab\x06..\x02.."))
	long := make([]byte, 0, 6000)
	for i := range 1000 { // enough keys for nodes to split, then to merge
		long = append(long, 0, byte(i), byte(i>>6))
	}
	long = append(long, 7, 0, 0)
	for i := range 900 {
		long = append(long, 1, byte(i), byte(i>>6))
	}
	f.Add(long)
	f.Fuzz(func(t *testing.T, program []byte) {
		r := run{t: t, index: newIndex()}
		r.batch = r.index.Begin()
		for ; len(program) >= 3; program = program[3:] {
			r.step(program[0], program[1], program[2])
		}
		r.commit()
		for _, check := range r.captures {
			check()
		}
	})
}

// run is an index beside its oracle in the middle of a program.
type run struct {
	t        *testing.T
	index    memory.Index
	batch    engine.Batch
	oracle   []*kv.KeyValue // in order of keys
	revision int64
	captures []func() // check a capture that was taken before
}

// find returns the oracle's place for key and whether the key is there.
func (r *run) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(r.oracle, key, func(p *kv.KeyValue, key []byte) int { return bytes.Compare(p.Key, key) })
}

// step carries out one operation on the open batch.
func (r *run) step(op, a, b byte) {
	key, end := []byte{a}, []byte{b}
	switch op % 8 {
	case 0:
		r.put(append(key, b))
	case 1:
		r.delete(append(key, b))
	case 2:
		r.compare(r.batch, key, end)
	case 3:
		r.compare(r.batch, key, nil)
	case 4:
		key = append(key, b)
		pair, err := r.batch.Get(key)
		require.NoError(r.t, err)
		var want *kv.KeyValue
		if i, found := r.find(key); found {
			want = r.oracle[i]
		}
		require.Same(r.t, want, pair)
	case 5:
		r.commit()
		v := r.index.Acquire()
		r.compare(v, key, end)
		v.Close()
		r.batch = r.index.Begin()
	case 6:
		r.commit()
		r.capture()
		r.batch = r.index.Begin()
	case 7:
		r.commit()
		r.batch = r.index.Begin()
	}
}

func (r *run) put(key []byte) {
	r.revision++
	pair := &kv.KeyValue{Key: key, ModRevision: r.revision}
	require.NoError(r.t, r.batch.Put(pair))
	if i, found := r.find(key); found {
		r.oracle[i] = pair
	} else {
		r.oracle = slices.Insert(r.oracle, i, pair)
	}
}

func (r *run) delete(key []byte) {
	require.NoError(r.t, r.batch.Delete(key))
	if i, found := r.find(key); found {
		r.oracle = slices.Delete(r.oracle, i, i+1)
	}
	key[0]++ // the key is the caller's again
}

func (r *run) commit() {
	require.NoError(r.t, r.batch.Commit(engine.State{AppliedIndex: uint64(r.revision)}))
}

// compare compares the scans and the count of [start, end) with the oracle.
func (r *run) compare(got engine.Reader, start, end []byte) {
	r.t.Helper()
	var want []*kv.KeyValue
	for _, p := range r.oracle {
		if engine.InRange(p.Key, start, end) {
			want = append(want, p)
		}
	}
	collect := func(scan func(start, end []byte, fn func(*kv.KeyValue) bool) error) (pairs []*kv.KeyValue) {
		require.NoError(r.t, scan(start, end, func(p *kv.KeyValue) bool {
			pairs = append(pairs, p)
			return true
		}))
		return pairs
	}
	requireSamePairs(r.t, want, slices.Values(collect(got.Scan)))
	n, err := got.Count(start, end)
	require.NoError(r.t, err)
	require.EqualValues(r.t, len(want), n)
	slices.Reverse(want)
	requireSamePairs(r.t, want, slices.Values(collect(got.ScanReverse)))
}

// capture takes a capture, to be compared when the program is over.
func (r *run) capture() {
	state, pairs := r.index.Capture()
	require.EqualValues(r.t, r.revision, state.AppliedIndex)
	want := slices.Clone(r.oracle)
	r.captures = append(r.captures, func() { requireSamePairs(r.t, want, pairs) })
}

// requireSamePairs checks that got is the very pairs of want.
func requireSamePairs(t *testing.T, want []*kv.KeyValue, got iter.Seq[*kv.KeyValue]) {
	t.Helper()
	i := 0
	for p := range got {
		if i >= len(want) || want[i] != p { // require.Same would take most of the time
			t.Fatalf("pair %d of %d is %q", i, len(want), p.Key)
		}
		i++
	}
	require.Equal(t, len(want), i)
}

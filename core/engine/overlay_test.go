package engine_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// slice is a Reader over sorted pairs, which notes how it was read.
type slice struct {
	pairs  []*kv.KeyValue
	counts int
}

func (s *slice) State() engine.State { return testState }

func (s *slice) Get(key []byte) (*kv.KeyValue, error) {
	for _, p := range s.pairs {
		if string(p.Key) == string(key) {
			return p, nil
		}
	}
	return nil, nil
}

func (s *slice) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	for _, p := range s.pairs {
		if engine.InRange(p.Key, start, end) && !fn(p) {
			return nil
		}
	}
	return nil
}

func (s *slice) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	for _, p := range slices.Backward(s.pairs) {
		if engine.InRange(p.Key, start, end) && !fn(p) {
			return nil
		}
	}
	return nil
}

func (s *slice) Count(start, end []byte) (n int64, err error) {
	s.counts++
	err = s.Scan(start, end, func(*kv.KeyValue) bool { n++; return true })
	return n, err
}

// TestOverlay covers what the engines' conformance suite cannot see: when the
// base is asked, and Reset after a batch of any size.
func TestOverlay(t *testing.T) {
	base := &slice{pairs: []*kv.KeyValue{{Key: []byte("a")}, {Key: []byte("c")}}}
	o := engine.NewOverlay(base)
	require.Equal(t, testState, o.State())
	for _, changes := range []int{1, 5000} {
		for i := range changes {
			o.Put(&kv.KeyValue{Key: []byte{'b', byte(i >> 8), byte(i)}})
		}
		o.Delete([]byte("c"))
		n, err := o.Count(nil, nil)
		require.NoError(t, err)
		require.EqualValues(t, 1+changes, n)
		require.Zero(t, base.counts, "the base cannot count what is pending")

		n, err = o.Count([]byte("a"), []byte("b"))
		require.NoError(t, err)
		require.EqualValues(t, 1, n)
		require.Equal(t, 1, base.counts, "nothing is pending in this range")

		o.Reset()
		base.counts = 0
		pair, err := o.Get([]byte("c"))
		require.NoError(t, err)
		require.Same(t, base.pairs[1], pair)
	}
}

func TestInRange(t *testing.T) {
	for _, test := range []struct {
		key, start, end string
		want            bool
	}{
		{"b", "b", "c", true}, {"c", "b", "c", false}, {"a", "b", "c", false},
		{"\xff\xff", "", "", true}, {"b", "c", "a", false},
	} {
		got := engine.InRange([]byte(test.key), []byte(test.start), []byte(test.end))
		require.Equal(t, test.want, got, "%+v", test)
	}
}

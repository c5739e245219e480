package waltest

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	"github.com/stretchr/testify/require"

	"metastorebench/core/wal"
)

// Safe runs the conformance suite of safe policies. syncs says how many syncs a
// Save of n entries takes, n > 0.
func Safe(t *testing.T, newPolicy func() wal.Policy, syncs func(n int) int) {
	t.Run("PowerCuts", func(t *testing.T) {
		p := newPolicy()
		PowerCuts(t, 1000, func(l wal.Target, _ *rand.Rand, hs *wal.HardState, entries []wal.Entry) (bool, error) {
			durable := wal.NeedsSync(l.HardState(), hs, len(entries))
			err := p.Save(l, hs, entries)
			return durable && err == nil, err
		})
	})
	t.Run("Syncs", func(t *testing.T) { testSyncs(t, newPolicy(), syncs) })
	t.Run("StopsAfterFailedSync", func(t *testing.T) { testStops(t, newPolicy(), errorfs.OpFileSyncData) })
	t.Run("StopsAfterFailedWrite", func(t *testing.T) { testStops(t, newPolicy(), errorfs.OpFileWriteAt) })
}

func batch(first uint64, n int) []wal.Entry {
	entries := make([]wal.Entry, n)
	for i := range entries {
		entries[i] = wal.Entry{Index: first + uint64(i), Term: 1, Data: []byte("value")}
	}
	return entries
}

func testSyncs(t *testing.T, p wal.Policy, want func(n int) int) {
	got := 0
	opts := options(vfs.NewMem())
	opts.SegmentBytes = 1 << 20 // no segment is rolled, which would sync as well
	opts.OnSync = func(time.Duration) { got++ }
	l, _, err := wal.Open(opts)
	require.NoError(t, err)

	require.NoError(t, p.Save(l, &wal.HardState{Term: 1, Vote: 1}, nil))
	require.Equal(t, 1, got, "a vote is synced")
	next := uint64(1)
	for _, n := range []int{1, 2, 10, 100} {
		got = 0
		hs := wal.HardState{Term: 1, Vote: 1, Commit: next + uint64(n) - 1}
		require.NoError(t, p.Save(l, &hs, batch(next, n)))
		require.Equal(t, want(n), got, "%d entries", n)
		require.Equal(t, hs, l.HardState())
		next += uint64(n)
	}
	require.NoError(t, p.Save(l, nil, batch(next, 1)))
	got = 0
	require.NoError(t, p.Save(l, &wal.HardState{Term: 1, Vote: 1, Commit: next}, nil))
	require.Zero(t, got, "a commit index alone is not synced")
	require.NoError(t, p.Save(l, nil, nil))
	require.NoError(t, l.Close())
}

// testStops checks that one failed operation ends the log's life, although the
// next would succeed, and that what was acknowledged before is still there.
func testStops(t *testing.T, p wal.Policy, kind errorfs.OpKind) {
	broken := errors.New("device error")
	armed := false
	mem := vfs.NewMem()
	opts := options(errorfs.Wrap(mem, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if armed && op.Kind == kind {
			armed = false
			return broken
		}
		return nil
	})))
	l, _, err := wal.Open(opts)
	require.NoError(t, err)
	hs := &wal.HardState{Term: 1}
	require.NoError(t, p.Save(l, hs, batch(1, 3)))

	armed = true
	err = p.Save(l, nil, batch(4, 3))
	require.ErrorIs(t, err, wal.ErrFailed)
	require.ErrorIs(t, err, broken)
	again := p.Save(l, nil, batch(4, 3))
	require.Equal(t, err, again, "the first cause sticks")
	require.ErrorIs(t, l.Close(), wal.ErrFailed)

	_, got, err := wal.Open(options(mem))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(got.Entries), 3)
	require.Equal(t, batch(1, 3), slices.Clip(got.Entries[:3]))
}

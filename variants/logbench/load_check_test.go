package logbench

import (
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// smokePuts is enough for one put to be among the first and another among the
// last of its caller.
const smokePuts = 1000

// TestPutsAreThereAfterARestart: what is measured does what it says, before and
// after a restart.
func TestPutsAreThereAfterARestart(t *testing.T) {
	for _, s := range systems {
		for _, callers := range []int{1, 20} {
			t.Run(s.name, func(t *testing.T) {
				l, err := newLoad(s.open, filepath.Join(t.TempDir(), "data"), callers)
				require.NoError(t, err)
				before := l.account(t)
				took, err := l.put(smokePuts)
				require.NoError(t, err)
				require.Len(t, took, smokePuts)
				require.NoError(t, l.checkSyncs(smokePuts, l.account(t).syncs-before.syncs))
				require.NoError(t, l.check())

				l.system, err = s.open(l.dir, callers) // it goes on where it was
				require.NoError(t, err)
				_, err = l.put(smokePuts / 10)
				require.NoError(t, err)
				require.NoError(t, l.check())
			})
		}
	}
}

// faulty acknowledges put number at otherwise than it should.
type faulty struct {
	system
	at    int64
	count atomic.Int64
	fault func(s system, command []byte) error
}

func (f *faulty) put(command []byte) error {
	if f.count.Add(1) == f.at {
		return f.fault(f.system, command)
	}
	return f.system.put(command)
}

// TestCheckFindsWhatIsLost plants one fault among the puts.
func TestCheckFindsWhatIsLost(t *testing.T) {
	for name, fault := range map[string]struct {
		put  func(s system, command []byte) error
		want string
	}{
		"lost": {func(system, []byte) error { return nil }, "1000 puts were acknowledged, 999 are there after a restart"},
		"another value": {func(s system, command []byte) error {
			command[len(command)-1]++
			return s.put(command)
		}, "its key has 256 bytes of another value"},
		"another key": {func(s system, command []byte) error {
			command[keyBytes-1]++
			return s.put(command)
		}, "of another value"},
	} {
		t.Run(name, func(t *testing.T) {
			open := func(dir string, callers int) (system, error) {
				s, err := openTidwallGroup(dir, callers)
				return &faulty{system: s, at: smokePuts / 2, fault: fault.put}, err
			}
			l, err := newLoad(open, t.TempDir(), 10)
			require.NoError(t, err)
			_, err = l.put(smokePuts)
			require.NoError(t, err)
			require.ErrorContains(t, l.check(), fault.want)
		})
	}
}

// TestCheckFindsTooFewSyncs: ten puts in flight cannot share a sync with an eleventh.
func TestCheckFindsTooFewSyncs(t *testing.T) {
	l := &load{callers: 10}
	require.NoError(t, l.checkSyncs(smokePuts, smokePuts/10))
	require.ErrorContains(t, l.checkSyncs(smokePuts, smokePuts/10-1), "1000 puts of 10 callers with 99 syncs")
}

// TestCheckWantsTheNewestValue goes through a caller's keys more than once.
func TestCheckWantsTheNewestValue(t *testing.T) {
	const callers = 1000
	l, err := newLoad(openTidwallGroup, t.TempDir(), callers)
	require.NoError(t, err)
	_, err = l.put(3 * keys)
	require.NoError(t, err)
	l.acked[0], l.acked[1] = l.acked[0]-1, l.acked[1]+1 // as many, but other ones
	require.ErrorContains(t, l.check(), "of another value")
}

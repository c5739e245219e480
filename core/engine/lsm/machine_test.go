package lsm

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBudget pins how the settings scale, from a machine that is too small to
// one that is large.
func TestBudget(t *testing.T) {
	const gib = 1 << 30
	for _, c := range []struct {
		machine Machine
		want    string
	}{
		{Machine{1, 1}, "memtables=2x4MiB cache=8MiB jobs=2"},
		{Machine{1 * gib, 1}, "memtables=2x16MiB cache=32MiB jobs=2"},
		{Machine{4 * gib, 2}, "memtables=2x64MiB cache=128MiB jobs=2"},
		{Machine{24 * gib, 2}, "memtables=6x64MiB cache=1152MiB jobs=2"},
		{Machine{256 * gib, 64}, "memtables=8x64MiB cache=15872MiB jobs=64"},
	} {
		require.Equal(t, c.want, c.machine.Budget().String(), "%+v", c.machine)
	}
}

// TestThisMachine: the machine that runs the test is large enough to do so.
func TestThisMachine(t *testing.T) {
	m := ThisMachine()
	require.Greater(t, m.MemoryBytes, int64(64*mib))
	require.Equal(t, runtime.GOMAXPROCS(0), m.CPUs)
}

func TestResolve(t *testing.T) {
	o, err := Options{}.Resolve()
	require.NoError(t, err)
	require.Equal(t, ProfileDefault, o.Profile)
	require.Equal(t, ThisMachine(), o.Machine)
	require.NotNil(t, o.Logger)

	small := Machine{MemoryBytes: 1 << 30, CPUs: 1}
	o, err = Options{Profile: ProfileTuned, Machine: small}.Resolve()
	require.NoError(t, err)
	require.Equal(t, small, o.Machine)

	_, err = Options{Profile: "fast"}.Resolve()
	require.EqualError(t, err, `engine profile "fast": accepted: default, tuned`)
}

package pebble

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"

	"metastorebench/core/engine/lsm"
)

// TestTunedSettings: the settings are valid, are those that Settings tells, and
// follow the machine.
func TestTunedSettings(t *testing.T) {
	machine := lsm.Machine{MemoryBytes: 8 << 30, CPUs: 4}
	var o pebble.Options
	tune(&o, machine.Budget())
	o.EnsureDefaults()
	require.NoError(t, o.Validate())
	require.EqualValues(t, 64<<20, o.MemTableSize)
	require.EqualValues(t, 384<<20, o.CacheSize)
	_, jobs := o.CompactionConcurrencyRange()
	require.Equal(t, 4, jobs)
	for i, level := range o.Levels {
		require.Equal(t, 16<<10, level.BlockSize, "level %d", i)
		require.NotNil(t, level.FilterPolicy, "level %d", i)
	}

	text, err := Settings(lsm.Options{Profile: lsm.ProfileTuned, Machine: machine})
	require.NoError(t, err)
	require.Equal(t, "memtables=2x64MiB cache=384MiB jobs=4 bloom=10 block=16KiB index-block=256KiB l0-compaction=2 l0-stop=1000 format=21", text)
	text, err = Settings(lsm.Options{})
	require.NoError(t, err)
	require.Empty(t, text)
	_, err = Settings(lsm.Options{Profile: "fast"})
	require.ErrorContains(t, err, "accepted: default, tuned")
}

package rocksdb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine/lsm"
	"metastorebench/variants/engine/rocksdb"
)

// TestSettings: the settings follow the machine and are told in any build.
func TestSettings(t *testing.T) {
	text, err := rocksdb.Settings(lsm.Options{Profile: lsm.ProfileTuned, Machine: lsm.Machine{MemoryBytes: 8 << 30, CPUs: 4}})
	require.NoError(t, err)
	require.Equal(t, "memtables=2x64MiB cache=384MiB jobs=4 bloom=10 block=16KiB memtable-bloom=0.02 compression=lz4 dynamic-levels bytes-per-sync=1024KiB", text)
	text, err = rocksdb.Settings(lsm.Options{})
	require.NoError(t, err)
	require.Empty(t, text)
	_, err = rocksdb.Settings(lsm.Options{Profile: "fast"})
	require.ErrorContains(t, err, "accepted: default, tuned")
}

//go:build norocksdb

package rocksdb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/core/engine/lsm"
	"metastorebench/variants/engine/rocksdb"
)

func TestNotBuilt(t *testing.T) {
	require.False(t, rocksdb.Available())
	_, err := rocksdb.Open(t.TempDir(), lsm.Options{})
	require.ErrorIs(t, err, rocksdb.ErrNotBuilt)
}

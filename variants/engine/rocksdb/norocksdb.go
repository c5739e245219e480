//go:build norocksdb

package rocksdb

import (
	"metastorebench/core/engine"
	"metastorebench/core/engine/lsm"
)

// Available reports whether RocksDB is in this build.
func Available() bool { return false }

// Open returns ErrNotBuilt.
func Open(string, lsm.Options) (engine.Engine, error) { return nil, ErrNotBuilt }

// Package rocksdb is the value `rocksdb` of the axis --engine: the state
// machine in a RocksDB store, through github.com/linxGnu/grocksdb v1.7.13 and
// the system's librocksdb 7.8.
//
// RocksDB's own log is off: the Raft log is the log, and Flush is what makes
// the state machine durable.
//
// The package needs cgo and the library. Built with the tag norocksdb it needs
// neither, and Open returns ErrNotBuilt.
package rocksdb

import "errors"

// ErrNotBuilt says that the program was built without RocksDB.
var ErrNotBuilt = errors.New("rocksdb engine is not in this build: install librocksdb-dev and run `make build`")

package lsm

import (
	"bytes"
	"fmt"

	"metastorebench/core/engine"
)

// formatVersion is the version of the layout that doc.go draws.
const formatVersion = 1

// dataPrefix precedes every user's key; dataEnd is the first byte above them.
const (
	dataPrefix = 'k'
	dataEnd    = 'k' + 1
)

var (
	formatKey = []byte("mformat")
	stateKey  = []byte("mstate")
)

// appendDataKey appends the stored form of a user's key.
func appendDataKey(dst, key []byte) []byte {
	return append(append(dst, dataPrefix), key...)
}

// dataBounds returns the stored bounds of [start, end), and false if it is
// empty whatever the data: a library need not accept bounds the wrong way round.
func dataBounds(start, end []byte) (lower, upper []byte, ok bool) {
	if len(end) == 0 {
		return appendDataKey(nil, start), []byte{dataEnd}, true
	}
	if bytes.Compare(start, end) >= 0 {
		return nil, nil, false
	}
	return appendDataKey(nil, start), appendDataKey(nil, end), true
}

// readFormat checks the format version, and reports whether one was found.
func readFormat(r Reader) (bool, error) {
	value, closer, err := r.Get(formatKey)
	if err != nil || closer == nil {
		return false, err
	}
	defer closer.Close()
	if len(value) != 1 || value[0] != formatVersion {
		return true, fmt.Errorf("%w: found %d, accepted [%d]", engine.ErrFormat, value, formatVersion)
	}
	return true, nil
}

// readState returns the State, and whether one was found.
func readState(r Reader) (engine.State, bool, error) {
	value, closer, err := r.Get(stateKey)
	if err != nil || closer == nil {
		return engine.State{}, false, err
	}
	defer closer.Close()
	state, err := engine.DecodeState(value)
	return state, true, err
}

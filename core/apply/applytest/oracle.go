// Package applytest holds the dumb obvious engine that the tests of command
// semantics and of the services above them run on: a sorted slice that does
// everything by a linear walk, and counts what it is asked for.
package applytest

import (
	"bytes"
	"slices"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// Oracle is an engine.Batch over a sorted slice. Changes are visible at once;
// Commit only replaces the State. It is not safe for concurrent use.
type Oracle struct {
	st    engine.State
	pairs []*kv.KeyValue

	// Fail, if not nil, is returned by every method that can fail.
	Fail error
	// Gets, Counts and Changes count calls; Scanned counts the pairs handed to
	// scans.
	Gets, Counts, Changes, Scanned int
}

var (
	_ engine.Batch = (*Oracle)(nil)
	_ engine.View  = (*Oracle)(nil)
)

// New returns an empty engine at revision 1.
func New() *Oracle { return &Oracle{st: engine.State{Revision: 1}} }

// Clone returns a copy that shares only pairs, which are immutable.
func (o *Oracle) Clone() *Oracle {
	return &Oracle{st: o.st, pairs: slices.Clone(o.pairs)}
}

// Pairs returns all pairs in key order.
func (o *Oracle) Pairs() []*kv.KeyValue { return slices.Clone(o.pairs) }

// State returns the State of the last Commit.
func (o *Oracle) State() engine.State { return o.st }

// Get returns the pair for key, or nil.
func (o *Oracle) Get(key []byte) (*kv.KeyValue, error) {
	o.Gets++
	for _, p := range o.pairs {
		if bytes.Equal(p.Key, key) {
			return p, o.Fail
		}
	}
	return nil, o.Fail
}

// Scan calls fn for each key in [start, end) until it returns false.
func (o *Oracle) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	if o.Fail != nil {
		return o.Fail
	}
	for _, p := range o.pairs {
		if inside(p.Key, start, end) {
			o.Scanned++
			if !fn(p) {
				return nil
			}
		}
	}
	return nil
}

// ScanReverse is Scan in descending order.
func (o *Oracle) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	if o.Fail != nil {
		return o.Fail
	}
	for _, p := range slices.Backward(o.pairs) {
		if inside(p.Key, start, end) {
			o.Scanned++
			if !fn(p) {
				return nil
			}
		}
	}
	return nil
}

// Count returns the number of keys in [start, end).
func (o *Oracle) Count(start, end []byte) (n int64, err error) {
	o.Counts++
	for _, p := range o.pairs {
		if inside(p.Key, start, end) {
			n++
		}
	}
	return n, o.Fail
}

func inside(key, start, end []byte) bool {
	return bytes.Compare(key, start) >= 0 && (len(end) == 0 || bytes.Compare(key, end) < 0)
}

// Put stores pair.
func (o *Oracle) Put(pair *kv.KeyValue) error {
	o.remove(pair.Key)
	o.Changes++
	o.pairs = append(o.pairs, pair)
	slices.SortFunc(o.pairs, func(a, b *kv.KeyValue) int { return bytes.Compare(a.Key, b.Key) })
	return o.Fail
}

// Delete removes key.
func (o *Oracle) Delete(key []byte) error {
	o.Changes++
	o.remove(key)
	return o.Fail
}

func (o *Oracle) remove(key []byte) {
	o.pairs = slices.DeleteFunc(o.pairs, func(p *kv.KeyValue) bool { return bytes.Equal(p.Key, key) })
}

// Commit replaces the State.
func (o *Oracle) Commit(st engine.State) error {
	o.st = st
	return o.Fail
}

// Discard cannot take changes back.
func (o *Oracle) Discard() error { return engine.ErrBatchDirty }

// Close does nothing.
func (o *Oracle) Close() {}

package lsm

import (
	"errors"
	"io"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// reader is an engine.Reader over the stored form.
type reader struct {
	engine *lsmEngine
	src    Reader
	state  engine.State
	keys   counter
	key    []byte // scratch for one stored key
}

var _ engine.Reader = (*reader)(nil)

func (r *reader) State() engine.State { return r.state }

func (r *reader) Get(key []byte) (*kv.KeyValue, error) {
	r.key = appendDataKey(r.key[:0], key)
	value, closer, err := r.src.Get(r.key)
	if err != nil || closer == nil {
		return nil, err
	}
	pair, err := engine.DecodeValue(key, value)
	return pair, errors.Join(err, closer.Close())
}

func (r *reader) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return r.scanWith(r.src.Scan, start, end, fn)
}

func (r *reader) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	return r.scanWith(r.src.ScanReverse, start, end, fn)
}

// scanWith decodes the pairs that scan, a scan of the stored form, finds.
func (r *reader) scanWith(scan func(lower, upper []byte, fn func(key, value []byte) bool) error,
	start, end []byte, fn func(*kv.KeyValue) bool) error {
	lower, upper, ok := dataBounds(start, end)
	if !ok {
		return nil
	}
	var (
		decodeErr error
		visited   int64
	)
	err := scan(lower, upper, func(key, value []byte) bool {
		visited++
		var pair *kv.KeyValue
		pair, decodeErr = engine.DecodeValue(key[1:], value)
		return decodeErr == nil && fn(pair)
	})
	r.engine.visited.Add(visited)
	return errors.Join(err, decodeErr)
}

// Count asks the key index, or else has the store walk the range.
func (r *reader) Count(start, end []byte) (int64, error) {
	if r.keys.index != nil {
		return r.keys.count(start, end), nil
	}
	lower, upper, ok := dataBounds(start, end)
	if !ok {
		return 0, nil
	}
	n, err := r.src.Count(lower, upper)
	r.engine.visited.Add(n)
	return n, err
}

// view is a reader of a snapshot that it owns, or, while snap is nil, of the
// store itself under the shared lock commits. It is counted in engine.open.
type view struct {
	reader
	snap Snapshot
}

var _ engine.View = (*view)(nil)

// pin turns a view of the store into one of a snapshot of this moment, which
// shows the same, and lets commits go on. A scan can take long.
func (v *view) pin() {
	if v.snap != nil {
		return
	}
	v.snap = v.engine.store.Snapshot()
	v.src = v.snap
	v.keys.index = v.engine.keys.share()
	v.engine.commits.RUnlock()
}

func (v *view) Scan(start, end []byte, fn func(*kv.KeyValue) bool) error {
	v.pin()
	return v.reader.Scan(start, end, fn)
}

func (v *view) ScanReverse(start, end []byte, fn func(*kv.KeyValue) bool) error {
	v.pin()
	return v.reader.ScanReverse(start, end, fn)
}

// Count pins the view only if it is a walk.
func (v *view) Count(start, end []byte) (int64, error) {
	if v.keys.index == nil {
		v.pin()
	}
	return v.reader.Count(start, end)
}

// Close drops the error of the library: nothing was written, and a reader can
// do nothing about it.
func (v *view) Close() { _ = v.release() }

func (v *view) release() error {
	defer v.engine.open.Add(-1)
	if v.snap == nil {
		v.engine.commits.RUnlock()
		return nil
	}
	return v.snap.Close()
}

// failedView answers every read with the error that kept a view from opening.
type failedView struct{ err error }

var _ engine.View = failedView{}

func (f failedView) State() engine.State { return engine.State{} }

func (f failedView) Get([]byte) (*kv.KeyValue, error) { return nil, f.err }

func (f failedView) Scan(_, _ []byte, _ func(*kv.KeyValue) bool) error { return f.err }

func (f failedView) ScanReverse(_, _ []byte, _ func(*kv.KeyValue) bool) error { return f.err }

func (f failedView) Count(_, _ []byte) (int64, error) { return 0, f.err }

func (f failedView) Close() {}

// snapshot is a view that can write itself out.
type snapshot struct{ view *view }

var _ engine.Snapshot = snapshot{}

func (s snapshot) State() engine.State { return s.view.state }

func (s snapshot) WriteTo(w io.Writer) (int64, error) {
	return engine.WriteSnapshot(w, s.view.state, engine.Pairs(s.view))
}

func (s snapshot) Close() error { return s.view.release() }

package lsm

import (
	"errors"
	"fmt"
	"io"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
)

// reader is an engine.Reader over the stored form.
type reader struct {
	src   Reader
	state engine.State
	key   []byte // scratch for one stored key
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
	lower, upper, ok := dataBounds(start, end)
	if !ok {
		return nil
	}
	var decodeErr error
	err := r.src.Scan(lower, upper, func(key, value []byte) bool {
		var pair *kv.KeyValue
		pair, decodeErr = engine.DecodeValue(key[1:], value)
		return decodeErr == nil && fn(pair)
	})
	return errors.Join(err, decodeErr)
}

func (r *reader) Count(start, end []byte) (int64, error) {
	lower, upper, ok := dataBounds(start, end)
	if !ok {
		return 0, nil
	}
	return r.src.Count(lower, upper)
}

// view is a reader of a snapshot that it owns.
type view struct {
	reader
	snap Snapshot
}

var _ engine.View = (*view)(nil)

// newView reads the State from the snapshot itself, so that the two agree
// although a batch may be applied meanwhile.
func newView(snap Snapshot) (*view, error) {
	state, found, err := readState(snap)
	if err == nil && !found {
		err = fmt.Errorf("%w: no state record", engine.ErrCorrupt)
	}
	if err != nil {
		return nil, errors.Join(err, snap.Close())
	}
	return &view{reader: reader{src: snap, state: state}, snap: snap}, nil
}

// Close drops the error of the library: nothing was written, and a reader can
// do nothing about it.
func (v *view) Close() { _ = v.snap.Close() }

// failedView answers every read with the error that kept a view from opening.
type failedView struct{ err error }

var _ engine.View = failedView{}

func (f failedView) State() engine.State { return engine.State{} }

func (f failedView) Get([]byte) (*kv.KeyValue, error) { return nil, f.err }

func (f failedView) Scan(_, _ []byte, _ func(*kv.KeyValue) bool) error { return f.err }

func (f failedView) Count(_, _ []byte) (int64, error) { return 0, f.err }

func (f failedView) Close() {}

// snapshot is a view that can write itself out.
type snapshot struct{ view *view }

var _ engine.Snapshot = snapshot{}

func (s snapshot) State() engine.State { return s.view.state }

func (s snapshot) WriteTo(w io.Writer) (int64, error) {
	return engine.WriteSnapshot(w, s.view.state, engine.Pairs(s.view))
}

func (s snapshot) Close() error { return s.view.snap.Close() }

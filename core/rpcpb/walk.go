package rpcpb

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of an Operation and of an Outcome.
const (
	fieldID       protowire.Number = 1
	fieldPut      protowire.Number = 2
	fieldGet      protowire.Number = 3
	fieldDelete   protowire.Number = 4
	fieldRange    protowire.Number = 5
	fieldRevision protowire.Number = 6 // of an Outcome
	fieldError    protowire.Number = 16
)

// Operations walks through received PipelineRequests. The zero value is ready.
// It belongs to one goroutine.
type Operations struct {
	op     Operation
	put    Put
	get    Get
	delete DeleteRange
	rng    Range
	body   []byte
}

// Body returns the wire form of the put, get, delete or range of the operation
// that Each is at: a part of its data.
func (w *Operations) Body() []byte { return w.body }

// Each calls do for every operation of the message, in order. The operation is
// the walk's own and its byte slices are data's: neither may be kept after do has
// returned. One of an unknown kind has nothing set but the id. An error of do
// ends the walk and is returned; one about data wraps ErrMalformed.
func (w *Operations) Each(data []byte, do func(*Operation) error) error {
	return Fields(data, func(field protowire.Number, item []byte, _ uint64) error {
		if field != fieldItems {
			return nil
		}
		if err := w.decode(item); err != nil {
			return err
		}
		return do(&w.op)
	})
}

// decode reads one operation into w.op.
func (w *Operations) decode(item []byte) error {
	op := &w.op
	op.Id, op.Put, op.Get, op.Delete, op.Range = 0, nil, nil, nil, nil
	return Fields(item, func(field protowire.Number, body []byte, number uint64) (err error) {
		if field != fieldID {
			w.body = body
		}
		switch field {
		case fieldID:
			op.Id = number
		case fieldPut:
			w.put.Key, w.put.Value, w.put.unknownFields = nil, nil, nil
			op.Put, err = &w.put, w.put.UnmarshalVTUnsafe(body)
		case fieldGet:
			w.get.Key, w.get.Revision, w.get.unknownFields = nil, 0, nil
			op.Get, err = &w.get, w.get.UnmarshalVTUnsafe(body)
		case fieldDelete:
			w.delete.Key, w.delete.RangeEnd, w.delete.unknownFields = nil, nil, nil
			op.Delete, err = &w.delete, w.delete.UnmarshalVTUnsafe(body)
		case fieldRange:
			w.rng.Key, w.rng.RangeEnd, w.rng.Limit, w.rng.unknownFields = nil, nil, 0, nil
			op.Range, err = &w.rng, w.rng.UnmarshalVTUnsafe(body)
		}
		if err != nil {
			return fmt.Errorf("%w: operation %d: %w", ErrMalformed, op.Id, err)
		}
		return nil
	})
}

// Outcomes walks through received PipelineResponses. The zero value is ready. It
// belongs to one goroutine.
type Outcomes struct {
	outcome Outcome
	put     PutResult
	delete  DeleteResult
}

// Each calls do for every outcome of the message, in order. The outcome is the
// walk's own and must not be kept after do has returned; what a get or a range
// has found is the caller's. window is that of the message, nil if it has none.
// Errors are as in Operations.Each.
func (w *Outcomes) Each(data []byte, do func(*Outcome) error) (window *Window, err error) {
	err = Fields(data, func(field protowire.Number, item []byte, _ uint64) error {
		switch field {
		case fieldItems:
			if err := w.decode(item); err != nil {
				return err
			}
			return do(&w.outcome)
		case fieldWindow:
			window = &Window{}
			if err := window.UnmarshalVT(item); err != nil {
				return fmt.Errorf("%w: window: %w", ErrMalformed, err)
			}
		}
		return nil
	})
	return window, err
}

// decode reads one outcome into w.outcome.
func (w *Outcomes) decode(item []byte) error {
	o := &w.outcome
	o.Id, o.Revision, o.Put, o.Get, o.Delete, o.Range, o.Error = 0, 0, nil, nil, nil, nil, nil
	return Fields(item, func(field protowire.Number, body []byte, number uint64) (err error) {
		switch field {
		case fieldID:
			o.Id = number
		case fieldRevision:
			o.Revision = int64(number)
		case fieldPut:
			w.put.Revision, w.put.Error, w.put.unknownFields = 0, nil, nil
			o.Put, err = &w.put, w.put.UnmarshalVT(body)
		case fieldGet:
			o.Get = &GetResult{}
			err = o.Get.UnmarshalVT(body)
		case fieldDelete:
			w.delete.Revision, w.delete.Deleted, w.delete.Error, w.delete.unknownFields = 0, 0, nil, nil
			o.Delete, err = &w.delete, w.delete.UnmarshalVT(body)
		case fieldRange:
			o.Range = &RangeResult{}
			err = o.Range.UnmarshalVT(body)
		case fieldError:
			o.Error = &Error{}
			err = o.Error.UnmarshalVT(body)
		}
		if err != nil {
			return fmt.Errorf("%w: outcome %d: %w", ErrMalformed, o.Id, err)
		}
		return nil
	})
}

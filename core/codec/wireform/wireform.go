// Package wireform reads put and delete requests from their protobuf wire form
// without copying, and strictly: what it accepts is what a protobuf encoder
// writes, and means the same to every program that reads protobuf.
//
//	put      [0x0a len key] [0x12 len value] [0x18 lease] [0x20 1] [0x28 1] [0x30 1]
//	delete   [0x0a len key] [0x12 len range_end] [0x18 1]
//	list     [0x0a len item] [0x0a len item] ...
//
// The fields are those of etcd's PutRequest and DeleteRangeRequest, which
// kv's, and rpcpb's as far as they go, share. A key comes first and is not
// empty; further fields come in ascending order, once each. Anything else (fields
// that are not known, that come twice or out of order) is not wrong, but is left
// to a general decoder: what goes into the log as it was received must be
// understood alike at the door and by every member that applies it.
package wireform

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"

	"metastorebench/core/kv"
)

// ErrShape says that bytes are no request, or not in the strict shape.
var ErrShape = errors.New("wireform: not a request in its strict wire form")

// tagBytes1 is the tag of field 1 as bytes: of keys, and of the items of a list.
const tagBytes1 = 1<<3 | byte(protowire.BytesType)

// Put reads a put into dst, all of whose fields it sets. The slices are those of
// body. The error is ErrShape.
func Put(body []byte, dst *kv.PutRequest) error {
	dst.Key, dst.Value, dst.Lease = nil, nil, 0
	dst.PrevKv, dst.IgnoreValue, dst.IgnoreLease = false, false, false
	r := reader{rest: body}
	dst.Key = r.bytes(1)
	dst.Value = r.bytes(2)
	dst.Lease = int64(r.varint(3))
	dst.PrevKv = r.varint(4) != 0
	dst.IgnoreValue = r.varint(5) != 0
	dst.IgnoreLease = r.varint(6) != 0
	return r.done(dst.Key)
}

// Delete reads a delete into dst, all of whose fields it sets. The slices are
// those of body. The error is ErrShape.
func Delete(body []byte, dst *kv.DeleteRangeRequest) error {
	r := reader{rest: body}
	dst.Key = r.bytes(1)
	dst.RangeEnd = r.bytes(2)
	dst.PrevKv = r.varint(3) != 0
	return r.done(dst.Key)
}

// Each calls do with every item of a list, in order. The error is ErrShape or
// do's.
func Each(list []byte, do func(item []byte) error) error {
	for len(list) > 0 {
		if list[0] != tagBytes1 {
			return ErrShape
		}
		item, n := protowire.ConsumeBytes(list[1:])
		if n < 0 {
			return ErrShape
		}
		if err := do(item); err != nil {
			return err
		}
		list = list[1+n:]
	}
	return nil
}

// reader reads fields in ascending order.
type reader struct {
	rest []byte
	bad  bool
}

// bytes returns field number num, below 16, if it comes next; else nil.
func (r *reader) bytes(num protowire.Number) []byte {
	if !r.next(num, protowire.BytesType) {
		return nil
	}
	b, n := protowire.ConsumeBytes(r.rest[1:])
	r.skip(1+n, n)
	return b[:len(b):len(b)]
}

// varint is bytes for a number.
func (r *reader) varint(num protowire.Number) uint64 {
	if !r.next(num, protowire.VarintType) {
		return 0
	}
	v, n := protowire.ConsumeVarint(r.rest[1:])
	r.skip(1+n, n)
	return v
}

func (r *reader) next(num protowire.Number, kind protowire.Type) bool {
	return len(r.rest) > 0 && r.rest[0] == byte(num)<<3|byte(kind)
}

// skip passes a field of so many bytes; consumed is negative if it is damaged.
func (r *reader) skip(field, consumed int) {
	if consumed < 0 {
		r.rest, r.bad = nil, true
		return
	}
	r.rest = r.rest[field:]
}

// done returns whether nothing is left of a request with this key.
func (r *reader) done(key []byte) error {
	if r.bad || len(r.rest) > 0 || len(key) == 0 {
		return ErrShape
	}
	return nil
}

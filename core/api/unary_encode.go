package api

import (
	"google.golang.org/protobuf/encoding/protowire"

	"metastorebench/core/kv"
)

// The functions of this file write etcd's replies without making them first. Fields
// are left out at their zero values, as protobuf's encoder does.

func appendPutReply(dst []byte, st *Status, revision int64, prev *kv.KeyValue) []byte {
	dst = appendReplyHeader(dst, st, revision)
	if prev != nil {
		dst = appendPair(dst, 2, prev, false)
	}
	return dst
}

func appendDeleteReply(dst []byte, st *Status, revision int64, res *kv.DeleteResult) []byte {
	dst = appendReplyHeader(dst, st, revision)
	dst = appendUint(dst, 2, uint64(res.Deleted))
	for _, p := range res.PrevKVs {
		dst = appendPair(dst, 3, p, false)
	}
	return dst
}

func appendRangeReply(dst []byte, st *Status, revision int64, res *kv.RangeResult, keysOnly bool) []byte {
	dst = appendReplyHeader(dst, st, revision)
	for _, p := range res.KVs {
		dst = appendPair(dst, 2, p, keysOnly)
	}
	if res.More {
		dst = appendUint(dst, 3, 1)
	}
	return appendUint(dst, 4, uint64(res.Count))
}

// appendReplyHeader appends the header, field 1 of every reply.
func appendReplyHeader(dst []byte, st *Status, revision int64) []byte {
	var room [44]byte // four fields of 11 bytes
	hdr := appendUint(room[:0], 1, st.ClusterID)
	hdr = appendUint(hdr, 2, st.MemberID)
	hdr = appendUint(hdr, 3, uint64(revision))
	hdr = appendUint(hdr, 4, st.RaftTerm)
	return appendBytes(dst, 1, hdr)
}

// appendPair appends a pair as a field. Its value comes behind the numbers.
func appendPair(dst []byte, field protowire.Number, p *kv.KeyValue, keysOnly bool) []byte {
	value := p.Value
	if keysOnly {
		value = nil
	}
	var room [48]byte
	numbers := appendUint(room[:0], 2, uint64(p.CreateRevision))
	numbers = appendUint(numbers, 3, uint64(p.ModRevision))
	numbers = appendUint(numbers, 4, uint64(p.Version))
	size := sizeBytes(p.Key) + len(numbers) + sizeBytes(value) + sizeUint(p.Lease)
	dst = protowire.AppendTag(dst, field, protowire.BytesType)
	dst = protowire.AppendVarint(dst, uint64(size))
	if len(p.Key) > 0 {
		dst = appendBytes(dst, 1, p.Key)
	}
	dst = append(dst, numbers...)
	if len(value) > 0 {
		dst = appendBytes(dst, 5, value)
	}
	return appendUint(dst, 6, uint64(p.Lease))
}

// The fields of these messages have numbers below 16, whose tags are one byte.

func sizeBytes(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	return 1 + protowire.SizeBytes(len(b))
}

func sizeUint(n int64) int {
	if n == 0 {
		return 0
	}
	return 1 + protowire.SizeVarint(uint64(n))
}

func appendBytes(dst []byte, field protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(dst, field, protowire.BytesType), b)
}

func appendUint(dst []byte, field protowire.Number, n uint64) []byte {
	if n == 0 {
		return dst
	}
	return protowire.AppendVarint(protowire.AppendTag(dst, field, protowire.VarintType), n)
}

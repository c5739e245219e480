package engine

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"iter"

	"metastorebench/core/kv"
)

// The snapshot stream is the same for every engine, so that a snapshot of any
// engine restores into any other.
//
//	stream   = header, state chunk, record chunk..., end chunk
//	header   = magic (8) | version u32 | crc u32 of the 12 bytes before
//	chunk    = kind u8 | length u32 | payload (length) | crc u32 of all before
//	  'S'      payload: the State, as AppendState writes it; exactly one, first
//	  'R'      payload: records, back to back, none split between chunks
//	  'E'      payload: count u64 of records in the stream; the last chunk
//	record   = uvarint key length | key | uvarint n | n bytes as AppendValue
//
// Integers are little-endian and CRCs are CRC-32C (Castagnoli). Keys ascend
// strictly over the whole stream. Nothing follows the end chunk; a reader takes
// not one byte more, so a stream can be part of a longer one.
//
// The CRCs find damage by accident; they do not protect against forgery.
const (
	snapshotMagic   = "MSSNAP\r\n"
	snapshotVersion = 1

	chunkState   = 'S'
	chunkRecords = 'R'
	chunkEnd     = 'E'

	snapshotHeaderBytes = len(snapshotMagic) + 4 + 4
	chunkHeaderBytes    = 1 + 4
	crcBytes            = 4

	// chunkTargetBytes is when a record chunk is closed: large enough to make
	// headers and writes cheap, small enough to hold in memory many times over.
	chunkTargetBytes = 64 << 10
	// chunkMaxBytes bounds a payload, and with it one record. It is far above
	// any request that the store accepts.
	chunkMaxBytes = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// WriteSnapshot writes state and kvs, which must come in strictly ascending
// order of keys, as a snapshot stream, and returns the bytes written. An error
// yielded by kvs ends the stream and is returned.
func WriteSnapshot(w io.Writer, state State, kvs iter.Seq2[*kv.KeyValue, error]) (int64, error) {
	sw := snapshotWriter{w: w}
	if err := sw.header(); err != nil {
		return sw.written, err
	}
	sw.begin(chunkState)
	sw.buf = AppendState(sw.buf, state)
	if err := sw.end(); err != nil {
		return sw.written, err
	}
	if err := sw.records(kvs); err != nil {
		return sw.written, err
	}
	sw.begin(chunkEnd)
	sw.buf = binary.LittleEndian.AppendUint64(sw.buf, sw.count)
	return sw.written, sw.end()
}

// Pairs ranges over all pairs that r sees, in order, in the form that
// WriteSnapshot takes. An error of the scan is yielded last.
func Pairs(r Reader) iter.Seq2[*kv.KeyValue, error] {
	return func(yield func(*kv.KeyValue, error) bool) {
		more := true
		err := r.Scan(nil, nil, func(pair *kv.KeyValue) bool {
			more = yield(pair, nil)
			return more
		})
		if err != nil && more {
			yield(nil, err)
		}
	}
}

// snapshotWriter builds one chunk at a time in buf, which is reused.
type snapshotWriter struct {
	w       io.Writer
	buf     []byte
	value   []byte // scratch for one encoded value
	last    []byte // the previous record's key
	count   uint64
	written int64
}

func (sw *snapshotWriter) header() error {
	sw.buf = append(sw.buf[:0], snapshotMagic...)
	sw.buf = binary.LittleEndian.AppendUint32(sw.buf, snapshotVersion)
	return sw.flush()
}

func (sw *snapshotWriter) begin(kind byte) {
	sw.buf = append(sw.buf[:0], kind, 0, 0, 0, 0)
}

func (sw *snapshotWriter) end() error {
	length := len(sw.buf) - chunkHeaderBytes
	if length > chunkMaxBytes {
		return fmt.Errorf("engine: snapshot chunk of %d bytes exceeds %d", length, chunkMaxBytes)
	}
	binary.LittleEndian.PutUint32(sw.buf[1:], uint32(length))
	return sw.flush()
}

// flush seals buf with its CRC and writes it.
func (sw *snapshotWriter) flush() error {
	sw.buf = binary.LittleEndian.AppendUint32(sw.buf, crc32.Checksum(sw.buf, castagnoli))
	n, err := sw.w.Write(sw.buf)
	sw.written += int64(n)
	return err
}

func (sw *snapshotWriter) records(kvs iter.Seq2[*kv.KeyValue, error]) error {
	sw.begin(chunkRecords)
	for pair, err := range kvs {
		if err != nil {
			return err
		}
		if sw.count > 0 && bytes.Compare(sw.last, pair.Key) >= 0 {
			return fmt.Errorf("engine: snapshot keys out of order: %q after %q", pair.Key, sw.last)
		}
		sw.last = pair.Key
		sw.count++
		sw.value = AppendValue(sw.value[:0], pair)
		sw.buf = binary.AppendUvarint(sw.buf, uint64(len(pair.Key)))
		sw.buf = append(sw.buf, pair.Key...)
		sw.buf = binary.AppendUvarint(sw.buf, uint64(len(sw.value)))
		sw.buf = append(sw.buf, sw.value...)
		if len(sw.buf) >= chunkTargetBytes {
			if err := sw.end(); err != nil {
				return err
			}
			sw.begin(chunkRecords)
		}
	}
	if len(sw.buf) == chunkHeaderBytes {
		return nil
	}
	return sw.end()
}

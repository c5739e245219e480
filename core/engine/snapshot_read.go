package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"metastorebench/core/kv"
)

// ReadSnapshot reads a stream that WriteSnapshot wrote. It calls onState once,
// before any pair, and onKV for each pair in ascending order of keys; the pairs
// belong to the callee. An error of a callback ends the reading and is
// returned as it is.
//
// A chunk's CRC is checked before anything of it is handed on, but pairs are
// handed on before the whole stream has been seen: after an error the caller
// must discard what it took. Damage and truncation give ErrSnapshotCorrupt, an
// unknown version ErrFormat, a failed read the error of r.
func ReadSnapshot(r io.Reader, onState func(State) error, onKV func(*kv.KeyValue) error) error {
	sr := snapshotReader{r: r, onKV: onKV}
	if err := sr.header(); err != nil {
		return err
	}
	kind, payload, err := sr.next()
	if err != nil {
		return err
	}
	if kind != chunkState {
		return sr.corrupt("kind %q, want %q", kind, chunkState)
	}
	state, err := DecodeState(payload)
	switch {
	case errors.Is(err, ErrFormat):
		return fmt.Errorf("snapshot: %w", err)
	case err != nil:
		return fmt.Errorf("%w: chunk %d: %w", ErrSnapshotCorrupt, sr.chunk, err)
	}
	if err := onState(state); err != nil {
		return err
	}
	return sr.body()
}

// snapshotReader holds one chunk at a time in buf, which is reused.
type snapshotReader struct {
	r      io.Reader
	onKV   func(*kv.KeyValue) error
	buf    bytes.Buffer
	offset int64 // bytes read
	chunk  int   // chunks read; the state chunk is 1
	last   []byte
	count  uint64
}

// corrupt says what is wrong with the chunk read last.
func (sr *snapshotReader) corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: chunk %d: %s", ErrSnapshotCorrupt, sr.chunk, fmt.Sprintf(format, args...))
}

// fill appends n bytes of the stream to buf. The buffer grows with the bytes
// that arrive, so a damaged length cannot claim more memory than the stream has.
func (sr *snapshotReader) fill(n int64) error {
	m, err := io.CopyN(&sr.buf, sr.r, n)
	sr.offset += m
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return sr.corrupt("stream ends at byte %d, %d bytes short", sr.offset, n-m)
	}
	return err
}

func (sr *snapshotReader) header() error {
	if err := sr.fill(int64(snapshotHeaderBytes)); err != nil {
		return err
	}
	b := sr.buf.Bytes()
	if magic := b[:len(snapshotMagic)]; string(magic) != snapshotMagic {
		return fmt.Errorf("%w: magic %q, want %q", ErrSnapshotCorrupt, magic, snapshotMagic)
	}
	if err := checkCRC(b); err != nil {
		return fmt.Errorf("%w: header: %w", ErrSnapshotCorrupt, err)
	}
	if v := binary.LittleEndian.Uint32(b[len(snapshotMagic):]); v != snapshotVersion {
		return fmt.Errorf("snapshot: %w: found %d, accepted %d", ErrFormat, v, snapshotVersion)
	}
	return nil
}

// next reads one chunk; its payload is valid until the next call.
func (sr *snapshotReader) next() (kind byte, payload []byte, err error) {
	sr.chunk++
	sr.buf.Reset()
	if err := sr.fill(int64(chunkHeaderBytes)); err != nil {
		return 0, nil, err
	}
	length := binary.LittleEndian.Uint32(sr.buf.Bytes()[1:])
	if length > chunkMaxBytes {
		return 0, nil, sr.corrupt("length %d, at most %d", length, chunkMaxBytes)
	}
	if err := sr.fill(int64(length) + crcBytes); err != nil {
		return 0, nil, err
	}
	b := sr.buf.Bytes()
	if err := checkCRC(b); err != nil {
		return 0, nil, sr.corrupt("%v", err)
	}
	return b[0], b[chunkHeaderBytes : len(b)-crcBytes], nil
}

// checkCRC checks the CRC at the end of b against the bytes before it.
func checkCRC(b []byte) error {
	body := b[:len(b)-crcBytes]
	got, want := crc32.Checksum(body, castagnoli), binary.LittleEndian.Uint32(b[len(body):])
	if got != want {
		return fmt.Errorf("crc %#08x, want %#08x", got, want)
	}
	return nil
}

func (sr *snapshotReader) body() error {
	for {
		kind, payload, err := sr.next()
		if err != nil {
			return err
		}
		switch kind {
		case chunkRecords:
			if err := sr.records(payload); err != nil {
				return err
			}
		case chunkEnd:
			return sr.trailer(payload)
		default:
			return sr.corrupt("kind %q, want %q or %q", kind, chunkRecords, chunkEnd)
		}
	}
}

func (sr *snapshotReader) trailer(payload []byte) error {
	if len(payload) != 8 {
		return sr.corrupt("end of %d bytes, want 8", len(payload))
	}
	if n := binary.LittleEndian.Uint64(payload); n != sr.count {
		return sr.corrupt("%d records announced, %d found", n, sr.count)
	}
	return nil
}

func (sr *snapshotReader) records(payload []byte) error {
	for len(payload) > 0 {
		key, rest, ok := cutPrefixed(payload)
		if !ok {
			return sr.corrupt("key of record %d is cut short", sr.count+1)
		}
		value, rest, ok := cutPrefixed(rest)
		if !ok {
			return sr.corrupt("value of record %d is cut short", sr.count+1)
		}
		pair, err := DecodeValue(key, value)
		if err != nil {
			return fmt.Errorf("%w: chunk %d: %w", ErrSnapshotCorrupt, sr.chunk, err)
		}
		if sr.count > 0 && bytes.Compare(sr.last, pair.Key) >= 0 {
			return sr.corrupt("key %q after %q", pair.Key, sr.last)
		}
		sr.last = pair.Key
		sr.count++
		if err := sr.onKV(pair); err != nil {
			return err
		}
		payload = rest
	}
	return nil
}

// cutPrefixed splits off a byte string that its uvarint length precedes.
func cutPrefixed(b []byte) (field, rest []byte, ok bool) {
	n, w := binary.Uvarint(b)
	if w <= 0 || n > uint64(len(b)-w) {
		return nil, nil, false
	}
	return b[w : w+int(n)], b[w+int(n):], true
}

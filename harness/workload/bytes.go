package workload

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// A key is its index as a big-endian number in the last min(8, KeyBytes) bytes,
// after a constant filler:
//
//	| filler 'k' ... | index, big-endian |
//	  KeyBytes - 8     up to 8 bytes
//
// Byte order is index order, and the keys are not UTF-8 in general, on purpose:
// a codec that goes through text cannot pass.
const (
	keyFiller   = 'k'
	maxKeyBytes = 1 << 10
	// PrefixKeys is the number of keys under one prefix (all but the last byte).
	PrefixKeys = 256
	// ContendedKeys is the number of keys behind the workload's own, with indexes
	// from Keys on, for which clients contend when the measured window is over
	// (package load).
	ContendedKeys = 4
)

// A value names the write that made it:
//
//	offset  size
//	     0     4  key index, little-endian
//	     4     4  writer: client number, Clients for the preload, above for contenders
//	     8     8  sequence number of the write within its writer, from 1
//	    16     *  filler: SplitMix64 seeded by the trial's seed and the header
//
// The filler does not compress, and stands in for a checksum: a changed header
// asks for other filler.
const (
	headerBytes = 16
	// MinValueBytes is the smallest value that can be verified.
	MinValueBytes = headerBytes + 8
)

// Errors about bytes that came back from a store.
var (
	// ErrKey says that a key is not one of the workload's.
	ErrKey = errors.New("key is not of this workload")
	// ErrValue says that a value was not written by this trial, or not under
	// this key, or differs from what was written.
	ErrValue = errors.New("value is not what was written")
)

// WriteID names one write of a trial. The zero value names none: sequence
// numbers start at 1.
type WriteID struct {
	Writer uint32
	Seq    uint64
}

// keyRoom is the number of keys that fit, bounded by the value header's 32 bits.
func keyRoom(keyBytes int) int {
	if keyBytes >= 4 {
		return math.MaxUint32
	}
	return 1 << (8 * keyBytes)
}

// AllKeys is the number of keys with the contended ones.
func (w *Workload) AllKeys() int { return w.Keys + ContendedKeys }

// AppendKey appends the key with the given index (0 to AllKeys()-1).
func (w *Workload) AppendKey(dst []byte, index int) []byte {
	for range w.KeyBytes - 8 {
		dst = append(dst, keyFiller)
	}
	for i := min(8, w.KeyBytes) - 1; i >= 0; i-- {
		dst = append(dst, byte(uint64(index)>>(8*i)))
	}
	return dst
}

// AppendRange appends the bounds of a range with the key of the given index: the
// first key and etcd's range_end. It spans RangeKeys keys from that one on, moved
// down where the key space ends before, or all keys of the key's prefix. first
// and n tell which indexes of the key space lie in it.
func (w *Workload) AppendRange(start, end []byte, index int) (_, _ []byte, first, n int) {
	if w.RangeKeys == 0 {
		return w.AppendPrefix(start, end, index)
	}
	first = min(index, w.Keys-w.RangeKeys)
	start = w.AppendKey(start, first)
	end = append(w.AppendKey(end, first+w.RangeKeys-1), 0)
	return start, end, first, w.RangeKeys
}

// AppendPrefix appends the bounds of the prefix range that holds the key with
// the given index: the first key and etcd's range_end. first and n tell which
// indexes of the key space lie in the range.
func (w *Workload) AppendPrefix(start, end []byte, index int) (_, _ []byte, first, n int) {
	first = index - index%PrefixKeys
	n = min(PrefixKeys, w.Keys-first)
	at := len(start)
	start = w.AppendKey(start, first)
	start = start[:len(start)-1]
	from := len(end)
	end = append(end, start[at:]...)
	for i := len(end) - 1; i >= from; i-- {
		end[i]++
		if end[i] != 0 {
			return start, end[:i+1], first, n
		}
	}
	return start, append(end[:from], 0), first, n // no key is greater: to the end
}

// Index returns the index of a key that AppendKey made.
func (w *Workload) Index(key []byte) (int, error) {
	if len(key) != w.KeyBytes {
		return 0, fmt.Errorf("%w: %x has %d bytes, want %d", ErrKey, key, len(key), w.KeyBytes)
	}
	var index uint64
	for i, b := range key {
		if i < w.KeyBytes-8 {
			if b != keyFiller {
				return 0, fmt.Errorf("%w: %x", ErrKey, key)
			}
			continue
		}
		index = index<<8 | uint64(b)
	}
	if index >= uint64(w.AllKeys()) {
		return 0, fmt.Errorf("%w: %x is index %d of %d", ErrKey, key, index, w.AllKeys())
	}
	return int(index), nil
}

// AppendValue appends the value that write id stores under the key with the
// given index.
func (w *Workload) AppendValue(dst []byte, index int, id WriteID) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(index))
	dst = binary.LittleEndian.AppendUint32(dst, id.Writer)
	dst = binary.LittleEndian.AppendUint64(dst, id.Seq)
	state := w.fillerSeed(index, id)
	n := w.ValueBytes - headerBytes
	for ; n >= 8; n -= 8 {
		dst = binary.LittleEndian.AppendUint64(dst, splitMix(&state))
	}
	if n > 0 {
		var last [8]byte
		binary.LittleEndian.PutUint64(last[:], splitMix(&state))
		dst = append(dst, last[:n]...)
	}
	return dst
}

// Verify proves from the bytes alone that value was written by this trial under
// the key with the given index, and returns the write that did. The error wraps
// ErrValue.
func (w *Workload) Verify(value []byte, index int) (WriteID, error) {
	if len(value) != w.ValueBytes {
		return WriteID{}, fmt.Errorf("%w: %d bytes, want %d", ErrValue, len(value), w.ValueBytes)
	}
	id := WriteID{Writer: binary.LittleEndian.Uint32(value[4:]), Seq: binary.LittleEndian.Uint64(value[8:])}
	if got := binary.LittleEndian.Uint32(value); got != uint32(index) {
		return id, fmt.Errorf("%w: written under key index %d, read under %d", ErrValue, got, index)
	}
	state := w.fillerSeed(index, id)
	rest := value[headerBytes:]
	for ; len(rest) >= 8; rest = rest[8:] {
		if binary.LittleEndian.Uint64(rest) != splitMix(&state) {
			return id, fmt.Errorf("%w: differs at byte %d to %d", ErrValue, w.ValueBytes-len(rest), w.ValueBytes-len(rest)+7)
		}
	}
	if len(rest) > 0 {
		want := splitMix(&state)
		for i, b := range rest {
			if b != byte(want>>(8*i)) {
				return id, fmt.Errorf("%w: differs at byte %d", ErrValue, w.ValueBytes-len(rest)+i)
			}
		}
	}
	return id, nil
}

func (w *Workload) fillerSeed(index int, id WriteID) uint64 {
	state := w.seed ^ uint64(index)<<32 ^ uint64(id.Writer)
	return splitMix(&state) ^ id.Seq*0x9e3779b97f4a7c15
}

// splitMix is one step of SplitMix64 (Steele, Lea and Flood, "Fast Splittable
// Pseudorandom Number Generators", OOPSLA 2014).
func splitMix(state *uint64) uint64 {
	*state += 0x9e3779b97f4a7c15
	z := *state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

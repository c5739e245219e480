package engine

import (
	"encoding/binary"
	"fmt"

	"metastorebench/core/kv"
)

// AppendValue appends the stored form of pair's metadata and value to dst. The
// key is not part of it: it is the storage's own key.
//
//	uvarint     CreateRevision, ModRevision, Version, Lease (two's complement)
//	the rest    value
func AppendValue(dst []byte, pair *kv.KeyValue) []byte {
	dst = binary.AppendUvarint(dst, uint64(pair.CreateRevision))
	dst = binary.AppendUvarint(dst, uint64(pair.ModRevision))
	dst = binary.AppendUvarint(dst, uint64(pair.Version))
	dst = binary.AppendUvarint(dst, uint64(pair.Lease))
	return append(dst, pair.Value...)
}

// DecodeValue returns the pair that AppendValue encoded into data. It copies
// key and value, into one allocation of their exact size, so that both may
// point into a buffer that is reused. Damage gives ErrCorrupt.
func DecodeValue(key, data []byte) (*kv.KeyValue, error) {
	pair := new(kv.KeyValue)
	rest := data
	for _, field := range [...]*int64{&pair.CreateRevision, &pair.ModRevision, &pair.Version, &pair.Lease} {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, fmt.Errorf("value of key %q: %w: metadata unreadable in %d bytes", key, ErrCorrupt, len(data))
		}
		*field, rest = int64(v), rest[n:]
	}
	buf := make([]byte, len(key)+len(rest))
	n := copy(buf, key)
	copy(buf[n:], rest)
	pair.Key, pair.Value = buf[:n:n], buf[n:]
	return pair, nil
}

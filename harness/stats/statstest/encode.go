package statstest

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"sync"

	hdr "github.com/HdrHistogram/hdrhistogram-go"

	"metastorebench/harness/record"
)

// writers are used again: making one takes more time than all else here.
var writers = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(nil, zlib.NoCompression)
	if err != nil {
		panic(err) // the level is known
	}
	return w
}}

// encode is record.EncodeHDR without the compression, which took a third of the time
// of all tests of reports: what is decoded is the same.
//
//	cookie | bytes of the rest | zlib of:
//	cookie | bytes of counts | 0 | digits | least int64 | greatest int64 | ratio float64 | counts
//
// A count is a signed varint, a negative one a run of empty buckets.
func encode(h *hdr.Histogram) string {
	const cookie, compressedCookie = 0x1c849313, 0x1c849314
	counts := appendCounts(nil, h.Export().Counts)
	inner := binary.BigEndian.AppendUint32(nil, cookie)
	for _, v := range []uint32{uint32(len(counts)), 0, record.HDRDigits} {
		inner = binary.BigEndian.AppendUint32(inner, v)
	}
	for _, v := range []uint64{record.HDRMinNS, record.HDRMaxNS, math.Float64bits(1)} {
		inner = binary.BigEndian.AppendUint64(inner, v)
	}
	var stored bytes.Buffer
	w := writers.Get().(*zlib.Writer)
	defer writers.Put(w)
	w.Reset(&stored)
	_, err := w.Write(append(inner, counts...))
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err) // encoding to memory
	}
	out := binary.BigEndian.AppendUint32(nil, compressedCookie)
	out = binary.BigEndian.AppendUint32(out, uint32(stored.Len()))
	return base64.StdEncoding.EncodeToString(append(out, stored.Bytes()...))
}

func appendCounts(to []byte, counts []int64) []byte {
	zeros := int64(0)
	for _, c := range counts {
		if c == 0 {
			zeros++
			continue
		}
		if zeros > 1 {
			to = binary.AppendVarint(to, -zeros)
		} else if zeros == 1 {
			to = append(to, 0)
		}
		zeros = 0
		to = binary.AppendVarint(to, c)
	}
	return to
}

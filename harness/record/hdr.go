package record

import (
	"fmt"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// The geometry of every latency histogram. A duration outside
// [HDRMinNS, HDRMaxNS] belongs into OpStats.OutOfRange and into no bucket.
const (
	// HDRMinNS is the shortest duration that a histogram tells from zero: 1 us.
	HDRMinNS = 1_000
	// HDRMaxNS is the longest duration that a histogram holds: 60 s.
	HDRMaxNS = 60_000_000_000
	// HDRDigits is the number of significant decimal digits that are kept.
	HDRDigits = 3
)

// NewHistogram returns an empty latency histogram in nanoseconds with the
// geometry above, about 150 KB. It is not safe for concurrent use: give each
// worker its own and merge them with MergeHDR.
func NewHistogram() *hdr.Histogram {
	return hdr.New(HDRMinNS, HDRMaxNS, HDRDigits)
}

// EncodeHDR returns h in HdrHistogram's V2 compressed encoding as base64, the
// form of OpStats.ServiceHDR, which other languages' HdrHistograms read too.
//
// Source: HdrHistogram's AbstractHistogram.encodeIntoCompressedByteBuffer.
func EncodeHDR(h *hdr.Histogram) (string, error) {
	b, err := h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		return "", fmt.Errorf("encode histogram of %d values: %w", h.TotalCount(), err)
	}
	return string(b), nil
}

// DecodeHDR reads what EncodeHDR wrote. A histogram with another geometry is
// refused with ErrHistogram: merging it would lose precision or values.
func DecodeHDR(s string) (*hdr.Histogram, error) {
	h, err := hdr.Decode([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrHistogram, err)
	}
	if lo, hi, d := h.LowestTrackableValue(), h.HighestTrackableValue(), h.SignificantFigures(); lo != HDRMinNS || hi != HDRMaxNS || d != HDRDigits {
		return nil, fmt.Errorf("%w: %d..%d ns with %d digits, want %d..%d ns with %d digits",
			ErrHistogram, lo, hi, d, int64(HDRMinNS), int64(HDRMaxNS), HDRDigits)
	}
	return h, nil
}

// MergeHDR adds h to sum. Both must have the geometry of NewHistogram; a value
// that finds no bucket is ErrHistogram, and sum is then of no use.
func MergeHDR(sum, h *hdr.Histogram) error {
	if dropped := sum.Merge(h); dropped != 0 {
		return fmt.Errorf("%w: merging dropped %d values", ErrHistogram, dropped)
	}
	return nil
}

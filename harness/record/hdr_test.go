package record

import (
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/stretchr/testify/require"
)

func TestHDRRoundTripKeepsEveryCount(t *testing.T) {
	h := NewHistogram()
	for _, v := range []int64{HDRMinNS, 1_500, 1_000_000, 999_999_999, HDRMaxNS} {
		require.NoError(t, h.RecordValues(v, v%7+1))
	}
	s, err := EncodeHDR(h)
	require.NoError(t, err)
	got, err := DecodeHDR(s)
	require.NoError(t, err)
	require.True(t, h.Equals(got))
	require.Equal(t, h.TotalCount(), got.TotalCount())
	require.InEpsilon(t, int64(HDRMaxNS), got.Max(), 0.001, "3 significant digits")
}

func TestHDREmpty(t *testing.T) {
	s, err := EncodeHDR(NewHistogram())
	require.NoError(t, err)
	got, err := DecodeHDR(s)
	require.NoError(t, err)
	require.Zero(t, got.TotalCount())
}

func TestMergeHDR(t *testing.T) {
	a, b := NewHistogram(), NewHistogram()
	require.NoError(t, a.RecordValues(2_000, 3))
	require.NoError(t, b.RecordValues(HDRMaxNS, 4))
	require.NoError(t, MergeHDR(a, b))
	require.EqualValues(t, 7, a.TotalCount())
	require.EqualValues(t, 4, b.TotalCount(), "what is added is not changed")

	wide := hdr.New(1, 100*HDRMaxNS, 3)
	require.NoError(t, wide.RecordValue(50*HDRMaxNS))
	require.ErrorIs(t, MergeHDR(a, wide), ErrHistogram)
}

func TestDecodeHDRRefusesOtherGeometryAndDamage(t *testing.T) {
	for _, h := range []*hdr.Histogram{hdr.New(1, HDRMaxNS, 3), hdr.New(HDRMinNS, 1000*HDRMaxNS, 3), hdr.New(HDRMinNS, HDRMaxNS, 2)} {
		s, err := EncodeHDR(h)
		require.NoError(t, err)
		_, err = DecodeHDR(s)
		require.ErrorIs(t, err, ErrHistogram)
	}
	for _, s := range []string{"", "!", "HISTFAAA"} {
		_, err := DecodeHDR(s)
		require.ErrorIs(t, err, ErrHistogram, s)
	}
}

func FuzzDecodeHDR(f *testing.F) {
	h := NewHistogram()
	require.NoError(f, h.RecordValue(12_345))
	s, err := EncodeHDR(h)
	require.NoError(f, err)
	f.Add(s)
	f.Add("HISTFAAAAA==")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := DecodeHDR(s)
		if err != nil {
			require.ErrorIs(t, err, ErrHistogram)
			return
		}
		again, err := EncodeHDR(h)
		require.NoError(t, err)
		back, err := DecodeHDR(again)
		require.NoError(t, err)
		require.Equal(t, h.TotalCount(), back.TotalCount())
	})
}

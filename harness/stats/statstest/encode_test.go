package statstest

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/record"
)

func TestEncodeIsRecords(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, samples := range []int{1, 2, 50, 5000} {
		h := record.NewHistogram()
		for range samples {
			require.NoError(t, h.RecordValue(record.HDRMinNS+rng.Int64N(int64(1)<<(10+rng.IntN(24)))))
		}
		require.NoError(t, h.RecordValues(record.HDRMaxNS, 1e6))
		text, err := record.EncodeHDR(h)
		require.NoError(t, err)
		want, err := record.DecodeHDR(text)
		require.NoError(t, err)
		got, err := record.DecodeHDR(encode(h))
		require.NoError(t, err)
		require.True(t, want.Equals(got))
		require.Equal(t, want.Export(), got.Export())
	}
}

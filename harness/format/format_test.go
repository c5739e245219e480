package format_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/format"
)

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.0012345: "0.00123", 1: "1.00", 1.005: "1.00", 9.996: "10.0", 12.345: "12.3", 99.96: "100",
		123.4: "123", 999.6: "1,000", 1234: "1,230", 12_345: "12,300", 1_234_567: "1,230,000", -4321: "-4,320",
		math.NaN(): "n/a", math.Inf(1): "n/a",
	} {
		require.Equal(t, want, format.Number(v), "%v", v)
	}
	require.Equal(t, "1,234,567", format.Count(1_234_567))
	require.Equal(t, "-12", format.Count(-12))
}

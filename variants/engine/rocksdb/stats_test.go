//go:build !norocksdb

package rocksdb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTickers(t *testing.T) {
	text := tickers("rocksdb.a COUNT : 3\nrocksdb.a.b COUNT : 12\nrocksdb.c P50 : 1.0 COUNT : 5 SUM : 7\nrocksdb.d COUNT : x\n")
	for name, want := range map[string]int64{"rocksdb.a": 3, "rocksdb.a.b": 12} {
		got, err := text.value(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for name, want := range map[string]string{
		"rocksdb.b": "rocksdb statistics: no ticker rocksdb.b",
		"rocksdb.c": "rocksdb statistics: no ticker rocksdb.c",
		"rocksdb.d": "rocksdb statistics: rocksdb.d: strconv.ParseInt",
	} {
		_, err := text.value(name)
		require.ErrorIs(t, err, errStats)
		require.ErrorContains(t, err, want)
	}
}

package pebble

import (
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/stretchr/testify/require"
)

// TestLiveBytes: of tables that overlap, those of the lowest level count, each
// once.
func TestLiveBytes(t *testing.T) {
	table := func(smallest, largest string, size uint64) pebble.SSTableInfo {
		var info pebble.SSTableInfo
		info.Size = size
		info.Smallest.UserKey, info.Largest.UserKey = []byte(smallest), []byte(largest)
		return info
	}
	for name, c := range map[string]struct {
		levels [][]pebble.SSTableInfo
		want   int64
	}{
		"empty":             {nil, 0},
		"lowest level only": {[][]pebble.SSTableInfo{nil, {table("a", "c", 1), table("d", "f", 2)}}, 3},
		"overwritten":       {[][]pebble.SSTableInfo{{table("b", "b", 1)}, {table("a", "c", 10)}}, 10},
		"touching":          {[][]pebble.SSTableInfo{{table("c", "d", 1)}, {table("a", "c", 10)}}, 10},
		"between":           {[][]pebble.SSTableInfo{{table("cc", "cd", 1)}, {table("a", "c", 10), table("d", "e", 20)}}, 31},
		"before and after":  {[][]pebble.SSTableInfo{{table("A", "B", 1), table("x", "z", 2)}, {table("a", "c", 10)}}, 13},
		"twice in L0":       {[][]pebble.SSTableInfo{{table("a", "b", 1), table("a", "b", 2)}, nil}, 1},
		"spans all":         {[][]pebble.SSTableInfo{{table("A", "z", 1)}, {table("b", "c", 10), table("d", "e", 20)}}, 30},
	} {
		require.Equal(t, c.want, liveBytes(c.levels), name)
	}
}

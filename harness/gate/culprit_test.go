package gate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"metastorebench/harness/metric"
	"metastorebench/harness/record"
)

func TestRoomsExist(t *testing.T) {
	for of, dirs := range rooms {
		for _, dir := range dirs {
			info, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(dir)))
			require.NoError(t, err, of)
			require.True(t, info.IsDir(), dir)
		}
	}
}

func TestCulprit(t *testing.T) {
	gateOf := func(name string) Gate {
		return Gate{Metric: metric.Must(name), Load: "put"}
	}
	wal := record.Change{Commit: "aaaa", Subject: "wal: longer frames", Files: []string{"core/wal/frame.go", "core/wal/frame_test.go", "README.md"}}
	api := record.Change{Commit: "bbbb", Subject: "api: check twice", Files: []string{"core/api/service.go"}}
	tests := record.Change{Commit: "cccc", Subject: "tests", Files: []string{"core/api/service_test.go", "harness/load/load.go", "core/wal/doc.md"}}
	decode := Hint{Metric: metric.Must("stage_decode"), Old: 1, New: 3}
	quicker := Hint{Metric: metric.Must("stage_append"), Old: 3, New: 1}
	syncs := Hint{Metric: metric.Must("fsyncs_per_write"), Old: 1, New: 2}

	require.Nil(t, culprit(gateOf("throughput"), []Hint{decode}, []record.Change{tests}), "nothing of the store changed")

	c := culprit(gateOf("wal_bytes_per_write"), nil, []record.Change{api, wal, tests})
	require.Equal(t, "wal_bytes_per_write", c.What)
	require.Equal(t, []string{
		"wal_bytes_per_write is made in core/wal, variants/wal, core/codec, variants/codec, where these changed:",
		"`aaaa` (wal: longer frames): core/wal/frame.go",
	}, c.Lines())

	// A stage that gained time goes before a count that may be its consequence, and a
	// stage that lost some is no suspect.
	c = culprit(gateOf("throughput"), []Hint{syncs, quicker, decode}, []record.Change{wal, api})
	require.Equal(t, "stage decode", c.What)
	require.Equal(t, []record.Change{api}, c.Changes)
	// Unless nobody touched where it is made.
	c = culprit(gateOf("throughput"), []Hint{syncs, decode}, []record.Change{wal})
	require.Equal(t, "log syncs", c.What)
	require.False(t, c.Elsewhere)
	c = culprit(gateOf("throughput"), []Hint{decode}, []record.Change{wal})
	require.True(t, c.Elsewhere)
	require.Equal(t, []string{
		"stage decode is made in core/api, core/rpcpb, variants/rpc, where nothing changed; elsewhere in the store:",
		"`aaaa` (wal: longer frames): core/wal/frame.go",
	}, c.Lines())

	// Allocations are everyone's.
	many := []record.Change{{Files: []string{"go.mod", "core/a/1.go", "core/a/2.go", "core/a/3.go", "core/a/4.go"}}, api, api, api, api, wal}
	require.Equal(t, []string{
		"changed between base and head:", "not committed: go.mod, core/a/1.go, core/a/2.go, 2 more",
		"`bbbb` (api: check twice): core/api/service.go", "`bbbb` (api: check twice): core/api/service.go",
		"`bbbb` (api: check twice): core/api/service.go", "`bbbb` (api: check twice): core/api/service.go", "and 1 older",
	}, culprit(gateOf("allocs"), nil, many).Lines())
}

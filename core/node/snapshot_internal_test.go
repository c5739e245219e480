package node

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/stretchr/testify/require"
)

// raced is a disk on which somebody else removes a file as soon as it is listed.
type raced struct {
	*vfs.MemFS
	path string
}

func (r raced) List(dir string) ([]string, error) {
	names, err := r.MemFS.List(dir)
	if err == nil {
		err = r.Remove(r.path)
	}
	return names, err
}

// TestRemoveSnapshots: what is old and whole goes, also when two remove at a time;
// what is being written stays, until a start finds that nobody writes it any more.
func TestRemoveSnapshots(t *testing.T) {
	disk := vfs.NewMem()
	n := &Node{opts: Options{FS: disk, DataDir: "data"}}
	require.NoError(t, n.removeSnapshotsBelow(40), "there are none")
	require.NoError(t, disk.MkdirAll(n.path("snap"), 0o700))
	for _, path := range []string{
		n.snapshotPath(10), n.snapshotPath(20), n.snapshotPath(20) + receivedSuffix, n.snapshotPath(30) + temporarySuffix,
		n.snapshotPath(40), n.snapshotPath(50),
	} {
		f, err := disk.Create(path, vfs.WriteCategoryUnspecified)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	left := func() (paths []string) {
		names, err := disk.List(n.path("snap"))
		require.NoError(t, err)
		for _, name := range names {
			paths = append(paths, n.path("snap", name))
		}
		return paths
	}
	n.opts.FS = raced{disk, n.snapshotPath(10)}
	require.NoError(t, n.removeSnapshotsBelow(40))
	require.ElementsMatch(t, []string{
		n.snapshotPath(20) + receivedSuffix, n.snapshotPath(30) + temporarySuffix, n.snapshotPath(40), n.snapshotPath(50),
	}, left())
	n.opts.FS = disk
	require.NoError(t, n.removeHalfWritten())
	require.ElementsMatch(t, []string{n.snapshotPath(40), n.snapshotPath(50)}, left())
}

package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strconv"

	"github.com/cockroachdb/pebble/v2/vfs"

	"metastorebench/core/wal"
)

// formatVersion is the version of the data directory's layout. Version 1 was that
// of clusters of one, without instances and names of members in it.
const formatVersion = 2

// ErrDataDir says that a data directory cannot be used by this node: it belongs
// to another member, cluster, engine or format. Nothing was changed.
var ErrDataDir = errors.New("node: data directory refused")

// meta is what a data directory says of itself.
type meta struct {
	Format    int    `json:"format"`
	ClusterID string `json:"cluster_id"`
	MemberID  string `json:"member_id"`
	Engine    string `json:"engine"`
	// Instance tells this directory from any other that the member might have;
	// see package member. Drawn at random when the directory is made.
	Instance string `json:"instance"`
}

// identity is what the directory's log belongs to.
func (m meta) identity() (wal.Identity, error) {
	cluster, err1 := strconv.ParseUint(m.ClusterID, 16, 64)
	node, err2 := strconv.ParseUint(m.MemberID, 16, 64)
	if err := errors.Join(err1, err2); err != nil {
		return wal.Identity{}, fmt.Errorf("%w: meta.json: %w", ErrDataDir, err)
	}
	return wal.Identity{ClusterID: cluster, NodeID: node}, nil
}

func (m meta) instance() (uint64, error) {
	id, err := strconv.ParseUint(m.Instance, 16, 64)
	if err != nil || id == 0 {
		return 0, fmt.Errorf("%w: meta.json has the instance %q, want a hexadecimal number", ErrDataDir, m.Instance)
	}
	return id, nil
}

func newMeta(id wal.Identity, engine string) meta {
	return meta{
		Format:    formatVersion,
		ClusterID: fmt.Sprintf("%016x", id.ClusterID),
		MemberID:  fmt.Sprintf("%016x", id.NodeID),
		Engine:    engine,
		Instance:  fmt.Sprintf("%016x", max(1, rand.Uint64())),
	}
}

// readMeta returns the directory's meta, or nil if it has none yet.
func readMeta(fsys vfs.FS, path string) (*meta, error) {
	data, err := readFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	m := new(meta)
	d := json.NewDecoder(bytes.NewReader(data))
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %s is damaged: %w", ErrDataDir, path, err)
	}
	return m, nil
}

// check compares what the directory holds with what this node wants.
func (m meta) check(want meta, path string) error {
	if m.Format != want.Format {
		return fmt.Errorf("%w: %s says format version %d, accepted: %d; another version of this program has written it: start that one on it, copy its pairs (etcdctl get --prefix \"\"), and put them into a store with a new --data-dir",
			ErrDataDir, path, m.Format, want.Format)
	}
	for _, c := range []struct{ what, have, want string }{
		{"cluster id", m.ClusterID, want.ClusterID},
		{"member id", m.MemberID, want.MemberID},
		{"engine", m.Engine, want.Engine},
	} {
		if c.have != c.want {
			return fmt.Errorf("%w: %s says %s %s, this node is started with %s; use another --data-dir, or the options it was created with",
				ErrDataDir, path, c.what, c.have, c.want)
		}
	}
	return nil
}

func writeMeta(fsys vfs.FS, path string, m meta) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return writeFileAtomic(fsys, path, path+temporarySuffix, func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

func readFile(fsys vfs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}

// temporarySuffix marks files that are not whole yet.
const temporarySuffix = ".tmp"

// writeFileAtomic writes path through the temporary file tmp of the same directory,
// so that after a crash either all of it or nothing is there. If write fails,
// nothing stays.
func writeFileAtomic(fsys vfs.FS, path, tmp string, write func(io.Writer) error) error {
	f, err := fsys.Create(tmp, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("node: create %s: %w", tmp, err)
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("node: write %s: %w", tmp, errors.Join(err, fsys.Remove(tmp)))
	}
	if err := fsys.Rename(tmp, path); err != nil {
		return fmt.Errorf("node: %w", err)
	}
	return syncDir(fsys, fsys.PathDir(path))
}

func syncDir(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return fmt.Errorf("node: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("node: sync directory %s: %w", dir, err)
	}
	return nil
}

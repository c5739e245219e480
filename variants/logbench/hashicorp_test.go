package logbench

import (
	"errors"
	"io"
	"math"
	"os"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/metadb"
	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// startTimeout bounds the wait for a lone member to lead.
const startTimeout = 30 * time.Second

var errNoSnapshots = errors.New("the benchmark takes no snapshots")

// hashicorp is hashicorp/raft on hashicorp/raft-wal. It is its own FSM.
type hashicorp struct {
	machine
	raft   *raft.Raft
	log    *raftwal.WAL
	meta   metadb.BoltMetaDB // ours to close: the log does not
	synced atomic.Int64
}

var _ raft.BatchingFSM = (*hashicorp)(nil)

func openHashicorp(dir string, _ int) (system, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	h := &hashicorp{machine: newMachine()}
	filer := segment.NewFiler(dir, &countingVFS{VFS: fs.New(), n: &h.synced})
	log, err := raftwal.Open(dir, raftwal.WithSegmentFiler(filer), raftwal.WithMetaStore(&h.meta), raftwal.WithLogger(hclog.NewNullLogger()))
	if err != nil {
		return nil, err
	}
	h.log = log
	if err := h.start(); err != nil {
		return nil, errors.Join(err, log.Close(), h.meta.Close())
	}
	return h, nil
}

// hashicorpConfig is the default but for what the package's comment says.
func hashicorpConfig() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = "n"
	c.Logger = hclog.NewNullLogger()
	c.BatchApplyCh = true
	c.MaxAppendEntries = 1024
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaderLeaseTimeout = 100*time.Millisecond, 100*time.Millisecond, 100*time.Millisecond
	c.SnapshotThreshold = math.MaxUint64
	return c
}

// start runs raft on the log and returns when it leads and has applied the log.
func (h *hashicorp) start() error {
	config, snapshots := hashicorpConfig(), raft.NewInmemSnapshotStore()
	address, transport := raft.NewInmemTransport("n")
	old, err := raft.HasExistingState(h.log, h.log, snapshots)
	if err == nil && !old {
		err = raft.BootstrapCluster(config, h.log, h.log, snapshots, transport, raft.Configuration{Servers: []raft.Server{{ID: config.LocalID, Address: address}}})
	}
	if err != nil {
		return err
	}
	if h.raft, err = raft.NewRaft(config, h, h.log, h.log, snapshots, transport); err != nil {
		return err
	}
	select {
	case <-h.raft.LeaderCh():
		return h.raft.Barrier(startTimeout).Error()
	case <-time.After(startTimeout):
		return errors.Join(errors.New("hashicorp/raft does not lead"), h.raft.Shutdown().Error())
	}
}

// put has no timeout of its own, which would cost a timer.
func (h *hashicorp) put(command []byte) error { return h.raft.Apply(command, 0).Error() }

func (h *hashicorp) syncs() (int64, error) { return h.synced.Load(), nil }

func (h *hashicorp) close() error {
	return errors.Join(h.raft.Shutdown().Error(), h.log.Close(), h.meta.Close())
}

// Apply implements raft.FSM.
func (h *hashicorp) Apply(l *raft.Log) any {
	h.apply(l.Data)
	return nil
}

// ApplyBatch implements raft.BatchingFSM. It is given changes of the membership too.
func (h *hashicorp) ApplyBatch(logs []*raft.Log) []any {
	for _, l := range logs {
		if l.Type == raft.LogCommand {
			h.apply(l.Data)
		}
	}
	return make([]any, len(logs))
}

// Snapshot implements raft.FSM.
func (h *hashicorp) Snapshot() (raft.FSMSnapshot, error) { return nil, errNoSnapshots }

// Restore implements raft.FSM.
func (h *hashicorp) Restore(io.ReadCloser) error { return errNoSnapshots }

// countingVFS counts the syncs of the files that it hands out for writing.
type countingVFS struct {
	types.VFS
	n *atomic.Int64
}

// Create implements types.VFS.
func (v *countingVFS) Create(dir, name string, size uint64) (types.WritableFile, error) {
	f, err := v.VFS.Create(dir, name, size)
	return &countingFile{f, v.n}, err
}

// OpenWriter implements types.VFS.
func (v *countingVFS) OpenWriter(dir, name string) (types.WritableFile, error) {
	f, err := v.VFS.OpenWriter(dir, name)
	return &countingFile{f, v.n}, err
}

type countingFile struct {
	types.WritableFile
	n *atomic.Int64
}

// Sync implements types.WritableFile.
func (f *countingFile) Sync() error {
	f.n.Add(1)
	return f.WritableFile.Sync()
}

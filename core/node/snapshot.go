package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"

	"go.uber.org/zap"

	"metastorebench/core/engine"
	"metastorebench/core/kv"
	"metastorebench/core/raftnode"
	"metastorebench/core/wal"
)

// snapshotter bounds the log; see the package comment. maybe runs on the apply
// goroutine, the work in the background, one snapshot at a time.
type snapshotter struct {
	n        *Node
	logBytes atomic.Int64 // written to the log since the start
	running  atomic.Bool
	work     sync.WaitGroup

	// Owned by the apply goroutine.
	lastIndex    uint64
	lastLogBytes int64
	// lastSize is the size of the last snapshot file, 0 for none.
	lastSize atomic.Int64
}

func (s *snapshotter) init(n *Node, r recovered) {
	s.n = n
	s.lastIndex = r.rec.Snapshot.Index
}

// maybe begins a snapshot if the log has grown past a bound, but not while one is
// sent to a member: it will need the log behind that.
func (s *snapshotter) maybe(st engine.State) {
	o := &s.n.opts
	written := s.logBytes.Load()
	bytesBound := max(o.SnapshotBytes, s.lastSize.Load())
	if st.AppliedIndex-s.lastIndex < o.SnapshotCount && written-s.lastLogBytes < bytesBound {
		return
	}
	if st.AppliedIndex == s.lastIndex || s.n.senders.sending.Load() > 0 || !s.running.CompareAndSwap(false, true) {
		return
	}
	var snap engine.Snapshot
	if !s.n.engine.Persistent() {
		var err error
		if snap, err = s.n.engine.Snapshot(); err != nil {
			s.n.fail(fmt.Errorf("node: snapshot: %w", err))
			return
		}
	}
	s.lastIndex, s.lastLogBytes = st.AppliedIndex, written
	s.work.Go(func() {
		defer s.running.Store(false)
		if err := s.take(st, snap); err != nil && !errors.Is(err, kv.ErrStopped) && !errors.Is(err, raftnode.ErrOldMark) {
			s.n.fail(fmt.Errorf("node: snapshot at entry %d: %w", st.AppliedIndex, err))
		}
	})
}

// take makes st durable without the log, then cuts the log. Meanwhile a snapshot of
// the leader's may be taken over, which is newer; then the log is not cut, and what
// it begins with is not removed.
func (s *snapshotter) take(st engine.State, snap engine.Snapshot) error {
	n := s.n
	if snap == nil {
		if err := n.engine.Flush(); err != nil {
			return err
		}
	} else {
		defer snap.Close()
		if err := s.write(st.AppliedIndex, snap); err != nil {
			return err
		}
	}
	mark := wal.SnapshotMark{Index: st.AppliedIndex, Term: st.AppliedTerm, ConfState: st.ConfState}
	if err := n.raft.Compact(context.Background(), mark, n.opts.CatchUpEntries); err != nil {
		return err
	}
	n.opts.Logger.Info("the log was cut behind a snapshot", zap.Uint64("index", st.AppliedIndex), zap.Int64("snapshot_bytes", s.lastSize.Load()))
	return n.removeSnapshotsBelow(st.AppliedIndex)
}

func (s *snapshotter) write(index uint64, snap engine.Snapshot) error {
	n := s.n
	if err := n.makeSnapDir(); err != nil {
		return err
	}
	path := n.snapshotPath(index)
	return writeFileAtomic(n.opts.FS, path, path+temporarySuffix, func(w io.Writer) error {
		size, err := snap.WriteTo(w)
		s.lastSize.Store(size)
		return err
	})
}

// wait waits for the snapshot in progress, if any.
func (s *snapshotter) wait() { s.work.Wait() }

const snapshotSuffix = ".snap"

func (n *Node) snapshotPath(index uint64) string {
	return n.path("snap", fmt.Sprintf("%016x%s", index, snapshotSuffix))
}

// removeSnapshotsBelow removes older snapshots that are whole: the others are being
// written, one by this node and one by the leader. Two may remove at a time.
func (n *Node) removeSnapshotsBelow(index uint64) error {
	keep := n.opts.FS.PathBase(n.snapshotPath(index))
	return n.removeSnapshots(func(name string) bool { return strings.HasSuffix(name, snapshotSuffix) && name < keep })
}

// removeHalfWritten removes what a crash has left of snapshots, whose indexes may
// be above those of all that follow.
func (n *Node) removeHalfWritten() error {
	return n.removeSnapshots(func(name string) bool { return strings.HasSuffix(name, temporarySuffix) })
}

func (n *Node) removeSnapshots(which func(name string) bool) error {
	dir := n.path("snap")
	names, err := n.opts.FS.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.Contains(name, snapshotSuffix) && which(name) {
			if err := n.opts.FS.Remove(n.opts.FS.PathJoin(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
